//! How AWS writes CloudTrail logs: from the bytes of a log object to its records.
//!
//! The data meets the rooms of this crate in this order:
//!
//! 1. [`object_key`]: is this the key of a log object, or of a digest, Insights or another kind?
//! 2. `gunzip` unpacks the object's bytes, all gzip members, never beyond a limit.
//! 3. `scan` finds, in those bytes, where a record ends and whether it can be one that is wanted.
//! 4. [`log_object`] drives the two over a small window and parses the records that can be wanted;
//!    a bad record costs itself, not its object.
//! 5. [`record`]: the envelope of one API call; [`user_identity`]: who made it; [`fields`]: the
//!    lenient view of everything that is particular to a call; `secret`: what no view shows.
//! 6. [`timestamp`]: moments as CloudTrail writes them, their hour and their day.
//!
//! What is deliberately absent: which calls hand out credentials (that is `sessions`' knowledge, told to the
//! reader as a list of event sources), S3, threads, the clock.

pub mod fields;
pub mod log_object;
pub mod object_key;
pub mod record;
pub mod timestamp;
pub mod user_identity;

mod gunzip;
mod scan;
mod secret;
mod window;

pub use fields::Fields;
pub use gunzip::GunzipError;
pub use log_object::{
    Limits, LogObjectError, LogObjectReader, ReadTally, Reading, Select, read_log_object,
};
pub use object_key::{LogObjectKey, ObjectKind};
pub use record::{Addendum, Record, RecordError, RecordFault};
pub use timestamp::{Day, Hour, Timestamp};
pub use user_identity::{SessionContext, UserIdentity};
