//! What is wrong with a chain of digests, as findings.

use std::collections::BTreeMap;
use std::ops::Range;

use trailback_cloudtrail::digest::{ChainFault, Place, SignatureFault};
use trailback_sessions::Timestamp;

use super::delivered::{Age, Covered};
use super::digests::{Chain, Unread};
use super::report::{ChainReport, Finding, FindingKind};
use crate::log_objects::DeliveryDays;

const ENDED: &str = "no digest of this account and region is newer, not even an empty one: its trail, or log file validation, was switched \
     off, or the last digests were deleted";

/// What a walk along a chain found.
pub(super) fn of_chain<'f>(
    chain: &'f Chain,
    covered: &'f Covered<'_>,
) -> impl Iterator<Item = Finding> + 'f {
    let faults = chain.walk.faults.iter();
    faults.map(|fault| {
        let finding = match fault {
            ChainFault::Missing {
                last,
                period,
                at_least,
            } => missing(chain, last, period, *at_least),
            ChainFault::Gap { period } => Finding::of(
                FindingKind::DigestMissing,
                period.clone(),
                "no digest covers this time, and the next one says that it begins a chain, but nothing proves it: digests were deleted, \
                 or log file validation was off",
            ),
            ChainFault::Off { period } => Finding::of(
                FindingKind::ValidationOff,
                period.clone(),
                "the next digest begins a chain: log file validation was off, or the last digests before were deleted",
            ),
            ChainFault::Altered { digest }
            | ChainFault::Disputed { digest }
            | ChainFault::Inserted { digest }
            | ChainFault::Moved { digest }
            | ChainFault::NotProven { digest, .. } => of_digest(chain, *digest, fault, covered),
        };
        finding.in_logs_of(&chain.newest.account_id, &chain.newest.region)
    })
}

fn missing(chain: &Chain, last: &Place, period: &Range<Timestamp>, at_least: u64) -> Finding {
    let before = match at_least {
        1 => String::new(),
        more => format!(", nor are those before it: {more}, one an hour"),
    };
    let oldest = chain.digests.first();
    let is_oldest = oldest.is_some_and(|oldest| period.end <= oldest.digest.period.start);
    let expired = match is_oldest {
        true => "; nor is any older one: if they have expired, --since asks only for what is newer",
        false => "",
    };
    let elsewhere = elsewhere(chain, last);
    let why = format!("the next digest names it{elsewhere}, and it is not there{before}{expired}");
    Finding::of(FindingKind::DigestMissing, period.clone(), why).about(&last.object_key)
}

/// A trail may have been made to deliver elsewhere.
fn elsewhere(chain: &Chain, last: &Place) -> String {
    match last.bucket == chain.place.bucket {
        true => String::new(),
        false => format!(" in the bucket {}", last.bucket),
    }
}

fn of_digest(chain: &Chain, digest: usize, fault: &ChainFault, covered: &Covered<'_>) -> Finding {
    let found = &chain.digests[digest];
    let (kind, why) = match fault {
        ChainFault::Altered { .. } => (
            FindingKind::DigestAltered,
            "a later digest names another SHA-256 of its text".to_owned(),
        ),
        ChainFault::Inserted { .. } => (
            FindingKind::DigestForged,
            "no signature of it is known, and proven digests go on without it: CloudTrail's chains do not fork".to_owned(),
        ),
        ChainFault::Disputed { .. } => (
            FindingKind::DigestForged,
            "a later digest names it without a signature that fits, which CloudTrail always repeats: one of the two is not CloudTrail's"
                .to_owned(),
        ),
        ChainFault::NotProven { fault, .. } => {
            let is_newest = digest + 1 == chain.digests.len();
            let is_recent = covered.age(found.digest.period.end, found.is_file) == Age::TooRecent;
            not_proven(fault, found.is_file, is_newest && is_recent)
        }
        _ => (
            FindingKind::DigestMoved,
            format!("CloudTrail put it at {}", found.digest.place.object_key),
        ),
    };
    Finding::of(kind, found.digest.period.clone(), why).about(&found.lies_at)
}

fn not_proven(fault: &SignatureFault, is_file: bool, is_too_recent: bool) -> (FindingKind, String) {
    match fault {
        SignatureFault::Missing if !is_file => (
            FindingKind::DigestForged,
            "its object has no signature, which CloudTrail's objects always have: it is a copy that has lost it, or not CloudTrail's"
                .to_owned(),
        ),
        SignatureFault::Missing if is_too_recent => {
            (FindingKind::DigestTooRecent, fault.to_string())
        }
        SignatureFault::Missing => (FindingKind::DigestUnproven, fault.to_string()),
        SignatureFault::UnknownKey { .. } => (FindingKind::DigestOfUnknownKey, fault.to_string()),
        SignatureFault::Wrong => (FindingKind::DigestForged, fault.to_string()),
    }
}

/// Accounts and regions whose digests have ended, though a trail that goes on writes one each hour, also where nothing was
/// delivered. Nothing names what their last ones were, if somebody deleted them and all that they name.
pub(super) fn ended(
    chains: &[Chain],
    unread: &Unread,
    covered: &Covered<'_>,
    days: DeliveryDays,
) -> Vec<Finding> {
    let until = days.until.map(|until| until.plus(1).start());
    let mut ends = BTreeMap::<(&str, &str), (Timestamp, bool)>::new();
    for chain in chains.iter().filter(|one| !one.newest.is_backfill) {
        let of = (&*chain.newest.account_id, &*chain.newest.region);
        let (end, is_file) = ends.entry(of).or_insert((Timestamp::default(), true));
        for found in &chain.digests {
            *end = found.digest.period.end.max(*end);
            *is_file &= found.is_file;
        }
    }
    for ((account_id, region, _), unread) in unread {
        if let Some((end, _)) = ends.get_mut(&(&**account_id, &**region)) {
            *end = unread.last().copied().unwrap_or_default().max(*end);
        }
    }
    let ended = ends.into_iter().filter_map(|(of, (end, is_file))| {
        let present = covered.present(is_file);
        let asked = until.map_or(present, |until| until.min(present));
        let is_over = end < asked && covered.age(end, is_file) == Age::Old;
        is_over
            .then(|| Finding::of(FindingKind::DigestsEnd, end..asked, ENDED).in_logs_of(of.0, of.1))
    });
    ended.collect()
}

/// What there is of a chain.
pub(super) fn report(chain: &Chain) -> ChainReport {
    let believed = chain.walk.trust.iter().filter(|trust| trust.is_enough());
    ChainReport {
        newest: chain.newest.clone(),
        digests: chain.digests.len() as u64,
        digests_proven: believed.count() as u64,
        log_objects: chain.log_objects,
        covered: chain.walk.covered.clone(),
    }
}
