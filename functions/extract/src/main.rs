//! Extracts log objects as CloudTrail delivers them.

#[allow(dead_code, reason = "the handler that reads notifications follows")]
mod notification;

fn main() {}
