//! A list of sessions, newest first.

use trailback_sessions::Session;

use super::page::{Column, Page};
use super::text::safe;
use super::words::{
    INHERITED, Toned, account, lines, mfa, moment, named_origin, outcome, policies, policy_name,
    session_name, shown, tags,
};
use crate::look::{Look, Tone};

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
        sessions
            .iter()
            .for_each(|session| block(&mut page, session));
    }
    page.into_text()
}

fn origin_cell(session: &Session) -> Toned {
    let tone = if session.origin.known {
        Tone::Strong
    } else {
        Tone::Bad
    };
    let who = named_origin(session);
    (
        if session.origin.known {
            who
        } else {
            format!("gap: {who}")
        },
        tone,
    )
}

/// A session in a few lines: what it is, who is behind it with what to copy into a trace (its key, or its event ID), and its tags
/// and policies where it has any.
fn block(page: &mut Page, session: &Session) {
    let (record, facts) = (&session.issuance.record, &session.issuance.session);
    let (outcome, outcome_tone) = outcome(session);
    let head = format!(
        "{}  {}, account {}",
        moment(record.event_time),
        session_name(session),
        account(session)
    );
    let head_tone = if outcome_tone == Tone::Bad {
        Tone::Bad
    } else {
        Tone::Strong
    };
    page.branch("", "  ", &(head, head_tone));
    let id = match &facts.access_key_id {
        Some(key) => safe(key),
        None => format!("event {}", safe(&record.event_id)),
    };
    let (origin, origin_tone) = origin_cell(session);
    let tone = if origin_tone == Tone::Bad {
        Tone::Bad
    } else {
        Tone::Plain
    };
    let by = if session.origin.known { "by " } else { "" };
    let text = format!("{by}{origin}, MFA {}, {outcome} {id}", mfa(session).0);
    page.bullet("  ", &(text, tone));
    let restrictions = restrictions(session);
    if !restrictions.is_empty() {
        page.bullet("  ", &(restrictions.join(", "), Tone::Dim));
    }
}

/// The tags in force, then the session policies.
fn restrictions(session: &Session) -> Vec<String> {
    let tags = tags(session).into_iter();
    let tags = tags.map(|tag| tag.trim_start_matches(INHERITED).to_owned());
    tags.chain(policies(session, policy_name)).collect()
}

fn wide_row(session: &Session) -> Vec<Toned> {
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
        lines(restrictions(session)),
        outcome(session),
    ]
}
