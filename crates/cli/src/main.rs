//! `trailback`: who is really behind a CloudTrail key, role session or event.

fn main() {}
