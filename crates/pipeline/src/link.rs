//! The second step: fragments in, the published tables out: `sessions`, linked, and the ledger `log_objects`.
//!
//! A level-triggered reconciler without state of its own. For every hour it compares the digest of the hour's inputs
//! with the one that was recorded when the hour was last built, and builds again what differs, early hours before late
//! ones. An hour's inputs hold the link IDs of the 36 hours before it: a late record in an early hour reaches exactly
//! as far as it changes something, and an equal link ID stops it.
//!
//! A partition, one day, is published by one conditional write of its manifest, which carries the digests of exactly
//! what was read. Whoever loses that race, or finds an object gone that another linker replaced, forgets what it
//! built and looks again; what it had published before stays.
//!
//! What is damaged costs itself. An hour of which a fragment is damaged stays as it is published, and is named at the end
//! of both tables ([`Linked::left_out`]). Data objects can be made again: the day of a damaged one is built anew.

mod ancestors;
mod building;
mod failure;
mod folding;
mod garbage;
mod hours;
mod kinds;
mod look_back;
mod publishing;
mod slices;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;
use trailback_sessions::Timestamp;
use trailback_tables::TableRow;
use trailback_tables::manifest::{HourState, ShortDigest};
use trailback_tables::partition::{DataKey, Day, EventHour, FragmentKey};

use crate::catalog::{self, FragmentsByHour, Partition, StoredObject};
use crate::lake::Lake;
use crate::progress::{Amount, Progress, Silent, Step};
use crate::tally::LinkTally;
pub use failure::LinkError;
use failure::is_conflict;
use garbage::Garbage;
use hours::HourStates;
use kinds::{Kind, Ledger, Sessions};
use look_back::Recent;

/// Below this many rows the objects of single hours would be mostly footer.
pub const DAY_OBJECT_ROWS: u64 = 250_000;

/// 128 MB at 2 KB a row.
pub const WAITING_ROWS: u64 = 65_536;

/// A few hours of an organisation with a million sessions a day; 64 MB at 2 KB a row.
pub const RECENT_ROWS: usize = 32_768;

/// Some 60,000 rows of an organisation's own calls, which are decoded to be folded.
pub const FOLD_BYTES: u64 = 8 << 20;

/// 256 MB at 2 KB a row, of which three times as much is in work at once.
pub const ROWS_AT_ONCE: usize = 131_072;

/// How often a linker starts again when others are faster, before it leaves the lake to them.
const TRIES_MAX: u64 = 8;

/// With a time budget one part in so many is the ledger's alone.
const LEDGER_SHARE: u32 = 10;

/// With a time budget the days from so many before the newest one come first.
const RECENT_DAYS: i32 = 2;

/// How to link.
#[derive(Clone, Copy, Debug)]
pub struct LinkOptions {
    /// Builds every hour again, whatever its digest says.
    pub rebuild: bool,
    /// How long to work: recent days first, older ones with at most half of it. The next run goes on. `None`: to the
    /// end, in the order of time.
    pub budget: Option<Duration>,
    /// A day with fewer rows is one data object, one with as many or more has one for each hour. The layout of the
    /// lake: every linker of it must use the same number. Default: [`DAY_OBJECT_ROWS`].
    pub day_object_rows: u64,
    /// How many rows that were just built may wait in memory for the rest of their day. Beyond it they are stored hour by
    /// hour, and read again where the day turns out to be one data object. Default: [`WAITING_ROWS`].
    pub waiting_rows: u64,
    /// How many rows that were just built may stay in memory for the hours that follow, beyond those that
    /// wait; a row takes about 2 KB there. Default: [`RECENT_ROWS`].
    pub recent_rows: usize,
    /// Fragments of so many bytes together are folded into one; larger ones stay as they are. Default: [`FOLD_BYTES`].
    pub fold_bytes: u64,
    /// An hour of sessions with more rows than this is built a slice of time at a time. Default: [`ROWS_AT_ONCE`].
    pub rows_at_once: usize,
}

impl Default for LinkOptions {
    fn default() -> LinkOptions {
        LinkOptions {
            rebuild: false,
            budget: None,
            day_object_rows: DAY_OBJECT_ROWS,
            waiting_rows: WAITING_ROWS,
            recent_rows: RECENT_ROWS,
            fold_bytes: FOLD_BYTES,
            rows_at_once: ROWS_AT_ONCE,
        }
    }
}

