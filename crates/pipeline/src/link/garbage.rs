//! Deletes data objects that no manifest names.

use bytes::Bytes;
use trailback_tables::TableRow;
use trailback_tables::partition::{DataKey, Day};

use super::kinds::Kind;
use super::{LinkError, Run};
use crate::catalog;
use crate::lake::garbage_turn_key;
use crate::store::{Condition, Metadata, StoreError};

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

/// How long nobody else deletes what no manifest names after a run that did, in milliseconds: no run lasts 24 hours, and the
/// store's clocks may differ.
const TURN_MS: i64 = 25 * 3_600_000;

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
        if garbage.is_empty() || !self.takes_turn().await? {
            return Ok(());
        }
        self.remove(garbage).await
    }

    /// Whether this run may delete what it saw before: nobody else may have done so since, for what was deleted may have
    /// been written again under the same name, and be named by now. So there is one such run in [`TURN_MS`].
    async fn takes_turn(&mut self) -> Result<bool, LinkError> {
        if self.garbage == Garbage::AtOnce || self.has_turn {
            return Ok(true);
        }
        let (store, key) = (self.lake.store(), garbage_turn_key(K::Row::TABLE));
        let condition = match store.head(&key).await {
            Ok(last) if self.now.0.saturating_sub(last.modified_at.0) < TURN_MS => {
                return Ok(false);
            }
            Ok(last) => Condition::IfMatches(last.etag),
            Err(StoreError::NotFound { .. }) => Condition::IfAbsent,
            Err(failure) => return Err(failure.into()),
        };
        // Never the same text twice, so that its version tells who came first.
        let turn = Bytes::from(format!("{{\"taken_at\":\"{}\"}}\n", self.now));
        match store.put(&key, turn, condition, Metadata::new()).await {
            Ok(_) => self.has_turn = true,
            Err(StoreError::Precondition { .. }) => {}
            Err(failure) => return Err(failure.into()),
        }
        Ok(self.has_turn)
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
