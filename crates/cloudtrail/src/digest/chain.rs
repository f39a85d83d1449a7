//! Along a chain of digests: which of them are proven, and where links are missing.
//!
//! A digest is proven by its signature, or by a proven later one that names its hash. The signature may come from the
//! object's metadata or from the next digest, which repeats it: copies in folders have lost the metadata, and only the newest
//! of each chain is unproven there. Whoever can write to the place can add digests that name others as the one before; so all
//! that name a digest are heard, and only what a proven one says counts against it.
//!
//! A deleted digest is named by the one after it. Of neighbours that were deleted together only the last is named; that
//! there were more is seen by time, because the digests of a trail leave no time between them.

mod links;
#[cfg(test)]
mod tests;
mod trust;

use std::ops::Range;

use super::{Digest, DigestName, Place, PublicKeys, SignatureFault};
use crate::object_key::{end_alike, file_name};
use crate::timestamp::{MS_PER_HOUR, Timestamp};

use links::Links;
pub use trust::Trust;

/// A digest of a chain, and what its object says beside it.
#[derive(Clone, Debug)]
pub struct DigestInChain {
    /// What it says.
    pub digest: Digest,
    /// The object key under which it lies now; of a file, its path.
    pub lies_at: String,
    /// Whether it is a file: those have lost their objects' metadata, and may have lost the folders above them.
    pub is_file: bool,
    /// The signatures in its object's metadata, in hex; several where several copies lie there.
    pub signatures: Vec<String>,
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// Digests are missing.
    Missing {
        /// Where the last of them was put.
        last: Place,
        /// What they covered. Where no earlier digest is there, their beginning is not known: then all from `since` on, or the
        /// last one's hour.
        period: Range<Timestamp>,
        /// How many, if they came every hour.
        at_least: u64,
    },
    /// No digest covers this time, and the one after it begins a chain, but nothing proves that one.
    Gap {
        /// The time.
        period: Range<Timestamp>,
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
    /// Nothing proves it, and a later one, which nothing proves either, names it without a signature that fits.
    Disputed {
        /// Its number in the chain.
        digest: usize,
    },
    /// Nothing proves it, and proven digests go on without it.
    Inserted {
        /// Its number in the chain.
        digest: usize,
    },
    /// It lies elsewhere than CloudTrail put it.
    Moved {
        /// Its number in the chain.
        digest: usize,
    },
    /// Validation was off, or the last digests of its chain are gone: the next digest, a proven one, starts a chain.
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
    let links = Links::between(digests);
    let judged = trust::judge(digests, &links, keys, is_backfill);
    let mut walk = Walk {
        trust: judged.trust,
        ..Walk::default()
    };
    for (number, fault) in judged.faults.into_iter().enumerate().rev() {
        if !digests[number].lies_where_put() {
            walk.faults.push(ChainFault::Moved { digest: number });
        }
        walk.faults.extend(fault);
        let goes_back = match &digests[number].digest.previous {
            None if is_backfill => None,
            None => walk.begins(digests, number),
            Some(previous) if links.is_here(&previous.place) => None,
            Some(previous) if is_backfill => late_before(&digests[number], &previous.place, since),
            Some(previous) => walk.missing_before(digests, number, &previous.place, since),
        };
        walk.faults.extend(goes_back);
    }
    if !is_backfill {
        walk.cover(digests);
    }
    walk
}

impl Walk {
    /// The last digest before one, but for those that something contradicts.
    fn before<'d>(&self, digests: &'d [DigestInChain], number: usize) -> Option<&'d Digest> {
        let mut before = (0..number).rev();
        let before = before.find(|one| self.trust[*one] != Trust::Refuted)?;
        Some(&digests[before].digest)
    }

    /// Looks before a digest that begins a chain.
    fn begins(&self, digests: &[DigestInChain], number: usize) -> Option<ChainFault> {
        let begins_at = digests[number].digest.period.start;
        let before = self.before(digests, number)?;
        let period = before.period.end..begins_at;
        let is_believed = self.trust[number].is_enough();
        (period.start < period.end).then_some(if is_believed {
            ChainFault::Off { period }
        } else {
            ChainFault::Gap { period }
        })
    }

    /// Looks before a digest whose predecessor is not here.
    fn missing_before(
        &self,
        digests: &[DigestInChain],
        number: usize,
        last: &Place,
        since: Option<Timestamp>,
    ) -> Option<ChainFault> {
        let begins_at = digests[number].digest.period.start;
        let hour_before = Timestamp(begins_at.0 - MS_PER_HOUR);
        let hours_since = |from: Timestamp| (begins_at.0 - from.0) / MS_PER_HOUR;
        let (from, hours) = match self.before(digests, number) {
            // Digests come every hour; what is missing for longer was several.
            Some(before) if before.period.end < begins_at => {
                (before.period.end, hours_since(before.period.end))
            }
            Some(_) => (hour_before, 1),
            None if since.is_some_and(|since| begins_at <= since) => return None,
            // How many they were is not known: the chain may have begun since.
            None => (since.unwrap_or(hour_before), 1),
        };
        Some(ChainFault::Missing {
            last: last.clone(),
            at_least: u64::try_from(hours).map_or(1, |hours| hours.max(1)),
            period: from..begins_at,
        })
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

/// Looks before a backfill digest whose predecessor is not here: they come when there is something late, so that time says
/// nothing, but the name of the one before says whether it was asked for.
fn late_before(
    found: &DigestInChain,
    last: &Place,
    since: Option<Timestamp>,
) -> Option<ChainFault> {
    let ended_at = DigestName::read(&last.object_key).map(|name| name.ended_at);
    let is_older = since.zip(ended_at);
    let is_older = is_older.is_some_and(|(since, ended_at)| ended_at < since);
    (!is_older).then(|| ChainFault::Missing {
        last: last.clone(),
        period: found.digest.period.clone(),
        at_least: 1,
    })
}

impl DigestInChain {
    /// Whether it lies where CloudTrail put it, as far as can be told: replicas have the key or the end of it, files may have
    /// only their names.
    #[must_use]
    pub fn lies_where_put(&self) -> bool {
        let put_at = &self.digest.place.object_key;
        match self.is_file {
            true => file_name(&self.lies_at) == file_name(put_at),
            false => end_alike(&self.lies_at, put_at),
        }
    }
}