/// What one linker's run did.
#[derive(Debug, Default)]
pub struct Linked {
    /// To the table `sessions`.
    pub sessions: LinkTally,
    /// To the ledger, `log_objects`; its rows are not linked, only filed.
    pub log_objects: LinkTally,
    /// Why some hours stayed as they were published, one reason each; everything else was done.
    pub left_out: Vec<LinkError>,
}

impl Linked {
    /// The same, unless something was left out: then the first reason.
    ///
    /// # Errors
    ///
    /// When something was left out.
    pub fn whole(mut self) -> Result<Linked, LinkError> {
        match self.left_out.is_empty() {
            true => Ok(self),
            false => Err(self.left_out.swap_remove(0)),
        }
    }
}

/// Brings the published tables up to the fragments of a lake: `sessions`, which people ask, then the ledger; then folds
/// fragments. Under a time budget a tenth is kept for the ledger, whose rows are cheap, so that no backlog of sessions
/// starves it.
///
/// # Errors
///
/// When the lake cannot be read or written, or was linked by a newer program. What is damaged is no error, but
/// [left out](Linked::left_out).
pub fn link<'r>(
    lake: &'r Lake,
    options: &'r LinkOptions,
    progress: &'r Arc<dyn Progress>,
) -> BoxFuture<'r, Result<Linked, LinkError>> {
    // Boxed, because the compiler copies an async function, with all that it awaits, into every codegen unit that awaits it.
    link_both(lake, options, progress).boxed()
}

async fn link_both(
    lake: &Lake,
    options: &LinkOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Linked, LinkError> {
    let lock = lake.lock_for_linking().await?;
    let garbage = if lock.is_exclusive() {
        Garbage::AtOnce
    } else {
        Garbage::Aged
    };
    let end = options.budget.map(|budget| Instant::now() + budget);
    let for_ledger = options.budget.unwrap_or_default() / LEDGER_SHARE;
    let linking = Linking {
        lake,
        options,
        garbage,
        progress,
        deadlines: end.map(|end| Deadlines::until(end - for_ledger)),
    };
    let mut sessions = Linker::<Sessions>::new(linking);
    let of_sessions = match sessions.bring_up().await {
        Err(failure) if !failure.is_of_one_table() => return Err(failure),
        outcome => outcome,
    };
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let mut ledger = Linker::<Ledger>::new(Linking {
        progress: &silent,
        deadlines: end.map(Deadlines::until),
        ..linking
    });
    ledger.bring_up().await?;
    of_sessions?;
    // Neither table waits for this: the ledger's fragments first, which are few.
    ledger.tidy(end).await?;
    sessions.tidy(end).await?;
    let (sessions, of_sessions) = sessions.done();
    let (log_objects, of_ledger) = ledger.done();
    Ok(Linked {
        sessions,
        log_objects,
        left_out: of_sessions.chain(of_ledger).collect(),
    })
}

/// On what a linker works, and how.
#[derive(Clone, Copy)]
struct Linking<'a> {
    lake: &'a Lake,
    options: &'a LinkOptions,
    garbage: Garbage,
    progress: &'a Arc<dyn Progress>,
    deadlines: Option<Deadlines>,
}

/// Brings one table up to its fragments: in one run, or in as many as it takes where others are faster.
struct Linker<'a, K: Kind> {
    linking: Linking<'a>,
    tally: LinkTally,
    /// The days that were published in earlier runs.
    published: BTreeSet<Day>,
    /// The days of which a data object is damaged.
    damaged: BTreeSet<Day>,
    /// The run that came to its end.
    run: Option<Run<'a, K>>,
}

impl<'a, K: Kind> Linker<'a, K> {
    fn new(linking: Linking<'a>) -> Self {
        Linker {
            linking,
            tally: LinkTally::default(),
            published: BTreeSet::new(),
            damaged: BTreeSet::new(),
            run: None,
        }
    }

    /// Builds and publishes what differs.
    async fn bring_up(&mut self) -> Result<(), LinkError> {
        loop {
            let damaged = self.damaged.clone();
            let mut run = Run::<K>::begin(&self.linking, self.tally, damaged).await?;
            let is_done = |day| self.published.contains(&day);
            // What was published before it was found to be damaged is not done.
            run.distrust(|day| !is_done(day));
            let must_rebuild = |day| self.linking.options.rebuild && !is_done(day);
            let outcome = run.work(&must_rebuild, self.linking.deadlines).await;
            self.linking.progress.ends(Step::Link);
            self.tally = run.tally;
            self.published.append(&mut run.published);
            match outcome {
                Ok(()) => {
                    self.run = Some(run);
                    return Ok(());
                }
                Err(failure) => self.begin_again(failure)?,
            }
        }
    }

