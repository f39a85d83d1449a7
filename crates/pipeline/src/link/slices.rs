//! Builds an hour of sessions, a slice of time at a time where it has more rows than memory is meant for.
//!
//! Records that become one row have one `event_time`, and a row descends from rows of its own moment or of earlier ones: an
//! hour may be cut between any two moments, and each slice linked with what was linked before it. What a slice came to is
//! kept encoded, as a run: a tenth of what its rows take. At the end the runs are merged into the hour's data object, whose
//! bytes are the same however the hour was cut.

use std::ops::RangeInclusive;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::{JoinHandle, spawn_blocking};
use trailback_sessions::{
    Issuance, MatchFacts, Session, Timestamp, Wanted, link, merge, table_order,
};
use trailback_tables::partition::{EventHour, FragmentKey};
use trailback_tables::{Run as SortedRun, TableError, merge_runs};

use super::ancestors::{Ancestors, Found, Limits};
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
    let wanted = Arc::new(Wanted::by(&rows));
    let earlier = stream::iter(run.look_back(hour, &wanted)).buffered(SCANS_AT_ONCE);
    let earlier: Vec<Session> = earlier.try_concat().await?;
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
    rows: Vec<Session>,
    /// Copies of those that anybody in the hour may descend from.
    ancestors: Vec<Session>,
}

impl Linked {
    fn of(callers: Vec<Issuance>, earlier: &[Session], wanted: &Wanted) -> Linked {
        let rows = link(callers, earlier);
        let is_wanted = |row: &&Session| wanted.wants(&MatchFacts::of(row));
        Linked {
            ancestors: rows.iter().filter(is_wanted).cloned().collect(),
            rows,
        }
    }
}

/// What is kept of a slice.
struct Encoded {
    run: SortedRun,
    row_count: usize,
    facts: LinkFacts,
    evidence: EvidenceTally,
}

impl Encoded {
    fn of(rows: &[Session]) -> Result<Encoded, TableError> {
        let mut sorted: Vec<&Session> = rows.iter().collect();
        sorted.sort_unstable_by(|a, b| table_order(a, b));
        Ok(Encoded {
            run: SortedRun::of(&sorted)?,
            row_count: rows.len(),
            facts: LinkFacts::of(rows),
            evidence: evidence(rows),
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
    ancestors: Ancestors,
    /// The slice that is being encoded.
    encoding: Option<JoinHandle<Result<Encoded, TableError>>>,
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
            ancestors: Ancestors::new(Limits {
                rows_at_once: linker.options.rows_at_once,
                day: hour.day,
            }),
            encoding: None,
            runs: Vec::new(),
            row_count: 0,
            record_count: 0,
            facts: LinkFacts::default(),
            evidence: EvidenceTally::default(),
        }
    }

    /// While a slice is linked, the one before it is encoded, and the next one decoded and its ancestors looked up.
    async fn build(mut self) -> Result<BuiltHour<Session>, LinkError> {
        let wanted = self.look_back().await?;
        let times = self.fragments.times().flatten().copied().collect();
        let mut slices = slices(times, self.linker.options.rows_at_once).into_iter();
        let mut next = slices.next().map(|slice| self.decode(slice));
        let mut linking: Option<JoinHandle<Linked>> = None;
        while let Some(callers) = next {
            let Callers { rows, record_count } = callers.await??;
            next = slices.next().map(|slice| self.decode(slice));
            self.record_count += record_count;
            let of_slice = Arc::new(Wanted::by(&rows));
            let mut earlier = self.ancestors.encoded(&of_slice).await?;
            if let Some(linked) = linking.take() {
                self.add(linked.await?).await?;
            }
            earlier.extend(self.ancestors.newest(&of_slice).cloned());
            let replacing = self.ancestors.replacing(&of_slice, &earlier, &rows);
            earlier.extend(replacing.await?);
            // Not before: the encoded ones were searched already.
            self.ancestors.settle().await?;
            let wanted = Arc::clone(&wanted);
            linking = Some(spawn_blocking(move || Linked::of(rows, &earlier, &wanted)));
        }
        if let Some(linked) = linking {
            self.add(linked.await?).await?;
        }
        self.encoded().await?;
        self.finish().await
    }

    /// Keeps of the 36 hours before the hour what anybody in it may descend from; tells by what.
    async fn look_back(&mut self) -> Result<Arc<Wanted>, LinkError> {
        let fragments = Arc::clone(&self.fragments);
        let wanted = Arc::new(spawn_blocking(move || fragments.wanted()).await??);
        let limits = self.ancestors.limits();
        let parts = self.linker.look_back(self.hour, &wanted).into_iter();
        let found = parts.map(async |part| Found::of(part.await?, limits).await);
        let mut parts = stream::iter(found.collect::<Vec<_>>()).buffered(SCANS_AT_ONCE);
        while let Some(found) = parts.try_next().await? {
            self.ancestors.add(found);
            self.ancestors.settle().await?;
        }
        Ok(wanted)
    }

    fn decode(&self, slice: Slice) -> JoinHandle<Result<Callers, FragmentError>> {
        let fragments = Arc::clone(&self.fragments);
        spawn_blocking(move || Ok(Callers::of(fragments.rows(&slice)?)))
    }

    /// Keeps what a slice came to.
    async fn add(&mut self, linked: Linked) -> Result<(), LinkError> {
        self.ancestors.add(Found::as_rows(linked.ancestors));
        self.encoded().await?;
        self.encoding = Some(spawn_blocking(move || Encoded::of(&linked.rows)));
        Ok(())
    }

    /// Waits for the slice that is being encoded.
    async fn encoded(&mut self) -> Result<(), LinkError> {
        let Some(encoding) = self.encoding.take() else {
            return Ok(());
        };
        let day = self.hour.day;
        let encoded = encoding.await?;
        let encoded = encoded.map_err(|cause| LinkError::Encode { day, cause })?;
        self.runs.push(encoded.run);
        self.row_count += encoded.row_count;
        self.facts.join(encoded.facts);
        self.evidence.join(&encoded.evidence);
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
