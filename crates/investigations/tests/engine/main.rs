//! The embedded engine over lakes made by the program itself: the sample, and a simulated organisation whose truth is known.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions they share"
)]

mod exact;
mod lakes;
mod limits;
mod pitfalls;
mod saved;
mod truth;
