//! Reads fragments: whole, and only if their bytes are those that they are named for.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use trailback_tables::partition::FragmentKey;
use trailback_tables::{FragmentRow, TableError, decode_fragment};

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
    let mut reads = reads.buffered(READS_AT_ONCE);
    let mut rows = Vec::new();
    while let Some(read) = reads.next().await {
        rows.append(&mut read?);
    }
    Ok(rows)
}

/// Reads the rows of one fragment.
pub(crate) async fn read<R: FragmentRow>(
    lake: &Lake,
    key: FragmentKey,
) -> Result<Vec<R>, FragmentError> {
    let name = key.to_string();
    let content = lake.store().get(&name).await?.bytes().await?;
    let decoded = tokio::task::spawn_blocking(move || decode(&key, content)).await?;
    decoded.map_err(|cause| FragmentError::Damaged {
        location: lake.store().location(&name),
        cause,
    })
}

/// Decodes a fragment whose bytes are those that it is named for.
fn decode<R: FragmentRow>(key: &FragmentKey, content: Bytes) -> Result<Vec<R>, Option<TableError>> {
    if !key.names(&content) {
        return Err(None);
    }
    decode_fragment(content).map_err(Some)
}
