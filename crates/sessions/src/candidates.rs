//! Rules L3 and L4: which issuances may have handed out the credentials that a caller used.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashMap};
use trailback_cloudtrail::Timestamp;

use crate::arn::{Arn, RoleSession};
use crate::issuance::{CallerFacts, Issuance, Outcome, SessionFacts, SessionType};
use crate::look_back::LOOK_BACK_MS;
use crate::merge::primary_first;
use crate::session::Evidence;

/// A row's place: rows of the hour first, then the earlier ones.
pub(crate) type Place = u32;

/// The rows that can be parents, found by issued key, by principal and time, and by role session and time.
pub(crate) struct Candidates<'a> {
    rows: &'a [&'a Issuance],
    by_key: Bearers,
    by_principal: Bearers,
    by_role_session: Bearers,
    replacements: HashMap<(Option<&'a str>, &'a str), Vec<Place>>,
}

impl<'a> Candidates<'a> {
    /// Finds for the first `callers` rows which of all rows bear the names that they call for.
    pub(crate) fn among(rows: &'a [&'a Issuance], callers: usize) -> Candidates<'a> {
        Candidates::hashed_by(&DefaultHashBuilder::default(), rows, callers)
    }

    fn hashed_by(
        hasher: &impl BuildHasher,
        rows: &'a [&'a Issuance],
        callers: usize,
    ) -> Candidates<'a> {
        let mut by_key = Names::of(hasher);
        let mut by_principal = Names::of(hasher);
        let mut by_role_session = Names::of(hasher);
        let mut replacements: HashMap<_, Vec<Place>> = HashMap::new();
        // One pass, so that every row is fetched from memory once.
        for (place, row) in (0..).zip(rows) {
            if let Some(replaced) = row.record.replaces_event_id.as_deref() {
                let account = row.record.recipient_account_id.as_deref();
                replacements
                    .entry((account, replaced))
                    .or_default()
                    .push(place);
            }
            if can_be_parent(row) {
                by_key.bear(place, row.session.access_key_id.as_deref());
                by_principal.bear(place, principal_at(row));
                by_role_session.bear(place, role_session_at(row));
            }
            if (place as usize) < callers {
                by_key.call(place, row.caller.caller_access_key_id.as_deref());
                by_principal.call(place, caller_principal_at(&row.caller));
                by_role_session.call(place, caller_role_session_at(&row.caller));
            }
        }
        Candidates {
            rows,
            by_key: by_key.meet(callers),
            by_principal: by_principal.meet(callers),
            by_role_session: by_role_session.meet(callers),
            replacements,
        }
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
        let fits = |&candidate: &Place| {
            let issued = self.rows[candidate as usize];
            issued.session.access_key_id == row.caller.caller_access_key_id
                && self.may_have_issued(candidate, place)
                && agrees_with_caller(issued, row)
        };
        found.extend(self.by_key.of(place).filter(fits));
    }

    /// Rule L4.
    fn by_session_context(&self, place: Place, found: &mut Vec<Place>) {
        let caller = &self.rows[place as usize].caller;
        let named = |candidate: Place| {
            let issued = self.rows[candidate as usize];
            principal_at(issued) == caller_principal_at(caller)
        };
        let fits = |&candidate: &Place| named(candidate) && self.may_have_issued(candidate, place);
        found.extend(self.by_principal.of(place).filter(fits));
        let named = |candidate: Place| {
            let issued = self.rows[candidate as usize];
            role_session_at(issued) == caller_role_session_at(caller)
        };
        let fits = |&candidate: &Place| named(candidate) && self.may_have_issued(candidate, place);
        found.extend(self.by_role_session.of(place).filter(fits));
    }

    /// At or before the call, at most 36 h earlier, another row, not replaced by then, and of nobody whom the call rules out.
    fn may_have_issued(&self, candidate: Place, place: Place) -> bool {
        let (issued, used) = (self.rows[candidate as usize], self.rows[place as usize]);
        let called_at = used.record.event_time;
        candidate != place
            && is_in_window(issued.record.event_time, called_at)
            && !self.is_replaced(candidate, called_at)
            && !is_of_another_issuer(issued, &used.caller)
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

/// Rule L4: what a parent's [`principal_at`] must be.
fn caller_principal_at(caller: &CallerFacts) -> Option<(&str, Timestamp)> {
    Some((
        caller.caller_principal_id.as_deref()?,
        caller.caller_session_created_at?,
    ))
}

/// Rule L4: what a parent's [`role_session_at`] must be.
fn caller_role_session_at(caller: &CallerFacts) -> Option<(RoleSession<'_>, Timestamp)> {
    let created_at = caller.caller_session_created_at?;
    let named = caller.caller_arn.as_deref().and_then(RoleSession::of_arn);
    Some((named?, created_at))
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
/// principal, by account, role name and session name; where it named neither, by the second and, if told, the account.
fn agrees_with_caller(issued: &Issuance, used: &Issuance) -> bool {
    let caller = &used.caller;
    if let Some(principal_id) = &issued.session.session_principal_id {
        return caller.caller_principal_id.as_ref() == Some(principal_id)
            && !is_of_another_account(session_account(issued), caller);
    }
    if let Some(role_session) = role_session_of(issued) {
        let named = caller.caller_arn.as_deref().and_then(RoleSession::of_arn);
        return named == Some(role_session);
    }
    caller.caller_session_created_at == Some(issued.record.event_time)
        && !is_of_another_account(account_told(&issued.session), caller)
}

/// A federated user's name is chosen by whoever asks for its credentials: another user may choose it in the same second. Every
/// call of it tells for whom it was made (`sessionIssuer`).
fn is_of_another_issuer(issued: &Issuance, caller: &CallerFacts) -> bool {
    issued.session.session_type == SessionType::FederatedUser
        && matches!((&issued.caller.caller_arn, &caller.caller_session_issuer_arn), (Some(a), Some(b)) if a != b)
}

fn is_of_another_account(account_id: Option<&str>, caller: &CallerFacts) -> bool {
    matches!((account_id, caller.caller_account_id.as_deref()), (Some(a), Some(b)) if a != b)
}

/// The account that an issuance itself tells of its session: never the caller's, who may delegate or be a user of Cognito.
fn account_told(session: &SessionFacts) -> Option<&str> {
    let in_arn = || Some(Arn::parse(session.session_arn.as_deref()?)?.account_id);
    let told = session.role_account_id.as_deref().or_else(in_arn);
    told.filter(|account_id| !account_id.is_empty())
}

/// The role session that an issuance without `assumedRoleUser` asked for. Cognito's names an identity, which its session is
/// not called by.
fn role_session_of(row: &Issuance) -> Option<RoleSession<'_>> {
    let session = &row.session;
    if session.session_type == SessionType::WebIdentity {
        return None;
    }
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

/// The names that rows bear, and those that callers call for, as hashes.
struct Names<'h, S> {
    hasher: &'h S,
    borne: Vec<HashAndPlace>,
    called: Vec<HashAndPlace>,
}

/// Thirty-two bits of a name's hash above a row's place, so that sorting brings equal names together.
type HashAndPlace = u64;

impl<'h, S: BuildHasher> Names<'h, S> {
    fn of(hasher: &'h S) -> Names<'h, S> {
        Names {
            hasher,
            borne: Vec::new(),
            called: Vec::new(),
        }
    }

    /// The row at `place` bears a name, if it has one.
    fn bear<K: Hash>(&mut self, place: Place, name: Option<K>) {
        self.borne.extend(self.hashed(place, name));
    }

    /// The row at `place` calls for a name, if it knows one.
    fn call<K: Hash>(&mut self, place: Place, name: Option<K>) {
        self.called.extend(self.hashed(place, name));
    }

    fn hashed<K: Hash>(&self, place: Place, name: Option<K>) -> Option<HashAndPlace> {
        let hash = self.hasher.hash_one(name?);
        Some(hash & !u64::from(Place::MAX) | u64::from(place))
    }

    /// Sorts both lists and walks them side by side.
    fn meet(mut self, callers: usize) -> Bearers {
        self.borne.sort_unstable();
        self.called.sort_unstable();
        let mut first_of = vec![NO_BEARER; callers];
        let mut next = 0;
        for called in self.called {
            while self
                .borne
                .get(next)
                .is_some_and(|&borne| hash_of(borne) < hash_of(called))
            {
                next += 1;
            }
            if self
                .borne
                .get(next)
                .is_some_and(|&borne| hash_of(borne) == hash_of(called))
            {
                first_of[place_of(called) as usize] = next as u32;
            }
        }
        Bearers {
            borne: self.borne,
            first_of,
        }
    }
}

/// The rows that bear the name each caller calls for, and, as rarely as hashes are equal, some that do not.
///
/// A hash table over millions of rows misses the processor's caches at every step; sorted lists are read in order.
struct Bearers {
    borne: Vec<HashAndPlace>,
    first_of: Vec<u32>,
}

/// No row bears the name that a caller calls for.
const NO_BEARER: u32 = u32::MAX;

impl Bearers {
    fn of(&self, caller: Place) -> impl Iterator<Item = Place> + '_ {
        let first = self.first_of[caller as usize] as usize;
        let borne = self.borne.get(first..).unwrap_or_default();
        let same = move |other: &&HashAndPlace| hash_of(**other) == hash_of(borne[0]);
        borne.iter().take_while(same).map(|&entry| place_of(entry))
    }
}

fn hash_of(entry: HashAndPlace) -> u32 {
    (entry >> 32) as u32
}

fn place_of(entry: HashAndPlace) -> Place {
    entry as Place
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasherDefault, Hasher};

    use super::*;

    /// Gives all names one hash.
    #[derive(Default)]
    struct OneHash;

    impl Hasher for OneHash {
        fn write(&mut self, _: &[u8]) {}

        fn finish(&self) -> u64 {
            7 << 32
        }
    }

    /// A row whose names all end in `name`, at `at`.
    fn issued(name: &str, at: i64) -> Issuance {
        let mut row = Issuance::default();
        row.record.event_id = name.into();
        row.record.event_time = Timestamp(at);
        row.session.session_type = SessionType::AssumedRole;
        row.session.access_key_id = Some(format!("ASIA{name}").into());
        row.session.session_principal_id = Some(format!("AROA:{name}").into());
        row
    }

    #[test]
    fn names_of_one_hash_are_not_taken_for_each_other() {
        let mut without_principal = issued("d", 4000);
        let session = &mut without_principal.session;
        session.session_principal_id = None;
        session.role_account_id = Some("111122223333".into());
        session.role_name = Some("deploy".into());
        session.session_name = Some("d".into());
        let parents = [
            issued("a", 1000),
            issued("b", 2000),
            issued("c", 2000),
            without_principal,
        ];
        let mut callers = vec![Issuance::default(); 4];
        for (caller, parent) in callers.iter_mut().zip(&parents) {
            caller.record.event_time = Timestamp(9000);
            caller.caller.caller_principal_id = parent.session.session_principal_id.clone();
            caller.caller.caller_session_created_at = Some(parent.record.event_time);
        }
        callers[0].caller.caller_access_key_id = parents[0].session.access_key_id.clone();
        callers[3].caller.caller_arn =
            Some("arn:aws:sts::111122223333:assumed-role/deploy/d".into());
        let rows: Vec<&Issuance> = callers.iter().chain(&parents).collect();
        let hasher = BuildHasherDefault::<OneHash>::default();
        let candidates = Candidates::hashed_by(&hasher, &rows, callers.len());
        let mut found = Vec::new();
        for (place, parent) in (0..4).zip(4..) {
            let evidence = candidates.of(place, &mut found);
            assert_eq!(found, [parent], "the candidates of row {place}");
            let by_key = place == 0;
            assert_eq!(evidence == Some(Evidence::IssuedKey), by_key);
        }
    }
}
