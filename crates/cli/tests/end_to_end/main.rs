//! The program as people run it: log objects in, answers out.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "clippy knows tests by their attribute, and not the functions they share"
)]

mod bad_input;
mod corpus;
mod findings;
mod interrupted;
#[cfg(feature = "investigate")]
mod investigate;
mod lakes;
mod pages;
mod policies;
mod readme;
mod report;
mod room;
mod s3;
mod sample;
mod told;
mod truth;
mod verify;
