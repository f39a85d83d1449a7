//! Rules L3 and L4: which issuances may have handed out the credentials that a caller used.

use std::hash::{BuildHasher, Hash};

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use trailback_cloudtrail::Timestamp;

use crate::arn::RoleSession;
use crate::issuance::{Issuance, Outcome, SessionType};
use crate::look_back::LOOK_BACK_MS;
use crate::merge::primary_first;
use crate::session::Evidence;

/// A row's place: rows of the hour first, then the earlier ones.
pub(crate) type Place = u32;

/// The rows that can be parents, found by issued key, by principal and time, and by role session and time.
pub(crate) struct Candidates<'a> {
    rows: &'a [&'a Issuance],
    by_key: Chained<'a, &'a str>,
    by_principal: Chained<'a, (&'a str, Timestamp)>,
    by_role_session: Chained<'a, (RoleSession<'a>, Timestamp)>,
    replacements: HashMap<(Option<&'a str>, &'a str), Vec<Place>>,
}

impl<'a> Candidates<'a> {
    /// Indexes the rows that can be parents.
    pub(crate) fn among(rows: &'a [&'a Issuance]) -> Candidates<'a> {
        let mut found = Candidates {
            rows,
            by_key: Chained::by(|row| row.session.access_key_id.as_deref(), rows.len()),
            by_principal: Chained::by(principal_at, rows.len()),
            by_role_session: Chained::by(role_session_at, rows.len()),
            replacements: HashMap::new(),
        };
        // One pass, so that every row is fetched from memory once.
        for (place, row) in (0..).zip(rows) {
            if let Some(replaced) = row.record.replaces_event_id.as_deref() {
                let account = row.record.recipient_account_id.as_deref();
                found
                    .replacements
                    .entry((account, replaced))
                    .or_default()
                    .push(place);
            }
            if can_be_parent(row) {
                found.by_key.add(rows, place);
                found.by_principal.add(rows, place);
                found.by_role_session.add(rows, place);
            }
        }
        found
    }

    /// The candidates of the row at `place` and what they stand on; none where the caller must speak for itself.
    pub(crate) fn of(&self, place: Place, found: &mut Vec<Place>) -> Option<Evidence> {
        found.clear();
        self.by_issued_key(place, found);
        let evidence = if found.is_empty() {
            self.by_session_context(place, found);
            Evidence::SessionContext
        } else {
            Evidence::IssuedKey
        };
        if found.len() > 1 {
            self.unite_twins(found);
        }
        (!found.is_empty()).then_some(evidence)
    }

    /// Rule L3.
    fn by_issued_key(&self, place: Place, found: &mut Vec<Place>) {
        let row = self.rows[place as usize];
        let Some(id) = row.caller.caller_access_key_id.as_deref() else {
            return;
        };
        let fits = |&candidate: &Place| {
            self.may_precede(candidate, place)
                && agrees_with_caller(self.rows[candidate as usize], row)
        };
        found.extend(self.by_key.all(self.rows, &id).filter(fits));
    }

    /// Rule L4.
    fn by_session_context(&self, place: Place, found: &mut Vec<Place>) {
        let caller = &self.rows[place as usize].caller;
        let Some(created_at) = caller.caller_session_created_at else {
            return;
        };
        let fits = |&candidate: &Place| self.may_precede(candidate, place);
        if let Some(id) = caller.caller_principal_id.as_deref() {
            found.extend(
                self.by_principal
                    .all(self.rows, &(id, created_at))
                    .filter(fits),
            );
        }
        if let Some(role_session) = caller.caller_arn.as_deref().and_then(RoleSession::of_arn) {
            found.extend(
                self.by_role_session
                    .all(self.rows, &(role_session, created_at))
                    .filter(fits),
            );
        }
    }

    /// At or before the call, at most 36 h earlier, another row, and not replaced by then.
    fn may_precede(&self, candidate: Place, place: Place) -> bool {
        let called_at = self.rows[place as usize].record.event_time;
        let issued_at = self.rows[candidate as usize].record.event_time;
        candidate != place
            && is_in_window(issued_at, called_at)
            && !self.is_replaced(candidate, called_at)
    }

    /// Rule L1: a corrected record takes the place of the one it names from its own time on.
    fn is_replaced(&self, candidate: Place, called_at: Timestamp) -> bool {
        if self.replacements.is_empty() {
            return false;
        }
        let record = &self.rows[candidate as usize].record;
        let account = record.recipient_account_id.as_deref();
        record.event_ids.iter().any(|id| {
            let replacing = self
                .replacements
                .get(&(account, &**id))
                .into_iter()
                .flatten();
            replacing.copied().any(|place| {
                let at = self.rows[place as usize].record.event_time;
                place != candidate && is_in_window(at, called_at)
            })
        })
    }

    /// Rule L2: copies of one call that fell into different seconds count once, the fuller one speaking.
    fn unite_twins(&self, found: &mut Vec<Place>) {
        let row = |place: Place| self.rows[place as usize];
        found.sort_unstable_by(|&a, &b| {
            call_of(row(a))
                .cmp(&call_of(row(b)))
                .then_with(|| primary_first(row(a), row(b)))
        });
        found.dedup_by(|b, a| call_of(row(*a)).is_some() && call_of(row(*a)) == call_of(row(*b)));
    }
}

