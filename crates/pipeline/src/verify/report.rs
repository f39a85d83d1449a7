//! What a verification found.

use std::ops::Range;

use trailback_cloudtrail::digest::DigestName;
use trailback_sessions::Timestamp;

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Whether signatures were checked: else a proof is only that nothing contradicts.
    pub signatures_checked: bool,
    /// The counts. Listed log objects balance: proven + altered + unreadable + extra + unproven.
    pub tally: VerifyTally,
    /// The chains of digests, by account, region and trail.
    pub chains: Vec<ChainReport>,
    /// What is wrong or not proven, in the order of account, region and time.
    pub findings: Vec<Finding>,
}

/// Counts of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyTally {
    /// Digests that lie there.
    pub digests: u64,
    /// Those that may be believed.
    pub digests_proven: u64,
    /// Log objects that lie there.
    pub log_objects: u64,
    /// Those that a believable digest names with their very hash.
    pub proven: u64,
    /// Those of them whose hash the ledger knew, so that they were not read.
    pub proven_by_ledger: u64,
    /// Those whose text is another one.
    pub altered: u64,
    /// Those that could not be read.
    pub unreadable: u64,
    /// Those that no digest names although digests of their time are complete.
    pub extra: u64,
    /// Those of a time for which digests are missing, or not there yet.
    pub unproven: u64,
    /// Log objects that a digest names and that are not there.
    pub missing: u64,
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

/// What may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// A log object has another text than CloudTrail delivered.
    LogObjectAltered,
    /// A log object was delivered and is not there.
    LogObjectMissing,
    /// A log object is there that CloudTrail has not delivered.
    LogObjectExtra,
    /// A log object cannot be read.
    LogObjectUnreadable,
    /// The lake has read another text than CloudTrail delivered.
    ReadingAltered,
    /// Log objects that no digest proves.
    LogObjectsUnproven,
    /// Digests are missing.
    DigestMissing,
    /// A digest has another text than the next one says.
    DigestAltered,
    /// A digest's signature does not fit.
    DigestForged,
    /// A digest is signed by a key that is not among the given ones.
    DigestOfUnknownKey,
    /// A copy of a digest has lost its signature.
    DigestUnproven,
    /// A digest lies elsewhere than it says.
    DigestMoved,
    /// A digest cannot be read.
    DigestUnreadable,
    /// There was no validation for a time.
    ValidationOff,
}

impl FindingKind {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FindingKind::LogObjectAltered => "log_object_altered",
            FindingKind::LogObjectMissing => "log_object_missing",
            FindingKind::LogObjectExtra => "log_object_extra",
            FindingKind::LogObjectUnreadable => "log_object_unreadable",
            FindingKind::ReadingAltered => "reading_altered",
            FindingKind::LogObjectsUnproven => "log_objects_unproven",
            FindingKind::DigestMissing => "digest_missing",
            FindingKind::DigestAltered => "digest_altered",
            FindingKind::DigestForged => "digest_forged",
            FindingKind::DigestOfUnknownKey => "digest_of_unknown_key",
            FindingKind::DigestUnproven => "digest_unproven",
            FindingKind::DigestMoved => "digest_moved",
            FindingKind::DigestUnreadable => "digest_unreadable",
            FindingKind::ValidationOff => "validation_off",
        }
    }

    /// Whether somebody has tampered or lost something; the others are only not proven.
    #[must_use]
    pub fn is_wrong(self) -> bool {
        !matches!(
            self,
            FindingKind::LogObjectsUnproven
                | FindingKind::DigestUnproven
                | FindingKind::ValidationOff
        )
    }

    /// Whether records of its time may be lacking from the logs: a hole, in which an issuance may have been.
    #[must_use]
    pub fn is_hole(self) -> bool {
        matches!(
            self,
            FindingKind::LogObjectAltered
                | FindingKind::LogObjectMissing
                | FindingKind::LogObjectUnreadable
                | FindingKind::DigestMissing
                | FindingKind::DigestAltered
                | FindingKind::DigestForged
                | FindingKind::DigestUnreadable
                | FindingKind::ValidationOff
        )
    }
}

impl Verification {
    /// Whether everything that lies there is proven, but for what came after the newest digests.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.tally.proven > 0 && !self.findings.iter().any(|finding| finding.kind.is_wrong())
    }
}
