//! `trailback`: who is really behind a CloudTrail key, role session or event.

mod args;
mod look;
mod output;
mod raw_record;
mod render;
mod settings;

fn main() {}