/// Rule L4: the principal of the issued session, from the second on in which it was issued.
fn principal_at(row: &Issuance) -> Option<(&str, Timestamp)> {
    Some((
        row.session.session_principal_id.as_deref()?,
        row.record.event_time,
    ))
}

/// Rule L4, where the response named no principal.
fn role_session_at(row: &Issuance) -> Option<(RoleSession<'_>, Timestamp)> {
    let session = &row.session;
    if session.session_principal_id.is_some() || session.session_type != SessionType::AssumedRole {
        return None;
    }
    Some((role_session_of(row)?, row.record.event_time))
}

/// What the two copies of a cross-account call share.
fn call_of(row: &Issuance) -> Option<(&str, &str)> {
    Some((
        row.record.shared_event_id.as_deref()?,
        row.record.request_id.as_deref()?,
    ))
}

fn is_in_window(issued_at: Timestamp, called_at: Timestamp) -> bool {
    issued_at <= called_at && called_at.0.saturating_sub(issued_at.0) <= LOOK_BACK_MS
}

/// Issued, not a witness; GetSigninToken only where it handed out another key than its caller's.
pub(crate) fn can_be_parent(row: &Issuance) -> bool {
    let session = &row.session;
    let repeats_its_caller = session.session_type == SessionType::Console
        && session.access_key_id.is_some()
        && session.access_key_id == row.caller.caller_access_key_id;
    row.record.outcome == Outcome::Issued
        && session.session_type != SessionType::Witness
        && !repeats_its_caller
}

/// Rule L3: the issued session is the caller's by account and principal, or, where the response named no
/// principal, by account, role name and session name.
fn agrees_with_caller(issued: &Issuance, used: &Issuance) -> bool {
    let caller = &used.caller;
    if let Some(principal_id) = &issued.session.session_principal_id {
        let accounts = (session_account(issued), caller.caller_account_id.as_deref());
        let accounts_differ = matches!(accounts, (Some(a), Some(b)) if a != b);
        return caller.caller_principal_id.as_ref() == Some(principal_id) && !accounts_differ;
    }
    let named = caller.caller_arn.as_deref().and_then(RoleSession::of_arn);
    named.is_some() && named == role_session_of(issued)
}

/// The role session that an issuance without `assumedRoleUser` asked for.
fn role_session_of(row: &Issuance) -> Option<RoleSession<'_>> {
    let session = &row.session;
    Some(RoleSession {
        account_id: session.role_account_id.as_deref()?,
        role_name: session.role_name.as_deref()?,
        session_name: session.session_name.as_deref()?,
    })
}

/// The account in which the issued session acts.
pub(crate) fn session_account(row: &Issuance) -> Option<&str> {
    let session = &row.session;
    let target_of_assume_root = match session.session_type {
        SessionType::AssumedRoot => session.session_principal_id.as_deref(),
        _ => None,
    };
    session
        .role_account_id
        .as_deref()
        .or(target_of_assume_root)
        .or(row.caller.caller_account_id.as_deref())
        .or(row.record.recipient_account_id.as_deref())
}

/// A multimap from what rows are called to their places. It holds places only and reads the names in the rows, so
/// that it stays small enough for the processor's caches where there are millions of rows.
struct Chained<'a, K> {
    name_of: fn(&'a Issuance) -> Option<K>,
    last: HashTable<Place>,
    previous: Vec<Place>,
    hasher: DefaultHashBuilder,
}

/// The end of a chain of places.
const NO_PLACE: Place = Place::MAX;

impl<'a, K: Hash + Eq> Chained<'a, K> {
    fn by(name_of: fn(&'a Issuance) -> Option<K>, rows: usize) -> Chained<'a, K> {
        Chained {
            name_of,
            last: HashTable::new(),
            previous: vec![NO_PLACE; rows],
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Adds a row, if it has such a name.
    fn add(&mut self, rows: &[&'a Issuance], place: Place) {
        let Chained {
            name_of,
            last,
            previous,
            hasher,
        } = self;
        let name_at = |place: Place| name_of(rows[place as usize]);
        let Some(name) = name_at(place) else { return };
        if last.is_empty() {
            // Growing would read every name again.
            last.reserve(rows.len(), |_| 0);
        }
        let hash = hasher.hash_one(&name);
        let same = |&other: &Place| name_at(other).as_ref() == Some(&name);
        let rehash = |&other: &Place| name_at(other).map_or(0, |name| hasher.hash_one(&name));
        match last.entry(hash, same, rehash) {
            Entry::Occupied(mut entry) => {
                previous[place as usize] = std::mem::replace(entry.get_mut(), place);
            }
            Entry::Vacant(entry) => {
                entry.insert(place);
            }
        }
    }

    fn all(&self, rows: &[&'a Issuance], name: &K) -> impl Iterator<Item = Place> + '_ {
        let same = |&other: &Place| (self.name_of)(rows[other as usize]).as_ref() == Some(name);
        let first = self.last.find(self.hasher.hash_one(name), same).copied();
        std::iter::successors(first, |&place| {
            Some(self.previous[place as usize]).filter(|&before| before != NO_PLACE)
        })
    }
}
