//! Hand-made records, short enough that a test reads as a story.

use std::collections::BTreeMap;

use trailback_sessions::{
    Issuance, LOOK_BACK_MS, MatchFacts, Outcome, Session, SessionType, Text, Timestamp, Wanted,
    link, merge,
};

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER_ACCOUNT: &str = "444455556666";

pub(crate) fn text(text: &str) -> Option<Text> {
    Some(text.into())
}

/// Second `second` of the story.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp(1_760_000_400_000 + second * 1000)
}

/// An issued AssumeRole into `role` as `session`, handing out `key`, by nobody yet.
pub(crate) fn assume_role(
    event_id: &str,
    second: i64,
    role: &str,
    session: &str,
    key: &str,
) -> Issuance {
    let mut row = Issuance::default();
    row.record.event_id = event_id.into();
    row.record.event_ids = vec![event_id.into()];
    row.record.event_time = at(second);
    row.record.event_source = text("sts.amazonaws.com");
    row.record.event_name = text("AssumeRole");
    row.record.recipient_account_id = text(ACCOUNT);
    row.record.request_id = text(&format!("request-{event_id}"));
    row.record.source_ip_address = text("198.51.100.7");
    row.session.session_type = SessionType::AssumedRole;
    row.session.access_key_id = text(key);
    row.session.session_principal_id = text(&format!("AROA{role}:{session}"));
    row.session.session_arn = text(&format!(
        "arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"
    ));
    row.session.session_name = text(session);
    row.session.role_arn = text(&format!("arn:aws:iam::{ACCOUNT}:role/{role}"));
    row.session.role_name = text(role);
    row.session.role_account_id = text(ACCOUNT);
    row.log_objects = vec![format!("object-of-{event_id}").into()];
    row
}

pub(crate) trait Story: Sized {
    fn by_user(self, name: &str) -> Self;
    fn by_role(self, role: &str, session: &str, key: &str, created: i64) -> Self;
    fn by_service(self, service: &str) -> Self;
    fn by_other_account(self, principal_id: &str) -> Self;
    fn failed(self) -> Self;
    fn tagged(self, tags: &[(&str, &str)], transitive: &[&str]) -> Self;
    fn in_account(self, account: &str) -> Self;
}

impl Story for Issuance {
    fn by_user(mut self, name: &str) -> Self {
        self.caller.caller_type = text("IAMUser");
        self.caller.caller_arn = text(&format!("arn:aws:iam::{ACCOUNT}:user/{name}"));
        self.caller.caller_principal_id = text(&format!("AIDA{name}"));
        self.caller.caller_account_id = text(ACCOUNT);
        self.caller.caller_user_name = text(name);
        self.caller.caller_access_key_id = text(&format!("AKIA{name}"));
        self
    }

    fn by_role(mut self, role: &str, session: &str, key: &str, created: i64) -> Self {
        self.caller.caller_type = text("AssumedRole");
        self.caller.caller_arn = text(&format!(
            "arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"
        ));
        self.caller.caller_principal_id = text(&format!("AROA{role}:{session}"));
        self.caller.caller_account_id = text(ACCOUNT);
        self.caller.caller_access_key_id = text(key);
        self.caller.caller_session_created_at = Some(at(created));
        self
    }

    fn by_service(mut self, service: &str) -> Self {
        self.caller.caller_type = text("AWSService");
        self.caller.caller_invoked_by = text(service);
        self
    }

    fn by_other_account(mut self, principal_id: &str) -> Self {
        self.caller.caller_type = text("AWSAccount");
        self.caller.caller_principal_id = text(principal_id);
        self.caller.caller_account_id = text(OTHER_ACCOUNT);
        self
    }

    fn failed(mut self) -> Self {
        self.record.outcome = Outcome::Failed;
        self.session.access_key_id = None;
        self
    }

    fn tagged(mut self, tags: &[(&str, &str)], transitive: &[&str]) -> Self {
        self.tags.session_tags = tags
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect();
        self.tags.transitive_tag_keys = transitive.iter().map(|key| (*key).into()).collect();
        self.tags.transitive_tag_keys.sort();
        self
    }

    fn in_account(mut self, account: &str) -> Self {
        self.record.recipient_account_id = text(account);
        self
    }
}

/// Links records as the lake does: hour by hour, each with the wanted rows of the 36 hours before it.
pub(crate) fn link_by_hours(records: &[Issuance]) -> Vec<Session> {
    link_by_pieces(records, HOUR_MS)
}

/// Links records piece by piece of time, each with the wanted rows of at least the 36 hours before it.
pub(crate) fn link_by_pieces(records: &[Issuance], piece_ms: i64) -> Vec<Session> {
    let mut pieces: BTreeMap<i64, Vec<Issuance>> = BTreeMap::new();
    for record in records {
        let piece = record.record.event_time.0.div_euclid(piece_ms);
        pieces.entry(piece).or_default().push(record.clone());
    }
    let pieces_back = (LOOK_BACK_MS + piece_ms - 1) / piece_ms;
    let mut linked: Vec<(i64, Session)> = Vec::new();
    for (piece, records) in pieces {
        let rows = merge(records);
        let wanted = Wanted::by(&rows);
        let is_wanted = |(at, session): &&(i64, Session)| {
            piece - at <= pieces_back && wanted.wants(&MatchFacts::of(session))
        };
        let earlier = linked.iter().filter(is_wanted);
        let earlier: Vec<Session> = earlier.map(|(_, session)| session.clone()).collect();
        let enough = without_needless_addenda(&wanted, &rows, &earlier);
        let sessions = link(rows.clone(), &earlier);
        assert_eq!(link(rows, &enough), sessions);
        linked.extend(sessions.into_iter().map(|session| (piece, session)));
    }
    linked.into_iter().map(|(_, session)| session).collect()
}

/// Of earlier rows those that bear a wanted name, and those that replace one of these or of `rows`.
fn without_needless_addenda(
    wanted: &Wanted,
    rows: &[Issuance],
    earlier: &[Session],
) -> Vec<Session> {
    let is_named = |row: &&Session| wanted.wants_by_name(&MatchFacts::of(row));
    let (mut enough, others): (Vec<&Session>, Vec<&Session>) = earlier.iter().partition(is_named);
    let mut replacing = Wanted::default();
    let candidates = enough.iter().map(|row| &row.issuance).chain(rows);
    candidates.for_each(|row| replacing.add_replacing(row));
    let replaces = |row: &&Session| replacing.wants_by_name(&MatchFacts::of(row));
    enough.extend(others.into_iter().filter(replaces));
    enough.into_iter().cloned().collect()
}

/// The row of an event ID.
pub(crate) fn row<'a>(sessions: &'a [Session], event_id: &str) -> &'a Session {
    sessions
        .iter()
        .find(|session| {
            session
                .issuance
                .record
                .event_ids
                .iter()
                .any(|id| &**id == event_id)
        })
        .unwrap_or_else(|| panic!("no row {event_id}"))
}
