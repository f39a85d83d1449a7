//! Which digests may be believed.

use super::super::{PreviousDigest, PublicKeys, SignatureFault};
use super::links::Links;
use super::{ChainFault, DigestInChain};

/// Whether a digest may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Its signature holds, or a proven digest names its hash.
    Proven,
    /// No signature was to be checked, and nothing contradicts.
    Unchecked,
    /// Nothing proves it.
    Unproven,
    /// Something contradicts it.
    Refuted,
}

impl Trust {
    /// Whether what it says is taken for true.
    #[must_use]
    pub fn is_enough(self) -> bool {
        matches!(self, Trust::Proven | Trust::Unchecked)
    }
}

/// What became of each digest of a chain.
pub(super) struct Judged {
    pub(super) trust: Vec<Trust>,
    pub(super) faults: Vec<Option<ChainFault>>,
}

/// Judges the digests of a chain, sorted by their end.
///
/// Backfill digests are made when something late has come: which of them was first their times do not tell.
pub(super) fn judge(
    digests: &[DigestInChain],
    links: &Links,
    keys: Option<&PublicKeys>,
    is_backfill: bool,
) -> Judged {
    let mut court = Court {
        digests,
        links,
        in_order: !is_backfill,
        trust: vec![Trust::Unproven; digests.len()],
        faults: vec![None; digests.len()],
    };
    // Who names a digest ended later, and is judged before it.
    for number in (0..digests.len()).rev() {
        let judged = court.judge(number, keys);
        (court.trust[number], court.faults[number]) = judged;
    }
    for number in 0..digests.len() {
        if court.is_inserted(number) {
            court.trust[number] = Trust::Refuted;
            court.faults[number] = Some(ChainFault::Inserted { digest: number });
        }
    }
    let Court { trust, faults, .. } = court;
    Judged { trust, faults }
}

struct Court<'d> {
    digests: &'d [DigestInChain],
    links: &'d Links<'d>,
    /// Whether who names a digest ended later.
    in_order: bool,
    trust: Vec<Trust>,
    faults: Vec<Option<ChainFault>>,
}

impl Court<'_> {
    fn judge(&self, number: usize, keys: Option<&PublicKeys>) -> (Trust, Option<ChainFault>) {
        let digest = &self.digests[number].digest;
        let said = self.links.said_of(&digest.place);
        let mut believed = said.filter(|(by, _)| *by > number && self.trust[*by].is_enough());
        let first = believed.next();
        let disagrees = |(_, said): (usize, &PreviousDigest)| said.sha256 != digest.sha256;
        if first.is_some_and(disagrees) || believed.any(disagrees) {
            return (Trust::Refuted, Some(ChainFault::Altered { digest: number }));
        }
        match keys {
            None => (Trust::Unchecked, None),
            Some(_) if first.is_some() => (Trust::Proven, None),
            Some(keys) => self.judge_by_signature(number, keys),
        }
    }

    /// By its own signature, or one that any other digest repeats: a signature speaks for itself, whoever tells it.
    fn judge_by_signature(&self, number: usize, keys: &PublicKeys) -> (Trust, Option<ChainFault>) {
        let found = &self.digests[number];
        let check = |signature: &str| keys.check(&found.digest, signature);
        let own = found.signatures.iter().map(|signature| check(signature));
        let own: Vec<_> = own.collect();
        let said = || self.links.said_of(&found.digest.place);
        let repeated = said().filter_map(|(_, said)| said.signature.as_deref());
        let repeated: Vec<_> = repeated.map(check).collect();
        if own.iter().chain(&repeated).any(Result::is_ok) {
            return (Trust::Proven, None);
        }
        let fault =
            |outcomes: Vec<Result<(), SignatureFault>>| outcomes.into_iter().find_map(Result::err);
        let not_proven = |fault| {
            Some(ChainFault::NotProven {
                digest: number,
                fault,
            })
        };
        match (fault(own), fault(repeated)) {
            (Some(SignatureFault::Wrong), _) => (Trust::Refuted, not_proven(SignatureFault::Wrong)),
            (Some(fault), _) | (None, Some(fault @ SignatureFault::UnknownKey { .. })) => {
                (Trust::Unproven, not_proven(fault))
            }
            // CloudTrail always repeats the signature; who lies, this one or the one that names it, is not known.
            (None, _) if said().next().is_some() => (
                Trust::Unproven,
                Some(ChainFault::Disputed { digest: number }),
            ),
            (None, _) => (Trust::Unproven, not_proven(SignatureFault::Missing)),
        }
    }

    /// Whether proven digests go on without a digest of which no signature fits: CloudTrail's chains do not fork.
    fn is_inserted(&self, number: usize) -> bool {
        let is_passed_over = match self.faults[number] {
            Some(ChainFault::Disputed { .. }) => false,
            Some(ChainFault::NotProven {
                fault: SignatureFault::Missing,
                ..
            }) => self.in_order && self.is_passed_over(number),
            _ => return false,
        };
        let previous = self.digests[number].digest.previous.as_ref();
        is_passed_over
            || previous.is_some_and(|previous| {
                let mut said = self.links.said_of(&previous.place);
                said.any(|(by, _)| by != number && self.trust[by].is_enough())
            })
    }

    /// Whether the next proven digest follows another proven one.
    fn is_passed_over(&self, number: usize) -> bool {
        let is_believed = |one: &usize| self.trust[*one].is_enough();
        let next = (number + 1..self.digests.len()).find(is_believed);
        let previous = next.and_then(|next| self.digests[next].digest.previous.as_ref());
        previous.is_some_and(|previous| {
            let mut before = self.links.here(&previous.place);
            before.any(|one| is_believed(&one))
        })
    }
}
