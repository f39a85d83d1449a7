//! The table as it is published at one moment, and scans over it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use futures::stream::{self, StreamExt, TryStreamExt};
use trailback_sessions::{Session, Timestamp};
use trailback_tables::Table;
use trailback_tables::filter::Filter;
use trailback_tables::partition::{DataKey, DayPart, EventHour};
use trailback_tables::scan::Columns;

use super::{FindError, TimeRange, place};
use crate::data_scan;
use crate::lake::Lake;
use crate::published;

/// How many data objects are scanned at once. Of most of them a scan reads a footer and a Bloom filter: in S3 that is waiting for two
/// or three replies of 20 to 50 ms each, hundreds of times for a key whose day nobody knows.
const SCANS_AT_ONCE: usize = 32;

/// How many data objects are read and sorted at once: all their rows that pass are in memory.
const SORTED_AT_ONCE: usize = 2;

/// Takes the rows of one data object after the other, and the moment up to which that is all; says whether to go on.
pub(super) type OnPart<'a> = &'a mut (dyn FnMut(Timestamp, Vec<Session>) -> ControlFlow<()> + Send);

/// The data objects that can hold rows of some time, and their sizes in bytes.
pub(super) struct Snapshot<'a> {
    lake: &'a Lake,
    objects: BTreeMap<DataKey, u64>,
}

impl<'a> Snapshot<'a> {
    /// Looks at the manifests of some time.
    pub(super) async fn take(lake: &'a Lake, range: &TimeRange) -> Result<Snapshot<'a>, FindError> {
        let mut objects = published::objects(lake, Table::Sessions, &range.days()).await?;
        objects.retain(|key, _| may_hold(key, range));
        Ok(Snapshot { lake, objects })
    }

    /// All rows of some time that pass a filter, in no order.
    pub(super) async fn scan(
        &self,
        filter: &Filter,
        range: &TimeRange,
    ) -> Result<Vec<Session>, FindError> {
        let filter = of_time(filter, range);
        let scans = self
            .objects
            .iter()
            .map(|(key, size)| self.scan_object(key, *size, &filter));
        let scans = stream::iter(scans).buffer_unordered(SCANS_AT_ONCE);
        let found: Vec<Vec<Session>> = scans.try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The rows of some time that pass a filter, in the order of time, one data object after the other.
    pub(super) async fn scan_in_order(
        &self,
        filter: &Filter,
        range: &TimeRange,
        on_part: OnPart<'_>,
    ) -> Result<(), FindError> {
        let filter = &of_time(filter, range);
        // No two data objects of a table hold rows of one hour.
        let scans = self.objects.iter().map(|(key, size)| async move {
            let mut rows = self.scan_object(key, *size, filter).await?;
            rows.sort_by_cached_key(place);
            Ok::<_, FindError>((time_of(key).1, rows))
        });
        let mut scans = stream::iter(scans).buffered(SORTED_AT_ONCE);
        while let Some(scanned) = scans.next().await {
            let (end, rows) = scanned?;
            if on_part(end, rows).is_break() {
                break;
            }
        }
        Ok(())
    }

    async fn scan_object(
        &self,
        key: &DataKey,
        size_bytes: u64,
        filter: &Filter,
    ) -> Result<Vec<Session>, FindError> {
        Ok(data_scan::scan(
            self.lake,
            key,
            Some(size_bytes),
            filter.clone(),
            Columns::All,
        )
        .await?)
    }
}

fn of_time(filter: &Filter, range: &TimeRange) -> Filter {
    match (range.since, range.until) {
        (None, None) => filter.clone(),
        (since, until) => Filter::recorded(since, until).and(filter.clone()),
    }
}

/// Whether a data object can hold rows of some time.
fn may_hold(key: &DataKey, range: &TimeRange) -> bool {
    let (start, end) = time_of(key);
    range.since.is_none_or(|since| since < end) && range.until.is_none_or(|until| start < until)
}

/// The first moment of a data object's rows, and the moment after the last.
fn time_of(key: &DataKey) -> (Timestamp, Timestamp) {
    match key.part {
        DayPart::Whole => (key.day.start(), key.day.plus(1).start()),
        DayPart::Hour(hour_of_day) => {
            let hour = EventHour {
                day: key.day,
                hour_of_day,
            };
            (hour.start(), hour.plus(1).start())
        }
    }
}
