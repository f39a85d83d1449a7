//! The first step: log objects in, fragments out.
//!
//! Objects are read on all cores, but their rows are taken in the order of delivery, and a set of fragments is cut
//! after a fixed number of rows: so every run over the same files makes the same fragments, and doing it again is
//! harmless. Memory is bounded by that number, whatever the size of an object.
//!
//! BE ADVISED: nothing that differs between two runs (the number of cores, which object was read first) may decide
//! where a fragment is cut.

mod fragments;
mod log_objects;
mod reading;
mod uses;

use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use trailback_cloudtrail::Limits;
use trailback_tables::TableError;

use crate::lake::Lake;
use crate::progress::{Amount, Progress, Step};
use crate::store::StoreError;
use crate::tally::{ExtractTally, Problem};

use fragments::Fragments;
pub use fragments::PENDING_ROWS_MAX;
use reading::{ObjectOutcome, Piece};
pub use uses::{Uses, uses};

/// How to extract.
#[derive(Clone, Copy, Debug)]
pub struct ExtractOptions {
    /// What no log object may exceed.
    pub limits: Limits,
    /// How many log objects are read at once; at least one.
    pub threads: usize,
}

impl Default for ExtractOptions {
    fn default() -> ExtractOptions {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        ExtractOptions {
            limits: Limits::default(),
            threads,
        }
    }
}

/// What came of an extraction.
#[derive(Clone, Debug, Default)]
pub struct Extracted {
    /// The counts.
    pub tally: ExtractTally,
    /// What could not be read, in the order of the objects.
    pub problems: Vec<Problem>,
}

/// Why an extraction stopped. What was stored before stays; running again completes it.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// A path that was given does not exist or cannot be read.
    #[error("cannot read {path}")]
    Path {
        /// The path.
        path: String,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The lake cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Rows cannot be encoded.
    #[error("cannot encode a fragment")]
    Encode(#[from] TableError),
    /// A thread died.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

/// Extracts all log objects under the given paths, folders or single files, into the lake.
///
/// Rows name a log object by its path below the given folder, or by its file name where a file was given. What cannot
/// be read is named in [`Extracted::problems`]; everything else is done.
///
/// # Errors
///
/// When a given path cannot be read at all, or the lake cannot be written.
pub async fn extract(
    lake: &Lake,
    paths: &[PathBuf],
    options: &ExtractOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Extracted, ExtractError> {
    let paths = paths.to_vec();
    let found = tokio::task::spawn_blocking(move || log_objects::find(&paths)).await??;
    let mut extracted = Extracted {
        problems: found.problems,
        ..Extracted::default()
    };
    extracted.tally.objects = found.tally;
    let bytes = found
        .log_objects
        .iter()
        .map(|object| object.size_bytes)
        .sum();
    progress.begins(
        Step::Extract,
        Amount {
            items: found.log_objects.len() as u64,
            bytes,
        },
    );
    let mut objects = reading::read_in_order(found.log_objects, options, progress);
    let mut fragments = Fragments::new(lake);
    while let Some(mut pieces) = objects.recv().await {
        let mut outcome = None;
        while let Some(piece) = pieces.recv().await {
            match piece {
                Piece::Rows(rows) => fragments.add(rows).await?,
                Piece::End(end) => outcome = Some(*end),
            }
        }
        extracted.add(outcome.unwrap_or_else(ObjectOutcome::unknown));
    }
    let counts = fragments.finish().await?;
    extracted.tally.fragments_written = counts.written;
    extracted.tally.fragments_present = counts.present;
    progress.ends(Step::Extract);
    Ok(extracted)
}

impl Extracted {
    fn add(&mut self, outcome: ObjectOutcome) {
        let tally = &mut self.tally;
        match outcome
            .problem
            .as_ref()
            .and_then(|problem| problem.failure.as_ref())
        {
            Some(_) => tally.objects.failed += 1,
            None => tally.objects.extracted += 1,
        }
        tally.records.add(&outcome.records);
        tally.packed_bytes += outcome.packed_bytes;
        tally.unpacked_bytes += outcome.unpacked_bytes;
        self.problems.extend(outcome.problem);
    }
}

/// Runs work on many things at once, and gives the results in their order.
pub(crate) async fn in_order<T, R, F: Future<Output = R>>(
    things: impl IntoIterator<Item = T>,
    at_once: usize,
    work: impl FnMut(T) -> F,
) -> Vec<R> {
    stream::iter(things)
        .map(work)
        .buffered(at_once)
        .collect()
        .await
}

#[cfg(test)]
mod tests;
