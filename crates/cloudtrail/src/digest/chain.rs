//! Along a chain of digests, from the newest to the oldest: which of them are proven, and where links are missing.
//!
//! A digest is proven by its signature, or by a proven later one that names its hash. The signature may come from the
//! object's metadata or from the next digest, which repeats it: copies in folders have lost the metadata, and only the newest
//! of each chain is unproven there.
//!
//! A deleted digest is named by the one after it. Of neighbours that were deleted together only the last is named; that
//! there were more is seen by time, because the digests of a trail leave no time between them.

use std::collections::HashMap;
use std::ops::Range;

use super::{Digest, PublicKeys, SignatureFault};
use crate::timestamp::{MS_PER_HOUR, Timestamp};

/// A digest of a chain, and what its object says beside it.
#[derive(Clone, Debug)]
pub struct DigestInChain {
    /// What it says.
    pub digest: Digest,
    /// The object key under which it lies now; of a file, its path.
    pub lies_at: String,
    /// The signature in its object's metadata, in hex.
    pub signature: Option<String>,
}

/// Whether a digest may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Its signature holds, or a proven digest names its hash.
    Proven,
    /// No signature was to be checked, and nothing contradicts.
    Unchecked,
    /// Nothing proves it.
    Unproven(SignatureFault),
    /// Something contradicts it.
    Refuted,
}

impl Trust {
    /// Whether what it says is taken for true.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        matches!(self, Trust::Proven | Trust::Unchecked)
    }
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// Digests are missing.
    Missing {
        /// The object key of the last of them.
        last: String,
        /// What they covered. Where no earlier digest is there, their beginning is not known, and this is the last one's hour.
        period: Range<Timestamp>,
        /// How many, if they came every hour.
        at_least: u64,
    },
    /// A later digest names another hash than it has.
    Altered {
        /// Its number in the chain.
        digest: usize,
    },
    /// Nothing proves it, or its signature contradicts.
    NotProven {
        /// Its number in the chain.
        digest: usize,
        /// Why.
        fault: SignatureFault,
    },
    /// It lies elsewhere than CloudTrail put it.
    Moved {
        /// Its number in the chain.
        digest: usize,
    },
    /// Validation was off: the next digest starts a chain.
    Off {
        /// From the end of one chain to the start of the next.
        period: Range<Timestamp>,
    },
}

/// What a walk along a chain found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// For each digest, whether it may be believed.
    pub trust: Vec<Trust>,
    /// The time for which digests that may be believed follow each other, in order.
    pub covered: Vec<Range<Timestamp>>,
    /// What is wrong, newest first.
    pub faults: Vec<ChainFault>,
}

/// Walks along the digests of one trail, account and region, sorted by their end. Without keys no signature is checked.
///
/// `since` is the beginning of what was asked for: that an older digest is not here says nothing. Backfill digests cover no
/// time of their own.
#[must_use]
pub fn walk(
    digests: &[DigestInChain],
    keys: Option<&PublicKeys>,
    since: Option<Timestamp>,
    is_backfill: bool,
) -> Walk {
    let mut walk = Walk {
        trust: vec![Trust::Refuted; digests.len()],
        ..Walk::default()
    };
    let before = digests_before(digests);
    let mut later: Vec<Option<usize>> = vec![None; digests.len()];
    for (number, before) in before.iter().enumerate() {
        if let Some(before) = *before {
            later[before] = Some(number);
        }
    }
    for number in (0..digests.len()).rev() {
        walk.judge(digests, number, later[number], keys);
        match before[number] {
            Some(_) => {}
            None if is_backfill => walk.look_before_backfill(digests, number, since),
            None => walk.look_before(digests, number, since),
        }
    }
    if !is_backfill {
        walk.cover(digests);
    }
    walk
}

/// For each digest, the number of the one that it names as the one before, if that is here.
fn digests_before(digests: &[DigestInChain]) -> Vec<Option<usize>> {
    let keys = digests
        .iter()
        .map(|found| found.digest.place.object_key.as_str());
    let numbers: HashMap<&str, usize> = keys.zip(0..).collect();
    let before = |found: &DigestInChain| {
        let previous = found.digest.previous.as_ref()?;
        numbers.get(previous.place.object_key.as_str()).copied()
    };
    digests.iter().map(before).collect()
}

