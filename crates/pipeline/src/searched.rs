//! On what an answer rests: the days that a lake holds, and what its ledger says of their log objects.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use trailback_sessions::Text;
use trailback_tables::Table;
use trailback_tables::ledger::{LedgerEntry, LogObjectOutcome};
use trailback_tables::partition::Day;

use crate::catalog::{self, Partition};
use crate::data_scan;
use crate::find::FindError;
use crate::lake::Lake;

/// Of more log objects than this only the number is told: their rows would take longer to read than the answer.
const LOG_OBJECTS_READ_MAX: u64 = 50_000;

/// How many log objects that could not be read are named.
const FAILURES_MAX: usize = 20;

/// What a lake holds of some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Where the lake lies.
    pub lake: String,
    /// The days that have sessions, each with its number of rows, where the lake tells it.
    pub days: BTreeMap<Day, Option<u64>>,
    /// The log objects that were delivered on these days.
    pub log_objects: LogObjects,
}

/// What came of log objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogObjects {
    /// How many there are, skipped ones included.
    pub count: u64,
    /// The outcomes; `None` where there are too many to look at each.
    pub outcomes: Option<Outcomes>,
}

/// How many log objects came to which end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Read to their end.
    pub read: u64,
    /// Not read, because they are of another kind.
    pub skipped: u64,
    /// Deleted before they were read.
    pub gone: u64,
    /// Could not be read, or not to their end.
    pub failed: u64,
    /// The first of those that failed, with the reason.
    pub failures: Vec<(Text, Option<Text>)>,
    /// Records that were looked at.
    pub records: u64,
}

/// Tells what a lake holds of some days, first and last included.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn searched(lake: &Lake, days: &RangeInclusive<Day>) -> Result<Searched, FindError> {
    let row_count = |partition: &Partition| Some(partition.state.as_ref()?.row_count());
    let sessions = catalog::partitions(lake, Table::Sessions, days).await?;
    let ledger = catalog::partitions(lake, Table::LogObjects, days).await?;
    let days = sessions
        .iter()
        .map(|(day, partition)| (*day, row_count(partition)))
        .collect();
    let count = ledger.values().filter_map(row_count).sum();
    let outcomes = match count <= LOG_OBJECTS_READ_MAX {
        true => Some(outcomes(lake, &ledger).await?),
        false => None,
    };
    Ok(Searched {
        lake: lake.location(),
        days,
        log_objects: LogObjects { count, outcomes },
    })
}

async fn outcomes(lake: &Lake, ledger: &BTreeMap<Day, Partition>) -> Result<Outcomes, FindError> {
    let mut outcomes = Outcomes::default();
    let manifests = ledger
        .values()
        .filter_map(|partition| partition.manifest.as_ref());
    for object in manifests.flat_map(|manifest| manifest.objects()) {
        let entries: Vec<LedgerEntry> = data_scan::read(lake, object).await?;
        entries.into_iter().for_each(|entry| outcomes.add(entry));
    }
    Ok(outcomes)
}

impl Outcomes {
    fn add(&mut self, entry: LedgerEntry) {
        self.records += entry.records.unwrap_or(0);
        match entry.outcome {
            LogObjectOutcome::Extracted => self.read += 1,
            LogObjectOutcome::Skipped => self.skipped += 1,
            LogObjectOutcome::Gone => self.gone += 1,
            LogObjectOutcome::Failed => {
                self.failed += 1;
                if self.failures.len() < FAILURES_MAX {
                    self.failures.push((entry.location, entry.reason));
                }
            }
        }
    }
}
