//! What became of a log object, and whether it is worth another try.

use trailback_sessions::Text;

use crate::causes::with_causes;
use crate::log_objects::SkippedKind;
use crate::store::StoreError;
use crate::tally::RecordTally;

/// What became of a log object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was read to its end.
    Extracted,
    /// It is no log object.
    Skipped(SkippedKind),
    /// It does not exist any more.
    Gone,
    /// What it holds cannot be read, or not to its end, however often it is tried. What could be read is in the lake.
    Failed {
        /// Why.
        reason: String,
    },
    /// The store refuses to hand it out. Another try helps once the permission is given that the reason names.
    Denied {
        /// Why.
        reason: String,
    },
    /// The store did not hand it out, or not to its end. Another try may help.
    Unavailable {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// Whether that is the last word on this object. If not, it counts as not read, whatever of it was.
    pub fn is_final(&self) -> bool {
        !matches!(self, Outcome::Denied { .. } | Outcome::Unavailable { .. })
    }

    /// Why it could not be read.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Outcome::Extracted | Outcome::Skipped(_) | Outcome::Gone => None,
            Outcome::Failed { reason }
            | Outcome::Denied { reason }
            | Outcome::Unavailable { reason } => Some(reason),
        }
    }

    /// Of an object that its store did not hand out.
    pub(super) fn of_store_error(error: &StoreError) -> Outcome {
        let reason = with_causes(error);
        match error {
            StoreError::NotFound { .. } => Outcome::Gone,
            StoreError::Denied { .. } => Outcome::Denied { reason },
            _ => Outcome::Unavailable { reason },
        }
    }
}

/// A log object of which all is stored that will be: its rows, and what the ledger says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its place among the log objects of the run, counted from 0.
    pub place: u64,
    /// How rows name it.
    pub name: Text,
    /// What became of it. Only what is [final](Outcome::is_final) may be acknowledged.
    pub outcome: Outcome,
    /// What became of its records.
    pub records: RecordTally,
    /// How much was read of it, as it lies.
    pub packed_bytes: u64,
    /// How much text that was.
    pub unpacked_bytes: u64,
}
