//! What an hour needs of the 36 hours before it: which rows its callers may descend from.

use std::hash::{Hash, Hasher};

use hashbrown::{Equivalent, HashSet};
use trailback_cloudtrail::Timestamp;

use crate::arn::RoleSession;
use crate::issuance::{Issuance, Text};
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
#[derive(Debug, Default)]
pub struct Wanted {
    access_key_ids: HashSet<Text>,
    principals: HashSet<PrincipalAt<Text>>,
    role_sessions: HashSet<RoleSessionAt<Text>>,
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

    /// Whether no caller could be linked at all.
    pub fn is_empty(&self) -> bool {
        self.access_key_ids.is_empty()
            && self.principals.is_empty()
            && self.role_sessions.is_empty()
    }

    /// Whether a linked row may be a candidate of one of the rows, or changes which ones are.
    ///
    /// Rows that it lets through without need do no harm: the linker decides again.
    pub fn wants(&self, row: &MatchFacts<'_>) -> bool {
        row.replaces_event_id.is_some()
            || row
                .access_key_id
                .is_some_and(|id| self.access_key_ids.contains(id))
            || self.wants_context(row)
    }

    fn wants_context(&self, row: &MatchFacts<'_>) -> bool {
        if let Some(id) = row.session_principal_id {
            return self.principals.contains(&PrincipalAt {
                id,
                at: row.event_time,
            });
        }
        let (Some(account), Some(role), Some(session)) =
            (row.role_account_id, row.role_name, row.session_name)
        else {
            return false;
        };
        self.role_sessions.contains(&RoleSessionAt {
            account,
            role,
            session,
            at: row.event_time,
        })
    }

    fn add(&mut self, row: &Issuance) {
        let caller = &row.caller;
        if let Some(id) = &caller.caller_access_key_id {
            self.access_key_ids.insert(id.clone());
        }
        let Some(at) = caller.caller_session_created_at else {
            return;
        };
        if let Some(id) = &caller.caller_principal_id {
            self.principals.insert(PrincipalAt { id: id.clone(), at });
        }
        if let Some(session) = caller.caller_arn.as_deref().and_then(RoleSession::of_arn) {
            self.role_sessions.insert(RoleSessionAt {
                account: session.account_id.into(),
                role: session.role_name.into(),
                session: session.session_name.into(),
                at,
            });
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct PrincipalAt<T> {
    id: T,
    at: Timestamp,
}

#[derive(Debug, PartialEq, Eq)]
struct RoleSessionAt<T> {
    account: T,
    role: T,
    session: T,
    at: Timestamp,
}

impl<T: AsRef<str>> Hash for PrincipalAt<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.as_ref().hash(state);
        self.at.hash(state);
    }
}

impl<T: AsRef<str>> Hash for RoleSessionAt<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for part in [&self.account, &self.role, &self.session] {
            part.as_ref().hash(state);
        }
        self.at.hash(state);
    }
}

impl Equivalent<PrincipalAt<Text>> for PrincipalAt<&str> {
    fn equivalent(&self, other: &PrincipalAt<Text>) -> bool {
        self.at == other.at && *self.id == *other.id
    }
}

impl Equivalent<RoleSessionAt<Text>> for RoleSessionAt<&str> {
    fn equivalent(&self, other: &RoleSessionAt<Text>) -> bool {
        self.at == other.at
            && *self.account == *other.account
            && *self.role == *other.role
            && *self.session == *other.session
    }
}
