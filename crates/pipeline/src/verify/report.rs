//! What a verification found.

use std::ops::Range;

use trailback_cloudtrail::digest::DigestName;
use trailback_sessions::Timestamp;

/// A minute, the precision of the time in a log object's name.
const MINUTE_MS: i64 = 60_000;

/// The minute of a delivery; where a name does not tell it, the first of all.
pub(super) fn minute_of(delivered_at: Option<Timestamp>) -> Range<Timestamp> {
    let at = delivered_at.unwrap_or_default();
    at..Timestamp(at.0 + MINUTE_MS)
}

/// The time of records, from the first one's second to the last one's; where that is not known, of their delivery.
pub(super) fn time_of_records(
    first_and_last: Option<(Timestamp, Timestamp)>,
    delivered_at: Option<Timestamp>,
) -> Range<Timestamp> {
    match first_and_last {
        Some((first, last)) => first..Timestamp(last.0 + 1_000),
        None => minute_of(delivered_at),
    }
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Whether signatures were checked: else a proof is only that nothing contradicts.
    pub signatures_checked: bool,
    /// The counts. Listed log objects balance: proven + altered + unreadable + extra + unproven.
    pub tally: VerifyTally,
    /// What the lake has read; none without a lake.
    pub readings: Option<ReadingsTally>,
    /// The chains of digests, by account, region and trail.
    pub chains: Vec<ChainReport>,
    /// What is wrong or not proven, in the order of account, region and time.
    pub findings: Vec<Finding>,
}

/// What a verification comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All is proven, but for what is too recent.
    Sound,
    /// Nothing is wrong, and not all can be known.
    Incomplete,
    /// Something is wrong.
    Unsound,
}

/// Counts of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyTally {
    /// Digests that lie there, copies of one once.
    pub digests: u64,
    /// Those that may be believed.
    pub digests_proven: u64,
    /// Log objects that lie there, and whatever else ingesting would read.
    pub log_objects: u64,
    /// Those that a believable digest names with their very hash.
    pub proven: u64,
    /// Those of them whose hash the ledger knew, so that they were not read.
    pub proven_by_ledger: u64,
    /// Those whose text is another one.
    pub altered: u64,
    /// Those that could not be read, or were not handed out.
    pub unreadable: u64,
    /// Those that no digest names although digests of their time are complete.
    pub extra: u64,
    /// Those of which nothing is known: digests of their time are missing, or not there yet, or never were.
    pub unproven: u64,
    /// Log objects that a digest names and that are not there.
    pub missing: u64,
}

/// Counts of what the lake has read: `readings = proven + altered + extra + unproven`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadingsTally {
    /// Readings of log objects of that time.
    pub readings: u64,
    /// Those of the very text that CloudTrail delivered.
    pub proven: u64,
    /// Those of another text.
    pub altered: u64,
    /// Those of something that no digest names although digests of its time are complete.
    pub extra: u64,
    /// Those that were held against nothing.
    pub unproven: u64,
}

/// A chain of digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Account, region, trail, and whether it is the one of backfill digests; of the newest digest.
    pub newest: DigestName,
    /// How many there are.
    pub digests: u64,
    /// How many may be believed.
    pub digests_proven: u64,
    /// How many log objects the believable ones name.
    pub log_objects: u64,
    /// The time that the believable ones cover without a hole, in order. None of backfill digests.
    pub covered: Vec<Range<Timestamp>>,
}

/// One thing that is wrong, or not proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Whether records of its time may be lacking: a hole, in which an issuance may have been.
    pub is_hole: bool,
    /// In which account's logs.
    pub account_id: String,
    /// In which region's logs.
    pub region: String,
    /// The log object or digest, where it is one.
    pub object: Option<String>,
    /// The time of the calls, or of the deliveries, that it concerns.
    pub period: Range<Timestamp>,
    /// What is known of it, in words.
    pub why: String,
}

impl Finding {
    pub(super) fn of(
        kind: FindingKind,
        period: Range<Timestamp>,
        why: impl Into<String>,
    ) -> Finding {
        Finding {
            kind,
            is_hole: kind.is_hole(),
            account_id: String::new(),
            region: String::new(),
            object: None,
            // Who forges digests may write times as they like.
            period: period.start.min(period.end)..period.start.max(period.end),
            why: why.into(),
        }
    }

    pub(super) fn in_logs_of(mut self, account_id: &str, region: &str) -> Finding {
        account_id.clone_into(&mut self.account_id);
        region.clone_into(&mut self.region);
        self
    }

    pub(super) fn about(mut self, object: &str) -> Finding {
        self.object = Some(object.to_owned());
        self
    }

    /// The order in which findings are told.
    pub(super) fn order(&self) -> impl Ord + '_ {
        (
            &*self.account_id,
            &*self.region,
            self.period.start,
            self.kind,
            self.object.as_deref(),
        )
    }
}

