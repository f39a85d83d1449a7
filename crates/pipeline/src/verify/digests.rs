//! Fetches digests, and sorts them into chains.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use trailback_cloudtrail::digest::{
    ChainFault, Digest, DigestInChain, DigestName, Place, Trust, Walk, walk,
};
use trailback_cloudtrail::object_key::trail_root;
use trailback_sessions::{Text, Timestamp};
use trailback_tables::partition::Day;

use super::VerifyOptions;
use super::delivered::HOUR_MS;
use super::entries::{Entries, Voucher};
use super::report::{Finding, FindingKind};
use crate::log_objects::{DeliveryDays, Listed, Place as Lies};
use crate::store::StoreError;

/// The metadata of a digest's object in which CloudTrail puts its signature, in hex.
const SIGNATURE: &str = "signature";

/// What a trail's folders begin with, account, region, trail, and whether it is of backfill digests.
type ChainId = (Option<String>, String, String, String, bool);

/// Account, region and trail.
type TrailName = (String, String, String);

/// When digests ended that are there and could not be read, by trail.
pub(super) type Unread = BTreeMap<TrailName, BTreeSet<Timestamp>>;

/// One chain, judged.
pub(super) struct Chain {
    pub(super) newest: DigestName,
    /// Where CloudTrail put the newest.
    pub(super) place: Place,
    pub(super) digests: Vec<DigestInChain>,
    pub(super) walk: Walk,
    /// How many log objects the believable ones name.
    pub(super) log_objects: u64,
}

/// All chains, and the digests that are none.
#[derive(Default)]
pub(super) struct Chains {
    pub(super) chains: Vec<Chain>,
    pub(super) unreadable: Vec<Finding>,
    pub(super) unread: Unread,
    /// What all digests say that nothing contradicts.
    pub(super) entries: Entries,
}

/// Fetches the digests of the period, many at once, and walks along each chain.
pub(super) async fn chains(listed: Vec<Listed>, options: &VerifyOptions<'_>) -> Chains {
    let fetched: Vec<_> = stream::iter(wanted(listed, options.days))
        .map(|(name, listed)| async move {
            let fetched = fetch(&listed).await;
            (name, listed, fetched)
        })
        .buffered(options.reading.objects_at_once.max(1))
        .collect()
        .await;
    let mut chains = Chains::default();
    let mut by_chain = BTreeMap::<ChainId, Vec<DigestInChain>>::new();
    for (name, listed, fetched) in fetched {
        match fetched {
            Ok((id, digest)) => by_chain.entry(id).or_default().push(digest),
            Err(failure) => {
                chains.unreadable.push(failure.told(&name, &listed));
                let ends = chains.unread.entry(trail_of(&name)).or_default();
                ends.insert(name.ended_at);
            }
        }
    }
    let since = options.days.since.map(Day::start);
    for ((.., is_backfill), digests) in by_chain {
        let digests = without_copies(digests);
        let newest = digests.last().map(|newest| newest.digest.place.clone());
        let name = newest
            .as_ref()
            .and_then(|newest| DigestName::read(&newest.object_key));
        if let Some((place, newest)) = newest.zip(name) {
            let mut walk = walk(&digests, options.keys, since, is_backfill);
            let oldest = digests.first().map(|oldest| oldest.digest.period.start);
            let unread = chains.unread.get(&trail_of(&newest));
            let first_unread = unread.and_then(BTreeSet::first);
            for fault in &mut walk.faults {
                begins_no_earlier(fault, oldest, first_unread);
            }
            walk.faults
                .retain(|fault| is_asked(fault, oldest, options.days));
            let chain = Chain {
                newest,
                place,
                digests,
                walk,
                log_objects: 0,
            };
            chains.add(chain);
        }
    }
    chains
}

impl Chains {
    /// Takes over what its digests say of log objects. What contradicted ones say is forgotten.
    fn add(&mut self, mut chain: Chain) {
        let of = (
            Text::from(&*chain.newest.account_id),
            Text::from(&*chain.newest.region),
        );
        for (found, trust) in chain.digests.iter_mut().zip(&chain.walk.trust) {
            let log_objects = std::mem::take(&mut found.digest.log_objects);
            let voucher = match trust {
                Trust::Proven | Trust::Unchecked => Voucher::Believed,
                Trust::Unproven if chain.newest.is_backfill => Voucher::UnprovenBackfill,
                Trust::Unproven => Voucher::Unproven,
                Trust::Refuted => continue,
            };
            if voucher == Voucher::Believed {
                chain.log_objects += log_objects.len() as u64;
            }
            for object in log_objects {
                self.entries.add(&of, object, voucher);
            }
        }
        self.chains.push(chain);
    }
}

/// The digests in the order of their ends, each once: copies of one share their signatures.
fn without_copies(mut digests: Vec<DigestInChain>) -> Vec<DigestInChain> {
    digests.sort_by(|one, other| {
        let order = |found: &DigestInChain| {
            let Digest {
                period,
                place,
                sha256,
                ..
            } = &found.digest;
            (period.end, place.clone(), *sha256, !found.lies_where_put())
        };
        order(one).cmp(&order(other))
    });
    digests.dedup_by(|copy, first| {
        let is_copy =
            (&copy.digest.place, copy.digest.sha256) == (&first.digest.place, first.digest.sha256);
        if is_copy {
            first.signatures.append(&mut copy.signatures);
            first.is_file &= copy.is_file;
        }
        is_copy
    });
    digests
}

