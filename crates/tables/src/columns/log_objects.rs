//! The columns of the table `log_objects`, the ledger, in their order.

use super::field::{set, set_word};
use super::{Access, Column, Field, Group, Word};

/// Every column of the table `log_objects`, in its order.
pub static LOG_OBJECTS: &[Column] = columns! {
    LogObject LogObject {
        /// Where the log object lies, as sessions.log_objects names it: s3://bucket/key, or a path
        /// below the ingested folder.
        location: text_always!(location)
            => required, without_dictionary, with_page_statistics, with_bloom;
        /// The ETag of the object that was read; for comparison only.
        etag: text!(etag) => without_dictionary;
        /// The version of the object that was read, in a versioned bucket.
        version_id: text!(version_id) => without_dictionary;
        /// The size of the object as it lies, in bytes.
        size_bytes: count!(size_bytes);
        /// What lies there by its name: log_object, digest, insights, network_activity, aggregated,
        /// other_json (JSON that CloudTrail has not named) or other.
        kind: word!(kind);
        /// The account whose calls it holds, by its name.
        account_id: text!(account_id) => with_page_statistics;
        /// The region whose calls it holds, by its name.
        region: text!(region) => with_page_statistics;
        /// When CloudTrail delivered it, by its name: to the minute, or to the day where only the
        /// folders tell.
        delivered_at: moment!(delivered_at) => with_page_statistics;
    }
    Reading LogObject {
        /// extracted where it was read to its end, skipped where it is of another kind, failed where
        /// it could not be read or not to its end, gone where it was deleted before.
        outcome: word!(outcome);
        /// Why nothing, or not all, was read of it.
        reason: text!(reason) => without_statistics;
        /// The size of its text, unpacked, in bytes.
        unpacked_bytes: count!(unpacked_bytes);
        /// SHA-256 of its text, unpacked, as CloudTrail's digests have it; null where hashing is
        /// switched off.
        sha256: text!(sha256) => without_dictionary, with_bloom;
        /// How many records it holds: the sum of the four counts that follow.
        records: count!(records);
        /// How many of them handed out credentials, or refused to.
        issuances: count!(issuances);
        /// How many tell of a session without being its issuance.
        witnesses: count!(witnesses);
        /// How many tell of no session.
        passed_over: count!(passed_over);
        /// How many could not be read.
        unreadable: count!(unreadable);
        /// When the earliest of its records that became rows was recorded.
        first_event_time: moment!(first_event_time);
        /// When the latest of its records that became rows was recorded.
        last_event_time: moment!(last_event_time);
    }
    Program LogObject {
        /// The version of the extraction rules that read it; the highest wins.
        extract_version: Field::Int {
            read: |row| Some(row.extract_version),
            write: |row, value| row.extract_version = value,
        };
    }
};
