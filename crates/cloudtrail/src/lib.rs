//! How AWS writes CloudTrail logs: from the bytes of a log object to its records.
//!
//! The data meets the rooms of this crate in this order:
//!
//! 1. [`object_key`]: is this the key of a log object, or of a digest, Insights or another kind?
//! 2. `gunzip` unpacks the object's bytes, all gzip members, never beyond a limit, into a `window` of little size.
//! 3. `scan` finds, in that text, where a record ends, without parsing it.
//! 4. [`log_object`] walks from record to record, passes over those that cannot be wanted, and parses the others; a bad
//!    record costs itself, not its object.
//! 5. [`record`]: the envelope of one API call; [`user_identity`]: who made it; [`fields`]: the
//!    lenient view of everything that is particular to a call; `secret`: what no view shows.
//! 6. [`digest`]: what CloudTrail vouches for, in a chain of signed digests that only `verify` reads.
//! 7. [`timestamp`]: moments as CloudTrail writes them, their hour and their day.
//!
//! What is deliberately absent: which calls hand out credentials (that is `sessions`' knowledge, told to the
//! reader as a list of event sources), S3, threads, the clock.
//!
//! ```
//! use trailback_cloudtrail::{Limits, Select, read_log_object};
//!
//! let log_object = br#"{"Records":[{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole"},{"eventID":"e-1"}]}"#;
//! let select = Select::Issuances { event_sources: &["sts.amazonaws.com"] };
//! let mut names = Vec::new();
//! let reading = read_log_object(&log_object[..], &select, &Limits::default(), &mut |_place, record| {
//!     names.extend(record.ok().and_then(|record| record.event_name().map(str::to_owned)));
//! });
//! assert_eq!(names, ["AssumeRole"]);
//! assert_eq!((reading.tally.records, reading.tally.passed_over), (2, 1));
//! assert!(reading.failure.is_none());
//! ```

pub mod digest;
pub mod fields;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
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
