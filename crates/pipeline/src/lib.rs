//! The steps and the world: stores, extraction, linking, tracing, and their tallies.

pub mod store;
