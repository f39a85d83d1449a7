//! What the lake has read of the log objects of some days: a backfill goes on from here.
//!
//! Told by the ledger's fragments, which are the truth, so that nothing has to be published first.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use trailback_sessions::Text;
use trailback_tables::Table;
use trailback_tables::ledger::{LedgerEntry, LogObjectOutcome, collapse_repeats};
use trailback_tables::partition::{Day, FragmentKey};

use crate::catalog;
use crate::fragments::{self, FragmentError};
use crate::lake::Lake;
use crate::log_objects::DeliveryDays;
use crate::store::StoreError;

/// How often a day is looked at again when linkers are faster.
const TRIES_MAX: u32 = 8;

/// What was read of one log object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The ETag of what was read.
    pub etag: Option<Text>,
    /// Its version, in a versioned bucket.
    pub version_id: Option<Text>,
    /// Its size as it lay, in bytes.
    pub size_bytes: Option<u64>,
    /// SHA-256 of its text, in hex.
    pub sha256: Option<Text>,
    /// What came of it.
    pub outcome: LogObjectOutcome,
    /// How many of its records could not be read.
    pub unreadable: u64,
    /// The version of the extraction rules that read it.
    pub extract_version: i32,
}

/// The log objects of some days that the lake has read, by location. An object that was replaced is known once for each
/// content that was read.
pub type KnownObjects = HashMap<Text, Vec<Known>>;

/// What the lake has read of the log objects that were delivered in some days, first and last included.
///
/// All of it is in memory, about 300 bytes an object: ask for one day, or few. An object whose name does not tell its delivery is
/// filed under its first event, and one without events under 1970-01-01.
///
/// # Errors
///
/// When the lake cannot be read, or a fragment of the ledger is damaged.
pub async fn known(lake: &Lake, days: RangeInclusive<Day>) -> Result<KnownObjects, FragmentError> {
    let mut known = KnownObjects::new();
    for day in catalog::each_day(&days) {
        for entry in entries(lake, day).await? {
            known
                .entry(Text::clone(&entry.location))
                .or_default()
                .push(entry.into());
        }
    }
    Ok(known)
}

/// All that the lake has read of what was delivered in a period, in the order of days. All of it is in memory.
///
/// # Errors
///
/// As [`known`].
pub(crate) async fn entries_of(
    lake: &Lake,
    days: DeliveryDays,
) -> Result<Vec<LedgerEntry>, FragmentError> {
    let hours = catalog::fragments(lake, Table::LogObjects).await?;
    let of_period: BTreeSet<Day> = hours
        .into_keys()
        .map(|hour| hour.day)
        .filter(|day| days.contains(*day))
        .collect();
    let mut all = Vec::new();
    for day in of_period {
        all.append(&mut entries(lake, day).await?);
    }
    Ok(all)
}

/// The entries of a day. A fragment that a linker has just folded into another one is no reason to fail: look again.
async fn entries(lake: &Lake, day: Day) -> Result<Vec<LedgerEntry>, FragmentError> {
    let mut tries = 1;
    loop {
        match entries_once(lake, day).await {
            Err(FragmentError::Store(StoreError::NotFound { .. })) if tries < TRIES_MAX => {
                tries += 1;
            }
            read => return read,
        }
    }
}

async fn entries_once(lake: &Lake, day: Day) -> Result<Vec<LedgerEntry>, FragmentError> {
    let prefix = FragmentKey::day_prefix(Table::LogObjects, day);
    let mut entries = Vec::new();
    for fragments in catalog::fragments_below(lake, &prefix).await?.into_values() {
        let of_hour = fragments::read_all(lake, fragments.into_keys()).await?;
        entries.append(&mut collapse_repeats(of_hour));
    }
    Ok(entries)
}

impl From<LedgerEntry> for Known {
    fn from(entry: LedgerEntry) -> Known {
        Known {
            etag: entry.etag,
            version_id: entry.version_id,
            size_bytes: entry.size_bytes,
            sha256: entry.sha256,
            outcome: entry.outcome,
            unreadable: entry.unreadable.unwrap_or_default(),
            extract_version: entry.extract_version,
        }
    }
}

#[cfg(test)]
mod tests;
