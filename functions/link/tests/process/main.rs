//! The built function as a process between Lambda and S3, both on loopback.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions they share"
)]

mod faults;
mod refusals;
mod room;
mod runs;
