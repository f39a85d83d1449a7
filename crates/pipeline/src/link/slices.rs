//! Builds an hour of sessions, a slice of time at a time where it has more rows than memory is meant for.
//!
//! Records that become one row have one `event_time`, and a row descends from rows of its own moment or of earlier ones: an
//! hour may be cut between any two moments, and each slice linked with what was linked before it. What a slice came to is
//! kept encoded, as a run: a tenth of what its rows take. At the end the runs are merged into the hour's data object, whose
//! bytes are the same however the hour was cut.

use std::ops::RangeInclusive;
use std::sync::Arc;

use futures::stream;
use futures::{StreamExt, TryStreamExt};
use tokio::task::{JoinHandle, spawn_blocking};
use trailback_sessions::{Issuance, Session, Timestamp, Wanted, link, merge, table_order};
use trailback_tables::filter::Filter;
use trailback_tables::partition::{EventHour, FragmentKey};
use trailback_tables::{Run as SortedRun, TableError, merge_runs};

use super::hours::LinkFacts;
use super::kinds::{BuiltHour, HourRows, Sessions};
use super::look_back::SCANS_AT_ONCE;
use super::{LinkError, Run};
use crate::fragments::{FragmentError, FragmentsByTime, OpenFragments};
use crate::tally::EvidenceTally;

/// A stretch of an hour, from its first moment to its last.
type Slice = RangeInclusive<Timestamp>;

/// Makes the rows of an hour.
pub(super) async fn build(
    run: &Run<'_, Sessions>,
    hour: EventHour,
    fragments: Vec<FragmentKey>,
) -> Result<BuiltHour<Session>, LinkError> {
    let fragments = OpenFragments::read(run.lake, fragments).await?;
    if fragments.row_count() <= run.options.rows_at_once {
        return build_at_once(run, hour, fragments.into_rows().await?).await;
    }
    let fragments = spawn_blocking(move || fragments.by_time()).await??;
    Sliced::new(run, hour, fragments).build().await
}

/// Cuts the times of an hour's records into slices of so many, or more where one moment has more.
fn slices(mut times: Vec<Timestamp>, rows_at_once: usize) -> Vec<Slice> {
    times.sort_unstable();
    let mut slices = Vec::new();
    let mut rest = &times[..];
    while let Some(first) = rest.first() {
        let before = |next: &Timestamp| rest.partition_point(|time| time < next);
        // A moment that does not fit whole is the next slice's, unless it is the only one.
        let rows = match rest.get(rows_at_once.max(1)).map_or(rest.len(), before) {
            0 => rest.partition_point(|time| time == first),
            rows => rows,
        };
        slices.push(*first..=rest[rows - 1]);
        rest = &rest[rows..];
    }
    slices
}

async fn build_at_once(
    run: &Run<'_, Sessions>,
    hour: EventHour,
    records: Vec<Issuance>,
) -> Result<BuiltHour<Session>, LinkError> {
    let Callers { rows, record_count } = spawn_blocking(move || Callers::of(records)).await?;
    let wanted = Wanted::by(&rows);
    let earlier: Vec<Session> = run.look_back(hour, wanted).try_concat().await?;
    let (rows, facts) = spawn_blocking(move || {
        let rows = link(rows, &earlier);
        let facts = LinkFacts::of(&rows);
        (rows, facts)
    })
    .await?;
    Ok(BuiltHour {
        row_count: rows.len(),
        record_count,
        link_id: facts.link_id(),
        evidence: evidence(&rows),
        rows: HourRows::InMemory(rows),
    })
}

/// The rows of an hour or a slice of it, whose parents are not known yet.
struct Callers {
    rows: Vec<Issuance>,
    /// Of how many records they were made.
    record_count: usize,
}

impl Callers {
    fn of(records: Vec<Issuance>) -> Callers {
        Callers {
            record_count: records.len(),
            rows: merge(records),
        }
    }
}

/// What a slice came to.
struct Linked {
    run: SortedRun,
    row_count: usize,
    facts: LinkFacts,
    evidence: EvidenceTally,
}

impl Linked {
    fn of(callers: Vec<Issuance>, earlier: &[Session]) -> Result<Linked, TableError> {
        let rows = link(callers, earlier);
        let mut sorted: Vec<&Session> = rows.iter().collect();
        sorted.sort_unstable_by(|a, b| table_order(a, b));
        Ok(Linked {
            run: SortedRun::of(&sorted)?,
            row_count: rows.len(),
            facts: LinkFacts::of(&rows),
            evidence: evidence(&rows),
        })
    }
}

fn evidence(rows: &[Session]) -> EvidenceTally {
    let mut evidence = EvidenceTally::default();
    rows.iter().for_each(|row| evidence.add(&row.link));
    evidence
}

/// An hour that is built slice by slice.
struct Sliced<'r> {
    linker: &'r Run<'r, Sessions>,
    hour: EventHour,
    fragments: Arc<FragmentsByTime>,
    /// The rows before the hour that anybody in it may descend from.
    ancestors: Vec<SortedRun>,
    /// The slices that were linked.
    runs: Vec<SortedRun>,
    row_count: usize,
    record_count: usize,
    facts: LinkFacts,
    evidence: EvidenceTally,
}