impl Walk {
    /// Decides whether a digest may be believed; `later` is the one that names it.
    fn judge(
        &mut self,
        digests: &[DigestInChain],
        number: usize,
        later: Option<usize>,
        keys: Option<&PublicKeys>,
    ) {
        let found = &digests[number];
        let named = later.and_then(|later| {
            let previous = digests[later].digest.previous.as_ref()?;
            Some((previous, self.trust[later].is_enough()))
        });
        if !lies_where_put(found) {
            self.faults.push(ChainFault::Moved { digest: number });
        }
        if let Some((previous, true)) = named
            && previous.sha256 != found.digest.sha256
        {
            self.faults.push(ChainFault::Altered { digest: number });
            return;
        }
        let Some(keys) = keys else {
            self.trust[number] = Trust::Unchecked;
            return;
        };
        if matches!(named, Some((_, true))) {
            self.trust[number] = Trust::Proven;
            return;
        }
        let repeated = named.and_then(|(previous, _)| previous.signature.as_deref());
        self.trust[number] = match proof(found, repeated, keys) {
            Ok(()) => Trust::Proven,
            Err(fault) => {
                self.faults.push(ChainFault::NotProven {
                    digest: number,
                    fault: fault.clone(),
                });
                match fault {
                    SignatureFault::Wrong => Trust::Refuted,
                    other => Trust::Unproven(other),
                }
            }
        };
    }

    /// Looks before a digest whose predecessor is not here.
    fn look_before(&mut self, digests: &[DigestInChain], number: usize, since: Option<Timestamp>) {
        let begins_at = digests[number].digest.period.start;
        let before = number.checked_sub(1).map(|before| &digests[before].digest);
        let Some(previous) = &digests[number].digest.previous else {
            if let Some(before) = before.filter(|before| before.period.end < begins_at) {
                let period = before.period.end..begins_at;
                self.faults.push(ChainFault::Off { period });
            }
            return;
        };
        // Digests come every hour; what is missing for longer was several.
        let hour_before = Timestamp(begins_at.0 - MS_PER_HOUR);
        let from = match before {
            Some(before) => before.period.end,
            None if since.is_some_and(|since| begins_at <= since) => return,
            None => since.map_or(hour_before, |since| since.max(hour_before)),
        };
        self.faults.push(ChainFault::Missing {
            last: previous.place.object_key.clone(),
            at_least: u64::try_from((begins_at.0 - from.0) / MS_PER_HOUR)
                .map_or(1, |hours| hours.max(1)),
            period: from..begins_at,
        });
    }

    /// The same of backfill digests: they come when there is something late, so that time says nothing.
    fn look_before_backfill(
        &mut self,
        digests: &[DigestInChain],
        number: usize,
        since: Option<Timestamp>,
    ) {
        let digest = &digests[number].digest;
        let Some(previous) = &digest.previous else {
            return;
        };
        let is_oldest_asked = number == 0 && since.is_some();
        if !is_oldest_asked {
            self.faults.push(ChainFault::Missing {
                last: previous.place.object_key.clone(),
                period: digest.period.clone(),
                at_least: 1,
            });
        }
    }

    /// Joins the hours of the digests that may be believed.
    fn cover(&mut self, digests: &[DigestInChain]) {
        let judged = digests.iter().zip(&self.trust);
        for (found, _) in judged.filter(|(_, trust)| trust.is_enough()) {
            let period = &found.digest.period;
            match self.covered.last_mut() {
                Some(last) if last.end >= period.start => last.end = last.end.max(period.end),
                _ => self.covered.push(period.clone()),
            }
        }
    }
}

/// A folder may hold only the end of the key.
fn lies_where_put(found: &DigestInChain) -> bool {
    let (lies_at, put_at) = (&found.lies_at, &found.digest.place.object_key);
    lies_at.ends_with(put_at.as_str()) || put_at.ends_with(lies_at.as_str())
}

/// Whether its own signature, or the one that the next digest repeats, proves a digest.
fn proof(
    found: &DigestInChain,
    repeated: Option<&str>,
    keys: &PublicKeys,
) -> Result<(), SignatureFault> {
    let mut outcome = Err(SignatureFault::Missing);
    for signature in [found.signature.as_deref(), repeated].into_iter().flatten() {
        outcome = keys.check(&found.digest, signature);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}
