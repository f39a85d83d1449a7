//! Holds log objects, and what the lake has read of them, against CloudTrail's digests.
//!
//! The data meets the rooms in this order: `digests` fetches every digest and sorts them into chains, which
//! [`walk`](trailback_cloudtrail::digest::walk) judges; `held_against` compares what proven digests list with what lies there and
//! with the ledger, and names the objects that have to be read; `report` is what came out.
//!
//! With a ledger that knows an object by its `ETag`, nothing is downloaded but digests.

mod digests;
mod held_against;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use trailback_cloudtrail::digest::PublicKeys;
use trailback_tables::ledger::LogObjectKind;
use trailback_tables::partition::Day;

use crate::extract::{ExtractError, ExtractOptions, text_hashes};
use crate::fragments::FragmentError;
use crate::lake::Lake;
use crate::ledger::{self, KnownObjects};
use crate::location::{Location, S3OnDemand};
use crate::log_objects::{DeliveryDays, FindError, Listed, list_with_digests};
use crate::progress::Progress;

use held_against::HeldAgainst;
pub use report::{ChainReport, Finding, FindingKind, Verification, VerifyTally};

/// How to verify.
#[derive(Debug)]
pub struct VerifyOptions<'a> {
    /// CloudTrail's public keys; without them signatures are not checked, only hashes.
    pub keys: Option<&'a PublicKeys>,
    /// The days of delivery to look at.
    pub days: DeliveryDays,
    /// How log objects are read whose hash the ledger does not know.
    pub reading: ExtractOptions,
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
    let (digests, log_objects): (Vec<_>, Vec<_>) = listed
        .into_iter()
        .filter(|found| is_of_interest(found.log_object.kind))
        .partition(|found| found.log_object.kind == LogObjectKind::Digest);
    let known = match lake {
        Some(lake) => known_of(lake, &log_objects).await?,
        None => KnownObjects::new(),
    };
    let chains = digests::chains(digests, options).await;
    let mut held = HeldAgainst::new(chains, log_objects, &known, options.days);
    held.compare();
    let to_read = held.to_read();
    let hashes = text_hashes(to_read, &options.reading, progress).await?;
    Ok(held.conclude(hashes, options.keys.is_some()))
}

fn is_of_interest(kind: LogObjectKind) -> bool {
    matches!(kind, LogObjectKind::LogObject | LogObjectKind::Digest)
}

/// What the ledger says of the days on which these were delivered.
async fn known_of(lake: &Lake, log_objects: &[Listed]) -> Result<KnownObjects, FragmentError> {
    let days = log_objects
        .iter()
        .filter_map(|listed| listed.log_object.delivered_at)
        .map(Day::of);
    match days.clone().min().zip(days.max()) {
        Some((first, last)) => ledger::known(lake, first..=last).await,
        None => Ok(KnownObjects::new()),
    }
}
