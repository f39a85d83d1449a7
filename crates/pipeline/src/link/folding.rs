//! Folds the fragments of an hour that has been quiet for a day into one.
//!
//! Only duplicates are dropped (rule L1): twins and addenda stay apart until link time, so the fold says exactly what
//! its inputs say and the hour need not be built again. The fold is stored before an input goes: a day before it, where
//! others may be listing the fragments. A listing comes in pages, and who got the one before a fold was stored would
//! miss the fold, and on the next page its inputs too.

use std::collections::BTreeSet;

use bytes::Bytes;
use trailback_sessions::Timestamp;
use trailback_tables::partition::{Day, EventHour, FragmentKey};
use trailback_tables::{TableError, TableRow, encode_fragment};

use super::garbage::Garbage;
use super::kinds::Kind;
use super::{LinkError, Run, hours_of};
use crate::fragments;
use crate::store::{Condition, Metadata, StoreError};

/// How long no fragment of an hour was written before it is folded, in milliseconds.
const QUIET_MS: i64 = 24 * 3_600_000;

impl<K: Kind> Run<'_, K> {
    /// Folds every hour that is up to date and has been quiet, and drops what a fold that is a day old has made
    /// superfluous.
    pub(super) async fn fold_quiet_hours(&mut self) -> Result<(), LinkError> {
        let is_old = |written_at: &Timestamp| self.now.0.saturating_sub(written_at.0) > QUIET_MS;
        let quiet = self.fragments.iter().filter(|(hour, fragments)| {
            fragments.len() > 1 && fragments.values().all(is_old) && !self.differs(**hour)
        });
        let quiet: BTreeSet<EventHour> = quiet.map(|(hour, _)| *hour).collect();
        let days: BTreeSet<Day> = quiet.iter().map(|hour| hour.day).collect();
        for day in days {
            for hour in quiet.range(hours_of(&(day..=day))) {
                self.fold(*hour).await?;
            }
            self.record_folds(day).await?;
        }
        Ok(())
    }

    async fn fold(&mut self, hour: EventHour) -> Result<(), LinkError> {
        let Some(fragments) = self.fragments.get(&hour).cloned() else {
            return Ok(());
        };
        let mut inputs = Vec::new();
        for key in fragments.keys() {
            inputs.push((key.clone(), fragments::read(self.lake, key.clone()).await?));
        }
        let folded = tokio::task::spawn_blocking(move || Fold::of::<K>(hour, inputs)).await?;
        let fold = folded.map_err(|cause| LinkError::Encode {
            day: hour.day,
            cause,
        })?;
        let mut left = fragments;
        left.insert(fold.key.clone(), self.now);
        let is_new = fold.content.is_some();
        if let Some(content) = fold.content {
            self.store_fold(&fold.key, content).await?;
        }
        if !is_new || self.garbage == Garbage::AtOnce {
            let names: Vec<_> = fold.superseded.iter().map(FragmentKey::to_string).collect();
            for outcome in self.lake.store().delete(&names).await {
                outcome?;
            }
            left.retain(|key, _| !fold.superseded.contains(key));
            self.tally.hours_folded += 1;
        }
        self.fragments.insert(hour, left);
        let inputs = self.inputs(hour);
        if let (Some(state), Some(inputs)) = (self.states.get_mut(&hour), inputs) {
            state.inputs = inputs;
        }
        Ok(())
    }

    async fn store_fold(&self, key: &FragmentKey, content: Bytes) -> Result<(), LinkError> {
        let (store, name) = (self.lake.store(), key.to_string());
        let put = store.put(&name, content, Condition::IfAbsent, Metadata::new());
        match put.await {
            Ok(_) | Err(StoreError::Precondition { .. }) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Records that a day's rows are those of the folds too. If that fails, the hours are only built once more.
    async fn record_folds(&mut self, day: Day) -> Result<(), LinkError> {
        let published = self.partitions.get(&day);
        let Some((manifest, mut state)) = published
            .and_then(|partition| Some((partition.manifest.clone()?, partition.state.clone()?)))
        else {
            return Ok(());
        };
        for (hour, of_hour) in self.states.range(hours_of(&(day..=day))) {
            state.hours[usize::from(hour.hour_of_day)] = Some(*of_hour);
        }
        self.put_manifest(day, manifest, state).await
    }
}

/// What becomes of an hour's fragments.
struct Fold {
    /// The fragment that holds everything.
    key: FragmentKey,
    /// Its bytes, unless it is one of the inputs.
    content: Option<Bytes>,
    /// The inputs that it makes superfluous.
    superseded: BTreeSet<FragmentKey>,
}

impl Fold {
    /// An input goes if the fold holds strictly more. One that holds the same stays under the smaller name, so that two
    /// linkers, or two versions of the program, never delete each other's.
    fn of<K: Kind>(
        hour: EventHour,
        inputs: Vec<(FragmentKey, Vec<K::Record>)>,
    ) -> Result<Fold, TableError> {
        let all = inputs
            .iter()
            .flat_map(|(_, records)| records.iter().cloned())
            .collect();
        let all = K::drop_duplicates(all);
        let content = encode_fragment(&all)?;
        let new = FragmentKey::of(K::Record::TABLE, hour, &content);
        let holds_all = |(key, records): (FragmentKey, Vec<K::Record>)| {
            let is_equal = K::drop_duplicates(records) == all;
            (key, is_equal)
        };
        let inputs: Vec<(FragmentKey, bool)> = inputs.into_iter().map(holds_all).collect();
        let equal = inputs
            .iter()
            .filter(|(_, is_equal)| *is_equal)
            .map(|(key, _)| key);
        let key = equal
            .chain([&new])
            .min()
            .cloned()
            .unwrap_or_else(|| new.clone());
        let is_present = inputs.iter().any(|(input, _)| *input == key);
        let superseded = inputs
            .into_iter()
            .map(|(input, _)| input)
            .filter(|input| *input != key);
        Ok(Fold {
            superseded: superseded.collect(),
            content: (!is_present).then(|| Bytes::from(content)),
            key,
        })
    }
}
