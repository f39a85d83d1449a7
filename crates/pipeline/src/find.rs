//! The third step: answers from a lake, reading only the parts of data objects that can hold them.
//!
//! A reader takes no lock. It reads the manifests, then the data objects that they name; where one is gone because a
//! linker has replaced it, it looks again.

mod snapshot;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;

use trailback_sessions::{
    Hop, Issuance, LOOK_BACK_MS, Origin, Session, SessionType, Subject, Text, Timestamp, Wanted,
    link,
};
use trailback_tables::TableError;
use trailback_tables::filter::Filter;
use trailback_tables::partition::Day;

use crate::data_scan::ScanError;
use crate::lake::Lake;
use crate::store::StoreError;
use snapshot::Snapshot;

/// How often a reader looks again when linkers are faster.
const TRIES_MAX: u32 = 16;

/// Moments from `since` on and before `until`; `None` is without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment.
    pub since: Option<Timestamp>,
    /// The moment after the last.
    pub until: Option<Timestamp>,
}

impl TimeRange {
    /// From one moment to another, both included.
    #[must_use]
    pub fn spanning(first: Timestamp, last: Timestamp) -> TimeRange {
        TimeRange {
            since: Some(first),
            until: Some(Timestamp(last.0.saturating_add(1))),
        }
    }

    /// The days that it touches.
    #[must_use]
    pub fn days(&self) -> RangeInclusive<Day> {
        let first = self.since.map_or(*Day::RANGE.start(), Day::of);
        let last = self.until.map_or(*Day::RANGE.end(), Day::of);
        first..=last
    }

    /// Whether a moment is in it.
    #[must_use]
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= moment)
            && self.until.is_none_or(|until| moment < until)
    }
}

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The lake cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An object of the lake is gone or cannot be read.
    #[error("{location} is missing or damaged; `trailback link --rebuild` makes it again")]
    Damaged {
        /// The object.
        location: String,
        /// What is wrong.
        #[source]
        cause: Option<TableError>,
    },
    /// A thread died.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

impl FindError {
    /// Passes over an object that is gone, a few times, because a linker may just have replaced it.
    fn if_lasting(self, tries: &mut u32) -> Result<(), FindError> {
        *tries += 1;
        match self {
            FindError::Store(StoreError::NotFound { .. }) if *tries < TRIES_MAX => Ok(()),
            failure => Err(failure.lasting()),
        }
    }

    /// What it means where it is not passed over: that an object is gone which a manifest names.
    #[must_use]
    pub fn lasting(self) -> FindError {
        match self {
            FindError::Store(StoreError::NotFound { location }) => FindError::Damaged {
                location,
                cause: None,
            },
            lasting => lasting,
        }
    }
}

impl From<ScanError> for FindError {
    fn from(failure: ScanError) -> FindError {
        match failure {
            ScanError::Store(failure) => FindError::Store(failure),
            ScanError::Damaged { location, cause } => FindError::Damaged {
                location,
                cause: Some(cause),
            },
            ScanError::Worker(stopped) => FindError::Worker(stopped),
        }
    }
}

/// Takes rows as they are found; says whether to go on.
pub type OnRows<'a> = &'a mut (dyn FnMut(Vec<Session>) -> ControlFlow<()> + Send);

/// The sessions that a subject names, in the order of time.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn find(
    lake: &Lake,
    subject: &Subject,
    range: &TimeRange,
) -> Result<Vec<Session>, FindError> {
    let is_about = |row: &Session| subject.matches(row);
    let mut rows = Vec::new();
    for part in Filter::for_subject(subject).apart() {
        rows.extend(collect(lake, &part, range, &is_about).await?);
    }
    // Only where nobody hands it out: whole data objects are passed over by the keys issued in them, not by those in use.
    if let (Subject::AccessKeyId(id), true) = (subject, rows.is_empty()) {
        let in_use = Filter::caller_keys([id.clone()]);
        rows = collect(lake, &in_use, range, &is_about).await?;
    }
    rows.sort_by_cached_key(place);
    rows.dedup_by(|later, earlier| place(later) == place(earlier));
    united(lake, rows).await
}

/// How far apart the copies of one call are looked for, in milliseconds: an hour. They are a second apart, if at all.
const COPIES_APART_MS: i64 = 3_600_000;

