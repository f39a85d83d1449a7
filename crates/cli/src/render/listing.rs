//! A list of sessions, newest first.

use trailback_sessions::Session;

use super::page::Page;
use super::words::{
    ABSENT, Toned, account, link, mfa, moment, origin, outcome, policy, policy_name, session_name,
    shown, tags,
};
use crate::look::{Look, Tone};

/// The sessions as a table: more columns where there is room.
pub(crate) fn render(sessions: &[Session], look: Look) -> String {
    let mut page = Page::new(look);
    if look.is_wide() {
        let header = ["Time (UTC)", "Origin", "Account", "Role / session", "Issued key", "MFA", "Tags", "Policy", "Outcome", "Link"];
        page.table(&header, sessions.iter().map(wide_row).collect(), false);
    } else {
        let header = ["Time (UTC)", "Origin", "Role / session", "MFA", "Outcome"];
        page.table(&header, sessions.iter().map(narrow_row).collect(), false);
    }
    page.into_text()
}

fn origin_cell(session: &Session) -> Toned {
    let tone = if session.origin.known { Tone::Strong } else { Tone::Bad };
    let who = origin(&session.origin);
    (if session.origin.known { who } else { format!("gap: {who}") }, tone)
}

fn narrow_row(session: &Session) -> Vec<Toned> {
    vec![
        (moment(session.issuance.record.event_time), Tone::Plain),
        origin_cell(session),
        (session_name(session), Tone::Plain),
        mfa(session),
        outcome(session),
    ]
}

fn wide_row(session: &Session) -> Vec<Toned> {
    let none = || (ABSENT.to_owned(), Tone::Dim);
    vec![
        (moment(session.issuance.record.event_time), Tone::Plain),
        origin_cell(session),
        (account(session), Tone::Plain),
        (session_name(session), Tone::Plain),
        (shown(session.issuance.session.access_key_id.as_ref()), Tone::Plain),
        mfa(session),
        tags(session).map_or_else(none, |tags| (tags, Tone::Plain)),
        policy(session, policy_name).map_or_else(none, |policy| (policy, Tone::Plain)),
        outcome(session),
        link(session),
    ]
}
