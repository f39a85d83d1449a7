//! What an hour needs of the 36 hours before it: which rows its callers may descend from.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};
use trailback_cloudtrail::Timestamp;

use crate::arn::RoleSession;
use crate::issuance::Issuance;
use crate::session::Session;

/// How far back a session's issuance can lie: the longest life of temporary credentials (GetSessionToken and
/// GetFederationToken, 129,600 s, by the STS API reference).
pub const LOOK_BACK_HOURS: i64 = 36;

/// [`LOOK_BACK_HOURS`] in milliseconds.
pub const LOOK_BACK_MS: i64 = LOOK_BACK_HOURS * 3_600_000;

/// The few columns of a linked row that decide whether the hour being linked wants it.
#[derive(Clone, Copy, Debug, Default)]
pub struct MatchFacts<'a> {
    /// `event_time`.
    pub event_time: Timestamp,
    /// `access_key_id`, as issued.
    pub access_key_id: Option<&'a str>,
    /// `session_principal_id`.
    pub session_principal_id: Option<&'a str>,
    /// `role_account_id`.
    pub role_account_id: Option<&'a str>,
    /// `role_name`.
    pub role_name: Option<&'a str>,
    /// `session_name`.
    pub session_name: Option<&'a str>,
    /// `replaces_event_id`.
    pub replaces_event_id: Option<&'a str>,
}

impl<'a> MatchFacts<'a> {
    /// Those of a linked row.
    pub fn of(session: &'a Session) -> MatchFacts<'a> {
        let (record, issued) = (&session.issuance.record, &session.issuance.session);
        MatchFacts {
            event_time: record.event_time,
            access_key_id: issued.access_key_id.as_deref(),
            session_principal_id: issued.session_principal_id.as_deref(),
            role_account_id: issued.role_account_id.as_deref(),
            role_name: issued.role_name.as_deref(),
            session_name: issued.session_name.as_deref(),
            replaces_event_id: record.replaces_event_id.as_deref(),
        }
    }
}

/// What the callers of some rows may be linked by. Grows with those rows, not with the rows looked back on.
///
/// Names are kept as hashes of 64 bits, some ten bytes a name: an hour can have millions of callers, and hundreds of millions of
/// rows before it are asked whether they bear one of their names. A row whose hash fits by chance is let through, and does no harm.
#[derive(Debug, Default)]
pub struct Wanted {
    hasher: DefaultHashBuilder,
    names: HashTable<u64>,
}

/// What a caller may be linked by.
#[derive(Hash)]
enum Name<'a> {
    AccessKey(&'a str),
    Principal(&'a str, Timestamp),
    RoleSession(RoleSession<'a>, Timestamp),
    /// The event ID of a row that another one may replace.
    Replaced(&'a str),
}

impl Wanted {
    /// What the callers of `rows` may be linked by (rules L3 and L4).
    pub fn by(rows: &[Issuance]) -> Wanted {
        let mut wanted = Wanted::default();
        for row in rows {
            wanted.add(row);
        }
        wanted
    }

    /// Wants what the caller of one more row may be linked by.
    pub fn add(&mut self, row: &Issuance) {
        let caller = &row.caller;
        if let Some(id) = &caller.caller_access_key_id {
            self.insert(&Name::AccessKey(id));
        }
        let Some(at) = caller.caller_session_created_at else {
            return;
        };
        if let Some(id) = &caller.caller_principal_id {
            self.insert(&Name::Principal(id, at));
        }
        if let Some(session) = caller.caller_arn.as_deref().and_then(RoleSession::of_arn) {
            self.insert(&Name::RoleSession(session, at));
        }
    }

    /// Wants the rows that replace a candidate (rule L1), or a record that was merged into it.
    pub fn add_replacing(&mut self, candidate: &Issuance) {
        for id in &candidate.record.event_ids {
            self.insert(&Name::Replaced(id));
        }
    }

    /// Whether no caller could be linked at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether a linked row may be a candidate of one of the rows, or changes which ones are.
    ///
    /// Rows that it lets through without need do no harm: the linker decides again.
    pub fn wants(&self, row: &MatchFacts<'_>) -> bool {
        row.replaces_event_id.is_some() || self.wants_by_name(row)
    }

    /// Whether a linked row bears a name that is wanted: it may be a candidate, or replaces what [`Wanted::add_replacing`] was
    /// told of. Others that [`Wanted::wants`] lets through matter only to those who have the row that they replace among their
    /// candidates.
    pub fn wants_by_name(&self, row: &MatchFacts<'_>) -> bool {
        let bears = |name: &Name<'_>| self.contains(name);
        row.access_key_id
            .map(Name::AccessKey)
            .as_ref()
            .is_some_and(bears)
            || context_of(row).as_ref().is_some_and(bears)
            || row
                .replaces_event_id
                .map(Name::Replaced)
                .as_ref()
                .is_some_and(bears)
    }

    fn insert(&mut self, name: &Name<'_>) {
        let hash = self.hasher.hash_one(name);
        let entry = self
            .names
            .entry(hash, |known| *known == hash, |known| *known);
        entry.or_insert(hash);
    }

    fn contains(&self, name: &Name<'_>) -> bool {
        let hash = self.hasher.hash_one(name);
        self.names.find(hash, |known| *known == hash).is_some()
    }
}

/// What a caller's session context would name a row by.
fn context_of<'a>(row: &MatchFacts<'a>) -> Option<Name<'a>> {
    if let Some(id) = row.session_principal_id {
        return Some(Name::Principal(id, row.event_time));
    }
    let session = RoleSession {
        account_id: row.role_account_id?,
        role_name: row.role_name?,
        session_name: row.session_name?,
    };
    Some(Name::RoleSession(session, row.event_time))
}