/// The rows, with the copy that names the caller in the place of one that does not (rule L2): where the two fell into different
/// seconds they are two rows, and the fuller one speaks.
async fn united(lake: &Lake, mut rows: Vec<Session>) -> Result<Vec<Session>, FindError> {
    let fuller = fuller_copies(lake, rows.iter().map(|row| &row.issuance)).await?;
    if fuller.is_empty() {
        return Ok(rows);
    }
    for row in &mut rows {
        let speaks = |copy: &&Session| row.issuance.is_bare_copy_of(&copy.issuance);
        if let Some(copy) = fuller.iter().find(speaks) {
            *row = copy.clone();
        }
    }
    rows.sort_by_cached_key(place);
    rows.dedup_by(|later, earlier| place(later) == place(earlier));
    Ok(rows)
}

/// The rows of those calls of which only a copy without the caller is given.
async fn fuller_copies(
    lake: &Lake,
    given: impl Iterator<Item = &Issuance>,
) -> Result<Vec<Session>, FindError> {
    let bare: Vec<&Issuance> = given.filter(|issuance| issuance.is_bare_copy()).collect();
    let times = bare.iter().map(|issuance| issuance.record.event_time.0);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        return Ok(Vec::new());
    };
    let range = TimeRange::spanning(
        Timestamp(first.saturating_sub(COPIES_APART_MS)),
        Timestamp(last.saturating_add(COPIES_APART_MS)),
    );
    let calls = bare
        .iter()
        .filter_map(|one| one.record.shared_event_id.clone());
    let is_copy = |row: &Session| bare.iter().any(|one| one.is_bare_copy_of(&row.issuance));
    collect(lake, &Filter::shared_event_ids(calls), &range, &is_copy).await
}

/// The sessions that pass a filter, handed on in the order of time, a part of the table at a time.
///
/// # Errors
///
/// When the lake cannot be read; rows may have been handed on before.
pub async fn list(
    lake: &Lake,
    filter: &Filter,
    range: &TimeRange,
    on_rows: OnRows<'_>,
) -> Result<(), FindError> {
    let mut rest = *range;
    let mut tries = 0;
    loop {
        let mut handed_on_until = rest.since;
        let mut hand_on = |end: Timestamp, rows: Vec<Session>| {
            handed_on_until = Some(end);
            on_rows(rows)
        };
        let failure = match list_once(lake, filter, &rest, &mut hand_on).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        failure.if_lasting(&mut tries)?;
        rest.since = handed_on_until;
    }
}

async fn list_once(
    lake: &Lake,
    filter: &Filter,
    range: &TimeRange,
    on_part: snapshot::OnPart<'_>,
) -> Result<(), FindError> {
    Snapshot::take(lake, range)
        .await?
        .scan_in_order(filter, range, on_part)
        .await
}

/// The ancestors of a session, origin first, as full rows. One that is not in the lake is left out.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn ancestors(lake: &Lake, session: &Session) -> Result<Vec<Session>, FindError> {
    let mut known: BTreeMap<Place, Session> = BTreeMap::new();
    let mut oldest = session.clone();
    loop {
        // A row names its nearest ancestors; the oldest of them names those before it.
        let hops = oldest.chain.hops.iter();
        let wanted: BTreeSet<(Timestamp, Text)> = hops
            .map(|hop| (hop.event_time, hop.event_id.clone()))
            .collect();
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            break;
        };
        let ids = wanted.iter().map(|(_, event_id)| event_id.clone());
        let filter = Filter::event_ids(ids);
        let range = TimeRange::spanning(first.0, last.0);
        let is_wanted = |row: &Session| oldest.chain.hops.iter().any(|hop| hop.is_of(row));
        let found = collect(lake, &filter, &range, &is_wanted).await?;
        let Some(new_oldest) = found.first().filter(|row| !known.contains_key(&place(row))) else {
            break;
        };
        oldest = new_oldest.clone();
        known.extend(found.into_iter().map(|row| (place(&row), row)));
    }
    Ok(known.into_values().collect())
}

/// The [`ancestors`] of each of some sessions, in their order, with shared look-ups.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn ancestors_of_each(
    lake: &Lake,
    sessions: &[Session],
) -> Result<Vec<Vec<Session>>, FindError> {
    let hops = sessions.iter().flat_map(|session| &session.chain.hops);
    let wanted: BTreeSet<(Timestamp, Text)> = hops
        .map(|hop| (hop.event_time, hop.event_id.clone()))
        .collect();
    let mut known: HashMap<(Timestamp, Text), Vec<Session>> = HashMap::new();
    if let (Some(first), Some(last)) = (wanted.first(), wanted.last()) {
        let filter = Filter::event_ids(wanted.iter().map(|(_, event_id)| event_id.clone()));
        let range = TimeRange::spanning(first.0, last.0);
        let is_wanted = |row: &Session| wanted.contains(&record_place(&row.issuance));
        for row in collect(lake, &filter, &range, &is_wanted).await? {
            let place = record_place(&row.issuance);
            known.entry(place).or_default().push(row);
        }
    }
    let mut of_each = Vec::with_capacity(sessions.len());
    for session in sessions {
        // A row names its nearest ancestors; those of a longer chain are looked up one after the other.
        of_each.push(if session.chain.truncated {
            ancestors(lake, session).await?
        } else {
            let of_hop = |hop: &Arc<Hop>| {
                let rows = known.get(&(hop.event_time, hop.event_id.clone()))?;
                rows.iter().find(|row| hop.is_of(row)).cloned()
            };
            session.chain.hops.iter().filter_map(of_hop).collect()
        });
    }
    Ok(of_each)
}

