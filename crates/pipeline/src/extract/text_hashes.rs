//! The hashes of log objects' texts, read for nothing else: what digests are held against.

use std::sync::Arc;

use super::reading::{Piece, ReadInOrder};
use super::{ExtractError, ExtractOptions};
use crate::log_objects::LogObjects;
use crate::progress::{Progress, Step};

/// Why there is no hash of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoHash {
    /// In words.
    pub(crate) reason: String,
    /// Whether the object was read, and is no good; else nobody knows what it holds.
    pub(crate) was_handed_out: bool,
}

/// For each log object, in their order, the SHA-256 of its text, or why it cannot be told.
///
/// # Errors
///
/// When finding log objects breaks off, or a thread dies.
pub(crate) async fn text_hashes(
    log_objects: impl Into<LogObjects>,
    options: &ExtractOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Vec<Result<[u8; 32], NoHash>>, ExtractError> {
    let options = ExtractOptions {
        hash_log_objects: true,
        ..*options
    };
    let mut reading = ReadInOrder::start(log_objects.into(), &options, progress);
    let mut hashes = Vec::new();
    while let Some(piece) = reading.next().await {
        if let Piece::End(account) = piece {
            let hash = account.sha256.ok_or_else(|| {
                let failure = account.outcome.failure();
                NoHash {
                    reason: failure.unwrap_or("was not read to its end").to_owned(),
                    was_handed_out: account.outcome.is_final(),
                }
            });
            hashes.push(hash);
        }
    }
    progress.ends(Step::Extract);
    reading.finish().await??;
    Ok(hashes)
}
