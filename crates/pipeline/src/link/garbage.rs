//! Deletes data objects that no manifest names.

use trailback_tables::partition::{DataKey, Day};

use super::kinds::Kind;
use super::{LinkError, Run};
use crate::catalog;

/// When data objects that no manifest names go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Garbage {
    /// At once: nobody else is linking, and readers that lose an object look again.
    AtOnce,
    /// When they and their partition's manifest are older than [`GARBAGE_AGE_MS`]: another linker may be about to name
    /// them, and a query may still be reading them.
    Aged,
}

/// The age at which unnamed objects go, in milliseconds: no query lasts 48 hours.
pub(super) const GARBAGE_AGE_MS: i64 = 48 * 3_600_000;

/// Up to which age an unnamed object may be named by a new manifest, in milliseconds: no run lasts the other 24 hours.
pub(super) const TRUSTED_AGE_MS: i64 = 24 * 3_600_000;

/// How many objects are deleted in one call; S3's limit.
const DELETES_AT_ONCE: usize = 1000;

impl<K: Kind> Run<'_, K> {
    /// Deletes what no manifest names and is old enough.
    pub(super) async fn remove_unnamed_objects(&mut self) -> Result<(), LinkError> {
        let named = catalog::named_objects(&self.partitions);
        let is_garbage = |key: &DataKey| !named.contains(key) && self.may_go(key);
        let mut garbage: Vec<_> = self
            .objects
            .keys()
            .filter(|key| is_garbage(key))
            .cloned()
            .collect();
        garbage.sort_unstable();
        self.remove(garbage).await
    }

    /// Deletes what a day's new manifest does not name any more, where that may go at once.
    pub(super) async fn remove_old_generation(&mut self, day: Day) -> Result<(), LinkError> {
        if self.garbage == Garbage::Aged {
            return Ok(());
        }
        let manifest = self
            .partitions
            .get(&day)
            .and_then(|partition| partition.manifest.as_ref());
        let is_old = |key: &DataKey| key.day == day && !manifest.is_some_and(|m| m.names(key));
        let mut garbage: Vec<_> = self
            .objects
            .keys()
            .filter(|key| is_old(key))
            .cloned()
            .collect();
        garbage.sort_unstable();
        self.remove(garbage).await
    }

    fn may_go(&self, key: &DataKey) -> bool {
        let partition = self.partitions.get(&key.day);
        // What a damaged manifest names is not known before its day is built anew.
        let is_readable = partition.is_none_or(|partition| partition.manifest.is_some());
        let is_aged = |written_at: i64| self.now.0.saturating_sub(written_at) > GARBAGE_AGE_MS;
        match self.garbage {
            Garbage::AtOnce => is_readable,
            Garbage::Aged => {
                is_readable
                    && partition.is_none_or(|partition| is_aged(partition.published_at.0))
                    && self
                        .objects
                        .get(key)
                        .is_some_and(|object| is_aged(object.modified_at.0))
            }
        }
    }

    async fn remove(&mut self, garbage: Vec<DataKey>) -> Result<(), LinkError> {
        for keys in garbage.chunks(DELETES_AT_ONCE) {
            let names: Vec<_> = keys.iter().map(DataKey::to_string).collect();
            for (key, outcome) in keys.iter().zip(self.lake.store().delete(&names).await) {
                outcome?;
                self.objects.remove(key);
                self.tally.objects_deleted += 1;
            }
        }
        Ok(())
    }
}