    /// Folds fragments, and deletes what is not named any more.
    async fn tidy(&mut self, until: Option<Instant>) -> Result<(), LinkError> {
        while let Some(run) = &mut self.run {
            let outcome = run.tidy(until).await;
            self.tally = run.tally;
            match outcome {
                Ok(()) => break,
                Err(failure) => self.begin_again(failure)?,
            }
            self.bring_up().await?;
        }
        Ok(())
    }

    /// Notes why a run must look at the lake again: others were faster, or a data object is damaged, whose day is built
    /// anew then. Any other failure is handed back.
    fn begin_again(&mut self, failure: LinkError) -> Result<(), LinkError> {
        match failure {
            LinkError::Store(last) if is_conflict(&last) => {
                self.tally.conflicts += 1;
                let tries = self.tally.conflicts;
                if tries >= TRIES_MAX {
                    return Err(LinkError::Contended { tries, last });
                }
            }
            LinkError::DamagedObject { day, .. } if self.damaged.insert(day) => {
                self.published.remove(&day);
                self.tally.days_mended += 1;
            }
            failure => return Err(failure),
        }
        Ok(())
    }

    /// What was done, and why some hours were left out.
    fn done(self) -> (LinkTally, impl Iterator<Item = LinkError>) {
        let left_out = self.run.map(|run| run.left_out).unwrap_or_default();
        (self.tally, left_out.into_values())
    }
}

/// Until when a run with a time budget works on what.
#[derive(Clone, Copy, Debug)]
struct Deadlines {
    /// The whole of it.
    end: Instant,
    /// How much of it older days may take.
    older: Duration,
}

impl Deadlines {
    fn until(end: Instant) -> Deadlines {
        Deadlines {
            end,
            older: end.saturating_duration_since(Instant::now()) / 2,
        }
    }
}

/// Whether a day is to be built again whatever its digests say.
type MustRebuild<'r> = &'r (dyn Fn(Day) -> bool + Sync);

/// One look at a table of the lake, and what is done about it.
struct Run<'a, K: Kind> {
    lake: &'a Lake,
    options: &'a LinkOptions,
    garbage: Garbage,
    progress: &'a Arc<dyn Progress>,
    tally: LinkTally,
    now: Timestamp,
    fragments: FragmentsByHour,
    partitions: BTreeMap<Day, Partition>,
    objects: HashMap<DataKey, StoredObject>,
    /// The hours that have rows, published or built in this run.
    states: HourStates,
    /// Rows that were built in this run and are still in memory.
    recent: Recent<K>,
    /// The hours of the day at work that were built, and their data object where one was stored already.
    built: BTreeMap<EventHour, Option<DataKey>>,
    /// The days that were published in this run.
    published: BTreeSet<Day>,
    /// The days of which a data object is damaged.
    damaged: BTreeSet<Day>,
    /// The hours that stay as they are published, and why.
    left_out: BTreeMap<EventHour, LinkError>,
    /// Fragments that a newer program wrote.
    newer_fragments: BTreeSet<FragmentKey>,
    /// Whether it is this run's turn to delete what no manifest names.
    has_turn: bool,
}