/// Everything that the sessions a subject names turned into: those sessions, their children, the children's children
/// and so on, in the order of time. `range` limits the subject's own sessions. Rows of which one of these is a candidate for
/// the parent, and another row as well, are among them: nobody can say that they are not children. What descends from a session
/// of the range is there whenever it was issued: who asks for a morning wants to know what came of it.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn descendants(
    lake: &Lake,
    subject: &Subject,
    range: &TimeRange,
) -> Result<Vec<Session>, FindError> {
    let mut generation = find(lake, subject, range).await?;
    let mut known: BTreeMap<Place, Session> = BTreeMap::new();
    while let (Some(first), Some(last)) = (generation.first(), generation.last()) {
        let first = first.issuance.record.event_time;
        let last = last
            .issuance
            .record
            .event_time
            .0
            .saturating_add(LOOK_BACK_MS);
        let range = TimeRange::spanning(first, Timestamp(last));
        let mut parents: HashMap<Text, Vec<Place>> = HashMap::new();
        for row in generation {
            let place = place(&row);
            parents
                .entry(place.1.clone())
                .or_default()
                .push(place.clone());
            known.insert(place, row);
        }
        let filter = Filter::parents(parents.keys().cloned());
        let is_new_child = |row: &Session| {
            let candidates = row.link.parent_event_id.iter().chain(&row.link.candidates);
            let mut issued = candidates.filter_map(|id| parents.get(id)).flatten();
            let may_be_parent = |parent: &Place| {
                parent.0 <= row.issuance.record.event_time
                    && known
                        .get(parent)
                        .is_some_and(|parent| row.comes_from(parent))
            };
            issued.any(may_be_parent) && !known.contains_key(&place(row))
        };
        generation = collect(lake, &filter, &range, &is_new_child).await?;
    }
    Ok(known.into_values().collect())
}

/// The rows that some event IDs name, in the order of time.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn with_event_ids(
    lake: &Lake,
    event_ids: &[Text],
    range: &TimeRange,
) -> Result<Vec<Session>, FindError> {
    let filter = Filter::event_ids(event_ids.iter().cloned());
    collect(lake, &filter, range, &|_| true).await
}

/// Some sessions of one origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfOrigin {
    /// In the order of time.
    pub sessions: Vec<Session>,
    /// Whether there are later ones, which were not read.
    pub is_cut: bool,
}

/// The sessions whose chain starts with an origin, in the order of time, until there are `rows_max` of them. Every row
/// carries its origin, so that chains of any length are followed. Of an origin that is not known these are the chains that
/// stop at a principal of the same name, and of one without a name its own chain.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn of_origin(
    lake: &Lake,
    origin: &Origin,
    range: &TimeRange,
    rows_max: usize,
) -> Result<OfOrigin, FindError> {
    let has_name = origin.arn.is_some() || origin.principal_id.is_some() || origin.name.is_some();
    let is_wanted = |row: &Session| match has_name {
        true => origin.is_same_identity(&row.origin),
        false => row.origin.event_id == origin.event_id,
    };
    let mut found = OfOrigin::default();
    let mut take = |rows: Vec<Session>| {
        found.sessions.extend(rows.into_iter().filter(is_wanted));
        match found.sessions.len() > rows_max {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    list(lake, &Filter::same_origin(origin), range, &mut take).await?;
    found.is_cut = found.sessions.len() > rows_max;
    found.sessions.truncate(rows_max);
    Ok(found)
}

/// Links records of any calls against the lake, as [`observe`](trailback_sessions::observe) read them: who made each? The
/// answers are in the records' order, and the look-ups are shared: a few hundred records cost little more than one.
///
/// None of them is taken for the issuance of another. One that is a row of the lake already is answered with that row.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn link_records(lake: &Lake, records: Vec<Issuance>) -> Result<Vec<Session>, FindError> {
    let times = records.iter().map(|record| record.record.event_time);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        return Ok(Vec::new());
    };
    let mut known = rows_of(lake, &records, TimeRange::spanning(first, last)).await?;
    let is_new = |record: &&Issuance| !known.contains_key(&full_place(record));
    let new: Vec<Issuance> = records.iter().filter(is_new).cloned().collect();
    let wanted = Arc::new(Wanted::by(&new));
    let range = TimeRange::spanning(Timestamp(first.0.saturating_sub(LOOK_BACK_MS)), last);
    let earlier = match wanted.is_empty() {
        true => Vec::new(),
        false => collect(lake, &Filter::wanted(wanted), &range, &|_| true).await?,
    };
    let linked = tokio::task::spawn_blocking(move || link_apart(&new, &earlier)).await?;
    known.extend(
        linked
            .into_iter()
            .map(|row| (full_place(&row.issuance), row)),
    );
    let places = records.iter().map(full_place);
    Ok(places
        .filter_map(|place| known.get(&place).cloned())
        .collect())
}

