//! The counts of the steps, which balance, and the problems they met.

use std::fmt;

use trailback_sessions::{Evidence, GapReason, Issuance, Link, LinkStatus, SessionType};

use crate::extract::Outcome;
use crate::log_objects::SkippedKind;

/// How many problems of one log object's records are told one by one.
pub const RECORD_PROBLEMS_TOLD_MAX: usize = 3;

/// What became of log objects. `found = extracted + skipped + gone + failed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectTally {
    /// All that were found and begun.
    pub found: u64,
    /// Read to their end.
    pub extracted: u64,
    /// Not log objects.
    pub skipped: SkippedTally,
    /// Deleted before they could be opened.
    pub gone: u64,
    /// Log objects that could not be read, or not to their end; each is a [`Problem`].
    pub failed: u64,
}

impl ObjectTally {
    /// Counts an object.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.found += 1;
        let count = match outcome {
            Outcome::Extracted => &mut self.extracted,
            Outcome::Skipped(kind) => self.skipped.count(*kind),
            Outcome::Gone => &mut self.gone,
            Outcome::Failed { .. } | Outcome::Denied { .. } | Outcome::Unavailable { .. } => {
                &mut self.failed
            }
        };
        *count += 1;
    }
}

/// What is no log object, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkippedTally {
    /// Digests of CloudTrail's log file validation.
    pub digests: u64,
    /// CloudTrail Insights.
    pub insights: u64,
    /// Network activity.
    pub network_activity: u64,
    /// Aggregated records.
    pub aggregated: u64,
    /// Objects of the lake itself.
    pub of_the_lake: u64,
    /// Log objects that the lake has read already.
    pub already_read: u64,
    /// Other files.
    pub other: u64,
}

impl SkippedTally {
    /// All of them.
    pub fn total(&self) -> u64 {
        let named = self.digests + self.insights + self.network_activity + self.aggregated;
        named + self.of_the_lake + self.already_read + self.other
    }

    fn count(&mut self, kind: SkippedKind) -> &mut u64 {
        match kind {
            SkippedKind::Digest => &mut self.digests,
            SkippedKind::Insights => &mut self.insights,
            SkippedKind::NetworkActivity => &mut self.network_activity,
            SkippedKind::Aggregated => &mut self.aggregated,
            SkippedKind::OfTheLake => &mut self.of_the_lake,
            SkippedKind::AlreadyRead => &mut self.already_read,
            SkippedKind::Other => &mut self.other,
        }
    }
}

/// What became of records. `records = issuances + witnesses + passed_over + unreadable`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordTally {
    /// Elements of `Records`.
    pub records: u64,
    /// Became rows: credentials handed out, or refused.
    pub issuances: u64,
    /// Became rows that tell of a session without being its issuance.
    pub witnesses: u64,
    /// Tell of no session.
    pub passed_over: u64,
    /// Could not be read; the first few of each object are named in its [`Problem`].
    pub unreadable: u64,
    /// Of the issuances, those of calls that this version does not know.
    pub unknown_calls: u64,
}

impl RecordTally {
    /// Counts a row.
    pub(crate) fn add_row(&mut self, row: &Issuance) {
        match row.session.session_type {
            SessionType::Witness => self.witnesses += 1,
            SessionType::Unknown => {
                self.issuances += 1;
                self.unknown_calls += 1;
            }
            _ => self.issuances += 1,
        }
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &RecordTally) {
        self.records += other.records;
        self.issuances += other.issuances;
        self.witnesses += other.witnesses;
        self.passed_over += other.passed_over;
        self.unreadable += other.unreadable;
        self.unknown_calls += other.unknown_calls;
    }
}

/// The counts of one extraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtractTally {
    /// Log objects.
    pub objects: ObjectTally,
    /// Records.
    pub records: RecordTally,
    /// Fragments that were new.
    pub fragments_written: u64,
    /// Fragments that were in the lake already.
    pub fragments_present: u64,
    /// Bytes of log objects, as they lie.
    pub packed_bytes: u64,
    /// Bytes of their text.
    pub unpacked_bytes: u64,
}

impl ExtractTally {
    /// Whether nothing vanished: every count is the sum of its parts.
    pub fn balances(&self) -> bool {
        let (objects, records) = (&self.objects, &self.records);
        let objects_out =
            objects.extracted + objects.skipped.total() + objects.gone + objects.failed;
        let records_out =
            records.issuances + records.witnesses + records.passed_over + records.unreadable;
        objects.found == objects_out && records.records == records_out
    }
}