impl<'r> Sliced<'r> {
    fn new(
        linker: &'r Run<'r, Sessions>,
        hour: EventHour,
        fragments: FragmentsByTime,
    ) -> Sliced<'r> {
        Sliced {
            linker,
            hour,
            fragments: Arc::new(fragments),
            ancestors: Vec::new(),
            runs: Vec::new(),
            row_count: 0,
            record_count: 0,
            facts: LinkFacts::default(),
            evidence: EvidenceTally::default(),
        }
    }

    /// While a slice is linked and encoded, the next one is decoded already.
    async fn build(mut self) -> Result<BuiltHour<Session>, LinkError> {
        self.look_back().await?;
        let times = self.fragments.times().flatten().copied().collect();
        let mut slices = slices(times, self.linker.options.rows_at_once).into_iter();
        let mut next = slices.next().map(|slice| self.decode(slice));
        let mut at_work: Option<JoinHandle<Result<Linked, TableError>>> = None;
        while let Some(callers) = next {
            let Callers { rows, record_count } = callers.await??;
            next = slices.next().map(|slice| self.decode(slice));
            self.record_count += record_count;
            if let Some(linked) = at_work.take() {
                self.add(linked.await?)?;
            }
            let earlier = self.earlier(Wanted::by(&rows)).await?;
            at_work = Some(spawn_blocking(move || Linked::of(rows, &earlier)));
        }
        if let Some(linked) = at_work {
            self.add(linked.await?)?;
        }
        self.finish().await
    }

    /// Keeps of the 36 hours before the hour what anybody in it may descend from.
    async fn look_back(&mut self) -> Result<(), LinkError> {
        let fragments = Arc::clone(&self.fragments);
        let wanted = spawn_blocking(move || fragments.wanted()).await??;
        let mut found = self.linker.look_back(self.hour, wanted);
        let mut waiting = Vec::new();
        while let Some(mut rows) = found.try_next().await? {
            waiting.append(&mut rows);
            if waiting.len() >= self.linker.options.rows_at_once {
                self.ancestors
                    .push(self.encode(std::mem::take(&mut waiting)).await?);
            }
        }
        if !waiting.is_empty() {
            self.ancestors.push(self.encode(waiting).await?);
        }
        Ok(())
    }

    async fn encode(&self, rows: Vec<Session>) -> Result<SortedRun, LinkError> {
        // They are only ever looked up: their order is nobody's concern.
        let encoded = spawn_blocking(move || SortedRun::of(&rows.iter().collect::<Vec<_>>()));
        encoded.await?.map_err(|cause| self.cannot_encode(cause))
    }

    fn decode(&self, slice: Slice) -> JoinHandle<Result<Callers, FragmentError>> {
        let fragments = Arc::clone(&self.fragments);
        spawn_blocking(move || Ok(Callers::of(fragments.rows(&slice)?)))
    }

    /// The wanted rows among the ancestors and the slices before this one.
    async fn earlier(&self, wanted: Wanted) -> Result<Vec<Session>, LinkError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let filter = Filter::wanted(Arc::new(wanted));
        let runs: Vec<SortedRun> = self.ancestors.iter().chain(&self.runs).cloned().collect();
        let scan = |run: SortedRun| {
            let filter = filter.clone();
            spawn_blocking(move || run.scan(filter))
        };
        let mut scans = stream::iter(runs).map(scan).buffered(SCANS_AT_ONCE);
        let mut earlier = Vec::new();
        while let Some(found) = scans.next().await {
            earlier.append(&mut found?.map_err(|cause| self.cannot_encode(cause))?);
        }
        Ok(earlier)
    }

    fn add(&mut self, linked: Result<Linked, TableError>) -> Result<(), LinkError> {
        let linked = linked.map_err(|cause| self.cannot_encode(cause))?;
        self.runs.push(linked.run);
        self.row_count += linked.row_count;
        self.facts.join(linked.facts);
        self.evidence.join(&linked.evidence);
        Ok(())
    }

    /// Merges what the slices came to, once the rest has left memory.
    async fn finish(self) -> Result<BuiltHour<Session>, LinkError> {
        let day = self.hour.day;
        drop((self.fragments, self.ancestors));
        let runs = self.runs;
        let merged = spawn_blocking(move || merge_runs(&runs)).await?;
        let content = merged.map_err(|cause| LinkError::Encode { day, cause })?;
        Ok(BuiltHour {
            rows: HourRows::Encoded(content.into()),
            row_count: self.row_count,
            record_count: self.record_count,
            link_id: self.facts.link_id(),
            evidence: self.evidence,
        })
    }

    fn cannot_encode(&self, cause: TableError) -> LinkError {
        let day = self.hour.day;
        LinkError::Encode { day, cause }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn slices_hold_every_moment_once_and_as_many_rows_as_fit(
            seconds in proptest::collection::vec(0..20_i64, 1..60),
            rows_at_once in 0..30_usize,
        ) {
            let times: Vec<_> = seconds.iter().map(|second| Timestamp(second * 1_000)).collect();
            let slices = slices(times.clone(), rows_at_once);
            prop_assert!(slices.windows(2).all(|pair| pair[0].end() < pair[1].start()));
            let count = |slice: &Slice| times.iter().filter(|time| slice.contains(time)).count();
            prop_assert_eq!(slices.iter().map(count).sum::<usize>(), times.len());
            let fits = |slice: &Slice| count(slice) <= rows_at_once || slice.start() == slice.end();
            prop_assert!(slices.iter().all(fits));
            // No slice would have had room for the moment after it.
            let first_moment = |slice: &Slice| count(&(*slice.start()..=*slice.start()));
            let had_room = |pair: &[Slice]| count(&pair[0]) + first_moment(&pair[1]) <= rows_at_once;
            prop_assert!(!slices.windows(2).any(had_room));
        }
    }
}
