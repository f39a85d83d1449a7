//! Which listed objects the lake holds already, so that a backfill goes on where it stopped.

use std::sync::Arc;

use tokio::sync::Mutex;
use trailback_sessions::EXTRACT_VERSION;
use trailback_tables::ledger::LogObjectOutcome;
use trailback_tables::partition::Day;

use super::LogObject;
use crate::fragments::FragmentError;
use crate::lake::Lake;
use crate::ledger::{self, Known, KnownObjects};
use crate::store::{ETag, StoreError};

/// The ledger of a lake, of one day at a time: objects come day after day.
pub(super) struct AlreadyRead {
    lake: Lake,
    of_day: Mutex<Option<(Day, Arc<KnownObjects>)>>,
}

impl AlreadyRead {
    pub(super) fn of(lake: &Lake) -> AlreadyRead {
        AlreadyRead {
            lake: lake.clone(),
            of_day: Mutex::new(None),
        }
    }

    /// Whether the very content of an object was read to its end, by rules as new as these.
    ///
    /// An object whose key does not tell its delivery is taken as not read: the ledger files it under its events, which
    /// only reading it tells.
    pub(super) async fn has(
        &self,
        log_object: &LogObject,
        etag: &ETag,
    ) -> Result<bool, StoreError> {
        let Some(delivered_at) = log_object.delivered_at else {
            return Ok(false);
        };
        let known = self.of_day(Day::of(delivered_at)).await?;
        let is_same = |known: &Known| {
            known.outcome == LogObjectOutcome::Extracted
                && known.extract_version >= EXTRACT_VERSION
                && known.etag.as_deref() == Some(&etag.0)
        };
        Ok(known
            .get(&log_object.name)
            .is_some_and(|known| known.iter().any(is_same)))
    }

    async fn of_day(&self, day: Day) -> Result<Arc<KnownObjects>, StoreError> {
        let mut of_day = self.of_day.lock().await;
        if let Some((_, known)) = of_day.as_ref().filter(|(of, _)| *of == day) {
            return Ok(Arc::clone(known));
        }
        let known = ledger::known(&self.lake, day..=day).await;
        let known = Arc::new(known.map_err(|failure| self.explain(failure))?);
        *of_day = Some((day, Arc::clone(&known)));
        Ok(known)
    }

    fn explain(&self, failure: FragmentError) -> StoreError {
        match failure {
            FragmentError::Store(failure) => failure,
            other => StoreError::Unusable {
                location: self.lake.location(),
                action: "read the ledger of",
                problem: other.to_string(),
            },
        }
    }
}