/// The rows that records are already, by the place of the record. A record that names no caller is answered with the row of the
/// call's other copy.
async fn rows_of(
    lake: &Lake,
    records: &[Issuance],
    range: TimeRange,
) -> Result<HashMap<Place, Session>, FindError> {
    let ids = records.iter().map(|record| record.record.event_id.clone());
    let found = collect(lake, &Filter::event_ids(ids), &range, &|_| true).await?;
    let mut rows: HashMap<(Timestamp, &Text), Vec<&Session>> = HashMap::new();
    for row in &found {
        let record = &row.issuance.record;
        for event_id in &record.event_ids {
            let of_id = rows.entry((record.event_time, event_id)).or_default();
            of_id.push(row);
        }
    }
    let fuller = fuller_copies(lake, records.iter()).await?;
    let row_of = |record: &Issuance| {
        let mut copies = fuller.iter();
        let fuller = copies.find(|copy| record.is_bare_copy_of(&copy.issuance));
        let of_id = rows.get(&(record.record.event_time, &record.record.event_id));
        let known = of_id.and_then(|rows| rows.iter().find(|row| is_row_of(row, record)));
        fuller.or(known.copied()).cloned()
    };
    let known = records
        .iter()
        .filter_map(|record| Some((full_place(record), row_of(record)?)));
    Ok(known.collect())
}

/// Whether a row that has a record's time and event ID is that record's (rule L1): in another account it is another record. A copy
/// that was merged into the row is of the other account.
fn is_row_of(row: &Session, record: &Issuance) -> bool {
    let (row, record) = (&row.issuance.record, &record.record);
    row.event_id != record.event_id || row.recipient_account_id == record.recipient_account_id
}

/// Links records that know nothing of each other.
fn link_apart(records: &[Issuance], earlier: &[Session]) -> Vec<Session> {
    let is_witness = |record: &Issuance| record.session.session_type == SessionType::Witness;
    // Witnesses are nobody's parents, so any number of them is linked in one go.
    let runs = records.chunk_by(|one, next| is_witness(one) && is_witness(next));
    runs.flat_map(|run| link(run.to_vec(), earlier)).collect()
}

fn record_place(record: &Issuance) -> (Timestamp, Text) {
    (record.record.event_time, record.record.event_id.clone())
}

/// All rows that pass a filter and a last check, in the order of time.
async fn collect(
    lake: &Lake,
    filter: &Filter,
    range: &TimeRange,
    passes: &(dyn Fn(&Session) -> bool + Sync),
) -> Result<Vec<Session>, FindError> {
    let mut tries = 0;
    let mut rows = loop {
        match scan_once(lake, filter, range).await {
            Ok(rows) => break rows,
            Err(failure) => failure.if_lasting(&mut tries)?,
        }
    };
    rows.retain(|row| range.contains(row.issuance.record.event_time) && passes(row));
    rows.sort_by_cached_key(place);
    Ok(rows)
}

async fn scan_once(
    lake: &Lake,
    filter: &Filter,
    range: &TimeRange,
) -> Result<Vec<Session>, FindError> {
    Snapshot::take(lake, range).await?.scan(filter, range).await
}

/// When and where a record was: what it is known by (rule L1), so that two rows never share it.
type Place = (Timestamp, Text, Option<Text>);

fn place(row: &Session) -> Place {
    full_place(&row.issuance)
}

fn full_place(record: &Issuance) -> Place {
    let (time, event_id) = record_place(record);
    (time, event_id, record.record.recipient_account_id.clone())
}

#[cfg(test)]
mod tests;
