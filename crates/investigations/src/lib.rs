//! Questions to the lake in SQL: the saved investigations, and the engine that answers them without any server.
//!
//! The SQL lies in `infra/athena`, one file a question, in the dialect of Athena as far as the embedded engine (DataFusion) and
//! DuckDB understand it too: [`saved`] reads it, [`parameters`] what it asks for, [`sql_text`] turns its placeholders into
//! those of Athena's prepared statements. [`Engine`] answers it over a lake, reading what the lake's manifests name and of
//! that only what the question needs. The engine's types end here: an answer is rows of [`Cell`]s.

mod cell;
mod engine;
mod error;
pub mod parameters;
pub mod saved;
pub mod sql_text;
mod statement;

pub use cell::{Cell, Row};
pub use engine::{Answer, Engine, Limits};
pub use error::{Place, QueryError};
