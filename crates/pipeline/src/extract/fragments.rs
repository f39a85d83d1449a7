//! Rows that wait to become fragments, and the fragments that were written.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use tokio::task::spawn_blocking;
use trailback_sessions::Issuance;
use trailback_tables::ledger::LedgerEntry;
use trailback_tables::partition::{EventHour, FragmentKey};
use trailback_tables::{FragmentRow, encode_fragment};

use super::ExtractError;
use super::ledger;
use super::outcome::Done;
use super::reading::Account;
use crate::lake::Lake;
use crate::store::{Condition, Metadata, StoreError};

/// After how many rows fragments are cut: few enough to wait in memory (a row takes about 2 KB there), enough for
/// fragments that are not all footer.
pub const PENDING_ROWS_MAX: usize = 16_384;

/// After how many objects fragments are cut, however few rows they had: objects without rows are most, and none of them is
/// done before its line of the ledger is stored.
pub const PENDING_OBJECTS_MAX: usize = 16_384;

/// How many fragments are written at once. Most of the time they wait for the disk or the network.
const WRITES_AT_ONCE: usize = 16;

/// How many fragments of rows there are; those of the ledger are not counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FragmentCounts {
    pub(super) written: u64,
    pub(super) present: u64,
}

/// Rows on their way into the lake, and the objects whose rows they are.
pub(super) struct Fragments<'a> {
    lake: &'a Lake,
    /// How many fragments are encoded at once.
    threads: usize,
    pending: BTreeMap<EventHour, Vec<Issuance>>,
    pending_rows: usize,
    /// Objects of which all rows have been added.
    ended: Vec<Account>,
    on_done: &'a mut (dyn FnMut(Done) + Send),
    counts: FragmentCounts,
}

impl<'a> Fragments<'a> {
    /// Nothing yet.
    pub(super) fn new(
        lake: &'a Lake,
        threads: usize,
        on_done: &'a mut (dyn FnMut(Done) + Send),
    ) -> Fragments<'a> {
        Fragments {
            lake,
            threads: threads.max(1),
            pending: BTreeMap::new(),
            pending_rows: 0,
            ended: Vec::new(),
            on_done,
            counts: FragmentCounts::default(),
        }
    }

    /// Takes rows in the order of the objects, and writes fragments whenever enough of them wait.
    pub(super) async fn add(&mut self, rows: Vec<Issuance>) -> Result<(), ExtractError> {
        for row in rows {
            let hour = EventHour::of(row.record.event_time);
            self.pending.entry(hour).or_default().push(row);
            self.pending_rows += 1;
            if self.pending_rows >= PENDING_ROWS_MAX {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Takes what became of an object, all of whose rows have been added.
    pub(super) async fn end(&mut self, account: Account) -> Result<(), ExtractError> {
        self.ended.push(account);
        if self.ended.len() >= PENDING_OBJECTS_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes what waits. Everything is in the lake when this returns.
    pub(super) async fn finish(mut self) -> Result<FragmentCounts, ExtractError> {
        self.flush().await?;
        Ok(self.counts)
    }

    /// Writes the rows that wait, then what the ledger says of the objects that ended, and only then tells of them.
    async fn flush(&mut self) -> Result<(), ExtractError> {
        self.pending_rows = 0;
        let pending = std::mem::take(&mut self.pending);
        for is_new in write_fragments(self.lake, self.threads, pending).await? {
            match is_new {
                true => self.counts.written += 1,
                false => self.counts.present += 1,
            }
        }
        let ended = std::mem::take(&mut self.ended);
        let mut entries: BTreeMap<EventHour, Vec<LedgerEntry>> = BTreeMap::new();
        for entry in ended.iter().filter_map(ledger::entry) {
            entries.entry(entry.hour()).or_default().push(entry);
        }
        write_fragments(self.lake, self.threads, entries).await?;
        for account in ended {
            (self.on_done)(account.into_done());
        }
        Ok(())
    }
}

/// Writes a fragment for each hour; tells of each whether it is new.
async fn write_fragments<R: FragmentRow>(
    lake: &Lake,
    threads: usize,
    rows: BTreeMap<EventHour, Vec<R>>,
) -> Result<Vec<bool>, ExtractError> {
    let encode = |(hour, rows): (EventHour, Vec<R>)| async move {
        spawn_blocking(move || encode(hour, &rows)).await?
    };
    // Writing waits, encoding works: more than there are threads for it would only hold more memory.
    let encoded = stream::iter(rows).map(encode).buffered(threads);
    let write = |encoded: Result<_, ExtractError>| async { write_fragment(lake, encoded?).await };
    let written = encoded.map(write).buffered(WRITES_AT_ONCE);
    written.collect::<Vec<_>>().await.into_iter().collect()
}

/// How often a fragment is written again when what is there changes meanwhile.
const WRITE_TRIES_MAX: u32 = 8;

/// Writes a fragment; tells whether it is new.
///
/// Its name is the hash of its bytes, so one that is there should be the same. Whether it is, is looked at all the same:
/// fragments are the truth, and reading its log objects again is the only way to mend one that is damaged.
async fn write_fragment(
    lake: &Lake,
    (key, content): (FragmentKey, Bytes),
) -> Result<bool, ExtractError> {
    let (store, name) = (lake.store(), key.to_string());
    let mut condition = Condition::IfAbsent;
    let mut tries = 0;
    loop {
        let put = store.put(&name, content.clone(), condition, Metadata::new());
        let taken = match put.await {
            Ok(_) => return Ok(true),
            Err(taken @ StoreError::Precondition { .. }) => taken,
            Err(failure) => return Err(failure.into()),
        };
        tries += 1;
        condition = match store.get(&name).await {
            Ok(there) => {
                let etag = there.meta.etag.clone();
                if there.bytes().await? == content {
                    return Ok(false);
                }
                Condition::IfMatches(etag)
            }
            // A linker has folded it away in between.
            Err(StoreError::NotFound { .. }) => Condition::IfAbsent,
            Err(failure) => return Err(failure.into()),
        };
        if tries >= WRITE_TRIES_MAX {
            return Err(taken.into());
        }
    }
}

fn encode<R: FragmentRow>(
    hour: EventHour,
    rows: &[R],
) -> Result<(FragmentKey, Bytes), ExtractError> {
    let content = encode_fragment(rows)?;
    let key = FragmentKey::of(R::TABLE, hour, &content);
    Ok((key, Bytes::from(content)))
}