/// What may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// A log object has another text than CloudTrail delivered.
    LogObjectAltered,
    /// A log object was delivered and is not there.
    LogObjectMissing,
    /// A log object is there that no digest names, though digests of its time are complete.
    LogObjectExtra,
    /// A log object has another text than a digest says, or is not there, and nothing proves that digest.
    LogObjectDisputed,
    /// A log object cannot be read.
    LogObjectUnreadable,
    /// A log object was not handed out: access is denied, it is archived, or its place did not answer.
    LogObjectUnfetched,
    /// The lake has read another text than CloudTrail delivered.
    ReadingAltered,
    /// The lake has read what no digest names, though digests of its time are complete.
    ReadingExtra,
    /// Log objects that no digest proves.
    LogObjectsUnproven,
    /// Log objects whose digests may still be to come.
    LogObjectsTooRecent,
    /// Readings that no digest proves.
    ReadingsUnproven,
    /// Readings of log objects whose digests may still be to come.
    ReadingsTooRecent,
    /// Digests are missing.
    DigestMissing,
    /// A digest has another text than a proven later one says.
    DigestAltered,
    /// A digest is not CloudTrail's: its signature does not fit, or proven ones go on without it.
    DigestForged,
    /// A digest is signed by a key that is not among the given ones.
    DigestOfUnknownKey,
    /// A copy of a digest has lost its signature, and no later one repeats it.
    DigestUnproven,
    /// The same of the newest, whose successor may still be to come.
    DigestTooRecent,
    /// A digest lies elsewhere than it says.
    DigestMoved,
    /// A digest cannot be read.
    DigestUnreadable,
    /// A digest was not handed out.
    DigestUnfetched,
    /// There was no validation for a time, or its last digests are gone.
    ValidationOff,
    /// The digests of an account and region have ended.
    DigestsEnd,
}

impl FindingKind {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FindingKind::LogObjectAltered => "log_object_altered",
            FindingKind::LogObjectMissing => "log_object_missing",
            FindingKind::LogObjectExtra => "log_object_extra",
            FindingKind::LogObjectDisputed => "log_object_disputed",
            FindingKind::LogObjectUnreadable => "log_object_unreadable",
            FindingKind::LogObjectUnfetched => "log_object_unfetched",
            FindingKind::ReadingAltered => "reading_altered",
            FindingKind::ReadingExtra => "reading_extra",
            FindingKind::LogObjectsUnproven => "log_objects_unproven",
            FindingKind::LogObjectsTooRecent => "log_objects_too_recent",
            FindingKind::ReadingsUnproven => "readings_unproven",
            FindingKind::ReadingsTooRecent => "readings_too_recent",
            FindingKind::DigestMissing => "digest_missing",
            FindingKind::DigestAltered => "digest_altered",
            FindingKind::DigestForged => "digest_forged",
            FindingKind::DigestOfUnknownKey => "digest_of_unknown_key",
            FindingKind::DigestUnproven => "digest_unproven",
            FindingKind::DigestTooRecent => "digest_too_recent",
            FindingKind::DigestMoved => "digest_moved",
            FindingKind::DigestUnreadable => "digest_unreadable",
            FindingKind::DigestUnfetched => "digest_unfetched",
            FindingKind::ValidationOff => "validation_off",
            FindingKind::DigestsEnd => "digests_end",
        }
    }

    /// What it makes of the whole: the worst finding decides.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            FindingKind::LogObjectsTooRecent
            | FindingKind::ReadingsTooRecent
            | FindingKind::DigestTooRecent => Verdict::Sound,
            FindingKind::LogObjectDisputed
            | FindingKind::LogObjectUnfetched
            | FindingKind::DigestUnfetched
            | FindingKind::LogObjectsUnproven
            | FindingKind::ReadingsUnproven
            | FindingKind::DigestUnproven
            | FindingKind::ValidationOff
            | FindingKind::DigestsEnd => Verdict::Incomplete,
            _ => Verdict::Unsound,
        }
    }

    /// Whether somebody has tampered or lost something; the others are only not proven.
    #[must_use]
    pub fn is_wrong(self) -> bool {
        self.verdict() == Verdict::Unsound
    }

    /// Whether records of its time may be lacking from the logs. What was read altered is one only where it was not read well
    /// as well.
    fn is_hole(self) -> bool {
        matches!(
            self,
            FindingKind::LogObjectAltered
                | FindingKind::LogObjectMissing
                | FindingKind::LogObjectDisputed
                | FindingKind::LogObjectUnreadable
                | FindingKind::LogObjectUnfetched
                | FindingKind::DigestMissing
                | FindingKind::DigestAltered
                | FindingKind::DigestForged
                | FindingKind::DigestUnproven
                | FindingKind::DigestUnreadable
                | FindingKind::DigestUnfetched
                | FindingKind::ValidationOff
                | FindingKind::DigestsEnd
        )
    }
}

impl Verification {
    /// What it comes to. Where no digest may be believed, or no signature was checked, nothing is known: whoever can write to the
    /// place can make digests that agree with each other.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.findings.iter().map(|finding| finding.kind.verdict());
        let worst = verdicts.max().unwrap_or(Verdict::Sound);
        match self.signatures_checked && self.tally.digests_proven > 0 {
            true => worst,
            false => worst.max(Verdict::Incomplete),
        }
    }
}
