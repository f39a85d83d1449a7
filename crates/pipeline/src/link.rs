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

mod ancestors;
mod building;
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
use trailback_tables::manifest::{HourState, ManifestError, ShortDigest};
use trailback_tables::partition::{DataKey, Day, EventHour};
use trailback_tables::{TableError, TableRow};

use crate::catalog::{self, FragmentsByHour, Partition, StoredObject};
use crate::data_scan::ScanError;
use crate::fragments::FragmentError;
use crate::lake::Lake;
use crate::progress::{Amount, Progress, Silent, Step};
use crate::store::StoreError;
use crate::tally::LinkTally;
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

/// Why linking stopped. The lake is whole: what was published stays, and the next run goes on.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The lake cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others were faster again and again.
    #[error("other linkers are at work on this lake; gave way after {tries} tries")]
    Contended {
        /// How often it was tried.
        tries: u64,
        /// What happened last.
        #[source]
        last: StoreError,
    },
    /// The lake was linked by a newer program.
    #[error(
        "{table} of {day} was linked by rules of version {found}, this program knows up to {known}; use a newer trailback"
    )]
    NewerLinkVersion {
        /// The table.
        table: &'static str,
        /// A day of which that is so.
        day: Day,
        /// The version.
        found: i32,
        /// This program's.
        known: i32,
    },
    /// A fragment does not hold what its name says.
    #[error(
        "{location} is damaged; ingest the log objects of that time with --again, and if that does not mend it, delete it first"
    )]
    DamagedFragment {
        /// The fragment.
        location: String,
        /// What is wrong, where the bytes are right.
        #[source]
        cause: Option<TableError>,
    },
    /// A data object cannot be read.
    #[error("{location} is damaged; `trailback link --rebuild` makes it again")]
    DamagedObject {
        /// The data object.
        location: String,
        /// What is wrong.
        #[source]
        cause: TableError,
    },
    /// Rows cannot be encoded.
    #[error("cannot encode the rows of {day}")]
    Encode {
        /// Their day.
        day: Day,
        /// Why not.
        #[source]
        cause: TableError,
    },
    /// A manifest cannot be made.
    #[error("cannot make the manifest of {day}")]
    Manifest {
        /// The day.
        day: Day,
        /// Why not.
        #[source]
        cause: ManifestError,
    },
    /// A thread died.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

impl From<FragmentError> for LinkError {
    fn from(failure: FragmentError) -> LinkError {
        match failure {
            FragmentError::Store(failure) => LinkError::Store(failure),
            FragmentError::Damaged { location, cause } => {
                LinkError::DamagedFragment { location, cause }
            }
            FragmentError::Worker(stopped) => LinkError::Worker(stopped),
        }
    }
}

impl From<ScanError> for LinkError {
    fn from(failure: ScanError) -> LinkError {
        match failure {
            ScanError::Store(failure) => LinkError::Store(failure),
            ScanError::Damaged { location, cause } => LinkError::DamagedObject { location, cause },
            ScanError::Worker(stopped) => LinkError::Worker(stopped),
        }
    }
}

/// Whether another writer was faster, so that looking again may help.
fn is_conflict(failure: &StoreError) -> bool {
    matches!(
        failure,
        StoreError::NotFound { .. } | StoreError::Precondition { .. }
    )
}

/// What one linker's run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Linked {
    /// To the table `sessions`.
    pub sessions: LinkTally,
    /// To the ledger, `log_objects`; its rows are not linked, only filed.
    pub log_objects: LinkTally,
}

/// Brings the published tables up to the fragments of a lake: `sessions`, which people ask, then the ledger. Under a time
/// budget a tenth is kept for the ledger, whose rows are cheap, so that no backlog of sessions starves it.
///
/// # Errors
///
/// When the lake cannot be read or written, holds damaged objects, or was linked by a newer program.
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
    let of_sessions = end.map(|end| Deadlines::until(end - for_ledger));
    let sessions = bring_up::<Sessions>(lake, options, garbage, of_sessions, progress).await?;
    let of_ledger = end.map(Deadlines::until);
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let log_objects = bring_up::<Ledger>(lake, options, garbage, of_ledger, &silent).await?;
    Ok(Linked {
        sessions,
        log_objects,
    })
}

