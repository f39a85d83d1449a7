//! Links the lake on a schedule.

fn main() {}