/// A log object of which something could not be read; everything else of it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The log object, as the table names it.
    pub log_object: String,
    /// Why it could not be read to its end; `None` where only records were unreadable.
    pub failure: Option<String>,
    /// Its first unreadable records, at most [`RECORD_PROBLEMS_TOLD_MAX`].
    pub records: Vec<String>,
    /// How many more records were unreadable.
    pub more_records: u64,
}

impl fmt::Display for Problem {
    /// One line: the object, then everything that is wrong with it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.log_object.escape_debug())?;
        let mut divider = ": ";
        for reason in self.failure.iter().chain(&self.records) {
            write!(f, "{divider}{reason}")?;
            divider = "; ";
        }
        match self.more_records {
            0 => Ok(()),
            more => write!(f, "; and {more} more unreadable records"),
        }
    }
}

/// How rows were linked; adds up to [`LinkTally::rows_linked`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvidenceTally {
    /// The caller is the origin.
    pub origins: u64,
    /// The caller's key is one that was handed out.
    pub by_issued_key: u64,
    /// The caller's principal and creation time are those of a session that was handed out.
    pub by_session_context: u64,
    /// Gaps: the issuance is not in the logs.
    pub not_in_logs: u64,
    /// Gaps: only the copy of the other account is in the logs.
    pub caller_copy_missing: u64,
    /// Gaps: several issuances fit and lead to different origins.
    pub ambiguous: u64,
    /// Gaps: the issuances that fit lead back to themselves.
    pub loops: u64,
}

impl EvidenceTally {
    /// Counts a row.
    pub(crate) fn add(&mut self, link: &Link) {
        let count = match (link.status, link.evidence, link.gap_reason) {
            (LinkStatus::Origin, ..) => &mut self.origins,
            (LinkStatus::Linked, Some(Evidence::SessionContext), _) => &mut self.by_session_context,
            (LinkStatus::Linked, ..) => &mut self.by_issued_key,
            (LinkStatus::Gap, _, Some(GapReason::CallerCopyMissing)) => {
                &mut self.caller_copy_missing
            }
            (LinkStatus::Gap, _, Some(GapReason::Ambiguous)) => &mut self.ambiguous,
            (LinkStatus::Gap, _, Some(GapReason::Loop)) => &mut self.loops,
            (LinkStatus::Gap, _, Some(GapReason::NotInLogs) | None) => &mut self.not_in_logs,
        };
        *count += 1;
    }

    /// Counts rows that were counted elsewhere.
    pub(crate) fn join(&mut self, other: &EvidenceTally) {
        self.origins += other.origins;
        self.by_issued_key += other.by_issued_key;
        self.by_session_context += other.by_session_context;
        self.not_in_logs += other.not_in_logs;
        self.caller_copy_missing += other.caller_copy_missing;
        self.ambiguous += other.ambiguous;
        self.loops += other.loops;
    }

    /// The rows whose caller cannot be named, whatever the reason.
    pub fn gaps(&self) -> u64 {
        self.not_in_logs + self.caller_copy_missing + self.ambiguous + self.loops
    }
}

/// The counts of one linker's run on one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkTally {
    /// Hours that have fragments or rows.
    pub hours: u64,
    /// Hours that were linked again because their inputs had changed.
    pub hours_linked: u64,
    /// Hours that changed but were left to the next run for want of time.
    pub hours_left: u64,
    /// For how long the first of those has waited at most, in seconds by the store's time: since its newest fragment was
    /// written. 0 when none was left.
    pub lag_seconds: u64,
    /// Rows of the hours that were linked.
    pub rows_linked: u64,
    /// Records of these hours' fragments that another row of the table speaks for: repeats, copies of one cross-account call,
    /// and corrected ones. `rows_linked` and these are all records of the fragments.
    pub records_merged: u64,
    /// What linking came to for those rows; nothing for rows of the ledger.
    pub evidence: EvidenceTally,
    /// Rows of the whole table afterwards.
    pub rows: u64,
    /// Days whose manifest was replaced.
    pub days_published: u64,
    /// Data objects written.
    pub objects_written: u64,
    /// Data objects deleted that no manifest named any more.
    pub objects_deleted: u64,
    /// Hours whose fragments were folded into one, or large ones into few.
    pub hours_folded: u64,
    /// Fragments of a newer program that kept their hours from being folded: one of each hour.
    pub newer_fragments: u64,
    /// Days that were built anew because a data object of theirs was damaged.
    pub days_mended: u64,
    /// How often another writer was faster and the work started again.
    pub conflicts: u64,
}
