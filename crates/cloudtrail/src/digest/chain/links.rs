//! Which digests name which as the one before.

use std::collections::HashMap;

use super::super::{Place, PreviousDigest};
use super::DigestInChain;

/// Who names whom: by object key, because logs may be replicated to a bucket of another name.
pub(super) struct Links<'d> {
    digests: &'d [DigestInChain],
    /// The numbers of those that name an object key as that of the one before.
    named_by: HashMap<&'d str, Vec<usize>>,
    /// The numbers of those that say that they were put under an object key.
    here: HashMap<&'d str, Vec<usize>>,
}

impl<'d> Links<'d> {
    pub(super) fn between(digests: &'d [DigestInChain]) -> Links<'d> {
        let mut links = Links {
            digests,
            named_by: HashMap::new(),
            here: HashMap::new(),
        };
        for (number, found) in digests.iter().enumerate() {
            let here = links.here.entry(&found.digest.place.object_key);
            here.or_default().push(number);
            if let Some(previous) = &found.digest.previous {
                let named_by = links.named_by.entry(&previous.place.object_key);
                named_by.or_default().push(number);
            }
        }
        links
    }

    /// What others say of what lies, or lay, in a place, each with the number of the digest that says it.
    pub(super) fn said_of(
        &self,
        place: &Place,
    ) -> impl Iterator<Item = (usize, &'d PreviousDigest)> + use<'_, 'd> {
        let named_by = self.named_by.get(&*place.object_key);
        let named_by = named_by.into_iter().flatten();
        let said =
            |number: &usize| Some((*number, self.digests[*number].digest.previous.as_ref()?));
        named_by.filter_map(said)
    }

    /// The numbers of the digests here that say that they were put there.
    pub(super) fn here(&self, place: &Place) -> impl Iterator<Item = usize> + use<'_, 'd> {
        let here = self.here.get(&*place.object_key);
        here.into_iter().flatten().copied()
    }

    /// Whether there is any.
    pub(super) fn is_here(&self, place: &Place) -> bool {
        self.here.contains_key(&*place.object_key)
    }
}
