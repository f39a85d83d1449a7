//! Finds, in the 36 hours before an hour, the rows that its callers may descend from.
//!
//! Rows that were built a moment ago are still in memory; all others are read from their data objects, of which a scan
//! decodes a few columns and then only the rows that are wanted. So memory grows with the hour that is built and the
//! ancestors it has, not with what lies behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use trailback_sessions::{MatchFacts, Session, Wanted};
use trailback_tables::filter::Filter;

use trailback_tables::partition::{DataKey, EventHour};
use trailback_tables::scan::Columns;

use super::kinds::{Kind, Sessions};
use super::{LinkError, Run, hours};
use crate::data_scan;

/// How many data objects are scanned at once.
pub(super) const SCANS_AT_ONCE: usize = 4;

/// Rows that are found once it is waited for them.
pub(super) type Part<'r> = BoxFuture<'r, Result<Vec<Session>, LinkError>>;

/// The rows of hours that were built in this run, as many as fit.
#[derive(Debug)]
pub(super) struct Recent<K: Kind> {
    hours: BTreeMap<EventHour, Arc<Vec<K::Row>>>,
    row_count: usize,
}

impl<K: Kind> Recent<K> {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Recent {
            hours: BTreeMap::new(),
            row_count: 0,
        }
    }

    /// Keeps an hour's rows.
    pub(super) fn insert(&mut self, hour: EventHour, rows: Vec<K::Row>) {
        self.remove(hour);
        self.row_count += rows.len();
        self.hours.insert(hour, Arc::new(rows));
    }

    /// Forgets an hour.
    pub(super) fn remove(&mut self, hour: EventHour) {
        let removed = self.hours.remove(&hour);
        self.row_count -= removed.map_or(0, |rows| rows.len());
    }

    /// The rows of an hour, if they are still there.
    pub(super) fn get(&self, hour: EventHour) -> Option<&Arc<Vec<K::Row>>> {
        self.hours.get(&hour)
    }

    /// Forgets what nobody looks back on any more, and the oldest hours beyond the bound, but none that must stay.
    pub(super) fn keep_within(
        &mut self,
        rows_max: usize,
        newest: EventHour,
        must_stay: impl Fn(EventHour) -> bool,
    ) {
        let oldest_used = hours::look_back::<K>(newest).start;
        let may_go: Vec<_> = self
            .hours
            .keys()
            .copied()
            .filter(|hour| !must_stay(*hour))
            .collect();
        for hour in may_go {
            if hour >= oldest_used && self.row_count <= rows_max {
                break;
            }
            self.remove(hour);
        }
    }
}

impl Run<'_, Sessions> {
    /// The linked rows of the 36 hours before an hour that are wanted, in parts that are yet to be found. What children neither
    /// match nor inherit of them may be missing.
    pub(super) fn look_back(&self, hour: EventHour, wanted: &Arc<Wanted>) -> Vec<Part<'_>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut parts: Vec<Part<'_>> = Vec::new();
        let mut scans: BTreeMap<DataKey, BTreeSet<EventHour>> = BTreeMap::new();
        for (earlier, _) in self.states.range(hours::look_back::<Sessions>(hour)) {
            if let Some(rows) = self.recent.get(*earlier) {
                let (rows, wanted) = (Arc::clone(rows), Arc::clone(wanted));
                parts.push(Box::pin(async move {
                    let is_wanted = |row: &&Session| wanted.wants(&MatchFacts::of(row));
                    Ok(rows.iter().filter(is_wanted).cloned().collect())
                }));
            } else if let Some(object) = self.object_of(*earlier) {
                scans.entry(object).or_default().insert(*earlier);
            }
        }
        for (object, hours) in scans {
            parts.push(Box::pin(self.scan(object, hours, Arc::clone(wanted))));
        }
        parts
    }

    /// Reads the wanted rows of some hours from a data object, as far as children match or inherit them.
    async fn scan(
        &self,
        object: DataKey,
        hours: BTreeSet<EventHour>,
        wanted: Arc<Wanted>,
    ) -> Result<Vec<Session>, LinkError> {
        let (Some(first), Some(last)) = (hours.first(), hours.last()) else {
            return Ok(Vec::new());
        };
        let time = Filter::recorded(Some(first.start()), Some(last.plus(1).start()));
        let filter = time.and(Filter::wanted(wanted));
        let size_bytes = self.objects.get(&object).map(|object| object.size_bytes);
        let columns = Columns::Inherited;
        let found = data_scan::scan(self.lake, &object, size_bytes, filter, columns).await;
        let mut rows = found.map_err(|failure| LinkError::of_scan(failure, &object))?;
        // Between the first and the last hour may lie some that were built again since.
        rows.retain(|row| hours.contains(&EventHour::of(row.issuance.record.event_time)));
        Ok(rows)
    }
}
