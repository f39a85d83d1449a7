//! What people see: traces, descendants, lists and summaries, as text of a given look, and the case report as a page.
//!
//! Everything here is a pure function from sessions to text, so that golden tests can hold it. Whatever comes from a
//! log passes through [`text::safe`].

pub(crate) mod chain_mfa;
pub(crate) mod columns;
pub(crate) mod descendants;
pub(crate) mod gap;
#[cfg(feature = "investigate")]
pub(crate) mod investigations;
pub(crate) mod listing;
pub(crate) mod mermaid;
pub(crate) mod not_found;
mod page;
pub(crate) mod policies;
mod policy;
pub(crate) mod remarks;
pub(crate) mod report;
#[cfg(feature = "investigate")]
pub(crate) mod rows;
#[cfg(test)]
pub(crate) mod stories;
pub(crate) mod summary;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod trace;
pub(crate) mod verification;
pub(crate) mod words;
