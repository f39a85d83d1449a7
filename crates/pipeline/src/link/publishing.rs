//! Publishes a day: stores its data objects, then replaces its manifest in one conditional write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use trailback_tables::manifest::{Manifest, PartitionState};
use trailback_tables::partition::{DataKey, Day, DayPart, EventHour, manifest_key};
use trailback_tables::{TableError, TableRow, encode_data_object};

use super::garbage::{Garbage, TRUSTED_AGE_MS};
use super::kinds::Kind;
use super::{LinkError, Run, hours_of};
use crate::catalog::{Partition, StoredObject};
use crate::data_scan;
use crate::store::{Condition, Metadata, StoreError};

/// Rows that several hours or objects share.
type SharedRows<R> = Vec<Arc<Vec<R>>>;

impl<K: Kind> Run<'_, K> {
    /// Makes a day's partition what the states say: its built hours, and those that are still as published.
    pub(super) async fn publish(&mut self, day: Day) -> Result<(), LinkError> {
        let mut state = PartitionState::new(K::VERSION);
        for (hour, of_hour) in self.states.range(hours_of(&(day..=day))) {
            state.hours[usize::from(hour.hour_of_day)] = Some(*of_hour);
        }
        let objects = match state.row_count() {
            // What readers may still have of a day that is not known must not go for want of what cannot be read.
            0 if !self.is_trusted(day) && self.has_left_out(day) => return Ok(()),
            0 => return self.withdraw(day).await,
            rows if rows < self.options.day_object_rows => vec![self.store_whole_day(day).await?],
            _ => self.store_hours(day).await?,
        };
        let manifest =
            Manifest::new(objects).map_err(|cause| LinkError::Manifest { day, cause })?;
        self.put_manifest(day, manifest, state).await?;
        self.built.clear();
        self.remove_old_generation(day).await
    }

    /// A day that has no rows has no manifest.
    async fn withdraw(&mut self, day: Day) -> Result<(), LinkError> {
        for outcome in self
            .lake
            .store()
            .delete(&[manifest_key(K::Row::TABLE, day)])
            .await
        {
            outcome?;
        }
        self.partitions.remove(&day);
        self.published.insert(day);
        self.tally.days_published += 1;
        self.remove_old_generation(day).await
    }

    /// Replaces the manifest of a day, unless it says the same already.
    pub(super) async fn put_manifest(
        &mut self,
        day: Day,
        manifest: Manifest,
        state: PartitionState,
    ) -> Result<(), LinkError> {
        let published = self.partitions.get(&day);
        let is_same = |published: &Partition| {
            published.manifest.as_ref() == Some(&manifest)
                && published.state.as_ref() == Some(&state)
        };
        if published.is_some_and(is_same) {
            self.published.insert(day);
            return Ok(());
        }
        let condition = match published {
            Some(partition) => Condition::IfMatches(partition.etag.clone()),
            None => Condition::IfAbsent,
        };
        let key = manifest_key(K::Row::TABLE, day);
        let text = Bytes::from(manifest.to_text(self.lake.base()));
        let metadata = state.to_metadata();
        let put = self
            .lake
            .store()
            .put(&key, text.clone(), condition, metadata.clone())
            .await;
        let etag = match put {
            Ok(etag) => etag,
            // Whether it was written is not known: what is there now tells.
            Err(StoreError::Unavailable {
                location,
                action,
                cause,
            }) => {
                let there = self.lake.store().get(&key).await?;
                let (etag, there_metadata) = (there.meta.etag.clone(), there.meta.metadata.clone());
                if there_metadata != metadata || there.bytes().await? != text {
                    return Err(StoreError::Unavailable {
                        location,
                        action,
                        cause,
                    }
                    .into());
                }
                etag
            }
            Err(failure) => return Err(failure.into()),
        };
        let (manifest, state) = (Some(manifest), Some(state));
        self.partitions.insert(
            day,
            Partition {
                etag,
                published_at: self.now,
                manifest,
                state,
            },
        );
        self.published.insert(day);
        self.tally.days_published += 1;
        Ok(())
    }

    /// Stores all rows of a day as one data object.
    async fn store_whole_day(&mut self, day: Day) -> Result<DataKey, LinkError> {
        let hours: BTreeSet<EventHour> = self
            .states
            .range(hours_of(&(day..=day)))
            .map(|(hour, _)| *hour)
            .collect();
        let rows = self.rows_of(&hours).await?;
        self.store_rows(day, DayPart::Whole, rows.into_values().flatten().collect())
            .await
    }

    /// Gives every hour of a day a data object of its own; those that are as published keep theirs.
    async fn store_hours(&mut self, day: Day) -> Result<Vec<DataKey>, LinkError> {
        let hours = self
            .states
            .range(hours_of(&(day..=day)))
            .map(|(hour, _)| *hour);
        let mut objects = Vec::new();
        let mut left = BTreeSet::new();
        for hour in hours {
            match self.object_of(hour) {
                Some(object) if object.part == DayPart::Hour(hour.hour_of_day) => {
                    objects.push(object)
                }
                _ => {
                    left.insert(hour);
                }
            }
        }
        for (hour, rows) in self.rows_of(&left).await? {
            objects.push(
                self.store_rows(day, DayPart::Hour(hour.hour_of_day), rows)
                    .await?,
            );
        }
        Ok(objects)
    }

    /// Stores an hour that was just built.
    pub(super) async fn store_built_hour(&mut self, hour: EventHour) -> Result<(), LinkError> {
        let Some(rows) = self.recent.get(hour).cloned() else {
            return Ok(());
        };
        let object = self
            .store_rows(hour.day, DayPart::Hour(hour.hour_of_day), vec![rows])
            .await?;
        self.built.insert(hour, Some(object));
        Ok(())
    }

    /// The rows of some hours: from memory, or from the data objects that hold them.
    async fn rows_of(
        &self,
        hours: &BTreeSet<EventHour>,
    ) -> Result<BTreeMap<EventHour, SharedRows<K::Row>>, LinkError> {
        let mut rows: BTreeMap<EventHour, SharedRows<K::Row>> = BTreeMap::new();
        let mut stored: BTreeMap<DataKey, BTreeSet<EventHour>> = BTreeMap::new();
        for hour in hours {
            match (self.recent.get(*hour), self.object_of(*hour)) {
                (Some(recent), _) => rows.entry(*hour).or_default().push(Arc::clone(recent)),
                (None, Some(object)) => {
                    stored.entry(object).or_default().insert(*hour);
                }
                (None, None) => {}
            }
        }
        for (object, hours) in stored {
            let mut of_hours: BTreeMap<EventHour, Vec<K::Row>> = BTreeMap::new();
            let read = data_scan::read(self.lake, &object).await;
            for row in read.map_err(|failure| LinkError::of_scan(failure, &object))? {
                let hour = K::hour_of(&row);
                if hours.contains(&hour) {
                    of_hours.entry(hour).or_default().push(row);
                }
            }
            for (hour, read) in of_hours {
                rows.entry(hour).or_default().push(Arc::new(read));
            }
        }
        Ok(rows)
    }

    /// The data object that holds an hour's rows: stored in this run, or published.
    pub(super) fn object_of(&self, hour: EventHour) -> Option<DataKey> {
        if let Some(object) = self.built.get(&hour) {
            return object.clone();
        }
        let manifest = self.partitions.get(&hour.day)?.manifest.as_ref()?;
        let of_part = |part| {
            manifest
                .objects()
                .find(|object| object.part == part)
                .cloned()
        };
        of_part(DayPart::Hour(hour.hour_of_day)).or_else(|| of_part(DayPart::Whole))
    }

    /// Stores rows as a data object, in the order of the table.
    async fn store_rows(
        &mut self,
        day: Day,
        part: DayPart,
        rows: SharedRows<K::Row>,
    ) -> Result<DataKey, LinkError> {
        let encoded = tokio::task::spawn_blocking(move || encode::<K>(&rows)).await?;
        let content = encoded.map_err(|cause| LinkError::Encode { day, cause })?;
        self.store_content(day, part, content).await
    }

    /// Stores the bytes of a data object, under the name that they give it.
    pub(super) async fn store_content(
        &mut self,
        day: Day,
        part: DayPart,
        content: Bytes,
    ) -> Result<DataKey, LinkError> {
        let mut key = DataKey::of(K::Row::TABLE, day, part, &content);
        let size_bytes = content.len() as u64;
        while !self.is_published(&key, &content).await? {
            let (store, name) = (self.lake.store(), key.to_string());
            match store
                .put(&name, content.clone(), Condition::IfAbsent, Metadata::new())
                .await
            {
                Ok(_) => {
                    self.tally.objects_written += 1;
                    break;
                }
                Err(StoreError::Precondition { .. })
                    if self.may_trust_unnamed(&key, &content).await? =>
                {
                    break;
                }
                Err(StoreError::Precondition { .. }) => key = key.next_copy(),
                Err(failure) => return Err(failure.into()),
            }
        }
        self.objects.insert(
            key.clone(),
            StoredObject {
                size_bytes,
                modified_at: self.now,
            },
        );
        Ok(key)
    }

    /// Whether a data object is part of the published table as it should be.
    async fn is_published(&self, key: &DataKey, content: &Bytes) -> Result<bool, LinkError> {
        let partition = self.partitions.get(&key.day);
        let manifest = partition.and_then(|partition| partition.manifest.as_ref());
        let is_named = manifest.is_some_and(|manifest| manifest.names(key));
        Ok(is_named && self.objects.contains_key(key) && self.holds(key, content).await?)
    }

    /// Whether a data object that no manifest names can be named: it is whole, and will stay until it is named.
    /// Without a lock another linker may be about to delete an old one.
    async fn may_trust_unnamed(&self, key: &DataKey, content: &Bytes) -> Result<bool, LinkError> {
        if self.garbage == Garbage::Aged {
            // Deleted between two calls: look at the lake again.
            let meta = self.lake.store().head(&key.to_string()).await?;
            if self.now.0.saturating_sub(meta.modified_at.0) >= TRUSTED_AGE_MS {
                return Ok(false);
            }
        }
        self.holds(key, content).await
    }

    /// Whether an object has the content that it is named for; looked at only where everything is to be built again, or
    /// an object of its day is damaged.
    async fn holds(&self, key: &DataKey, content: &Bytes) -> Result<bool, LinkError> {
        if !self.options.rebuild && !self.damaged.contains(&key.day) {
            return Ok(true);
        }
        Ok(self
            .lake
            .store()
            .get(&key.to_string())
            .await?
            .bytes()
            .await?
            == *content)
    }
}

fn encode<K: Kind>(rows: &[Arc<Vec<K::Row>>]) -> Result<Bytes, TableError> {
    let mut sorted: Vec<&K::Row> = rows.iter().flat_map(|rows| rows.iter()).collect();
    sorted.sort_by(|left, right| K::order(left, right));
    encode_data_object(sorted).map(Bytes::from)
}
