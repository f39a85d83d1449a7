//! Folds the fragments of an hour that has been quiet for a day into one, or, where the hour is large, into some of a good size.
//!
//! Only duplicates are dropped (rule L1): twins and addenda stay apart until link time, so the fold says exactly what
//! its inputs say and the hour need not be built again. The fold is stored before an input goes: a day before it, where
//! others may be listing the fragments. A listing comes in pages, and who got the one before a fold was stored would
//! miss the fold, and on the next page its inputs too.
//!
//! A fragment of a newer program stays as it is: what this program does not know of it would be lost for good.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use bytes::Bytes;
use tokio::time::Instant;
use trailback_tables::partition::{Day, EventHour, FragmentKey};
use trailback_tables::{TableError, TableRow, encode_fragment};

use super::garbage::Garbage;
use super::kinds::Kind;
use super::{LinkError, Run, hours_of};
use crate::catalog::{Fragments, StoredObject};
use crate::fragments;
use crate::store::{Condition, Metadata, StoreError};

/// How long no fragment of an hour was written before it is folded, in milliseconds.
const QUIET_MS: i64 = 24 * 3_600_000;

impl<K: Kind> Run<'_, K> {
    /// Folds every hour that is up to date and has been quiet, and drops what a fold that is a day old has made
    /// superfluous; begins none once its time is over.
    pub(super) async fn fold_quiet_hours(
        &mut self,
        until: Option<Instant>,
    ) -> Result<(), LinkError> {
        let is_old =
            |fragment: &StoredObject| self.now.0.saturating_sub(fragment.modified_at.0) > QUIET_MS;
        let quiet = self.fragments.iter().filter(|(hour, fragments)| {
            fragments.len() > 1 && fragments.values().all(is_old) && !self.differs(**hour)
        });
        let quiet: BTreeSet<EventHour> = quiet.map(|(hour, _)| *hour).collect();
        let days: BTreeSet<Day> = quiet.iter().map(|hour| hour.day).collect();
        for day in days {
            let of_day = quiet.range(hours_of(&(day..=day)));
            let folded = self.fold_hours(of_day, until).await;
            // Whatever came after them: an hour whose folds are not recorded is built once more.
            self.record_folds(day).await?;
            if folded?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Folds some hours, as long as there is time.
    async fn fold_hours(
        &mut self,
        hours: impl Iterator<Item = &EventHour>,
        until: Option<Instant>,
    ) -> Result<ControlFlow<()>, LinkError> {
        for hour in hours {
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(ControlFlow::Break(()));
            }
            if let Err(failure) = self.fold(*hour).await {
                self.leave_out(*hour, failure)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Folds an hour, up to the first fragment of a newer program: what is beside it would be folded into one that differs
    /// from the newer program's, and every run would read it all again.
    async fn fold(&mut self, hour: EventHour) -> Result<(), LinkError> {
        let Some(mut fragments) = self.fragments.get(&hour).cloned() else {
            return Ok(());
        };
        let mut is_folded = false;
        let mut outcome = Ok(());
        for group in groups(&fragments, self.options.fold_bytes) {
            match self.fold_group(hour, group, &mut fragments).await {
                Ok(Folded::Yes) => is_folded = true,
                Ok(Folded::NotYet) => {}
                Ok(Folded::Newer) => break,
                Err(failure) => {
                    outcome = Err(failure);
                    break;
                }
            }
        }
        self.tally.hours_folded += u64::from(is_folded);
        self.fragments.insert(hour, fragments);
        let inputs = self.inputs(hour);
        if let (Some(state), Some(inputs)) = (self.states.get_mut(&hour), inputs) {
            state.inputs = inputs;
        }
        outcome
    }

    /// Folds some of an hour's fragments.
    async fn fold_group(
        &mut self,
        hour: EventHour,
        group: Vec<FragmentKey>,
        fragments: &mut Fragments,
    ) -> Result<Folded, LinkError> {
        let mut inputs = Vec::new();
        for key in group {
            let Some(records) = fragments::read_known(self.lake, key.clone()).await? else {
                self.newer_fragments.insert(key);
                return Ok(Folded::Newer);
            };
            inputs.push((key, records));
        }
        let folded = tokio::task::spawn_blocking(move || Fold::of::<K>(hour, inputs)).await?;
        let fold = folded.map_err(|cause| LinkError::Encode {
            day: hour.day,
            cause,
        })?;
        // An input, or stored by an earlier run: not what this run has stored for another group.
        let listed = self.fragments.get(&hour);
        let is_new = listed.is_none_or(|listed| !listed.contains_key(&fold.key));
        if is_new {
            let stored = StoredObject {
                size_bytes: fold.content.len() as u64,
                modified_at: self.now,
            };
            self.store_fold(&fold.key, fold.content).await?;
            fragments.insert(fold.key, stored);
        }
        if is_new && self.garbage == Garbage::Aged {
            return Ok(Folded::NotYet);
        }
        let names: Vec<_> = fold.superseded.iter().map(FragmentKey::to_string).collect();
        for outcome in self.lake.store().delete(&names).await {
            outcome?;
        }
        fragments.retain(|key, _| !fold.superseded.contains(key));
        Ok(Folded::Yes)
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

/// Which fragments are folded together: those that are not large, in the order in which they were written, so that the next
/// run finds the same ones together, and the fold that this one stored behind them.
fn groups(fragments: &Fragments, fold_bytes: u64) -> Vec<Vec<FragmentKey>> {
    let mut small: Vec<_> = fragments
        .iter()
        .filter(|(_, fragment)| fragment.size_bytes < fold_bytes)
        .collect();
    small.sort_by_key(|(key, fragment)| (fragment.modified_at, *key));
    let mut groups = Vec::new();
    let (mut group, mut group_bytes) = (Vec::new(), 0);
    for (key, fragment) in small {
        group.push(key.clone());
        group_bytes += fragment.size_bytes;
        if group_bytes >= fold_bytes {
            groups.push(std::mem::take(&mut group));
            group_bytes = 0;
        }
    }
    groups.push(group);
    groups.retain(|group| group.len() > 1);
    groups
}

/// What came of folding some fragments.
enum Folded {
    /// The fold has taken their place.
    Yes,
    /// The fold lies beside them until it is a day old.
    NotYet,
    /// One of them is a newer program's: nothing was done.
    Newer,
}

/// What becomes of some fragments.
struct Fold {
    /// The fragment that holds everything: a new one, or an input.
    key: FragmentKey,
    /// The bytes of a new one.
    content: Bytes,
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
        let superseded = inputs
            .into_iter()
            .map(|(input, _)| input)
            .filter(|input| *input != key);
        Ok(Fold {
            superseded: superseded.collect(),
            content: content.into(),
            key,
        })
    }
}
