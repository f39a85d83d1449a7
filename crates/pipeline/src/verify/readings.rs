//! Holds what the lake has read against what digests say: also of objects that are there no more, or were put back.

use std::collections::{HashMap, HashSet};

use trailback_tables::ledger::{LedgerEntry, LogObjectOutcome};

use super::delivered::{Age, Covered, Delivered, Standing, Whereabouts, Why};
use super::entries::{Entries, Voucher};
use super::open::{Open, What};
use super::report::{Finding, FindingKind, ReadingsTally, time_of_records};
use crate::log_objects::Listed;
use crate::store::ETag;

/// What the lake has read, by location.
pub(super) struct Readings<'l> {
    /// In the order of the ledger.
    read: Vec<&'l LedgerEntry>,
    by_location: HashMap<&'l str, Vec<&'l LedgerEntry>>,
}

/// What comes of holding readings against digests.
#[derive(Default)]
pub(super) struct ReadingsFound {
    pub(super) tally: ReadingsTally,
    pub(super) findings: Vec<Finding>,
}

impl<'l> Readings<'l> {
    pub(super) fn of(ledger: &'l [LedgerEntry]) -> Readings<'l> {
        let read: Vec<_> = ledger.iter().filter(|reading| was_read(reading)).collect();
        let mut by_location = HashMap::<_, Vec<_>>::new();
        for reading in read.iter().copied() {
            by_location
                .entry(&*reading.location)
                .or_default()
                .push(reading);
        }
        Readings { read, by_location }
    }

    /// The hash of what lies there now, where that very version was read.
    pub(super) fn hash_of(&self, listed: &Listed) -> Option<&'l str> {
        let etag = listed.etag.as_ref()?;
        let readings = self.by_location.get(&*listed.log_object.name)?;
        readings
            .iter()
            .find_map(|reading| is_of(reading, etag).then_some(reading.sha256.as_deref()?))
    }

    /// Judges every reading. `proven` are the versions that lie there and are proven, by location.
    pub(super) fn judge(
        &self,
        entries: &Entries,
        covered: &Covered<'_>,
        proven: &HashMap<&str, &ETag>,
        open: &mut Open,
    ) -> ReadingsFound {
        let mut found = ReadingsFound::default();
        // What was read well of what a digest names, so that nothing of it is lacking.
        let mut read_well = HashSet::<usize>::new();
        let mut altered = Vec::new();
        for reading in self.read.iter().copied() {
            found.tally.readings += 1;
            let read_at = Whereabouts::read(&reading.location);
            let named = entries.of_reading(read_at);
            match judge(reading, &named, entries, covered, proven) {
                Judgement::Proven => {
                    found.tally.proven += 1;
                    read_well.extend(named);
                }
                Judgement::Altered => {
                    found.tally.altered += 1;
                    altered.push((reading, named));
                }
                Judgement::Extra(why) => {
                    found.tally.extra += 1;
                    found.findings.push(extra(reading, why));
                }
                Judgement::Open(why, age) => {
                    found.tally.unproven += 1;
                    open.add(What::Reading, delivered(reading), why, age);
                }
            }
        }
        for (reading, named) in altered {
            let is_lacking = !named.iter().any(|number| read_well.contains(number));
            let finding = altered_reading(reading, &named, entries, is_lacking);
            found.findings.extend(finding);
        }
        found
    }
}

enum Judgement {
    Proven,
    Altered,
    Extra(&'static str),
    Open(Why, Age),
}

fn judge(
    reading: &LedgerEntry,
    named: &[usize],
    entries: &Entries,
    covered: &Covered<'_>,
    proven: &HashMap<&str, &ETag>,
) -> Judgement {
    let voucher = named.first().map(|number| entries.get(*number).voucher);
    if voucher != Some(Voucher::Believed) {
        return match covered.standing(delivered(reading), voucher) {
            Standing::Added(why) => Judgement::Extra(why),
            Standing::Unproven(why, age) => Judgement::Open(why, age),
        };
    }
    let Some(sha256) = reading.sha256.as_deref() else {
        let lies_there = proven.get(&*reading.location);
        return match lies_there.is_some_and(|etag| is_of(reading, etag)) {
            true => Judgement::Proven,
            false => Judgement::Open(Why::NoHash, Age::Old),
        };
    };
    let is_delivered = |number: &usize| entries.get(*number).is_of(sha256);
    match named.iter().any(is_delivered) {
        true => Judgement::Proven,
        false => Judgement::Altered,
    }
}

/// Whether rows may have come of it. What could not be read and left no row has told the lake nothing.
fn was_read(reading: &LedgerEntry) -> bool {
    match reading.outcome {
        LogObjectOutcome::Extracted => true,
        LogObjectOutcome::Failed => {
            let rows = [reading.issuances, reading.witnesses];
            reading.sha256.is_some() || rows.iter().any(|rows| rows.is_none_or(|rows| rows > 0))
        }
        LogObjectOutcome::Skipped | LogObjectOutcome::Gone => false,
    }
}

fn is_of(reading: &LedgerEntry, etag: &ETag) -> bool {
    reading.etag.as_deref() == Some(&*etag.0)
}

fn delivered(reading: &LedgerEntry) -> Delivered<'_> {
    Delivered {
        location: &reading.location,
        account_id: reading.account_id.as_ref(),
        region: reading.region.as_ref(),
        at: reading.delivered_at,
    }
}

fn extra(reading: &LedgerEntry, why: &str) -> Finding {
    let of_rows = reading.first_event_time.zip(reading.last_event_time);
    let period = time_of_records(of_rows, reading.delivered_at);
    delivered(reading).found(FindingKind::ReadingExtra, period, why)
}

fn altered_reading(
    reading: &LedgerEntry,
    named: &[usize],
    entries: &Entries,
    is_lacking: bool,
) -> Option<Finding> {
    let entry = entries.get(*named.first()?);
    let mut why = format!(
        "the lake has read a text whose SHA-256 is {}, and CloudTrail delivered {}",
        reading.sha256.as_deref().unwrap_or_default(),
        hex::encode(entry.sha256)
    );
    if is_lacking {
        why.push_str("; what was delivered is lacking until it is read with ingest --again");
    }
    let finding = Finding::of(FindingKind::ReadingAltered, entry.event_period(), why)
        .in_logs_of(&entry.account_id, &entry.region)
        .about(&reading.location);
    Some(Finding {
        is_hole: is_lacking,
        ..finding
    })
}
