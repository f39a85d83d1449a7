//! Drives a scan of a data object over a store: fetches what the scan asks for, and nothing else.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use trailback_sessions::Session;
use trailback_tables::filter::Filter;
use trailback_tables::partition::DataKey;
use trailback_tables::scan::{Columns, Scan, Step};
use trailback_tables::{DataRow, TableError, decode_data_object};

use crate::lake::Lake;
use crate::store::StoreError;

/// How many parts of one object are fetched at once.
const FETCHES_AT_ONCE: usize = 8;

/// Parts of an object that lie so near to each other are fetched together, in bytes: a request costs more.
const GAP_BYTES_MAX: u64 = 64 * 1024;

/// Why a data object could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object's bytes are no rows.
    #[error("{location} is damaged")]
    Damaged {
        /// The data object.
        location: String,
        /// What is wrong.
        #[source]
        cause: TableError,
    },
    /// A thread died.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

impl ScanError {
    /// What is wrong with the bytes of an object.
    pub(crate) fn damaged(lake: &Lake, name: &str, cause: TableError) -> ScanError {
        let location = lake.store().location(name);
        ScanError::Damaged { location, cause }
    }
}

/// Reads some columns of the rows of a data object that pass a filter. Its size is asked for where it is not known.
pub(crate) async fn scan(
    lake: &Lake,
    object: &DataKey,
    size_bytes: Option<u64>,
    filter: Filter,
    columns: Columns,
) -> Result<Vec<Session>, ScanError> {
    let name = object.to_string();
    let size_bytes = match size_bytes {
        Some(size_bytes) => size_bytes,
        None => lake.store().head(&name).await?.size_bytes,
    };
    let damaged = |cause| ScanError::damaged(lake, &name, cause);
    let mut scan = Scan::new(size_bytes, filter).with_columns(columns);
    let mut found = Vec::new();
    loop {
        let (back, step) = tokio::task::spawn_blocking(move || {
            let step = scan.step();
            (scan, step)
        })
        .await?;
        scan = back;
        match step.map_err(damaged)? {
            Step::Need(ranges) => {
                let bytes = fetch(lake, &name, &ranges).await?;
                scan.supply(ranges, bytes).map_err(damaged)?;
            }
            Step::Rows(mut rows) => found.append(&mut rows),
            Step::Done => return Ok(found),
        }
    }
}

/// Reads all rows of a data object.
pub(crate) async fn read<R: DataRow>(lake: &Lake, object: &DataKey) -> Result<Vec<R>, ScanError> {
    let name = object.to_string();
    let content = lake.store().get(&name).await?.bytes().await?;
    let decoded = tokio::task::spawn_blocking(move || decode_data_object(content)).await?;
    decoded.map_err(|cause| ScanError::damaged(lake, &name, cause))
}

/// Fetches parts of an object, sorted by their start; near ones in one request.
pub(crate) async fn fetch(
    lake: &Lake,
    name: &str,
    ranges: &[Range<u64>],
) -> Result<Vec<Bytes>, StoreError> {
    let requests = join_near(ranges);
    let get = |range: Range<u64>| async move {
        let bytes = lake.store().get_range(name, range.clone(), None).await?;
        Ok::<_, StoreError>((range, bytes))
    };
    let fetches = stream::iter(requests).map(get).buffered(FETCHES_AT_ONCE);
    let fetched: Vec<(Range<u64>, Bytes)> = fetches.try_collect().await?;
    Ok(ranges
        .iter()
        .map(|range| part_of(&fetched, range))
        .collect())
}

/// The requests that cover some parts.
fn join_near(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut requests: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match requests.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP_BYTES_MAX) => {
                last.end = last.end.max(range.end);
            }
            _ => requests.push(range),
        }
    }
    requests
}

/// The bytes of a part, from the request that covers it; fewer where the object is shorter.
fn part_of(fetched: &[(Range<u64>, Bytes)], part: &Range<u64>) -> Bytes {
    let covers =
        |(range, _): &&(Range<u64>, Bytes)| range.start <= part.start && part.end <= range.end;
    let Some((range, bytes)) = fetched.iter().find(covers) else {
        return Bytes::new();
    };
    let place = |at: u64| {
        usize::try_from(at - range.start)
            .unwrap_or(usize::MAX)
            .min(bytes.len())
    };
    bytes.slice(place(part.start)..place(part.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_parts_are_fetched_together_and_given_apart() {
        let (near, far) = (GAP_BYTES_MAX, 10 * GAP_BYTES_MAX);
        let ranges = [far..far + 5, 0..4, 4..8, near..near + 1, 2..6];
        assert_eq!(join_near(&ranges), [0..near + 1, far..far + 5]);
        let fetched = [
            (10..20, Bytes::from_static(b"0123456789")),
            (50..60, Bytes::from_static(b"abc")),
        ];
        assert_eq!(part_of(&fetched, &(12..15)), "234");
        assert_eq!(part_of(&fetched, &(51..60)), "bc");
        assert_eq!(part_of(&fetched, &(30..31)), "");
    }
}