/// The digests to fetch: those of the period, and of each chain the next one after it, which names those before it that were deleted.
fn wanted(listed: Vec<Listed>, days: DeliveryDays) -> Vec<(DigestName, Listed)> {
    let named = listed.into_iter().filter_map(|listed| {
        let name = DigestName::read(&listed.log_object.name)?;
        Some((name, listed))
    });
    let (mut wanted, others): (Vec<_>, Vec<_>) = named.partition(|(name, _)| is_wanted(name, days));
    let is_later = |(name, _): &(DigestName, Listed)| {
        days.until
            .is_some_and(|until| until < Day::of(name.ended_at))
    };
    let mut next = BTreeMap::<ChainId, (DigestName, Listed)>::new();
    for found in others.into_iter().filter(is_later) {
        match next.entry(chain_id(found.1.log_object.object_key(), &found.0)) {
            Entry::Vacant(place) => {
                place.insert(found);
            }
            Entry::Occupied(mut earliest) => {
                if order(&found) < order(earliest.get()) {
                    earliest.insert(found);
                }
            }
        }
    }
    wanted.extend(next.into_values());
    wanted
}

fn order((name, listed): &(DigestName, Listed)) -> (Timestamp, &str) {
    (name.ended_at, &listed.log_object.name)
}

/// What was before the first digest that is there only that one tells, and it was not read.
fn begins_no_earlier(
    fault: &mut ChainFault,
    oldest: Option<Timestamp>,
    first_unread: Option<&Timestamp>,
) {
    if let (ChainFault::Missing { period, .. }, Some(oldest), Some(ended_at)) =
        (fault, oldest, first_unread)
        && period.end <= oldest
    {
        let began_at = Timestamp(ended_at.0 - HOUR_MS);
        if began_at < period.end {
            period.start = period.start.max(began_at);
        }
    }
}

/// Whether time that a fault leaves open is of the period: the digest of the hour after it still lists the last of it. How long
/// before the oldest digest others are missing is not known where the period has no beginning.
fn is_asked(fault: &ChainFault, oldest: Option<Timestamp>, days: DeliveryDays) -> bool {
    let (ChainFault::Missing { period, .. }
    | ChainFault::Gap { period }
    | ChainFault::Off { period }) = fault
    else {
        return true;
    };
    let ends = days.until.map(|until| until.plus(1).start());
    let is_open = days.since.is_none()
        && matches!(fault, ChainFault::Missing { .. })
        && oldest.is_some_and(|oldest| period.end <= oldest);
    is_open || ends.is_none_or(|ends| period.start.0 < ends.0 + HOUR_MS)
}

/// Digests of the period: the first of the day after still lists the last of it, and backfill digests may come at any time
/// later.
fn is_wanted(name: &DigestName, days: DeliveryDays) -> bool {
    let until = days.until.filter(|_| !name.is_backfill);
    let until = until.map(|until| until.plus(1));
    let days = DeliveryDays { until, ..days };
    days.contains(Day::of(name.ended_at))
}

/// Which chain a digest says that it belongs to.
fn id_of(digest: &Digest) -> Option<ChainId> {
    let object_key = &digest.place.object_key;
    Some(chain_id(object_key, &DigestName::read(object_key)?))
}

fn chain_id(object_key: &str, name: &DigestName) -> ChainId {
    let root = trail_root(object_key).map(str::to_owned);
    let (account_id, region, trail) = trail_of(name);
    (root, account_id, region, trail, name.is_backfill)
}

pub(super) fn trail_of(name: &DigestName) -> TrailName {
    let DigestName {
        account_id,
        region,
        trail,
        ..
    } = name.clone();
    (account_id, region, trail)
}

/// Why a digest that is there says nothing.
enum Failure {
    /// It was not handed out: nobody knows what it says.
    Unfetched(String),
    /// It is none.
    Broken(String),
}

impl Failure {
    fn told(self, name: &DigestName, listed: &Listed) -> Finding {
        let (kind, why) = match self {
            Failure::Unfetched(why) => (FindingKind::DigestUnfetched, why),
            Failure::Broken(why) => (FindingKind::DigestUnreadable, why),
        };
        let period = Timestamp(name.ended_at.0 - HOUR_MS)..name.ended_at;
        Finding::of(kind, period, why)
            .in_logs_of(&name.account_id, &name.region)
            .about(&listed.log_object.name)
    }
}

async fn fetch(listed: &Listed) -> Result<(ChainId, DigestInChain), Failure> {
    let unfetched = |failure: StoreError| Failure::Unfetched(failure.to_string());
    let (bytes, signature) = match &listed.log_object.place {
        Lies::File(path) => {
            let bytes = tokio::fs::read(path).await;
            let bytes = bytes.map_err(|failure| Failure::Unfetched(failure.to_string()))?;
            (bytes.into(), None)
        }
        Lies::Source(place) => {
            let object = place.open().await.map_err(unfetched)?;
            let signature = object.meta.metadata.get(SIGNATURE).cloned();
            (object.bytes().await.map_err(unfetched)?, signature)
        }
        Lies::Unreachable(reason) => return Err(Failure::Unfetched(reason.to_string())),
    };
    let digest = Digest::read(&bytes).map_err(|failure| Failure::Broken(failure.to_string()))?;
    let lies_nowhere = || Failure::Broken("says that it lies where no digest is put".to_owned());
    let id = id_of(&digest).ok_or_else(lies_nowhere)?;
    let found = DigestInChain {
        digest,
        lies_at: listed.log_object.object_key().to_owned(),
        is_file: listed.etag.is_none(),
        signatures: signature.into_iter().collect(),
    };
    Ok((id, found))
}
