//! Holds log objects, and what the lake has read of them, against CloudTrail's digests.
//!
//! The data meets the rooms in this order: `digests` fetches every digest and sorts them into chains, which
//! [`walk`](trailback_cloudtrail::digest::walk) judges; what they say of log objects goes into `entries`. `held_against` compares that
//! with what lies there, and names the objects that have to be read; `readings` compares it with the ledger; `delivered` says
//! how it stands with what no digest names, and `open` sums up what is not known; `faults` tells what is wrong with chains, and
//! `report` is what came out.
//!
//! With a ledger that knows an object by its `ETag`, nothing is downloaded but digests.

mod delivered;
mod digests;
mod entries;
mod faults;
mod held_against;
mod open;
mod readings;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use trailback_cloudtrail::digest::PublicKeys;
use trailback_sessions::Timestamp;
use trailback_tables::ledger::LogObjectKind;

use crate::extract::{ExtractError, ExtractOptions, text_hashes};
use crate::fragments::FragmentError;
use crate::lake::Lake;
use crate::ledger;
use crate::location::{Location, S3OnDemand};
use crate::log_objects::{DeliveryDays, FindError, list_with_digests};
use crate::progress::Progress;

use held_against::HeldAgainst;
pub use report::{
    ChainReport, Finding, FindingKind, ReadingsTally, Verdict, Verification, VerifyTally,
};

/// How to verify.
#[derive(Debug)]
pub struct VerifyOptions<'a> {
    /// CloudTrail's public keys; without them signatures are not checked, only hashes.
    pub keys: Option<&'a PublicKeys>,
    /// The days of delivery to look at.
    pub days: DeliveryDays,
    /// How log objects are read whose hash the ledger does not know.
    pub reading: ExtractOptions,
    /// The time by this machine's clock: names that say a later one were not written by CloudTrail.
    pub now: Timestamp,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Log objects cannot be listed.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The ledger cannot be read.
    #[error("cannot read what the lake knows of log objects")]
    Ledger(#[from] FragmentError),
    /// Reading log objects broke off.
    #[error(transparent)]
    Read(#[from] ExtractError),
}

/// Verifies everything under the given places that was delivered in a period.
///
/// # Errors
///
/// When log objects cannot be listed, or the ledger not read. What is wrong with the logs is no error but a finding.
pub async fn verify(
    locations: &[Location],
    s3: &S3OnDemand,
    lake: Option<&Lake>,
    options: &VerifyOptions<'_>,
    progress: &Arc<dyn Progress>,
) -> Result<Verification, VerifyError> {
    let listed = list_with_digests(locations, options.days, s3).await?;
    let (digests, others): (Vec<_>, Vec<_>) = listed
        .into_iter()
        .partition(|found| found.log_object.kind == LogObjectKind::Digest);
    // Whatever ingesting would read counts.
    let others = others.into_iter();
    let log_objects = others.filter(|found| found.log_object.skipped.is_none());
    let ledger = match lake {
        Some(lake) => Some(ledger::entries_of(lake, options.days).await?),
        None => None,
    };
    let chains = digests::chains(digests, options).await;
    let mut held = HeldAgainst::new(
        chains,
        log_objects.collect(),
        ledger.as_deref(),
        options.days,
    );
    held.compare();
    let hashes = text_hashes(held.to_read(), &options.reading, progress).await?;
    Ok(held.conclude(hashes, options.now, options.keys.is_some()))
}
