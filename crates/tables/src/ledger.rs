//! The ledger: which log objects were read, and what came of each.
//!
//! An entry tells nothing that differs from one reading to the next (no time of reading, no machine), so that repeated
//! readings are equal and collapse.

use std::cmp::{Ordering, Reverse};

use trailback_sessions::{Text, Timestamp};

use crate::partition::EventHour;

/// Counts up when other rows are made of the same entries: a linker then makes the ledger anew.
pub const LEDGER_VERSION: i32 = 2;

/// A row of the table `log_objects`: one reading of one log object.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerEntry {
    /// As rows of `sessions` name it: `s3://bucket/key`, or the path below the ingested folder.
    pub location: Text,
    /// The ETag its store gave it, without quotes; for comparison only.
    pub etag: Option<Text>,
    /// The version it was read at, in a versioned bucket.
    pub version_id: Option<Text>,
    /// Its length as it lies, in bytes.
    pub size_bytes: Option<u64>,
    /// What lies there, by its name.
    pub kind: LogObjectKind,
    /// The account whose calls it holds, by its name.
    pub account_id: Option<Text>,
    /// The region whose calls it holds, by its name.
    pub region: Option<Text>,
    /// When CloudTrail delivered it, by its name: to the minute, or to the day.
    pub delivered_at: Option<Timestamp>,
    /// What came of reading it.
    pub outcome: LogObjectOutcome,
    /// Why nothing, or not all, was read of it.
    pub reason: Option<Text>,
    /// The length of its text, in bytes.
    pub unpacked_bytes: Option<u64>,
    /// SHA-256 of its text, in lower-case hex: the `hashValue` of CloudTrail's digests.
    pub sha256: Option<Text>,
    /// Elements of `Records`. `records = issuances + witnesses + passed_over + unreadable`.
    pub records: Option<u64>,
    /// Those that handed out credentials, or refused to.
    pub issuances: Option<u64>,
    /// Those that tell of a session without being its issuance.
    pub witnesses: Option<u64>,
    /// Those that tell of no session.
    pub passed_over: Option<u64>,
    /// Those that could not be read.
    pub unreadable: Option<u64>,
    /// The earliest `eventTime` of its rows.
    pub first_event_time: Option<Timestamp>,
    /// The latest `eventTime` of its rows.
    pub last_event_time: Option<Timestamp>,
    /// The version of the extraction rules that read it.
    pub extract_version: i32,
}

/// What came of reading a log object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogObjectOutcome {
    /// Read to its end.
    #[default]
    Extracted,
    /// Not read, because it is of another kind.
    Skipped,
    /// Could not be read, or not to its end.
    Failed,
    /// Deleted before it was read.
    Gone,
}

/// What lies under a key of CloudTrail's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogObjectKind {
    /// Records of API calls.
    #[default]
    LogObject,
    /// Checksums of log objects.
    Digest,
    /// CloudTrail Insights.
    Insights,
    /// Records of calls through VPC endpoints.
    NetworkActivity,
    /// Sums over data events.
    Aggregated,
    /// A JSON file that CloudTrail has not named.
    OtherJson,
    /// Something else.
    Other,
}

impl LedgerEntry {
    /// The hour it is filed under: that of its delivery; where that is unknown, of its first event; where that is unknown
    /// too, the first hour of 1970. An object's name tells its delivery, so that all readings of it are filed together.
    #[must_use]
    pub fn hour(&self) -> EventHour {
        let filed_at = self.delivered_at.or(self.first_event_time);
        EventHour::of(filed_at.unwrap_or_default())
    }

    /// What two readings of the same thing have in common: where it lies, and the best that is known of which content
    /// lay there.
    fn identity(&self) -> (&Text, Content<'_>) {
        let known = self.etag.as_ref().or(self.version_id.as_ref());
        let content = match known.or(self.sha256.as_ref()) {
            Some(known) => Content::Known(known),
            None => Content::Measured {
                size_bytes: self.size_bytes,
                unpacked_bytes: self.unpacked_bytes,
                event_times: (self.first_event_time, self.last_event_time),
            },
        };
        (&self.location, content)
    }

    /// The entry that speaks comes first. That an object is gone tells nothing of what was read of it before, and who
    /// could read more of its records, as under a higher limit, knows better. Between equals the fuller one speaks: what
    /// is absent sorts lowest.
    fn precedence(&self, other: &Self) -> Ordering {
        let rank = |entry: &Self| {
            let is_gone = entry.outcome == LogObjectOutcome::Gone;
            let unreadable = entry.unreadable.unwrap_or_default();
            let version = Reverse(entry.extract_version);
            (is_gone, version, entry.outcome, unreadable)
        };
        rank(self).cmp(&rank(other)).then_with(|| other.cmp(self))
    }
}

/// Which content lay at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Content<'e> {
    /// By its ETag, its version or its hash.
    Known(&'e Text),
    /// Of a file whose text is not hashed: files of one name, in different folders or at different times, are told apart
    /// by their sizes and times, or one would speak for all.
    Measured {
        size_bytes: Option<u64>,
        unpacked_bytes: Option<u64>,
        event_times: (Option<Timestamp>, Option<Timestamp>),
    },
}

/// The order of the table's rows, a total one: what one account and region delivered stands together.
#[must_use]
pub fn table_order(a: &LedgerEntry, b: &LedgerEntry) -> Ordering {
    let place = |entry: &'_ LedgerEntry| entry.delivered_at;
    a.account_id
        .cmp(&b.account_id)
        .then_with(|| a.region.cmp(&b.region))
        .then_with(|| place(a).cmp(&place(b)))
        .then_with(|| a.cmp(b))
}

/// Collapses repeated readings of one log object, known by its location and ETag, or else its version, or else its
/// SHA-256, or else its sizes and the times of its events; the result is in the order of the table.
///
/// Of readings that differ, one that found the object speaks before one that did not; then that of the highest
/// extraction version; then `extracted` before `skipped` before `failed`; then the one that could read more records; then
/// the one that knows more. The result depends on the set of entries alone, and collapsing parts of it before changes
/// nothing.
#[must_use]
pub fn collapse_repeats(mut entries: Vec<LedgerEntry>) -> Vec<LedgerEntry> {
    entries.sort_unstable_by(|a, b| {
        a.identity()
            .cmp(&b.identity())
            .then_with(|| a.precedence(b))
    });
    entries.dedup_by(|later, first| later.identity() == first.identity());
    entries.sort_unstable_by(table_order);
    entries
}

#[cfg(test)]
mod tests;
