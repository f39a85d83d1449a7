//! The first step: log objects in, fragments out.
//!
//! Objects are opened ahead and read on all cores, but their rows are taken in the order of the objects, and a set of
//! fragments is cut after a fixed number of rows: so every run over the same objects makes the same fragments, and doing
//! it again is harmless. Memory is bounded by that number, whatever the size of an object.
//!
//! BE ADVISED: nothing that differs between two runs (the number of cores, which object was read first) may decide
//! where a fragment is cut.

mod content;
mod fragments;
mod held_back;
mod ledger;
mod opening;
mod outcome;
mod reading;
mod text_hash;
mod text_hashes;
mod uses;

use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use futures::future::BoxFuture;
use trailback_cloudtrail::Limits;
use trailback_tables::TableError;

use crate::lake::Lake;
use crate::log_objects::LogObjects;
use crate::progress::{Progress, Step};
use crate::store::StoreError;
use crate::tally::{ExtractTally, Problem};

use fragments::Fragments;
pub use fragments::{PENDING_OBJECTS_MAX, PENDING_ROWS_MAX};
pub use outcome::{Done, Outcome};
use reading::{Account, Piece, ReadInOrder};
pub(crate) use text_hashes::{NoHash, text_hashes};
pub use uses::{Uses, uses};

/// How to extract.
#[derive(Clone, Copy, Debug)]
pub struct ExtractOptions {
    /// What no log object may exceed.
    pub limits: Limits,
    /// How many log objects are parsed, and then fragments encoded, at once; at least one. Default: as many as there are cores.
    pub threads: usize,
    /// How many log objects are open at once where they are fetched over a network; at least one. An answer of S3 takes
    /// 20 to 100 ms and a usual object less than 1 ms to parse, so only requests at once keep a core busy. Default: 32.
    pub objects_at_once: usize,
    /// How many bytes of fetched log objects may wait to be parsed, in equal shares for each that is open; each may
    /// hold one piece of its download beyond that. Default: 16 MiB, so that usual objects fit into their share.
    pub bytes_ahead: usize,
    /// Whether the ledger is to hold the SHA-256 of each object's text, as CloudTrail's digests do. Default: yes.
    pub hash_log_objects: bool,
    /// After this moment no log object is begun. What was begun is finished, what was not is not reported.
    pub deadline: Option<Instant>,
}

impl Default for ExtractOptions {
    fn default() -> ExtractOptions {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        ExtractOptions {
            limits: Limits::default(),
            threads,
            objects_at_once: 32,
            bytes_ahead: 16 << 20,
            hash_log_objects: true,
            deadline: None,
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
    /// The lake cannot be written, or no more log objects could be found.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Rows cannot be encoded.
    #[error("cannot encode a fragment")]
    Encode(#[from] TableError),
    /// A thread died.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

/// Extracts log objects into the lake.
///
/// `on_done` hears of each object in its turn, but only once all its rows are stored; of an object of which it did not
/// hear, nothing is certain. What cannot be read is named in [`Extracted::problems`] as well; everything else is done.
///
/// # Errors
///
/// When the lake cannot be written, or finding log objects breaks off; those found before are done then.
pub fn extract<'r>(
    lake: &'r Lake,
    log_objects: impl Into<LogObjects>,
    options: &'r ExtractOptions,
    progress: &'r Arc<dyn Progress>,
    on_done: &'r mut (dyn FnMut(Done) + Send),
) -> BoxFuture<'r, Result<Extracted, ExtractError>> {
    extract_in_order(lake, log_objects.into(), options, progress, on_done)
}

/// Apart from [`extract`], which every crate compiles again for its own kind of log objects; boxed as [`crate::link::link`] is.
fn extract_in_order<'r>(
    lake: &'r Lake,
    log_objects: LogObjects,
    options: &'r ExtractOptions,
    progress: &'r Arc<dyn Progress>,
    on_done: &'r mut (dyn FnMut(Done) + Send),
) -> BoxFuture<'r, Result<Extracted, ExtractError>> {
    async move {
        let mut extracted = Extracted::default();
        let mut reading = ReadInOrder::start(log_objects.except_of(lake), options, progress);
        let mut fragments = Fragments::new(lake, options.threads, on_done);
        while let Some(piece) = reading.next().await {
            match piece {
                Piece::Rows(rows) => fragments.add(rows).await?,
                Piece::End(account) => {
                    extracted.add(&account);
                    fragments.end(*account).await?;
                }
            }
        }
        let counts = fragments.finish().await?;
        extracted.tally.fragments_written = counts.written;
        extracted.tally.fragments_present = counts.present;
        progress.ends(Step::Extract);
        reading.finish().await??;
        Ok(extracted)
    }
    .boxed()
}

impl Extracted {
    fn add(&mut self, account: &Account) {
        let tally = &mut self.tally;
        tally.objects.add(&account.outcome);
        tally.records.add(&account.records);
        tally.packed_bytes += account.packed_bytes;
        tally.unpacked_bytes += account.unpacked_bytes;
        self.problems.extend(account.problem());
    }
}

#[cfg(test)]
mod tests;
