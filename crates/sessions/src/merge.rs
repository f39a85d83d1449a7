//! Rules L1 and L2: the records that tell of one issuance become one row.

use std::cmp::{Ordering, Reverse};

use hashbrown::HashMap;
use trailback_cloudtrail::Timestamp;

use crate::issuance::{Issuance, Text};

/// Merges the records of one hour (or more) into one row per issuance, in the order of time.
///
/// Duplicates and addenda are resolved first (rule L1), then the copies of one cross-account call (rule L2).
/// The result depends on the set of records alone, not on their order.
pub fn merge(records: Vec<Issuance>) -> Vec<Issuance> {
    let mut rows = merge_twins(replace_updated(drop_duplicates(records)));
    rows.sort_unstable_by(time_order);
    rows
}

/// Collapses repeats of one record, known by `(recipientAccountId, eventID, eventTime)`, and nothing else.
///
/// Of two that differ the one read by the highest extraction version speaks, then the smallest in canonical order.
/// Folding fragments calls this: twins and addenda must stay apart until link time.
pub fn drop_duplicates(mut records: Vec<Issuance>) -> Vec<Issuance> {
    records.sort_unstable_by(|a, b| {
        record_identity(a)
            .cmp(&record_identity(b))
            .then_with(|| precedence(a, b))
    });
    let mut kept: Vec<Issuance> = Vec::with_capacity(records.len());
    for record in records {
        match kept.last_mut() {
            Some(first) if record_identity(first) == record_identity(&record) => {
                unite(&mut first.log_objects, record.log_objects);
            }
            _ => kept.push(record),
        }
    }
    kept
}

/// Rows by time, then by event ID and account: the order in which an hour is linked.
pub(crate) fn time_order(a: &Issuance, b: &Issuance) -> Ordering {
    let place = |row: &Issuance| row.record.event_time;
    place(a)
        .cmp(&place(b))
        .then_with(|| record_identity(a).cmp(&record_identity(b)))
}

fn record_identity(row: &Issuance) -> (&str, Option<&str>, Timestamp) {
    (
        &row.record.event_id,
        row.record.recipient_account_id.as_deref(),
        row.record.event_time,
    )
}

/// The row that speaks comes first. `log_objects` takes no part: where a record was found is not what it says.
fn precedence(a: &Issuance, b: &Issuance) -> Ordering {
    Reverse(a.extract_version)
        .cmp(&Reverse(b.extract_version))
        .then_with(|| a.record.cmp(&b.record))
        .then_with(|| a.session.cmp(&b.session))
        .then_with(|| a.tags.cmp(&b.tags))
        .then_with(|| a.policy.cmp(&b.policy))
        .then_with(|| a.mfa.cmp(&b.mfa))
        .then_with(|| a.caller.cmp(&b.caller))
}

/// Rule L1, addenda: a record with `UPDATED_DATA` replaces the one it names where both have the same time.
///
/// Addenda are rare, so an hour without one passes straight through.
fn replace_updated(rows: Vec<Issuance>) -> Vec<Issuance> {
    if rows
        .iter()
        .all(|row| row.record.replaces_event_id.is_none())
    {
        return rows;
    }
    let groups = same_time_replacements(&rows);
    merge_groups(
        rows,
        |place, _| groups.get(&place).copied(),
        |a, b| {
            let updates = |row: &Issuance| row.record.replaces_event_id.is_some();
            updates(b)
                .cmp(&updates(a))
                .then_with(|| b.record.event_id.cmp(&a.record.event_id))
        },
    )
}

/// For every row that replaces or is replaced at its own time, the smallest place of its group.
fn same_time_replacements(rows: &[Issuance]) -> HashMap<usize, usize> {
    type Name<'a> = (Option<&'a str>, Timestamp, &'a str);
    let mut named: HashMap<Name<'_>, usize> = HashMap::new();
    let mut leader: Vec<usize> = (0..rows.len()).collect();
    fn find(leader: &mut [usize], mut place: usize) -> usize {
        while leader[place] != place {
            leader[place] = leader[leader[place]];
            place = leader[place];
        }
        place
    }
    for (place, row) in rows.iter().enumerate() {
        let record = &row.record;
        let account = record.recipient_account_id.as_deref();
        let ids = [Some(&record.event_id), record.replaces_event_id.as_ref()];
        for id in ids.into_iter().flatten() {
            let first = *named
                .entry((account, record.event_time, id))
                .or_insert(place);
            let (a, b) = (find(&mut leader, first), find(&mut leader, place));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    for place in 0..rows.len() {
        *sizes.entry(find(&mut leader, place)).or_default() += 1;
    }
    (0..rows.len())
        .map(|place| (place, find(&mut leader, place)))
        .filter(|(_, first)| sizes[first] > 1)
        .collect()
}

/// Rule L2: records of one time with one `sharedEventID` and `requestID` are one issuance.
fn merge_twins(rows: Vec<Issuance>) -> Vec<Issuance> {
    let mut first_of: HashMap<(Timestamp, Text, Text), usize> = HashMap::new();
    merge_groups(
        rows,
        move |place, row| {
            let shared = row.record.shared_event_id.clone()?;
            let request = row.record.request_id.clone()?;
            Some(
                *first_of
                    .entry((row.record.event_time, shared, request))
                    .or_insert(place),
            )
        },
        primary_first,
    )
}

/// The copy that names the caller comes first, then the smallest event ID (rule L2).
pub(crate) fn primary_first(a: &Issuance, b: &Issuance) -> Ordering {
    let rank = |row: &Issuance| row.caller.caller_type.as_deref() == Some("AWSAccount");
    rank(a)
        .cmp(&rank(b))
        .then_with(|| record_identity(a).cmp(&record_identity(b)))
}

/// Makes one row of every group that `group_of` names; the first by `speaks_first` gives all but the unions.
fn merge_groups(
    rows: Vec<Issuance>,
    mut group_of: impl FnMut(usize, &Issuance) -> Option<usize>,
    speaks_first: impl Fn(&Issuance, &Issuance) -> Ordering,
) -> Vec<Issuance> {
    let mut merged: Vec<Issuance> = Vec::with_capacity(rows.len());
    let mut place_of_group: HashMap<usize, usize> = HashMap::new();
    for (place, row) in rows.into_iter().enumerate() {
        let Some(group) = group_of(place, &row) else {
            merged.push(row);
            continue;
        };
        match place_of_group.get(&group) {
            None => {
                place_of_group.insert(group, merged.len());
                merged.push(row);
            }
            Some(&standing) => {
                let other = &mut merged[standing];
                let (mut speaker, silent) = match speaks_first(other, &row) {
                    Ordering::Greater => (row, std::mem::take(other)),
                    _ => (std::mem::take(other), row),
                };
                unite(&mut speaker.record.event_ids, silent.record.event_ids);
                unite(&mut speaker.log_objects, silent.log_objects);
                merged[standing] = speaker;
            }
        }
    }
    merged
}

fn unite(into: &mut Vec<Text>, more: Vec<Text>) {
    into.extend(more);
    into.sort_unstable();
    into.dedup();
}
