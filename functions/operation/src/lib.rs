//! What operators see of the functions: settings, logs, metrics.
//!
//! Both functions are set, heard and measured in the same way, and this is it. Nothing here decides anything about
//! log objects or sessions.
//!
//! What is deliberately absent: the environment itself (a function's `settings.rs` hands it in), and a background
//! thread: a frozen function would lose what such a thread has not sent yet.

pub mod invocation;
pub mod lake;
pub mod logs;
pub mod metrics;
pub mod settings;