impl<'a, K: Kind> Run<'a, K> {
    /// Looks at the lake: manifests first, so that what they name is in the listings that follow.
    async fn begin(
        linking: &Linking<'a>,
        tally: LinkTally,
        damaged: BTreeSet<Day>,
    ) -> Result<Run<'a, K>, LinkError> {
        let Linking {
            lake,
            options,
            garbage,
            progress,
            ..
        } = *linking;
        let table = K::Row::TABLE;
        let now = lake.store().now().await?;
        let mut partitions = catalog::partitions(lake, table, &Day::RANGE).await?;
        let objects = catalog::data_objects(lake, table, &Day::RANGE).await?;
        let fragments = catalog::fragments(lake, table).await?;
        let mut states = HourStates::new();
        for (day, partition) in &mut partitions {
            partition.distrust_if_incomplete(&objects);
            let Some(state) = &partition.state else {
                continue;
            };
            if state.link_version > K::VERSION {
                return Err(LinkError::NewerLinkVersion {
                    table: table.name(),
                    day: *day,
                    found: state.link_version,
                    known: K::VERSION,
                });
            }
            let of_hour = |(hour_of_day, state): (u8, &HourState)| {
                (
                    EventHour {
                        day: *day,
                        hour_of_day,
                    },
                    *state,
                )
            };
            states.extend(state.built().map(of_hour));
        }
        Ok(Run {
            lake,
            options,
            garbage,
            progress,
            tally,
            now,
            fragments,
            partitions,
            objects,
            states,
            recent: Recent::new(),
            built: BTreeMap::new(),
            published: BTreeSet::new(),
            damaged,
            left_out: BTreeMap::new(),
            newer_fragments: BTreeSet::new(),
            has_turn: false,
        })
    }

    /// Forgets what is recorded of those of the damaged days: they are built anew.
    fn distrust(&mut self, is_wanted: impl Fn(Day) -> bool) {
        for day in self.damaged.iter().filter(|day| is_wanted(**day)) {
            if let Some(partition) = self.partitions.get_mut(day) {
                partition.state = None;
                self.states.retain(|hour, _| hour.day != *day);
            }
        }
    }

    /// Does all there is to do, or as much as the deadlines allow.
    async fn work(
        &mut self,
        must_rebuild: MustRebuild<'_>,
        deadlines: Option<Deadlines>,
    ) -> Result<(), LinkError> {
        let hours = self.hours(&Day::RANGE).len() as u64;
        self.tally.hours = hours;
        // A run that begins again looks at everything again.
        (self.tally.hours_left, self.tally.lag_seconds) = (0, 0);
        self.progress.begins(
            Step::Link,
            Amount {
                items: hours,
                bytes: 0,
            },
        );
        self.remove_unnamed_objects().await?;
        match (deadlines, self.newest_day()) {
            (Some(deadlines), Some(newest)) => {
                self.reconcile_in_time(newest, must_rebuild, deadlines)
                    .await?;
            }
            _ => self.reconcile(&Day::RANGE, must_rebuild, None).await?,
        }
        self.recent = Recent::new();
        self.tally.rows = self
            .states
            .values()
            .map(|state| u64::from(state.row_count))
            .sum();
        Ok(())
    }

    /// Folds fragments and deletes what no manifest names any more, as long as there is time.
    async fn tidy(&mut self, until: Option<Instant>) -> Result<(), LinkError> {
        if until.is_none_or(|until| Instant::now() < until) {
            self.fold_quiet_hours(until).await?;
            self.remove_unnamed_objects().await?;
        }
        self.tally.newer_fragments = self.newer_fragments.len() as u64;
        Ok(())
    }

    /// The newest day with rows that is not still to come, unless all are: a record may tell any time.
    fn newest_day(&self) -> Option<Day> {
        let newest = |days| Some(self.hours(&days).last()?.day);
        let tomorrow = Day::of(self.now).plus(1);
        newest(*Day::RANGE.start()..=tomorrow).or_else(|| newest(Day::RANGE))
    }

    /// Brings up recent days, then, with at most half of the time that is left, all others.
    async fn reconcile_in_time(
        &mut self,
        newest: Day,
        must_rebuild: MustRebuild<'_>,
        deadlines: Deadlines,
    ) -> Result<(), LinkError> {
        // Recent rows may descend from those of a day that is to be built anew.
        for day in self.damaged.clone() {
            self.reconcile(&(day..=day), must_rebuild, Some(deadlines.end))
                .await?;
        }
        let recent = newest.plus(-RECENT_DAYS)..=newest;
        self.reconcile(&recent, must_rebuild, Some(deadlines.end))
            .await?;
        let until = Some(deadlines.end.min(Instant::now() + deadlines.older));
        let older = *Day::RANGE.start()..=recent.start().plus(-1);
        self.reconcile(&older, must_rebuild, until).await?;
        let to_come = newest.plus(1)..=*Day::RANGE.end();
        self.reconcile(&to_come, must_rebuild, until).await
    }

    /// The hours of some days that have fragments, or have rows.
    fn hours(&self, days: &RangeInclusive<Day>) -> BTreeSet<EventHour> {
        let range = hours_of(days);
        let with_fragments = self.fragments.range(range.clone()).map(|(hour, _)| *hour);
        with_fragments
            .chain(self.states.range(range).map(|(hour, _)| *hour))
            .collect()
    }

    /// Builds what differs in some days and publishes them, one after the other.
    async fn reconcile(
        &mut self,
        days: &RangeInclusive<Day>,
        must_rebuild: MustRebuild<'_>,
        until: Option<Instant>,
    ) -> Result<(), LinkError> {
        let of_partitions = self.partitions.range(days.clone()).map(|(day, _)| *day);
        let of_hours = self.hours(days).into_iter().map(|hour| hour.day);
        let days: BTreeSet<Day> = of_partitions.chain(of_hours).collect();
        for day in days {
            let is_trusted = self.is_trusted(day);
            // A damaged day is made whole whatever the time, for a part of it would replace what readers still have.
            let until = until.filter(|_| is_trusted);
            if self.build_day(day, must_rebuild(day), until).await? || !is_trusted {
                self.publish(day).await?;
            }
        }
        Ok(())
    }

    /// Builds what differs in a day; tells whether anything did.
    async fn build_day(
        &mut self,
        day: Day,
        must_rebuild: bool,
        until: Option<Instant>,
    ) -> Result<bool, LinkError> {
        self.built.clear();
        let mut is_changed = false;
        for hour in self.hours(&(day..=day)) {
            if self.differs(hour) || must_rebuild {
                if until.is_some_and(|until| Instant::now() >= until) {
                    self.leave(hour);
                    continue;
                }
                is_changed |= self.build(hour).await?;
            }
            self.progress
                .advances(Step::Link, Amount { items: 1, bytes: 0 });
        }
        Ok(is_changed)
    }

    /// Leaves an hour to the next run.
    fn leave(&mut self, hour: EventHour) {
        self.tally.hours_left += 1;
        self.note_waiting(hour);
    }

    /// Notes how long an hour that is not brought up has waited at most: since its newest fragment came. Where not that but
    /// an hour before it is the reason, it has waited for less.
    fn note_waiting(&mut self, hour: EventHour) {
        let of_hour = self.fragments.get(&hour);
        let written = of_hour.into_iter().flat_map(|fragments| fragments.values());
        let newest = written.map(|fragment| fragment.modified_at.0).max();
        let waited_ms = newest.map_or(0, |newest| self.now.0 - newest);
        let waited_seconds = u64::try_from(waited_ms / 1_000).unwrap_or_default();
        self.tally.lag_seconds = self.tally.lag_seconds.max(waited_seconds);
    }

    /// Whether what is published of a day, if anything is, can be built upon.
    fn is_trusted(&self, day: Day) -> bool {
        self.partitions.get(&day).is_none_or(Partition::is_trusted)
    }

    /// Whether an hour of a day was left out.
    fn has_left_out(&self, day: Day) -> bool {
        let of_day = self.left_out.range(hours_of(&(day..=day)));
        of_day.count() > 0
    }

    /// Whether an hour's rows were built from something else than what there is now.
    fn differs(&self, hour: EventHour) -> bool {
        let recorded = self.states.get(&hour).map(|state| state.inputs);
        recorded != self.inputs(hour)
    }

    /// The digest of an hour's inputs; `None` where it has none.
    fn inputs(&self, hour: EventHour) -> Option<ShortDigest> {
        let fragments = self.fragments.get(&hour)?;
        Some(hours::inputs::<K>(hour, fragments.keys(), &self.states))
    }
}

impl Partition {
    /// Whether its rows and what is recorded of them can be built upon.
    fn is_trusted(&self) -> bool {
        self.manifest.is_some() && self.state.is_some()
    }

    /// Forgets what is recorded where something is damaged or gone: then the day is built anew.
    fn distrust_if_incomplete(&mut self, objects: &HashMap<DataKey, StoredObject>) {
        let is_there = |key: &DataKey| objects.contains_key(key);
        if !self
            .manifest
            .as_ref()
            .is_some_and(|manifest| manifest.objects().all(is_there))
        {
            self.state = None;
        }
    }
}

/// All hours of some days.
fn hours_of(days: &RangeInclusive<Day>) -> RangeInclusive<EventHour> {
    let first = EventHour {
        day: *days.start(),
        hour_of_day: 0,
    };
    first..=EventHour {
        day: *days.end(),
        hour_of_day: 23,
    }
}

#[cfg(test)]
mod tests;
