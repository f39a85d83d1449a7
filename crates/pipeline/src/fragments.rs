//! Reads fragments: only if their bytes are those that they are named for; whole, or piece by piece.

use std::ops::RangeInclusive;

use bytes::Bytes;
use futures::stream;
use futures::{StreamExt, TryStreamExt};
use trailback_sessions::{Issuance, Timestamp, Wanted};
use trailback_tables::partition::FragmentKey;
use trailback_tables::{
    Fragment, FragmentByTime, FragmentRow, TableError, decode_fragment, decode_known_fragment,
};

use crate::lake::Lake;
use crate::store::StoreError;

/// How many fragments of one hour are read at once.
const READS_AT_ONCE: usize = 8;

/// Why a fragment cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FragmentError {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It does not hold what its name says.
    #[error(
        "{location} is damaged; delete it and ingest the log objects of that time with --again"
    )]
    Damaged {
        /// The fragment.
        location: String,
        /// What is wrong, where the bytes are right.
        #[source]
        cause: Option<TableError>,
    },
    /// A thread died.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

/// Reads all rows of some fragments.
pub(crate) async fn read_all<R: FragmentRow>(
    lake: &Lake,
    keys: impl IntoIterator<Item = FragmentKey>,
) -> Result<Vec<R>, FragmentError> {
    let keys: Vec<_> = keys.into_iter().collect();
    let reads = stream::iter(keys).map(|key| read(lake, key));
    reads.buffered(READS_AT_ONCE).try_concat().await
}

/// Reads the rows of one fragment.
pub(crate) async fn read<R: FragmentRow>(
    lake: &Lake,
    key: FragmentKey,
) -> Result<Vec<R>, FragmentError> {
    read_as(lake, key, decode_fragment).await
}

/// Reads the rows of one fragment, if this program knows everything in it; `None` where a newer one wrote it.
pub(crate) async fn read_known<R: FragmentRow>(
    lake: &Lake,
    key: FragmentKey,
) -> Result<Option<Vec<R>>, FragmentError> {
    read_as(lake, key, decode_known_fragment).await
}

/// Fragments of sessions whose rows stay encoded until they are asked for.
pub(crate) struct OpenFragments(Vec<(String, Fragment)>);

impl OpenFragments {
    /// Reads some fragments, and decodes nothing of them.
    pub(crate) async fn read(
        lake: &Lake,
        keys: impl IntoIterator<Item = FragmentKey>,
    ) -> Result<OpenFragments, FragmentError> {
        let keys: Vec<_> = keys.into_iter().collect();
        let open = |key: FragmentKey| async {
            let location = lake.store().location(&key.to_string());
            let opened = read_as(lake, key, Fragment::open).await;
            opened.map(|fragment| (location, fragment))
        };
        let opened = stream::iter(keys).map(open).buffered(READS_AT_ONCE);
        Ok(OpenFragments(opened.try_collect().await?))
    }

    /// How many rows they have.
    pub(crate) fn row_count(&self) -> usize {
        self.0
            .iter()
            .map(|(_, fragment)| fragment.row_count())
            .sum()
    }

    /// Decodes all rows, of some fragments at once.
    pub(crate) async fn into_rows(self) -> Result<Vec<Issuance>, FragmentError> {
        let decode = |(location, fragment): (String, Fragment)| async move {
            let decoded = tokio::task::spawn_blocking(move || fragment.rows()).await?;
            decoded.map_err(|cause| damaged(&location, cause))
        };
        let decoded = stream::iter(self.0).map(decode).buffered(READS_AT_ONCE);
        decoded.try_concat().await
    }

    /// Decodes at what times their rows were recorded.
    pub(crate) fn by_time(self) -> Result<FragmentsByTime, FragmentError> {
        let by_time = |(location, fragment): (String, Fragment)| match fragment.by_time() {
            Ok(fragment) => Ok((location, fragment)),
            Err(cause) => Err(damaged(&location, cause)),
        };
        let fragments: Result<_, _> = self.0.into_iter().map(by_time).collect();
        Ok(FragmentsByTime(fragments?))
    }
}

/// Fragments of sessions, of which it is known when their rows were recorded.
pub(crate) struct FragmentsByTime(Vec<(String, FragmentByTime)>);

impl FragmentsByTime {
    /// When the rows were recorded, fragment by fragment.
    pub(crate) fn times(&self) -> impl Iterator<Item = &[Timestamp]> {
        self.0.iter().map(|(_, fragment)| fragment.times())
    }

    /// Decodes the rows recorded in a stretch of time.
    pub(crate) fn rows(
        &self,
        times: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Issuance>, FragmentError> {
        let mut rows = Vec::new();
        for (location, fragment) in &self.0 {
            let decoded = fragment.rows(times);
            rows.append(&mut decoded.map_err(|cause| damaged(location, cause))?);
        }
        Ok(rows)
    }

    /// What the callers of all rows may be linked by.
    pub(crate) fn wanted(&self) -> Result<Wanted, FragmentError> {
        let mut wanted = Wanted::default();
        for (location, fragment) in &self.0 {
            let read = fragment.for_each_caller(|row| wanted.add(row));
            read.map_err(|cause| damaged(location, cause))?;
        }
        Ok(wanted)
    }
}

fn damaged(location: &str, cause: TableError) -> FragmentError {
    FragmentError::Damaged {
        location: location.to_owned(),
        cause: Some(cause),
    }
}

/// Reads one fragment, and makes something of its bytes.
async fn read_as<T: Send + 'static>(
    lake: &Lake,
    key: FragmentKey,
    decode: fn(Bytes) -> Result<T, TableError>,
) -> Result<T, FragmentError> {
    let name = key.to_string();
    let content = lake.store().get(&name).await?.bytes().await?;
    let decoded = tokio::task::spawn_blocking(move || match key.names(&content) {
        true => decode(content).map_err(Some),
        false => Err(None),
    })
    .await?;
    decoded.map_err(|cause| FragmentError::Damaged {
        location: lake.store().location(&name),
        cause,
    })
}
