//! A list of sessions, newest first.

use trailback_sessions::Session;

use super::page::{Column, Page};
use super::words::{
    INHERITED, Toned, account, lines, mfa, moment, origin, outcome, policies, policy_name,
    session_name, shown, tags,
};
use crate::look::{Look, Tone};

const NARROW: &[Column] = &[
    Column::fixed("Time (UTC)"),
    Column::flowing("Origin"),
    Column::flowing("Role / session"),
    Column::fixed("MFA"),
    Column::fixed("Outcome"),
];

const WIDE: &[Column] = &[
    Column::fixed("Time (UTC)"),
    Column::flowing("Origin"),
    Column::fixed("Account"),
    Column::flowing("Role / session"),
    Column::fixed("Issued key"),
    Column::fixed("MFA"),
    Column::flowing("Tags, session policy"),
    Column::fixed("Outcome"),
];

/// The sessions as a table: more columns where there is room.
pub(crate) fn render(sessions: &[Session], look: Look) -> String {
    let mut page = Page::new(look);
    if look.is_wide() {
        page.table(WIDE, sessions.iter().map(wide_row).collect());
    } else {
        page.table(NARROW, sessions.iter().map(narrow_row).collect());
    }
    page.into_text()
}

fn origin_cell(session: &Session) -> Toned {
    let tone = if session.origin.known {
        Tone::Strong
    } else {
        Tone::Bad
    };
    let who = origin(&session.origin);
    (
        if session.origin.known {
            who
        } else {
            format!("gap: {who}")
        },
        tone,
    )
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
    let tags = tags(session).into_iter();
    let tags = tags.map(|tag| tag.trim_start_matches(INHERITED).to_owned());
    let restrictions = tags.chain(policies(session, policy_name));
    vec![
        (moment(session.issuance.record.event_time), Tone::Plain),
        origin_cell(session),
        (account(session), Tone::Plain),
        (session_name(session), Tone::Plain),
        (
            shown(session.issuance.session.access_key_id.as_ref()),
            Tone::Plain,
        ),
        mfa(session),
        lines(restrictions.collect()),
        outcome(session),
    ]
}
