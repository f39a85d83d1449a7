//! The rules of `docs/LINKING.md`: each paragraph there is the doc comment of a test here, and properties hold them all.

mod corpus;
mod naive;
mod properties;
mod rules;
mod story;
mod truth;
