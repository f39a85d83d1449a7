//! Fetches digests, and sorts them into chains.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use trailback_cloudtrail::digest::{Digest, DigestInChain, DigestName, Walk, walk};
use trailback_sessions::Timestamp;
use trailback_tables::partition::Day;

use super::VerifyOptions;
use super::report::{Finding, FindingKind};
use crate::log_objects::{DeliveryDays, Listed, Place};
use crate::store::StoreError;

/// The metadata of a digest's object in which CloudTrail puts its signature, in hex.
const SIGNATURE: &str = "signature";

/// A hole that is told of an unreadable digest: its hour.
const HOUR_MS: i64 = 3_600_000;

/// Account, region, trail, and whether it is of backfill digests.
type ChainId = (String, String, String, bool);

/// One chain, judged.
pub(super) struct Chain {
    pub(super) newest: DigestName,
    pub(super) digests: Vec<DigestInChain>,
    pub(super) walk: Walk,
    /// Whether it lies where CloudTrail's signatures are kept beside it.
    pub(super) is_in_bucket: bool,
}

/// All chains, and the digests that are none.
#[derive(Default)]
pub(super) struct Chains {
    pub(super) chains: Vec<Chain>,
    pub(super) unreadable: Vec<Finding>,
}

/// Fetches the digests of the period, many at once, and walks along each chain.
pub(super) async fn chains(listed: Vec<Listed>, options: &VerifyOptions<'_>) -> Chains {
    let named = listed.into_iter().filter_map(|listed| {
        let name = DigestName::read(&listed.log_object.name)?;
        is_wanted(&name, options.days).then_some((name, listed))
    });
    let fetched: Vec<_> = stream::iter(named)
        .map(|(name, listed)| async move {
            let fetched = fetch(&listed).await;
            (name, listed, fetched)
        })
        .buffered(options.reading.objects_at_once.max(1))
        .collect()
        .await;
    let mut chains = Chains::default();
    let mut by_chain = BTreeMap::<ChainId, Vec<(DigestName, DigestInChain, bool)>>::new();
    for (name, listed, fetched) in fetched {
        match fetched {
            Ok(digest) => {
                let is_in_bucket = listed.etag.is_some();
                let chain = by_chain.entry(id_of(&name)).or_default();
                chain.push((name, digest, is_in_bucket));
            }
            Err(why) => chains.unreadable.push(unreadable(&name, &listed, why)),
        }
    }
    let since = options.days.since.map(Day::start);
    for (id, mut digests) in by_chain {
        digests.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        let newest = digests.last().map(|(name, ..)| name.clone());
        let is_in_bucket = digests.iter().all(|(_, _, is_in_bucket)| *is_in_bucket);
        let digests: Vec<DigestInChain> =
            digests.into_iter().map(|(_, digest, _)| digest).collect();
        if let Some(newest) = newest {
            let walk = walk(&digests, options.keys, since, id.3);
            chains.chains.push(Chain {
                newest,
                digests,
                walk,
                is_in_bucket,
            });
        }
    }
    chains
}

/// Digests of the period: the first of the day after still lists the last of it.
fn is_wanted(name: &DigestName, days: DeliveryDays) -> bool {
    let until = days.until.map(|until| until.plus(1));
    let days = DeliveryDays { until, ..days };
    days.contains(Day::of(name.ended_at))
}

fn id_of(name: &DigestName) -> ChainId {
    let DigestName {
        account_id,
        region,
        trail,
        is_backfill,
        ..
    } = name.clone();
    (account_id, region, trail, is_backfill)
}

async fn fetch(listed: &Listed) -> Result<DigestInChain, String> {
    let unfetched = |failure: StoreError| failure.to_string();
    let (bytes, signature) = match &listed.log_object.place {
        Place::File(path) => {
            let bytes = tokio::fs::read(path).await;
            (bytes.map_err(|failure| failure.to_string())?.into(), None)
        }
        Place::Source(place) => {
            let object = place.open().await.map_err(unfetched)?;
            let signature = object.meta.metadata.get(SIGNATURE).cloned();
            (object.bytes().await.map_err(unfetched)?, signature)
        }
        Place::Unreachable(reason) => return Err(reason.to_string()),
    };
    let digest = Digest::read(&bytes).map_err(|failure| failure.to_string())?;
    Ok(DigestInChain {
        digest,
        lies_at: listed.log_object.object_key().to_owned(),
        signature,
    })
}

fn unreadable(name: &DigestName, listed: &Listed, why: String) -> Finding {
    Finding {
        kind: FindingKind::DigestUnreadable,
        account_id: name.account_id.clone(),
        region: name.region.clone(),
        object: Some(listed.log_object.name.to_string()),
        period: Timestamp(name.ended_at.0 - HOUR_MS)..name.ended_at,
        why,
    }
}