/// Brings one table up to its fragments.
async fn bring_up<K: Kind>(
    lake: &Lake,
    options: &LinkOptions,
    garbage: Garbage,
    deadlines: Option<Deadlines>,
    progress: &Arc<dyn Progress>,
) -> Result<LinkTally, LinkError> {
    let mut rebuilt: BTreeSet<Day> = BTreeSet::new();
    let mut tally = LinkTally::default();
    loop {
        let mut run = Run::<K>::begin(lake, options, garbage, tally, progress).await?;
        let must_rebuild = |day| options.rebuild && !rebuilt.contains(&day);
        let outcome = run.work(&must_rebuild, deadlines).await;
        progress.ends(Step::Link);
        tally = run.tally;
        rebuilt.extend(run.published);
        match outcome {
            Ok(()) => return Ok(tally),
            Err(LinkError::Store(last)) if is_conflict(&last) => {
                tally.conflicts += 1;
                if tally.conflicts >= TRIES_MAX {
                    return Err(LinkError::Contended {
                        tries: tally.conflicts,
                        last,
                    });
                }
            }
            Err(failure) => return Err(failure),
        }
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
    /// Whether it is this run's turn to delete what no manifest names.
    has_turn: bool,
}

impl<'a, K: Kind> Run<'a, K> {
    /// Looks at the lake: manifests first, so that what they name is in the listings that follow.
    async fn begin(
        lake: &'a Lake,
        options: &'a LinkOptions,
        garbage: Garbage,
        tally: LinkTally,
        progress: &'a Arc<dyn Progress>,
    ) -> Result<Run<'a, K>, LinkError> {
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
            has_turn: false,
        })
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
        match (deadlines, self.hours(&Day::RANGE).last()) {
            (Some(deadlines), Some(newest)) => {
                let recent = newest.day.plus(-RECENT_DAYS);
                let until = Some(deadlines.end);
                self.reconcile(&(recent..=newest.day), must_rebuild, until)
                    .await?;
                let until = Some(deadlines.end.min(Instant::now() + deadlines.older));
                let older = *Day::RANGE.start()..=recent.plus(-1);
                self.reconcile(&older, must_rebuild, until).await?;
            }
            _ => self.reconcile(&Day::RANGE, must_rebuild, None).await?,
        }
        if deadlines.is_none_or(|deadlines| Instant::now() < deadlines.end) {
            self.fold_quiet_hours().await?;
            self.remove_unnamed_objects().await?;
        }
        self.tally.rows = self
            .states
            .values()
            .map(|state| u64::from(state.row_count))
            .sum();
        Ok(())
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
            let is_trusted = self.partitions.get(&day).is_none_or(Partition::is_trusted);
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
                self.build(hour).await?;
                is_changed = true;
            }
            self.progress
                .advances(Step::Link, Amount { items: 1, bytes: 0 });
        }
        Ok(is_changed)
    }

    /// Leaves an hour to the next run, and notes how long it has waited at most: since its newest fragment came. Where not
    /// that but an hour before it is the reason, it has waited for less.
    fn leave(&mut self, hour: EventHour) {
        self.tally.hours_left += 1;
        let of_hour = self.fragments.get(&hour);
        let written = of_hour.into_iter().flat_map(|fragments| fragments.values());
        let newest = written.map(|fragment| fragment.modified_at.0).max();
        let waited_ms = newest.map_or(0, |newest| self.now.0 - newest);
        let waited_seconds = u64::try_from(waited_ms / 1_000).unwrap_or_default();
        self.tally.lag_seconds = self.tally.lag_seconds.max(waited_seconds);
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
