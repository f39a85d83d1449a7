//! How AWS writes CloudTrail logs: from the bytes of a log object to its records.

pub mod object_key;
pub mod record;
pub mod timestamp;
pub mod user_identity;

pub use record::Record;
pub use timestamp::Timestamp;
pub use user_identity::UserIdentity;
