//! `trailback-simulate`: writes a simulated organisation as a tree of log objects.

fn main() {}
