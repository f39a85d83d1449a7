//! The steps and the world: stores, extraction, linking, tracing, and their tallies.
//!
//! The data meets the rooms of this crate in this order: [`log_objects`] are found and opened, [`extract`] turns
//! them into fragments, [`link`] turns
//! fragments into the linked table, [`find`] answers from the table, and [`published`] shows it to other engines. [`verify`] holds
//! log objects, and what was read of them, against CloudTrail's digests. All of them work on a [`Lake`](lake::Lake), which
//! lies in a [`Store`](store::Store). What the rows mean is `sessions`' business, how they lie in files is `tables`'.
//!
//! What is deliberately absent: printing, the environment, and a runtime; callers bring their own tokio.

mod catalog;
pub mod causes;
mod data_scan;
pub mod extract;
pub mod find;
pub mod fragments;
pub mod ingest;
pub mod lake;
pub mod ledger;
pub mod link;
pub mod location;
pub mod log_objects;
pub mod progress;
#[cfg(test)]
mod protocol;
pub mod published;
pub mod searched;
pub mod store;
#[cfg(test)]
mod story;
pub mod tally;
pub mod verify;
