//! The built function as a process between Lambda and S3, both on loopback: what a deployment does, without one.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions they share"
)]

mod deadline;
mod faults;
mod messages;
mod refusals;
mod room;
mod same_rows;
mod shapes;
