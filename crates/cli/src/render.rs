//! What people see: traces, descendants, lists and summaries, as text of a given look.
//!
//! Everything here is a pure function from sessions to text, so that golden tests can hold it. Whatever comes from a
//! log passes through [`text::safe`].

pub(crate) mod columns;
pub(crate) mod descendants;
mod gap;
pub(crate) mod listing;
pub(crate) mod not_found;
mod page;
mod remarks;
#[cfg(test)]
mod stories;
pub(crate) mod summary;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod trace;
pub(crate) mod words;
