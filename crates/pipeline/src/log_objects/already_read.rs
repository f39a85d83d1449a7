//! Which listed objects the lake holds already, so that a backfill goes on where it stopped.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use trailback_sessions::EXTRACT_VERSION;
use trailback_tables::ledger::LogObjectOutcome;
use trailback_tables::partition::Day;

use super::LogObject;
use crate::fragments::FragmentError;
use crate::lake::Lake;
use crate::ledger::{self, Known};
use crate::store::{ETag, StoreError};

/// Of how many days the ledger is kept. Objects come day after day, but around midnight names tell one day and folders another,
/// region after region.
const DAYS_KEPT: usize = 3;

/// The ledger of a lake, of a few days at a time.
pub(super) struct AlreadyRead {
    lake: Lake,
    /// The day that was asked for last at the end.
    days: Mutex<VecDeque<(Day, Arc<ReadToTheEnd>)>>,
}

/// The SHA-256 of name and ETag of each object that needs no reading: a day may have a million.
type ReadToTheEnd = HashSet<[u8; 32]>;

impl AlreadyRead {
    pub(super) fn of(lake: &Lake) -> AlreadyRead {
        AlreadyRead {
            lake: lake.clone(),
            days: Mutex::default(),
        }
    }

    /// Whether the very content of an object was read to its end, with all its records, by rules as new as these.
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
        let read = self.of_day(Day::of(delivered_at)).await?;
        Ok(read.contains(&content_id(&log_object.name, &etag.0)))
    }

    async fn of_day(&self, day: Day) -> Result<Arc<ReadToTheEnd>, StoreError> {
        let mut days = self.days.lock().await;
        let kept = days.iter().position(|(of, _)| *of == day);
        let of_day = match kept.and_then(|place| days.remove(place)) {
            Some(kept) => kept,
            None => (day, Arc::new(self.read_day(day).await?)),
        };
        let read = Arc::clone(&of_day.1);
        days.push_back(of_day);
        if days.len() > DAYS_KEPT {
            days.pop_front();
        }
        Ok(read)
    }

    async fn read_day(&self, day: Day) -> Result<ReadToTheEnd, StoreError> {
        let known = ledger::known(&self.lake, day..=day).await;
        let known = known.map_err(|failure| self.explain(failure))?;
        let mut read = ReadToTheEnd::new();
        for (location, known) in &known {
            let done = known.iter().filter(|known| needs_no_reading(known));
            let etags = done.filter_map(|known| known.etag.as_deref());
            read.extend(etags.map(|etag| content_id(location, etag)));
        }
        Ok(read)
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

/// Whether reading it again would tell nothing new. Records that could not be read may be readable now, as under a higher limit.
fn needs_no_reading(known: &Known) -> bool {
    known.outcome == LogObjectOutcome::Extracted
        && known.unreadable == 0
        && known.extract_version >= EXTRACT_VERSION
}

fn content_id(location: &str, etag: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    // No ETag has a line break.
    for part in [etag, "\n", location] {
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use trailback_sessions::Timestamp;
    use trailback_tables::ledger::LedgerEntry;
    use trailback_tables::partition::FragmentKey;
    use trailback_tables::{Table, encode_fragment};

    use super::*;
    use crate::log_objects::memory::MemoryLogs;
    use crate::store::faulty::FaultyStore;
    use crate::store::{Condition, Metadata};
    use crate::story::{lake_in, memory_lake, minute};

    fn delivered_at(at: Timestamp) -> LogObject {
        let mut log_object = Arc::new(MemoryLogs::default()).log_object("a.json");
        log_object.delivered_at = Some(at);
        log_object
    }

    fn read(log_object: &LogObject) -> LedgerEntry {
        LedgerEntry {
            location: log_object.name.clone(),
            etag: Some("e".into()),
            delivered_at: log_object.delivered_at,
            unreadable: Some(0),
            extract_version: EXTRACT_VERSION,
            ..LedgerEntry::default()
        }
    }

    async fn file(lake: &Lake, entry: LedgerEntry) {
        let hour = entry.hour();
        let content = encode_fragment(&[entry]).unwrap();
        let key = FragmentKey::of(Table::LogObjects, hour, &content).to_string();
        let put = lake
            .store()
            .put(&key, content.into(), Condition::IfAbsent, Metadata::new());
        put.await.unwrap();
    }

    async fn is_known(lake: &Lake, log_object: &LogObject, etag: &str) -> bool {
        let etag = ETag(etag.to_owned());
        let already_read = AlreadyRead::of(lake);
        already_read.has(log_object, &etag).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_read_with_all_its_records_is_not_read_again() {
        let log_object = delivered_at(minute(0));
        let as_read = [
            (read(&log_object), true),
            (
                LedgerEntry {
                    unreadable: Some(1),
                    ..read(&log_object)
                },
                false,
            ),
            (
                LedgerEntry {
                    outcome: LogObjectOutcome::Failed,
                    ..read(&log_object)
                },
                false,
            ),
            (
                LedgerEntry {
                    extract_version: EXTRACT_VERSION - 1,
                    ..read(&log_object)
                },
                false,
            ),
        ];
        for (entry, wanted) in as_read {
            let (_, lake) = memory_lake().await;
            file(&lake, entry.clone()).await;
            assert_eq!(is_known(&lake, &log_object, "e").await, wanted, "{entry:?}");
            assert!(!is_known(&lake, &log_object, "f").await);
        }
        // Read once more, and better.
        let (_, lake) = memory_lake().await;
        let cut = LedgerEntry {
            unreadable: Some(1),
            reason: Some("longer than the limit".into()),
            ..read(&log_object)
        };
        file(&lake, cut).await;
        file(&lake, read(&log_object)).await;
        assert!(is_known(&lake, &log_object, "e").await);
    }

    #[tokio::test]
    async fn around_midnight_a_day_is_read_once() {
        let (store, lake) = memory_lake().await;
        let days = [0, 1, 2].map(|day| delivered_at(minute(day * 24 * 60)));
        for log_object in &days {
            file(&lake, read(log_object)).await;
        }
        let watched = Arc::new(FaultyStore::watching(store));
        let already_read = AlreadyRead::of(&lake_in(Arc::clone(&watched) as _).await);
        for _ in 0..5 {
            for log_object in &days {
                let etag = ETag("e".to_owned());
                assert!(already_read.has(log_object, &etag).await.unwrap());
            }
        }
        let fragments = Table::LogObjects.fragments_prefix();
        assert_eq!(watched.count("get", fragments), days.len());
    }
}
