//! What is said where an answer is missing or cut, and how to go on.

use trailback_pipeline::extract::Uses;
use trailback_sessions::{Session, Subject, Timestamp, access_key};
use trailback_tables::partition::Day;

use super::text::{count, safe};
use super::words::{moment, outcome, period, shown};
use crate::finding::{Finding, LOOKED_FOR};

/// Why nothing can be found at all.
pub(crate) const NO_SESSIONS: &str =
    "this lake has no sessions yet; `trailback ingest` brings them";

/// Why a question has no answer, and from which day to which the lake has sessions.
pub(crate) fn within(why: &str, days: Option<(&Day, &Day)>) -> String {
    match days {
        Some((first, last)) if first == last => {
            format!("{why}\nthis lake has sessions of {first} only (UTC)")
        }
        Some((first, last)) => {
            format!("{why}\nthis lake has sessions from {first} to {last} (UTC)")
        }
        None => NO_SESSIONS.to_owned(),
    }
}

/// What came of a search of raw log objects in which no call was found, `of_time` where only those of some time were looked for.
pub(crate) fn in_logs(subject: &Subject, uses: &Uses, of_time: bool) -> String {
    let name = safe(subject.text());
    if uses.log_objects == 0 {
        return format!(
            "no log object was searched for {name}: --logs names none, or none of the time asked for"
        );
    }
    let of_time = if of_time {
        " of the time asked for"
    } else {
        ""
    };
    let objects = count(uses.log_objects, "log object", "log objects");
    if uses.unreadable == 0 {
        return format!("no record{of_time} in {objects} of --logs was made with {name}");
    }
    let records = count(uses.unreadable, "record", "records");
    let reason = uses.unreadable_reason.as_deref().unwrap_or_default();
    format!(
        "no record{of_time} that can be read, in {objects} of --logs, was made with {name}; {records} that may have been cannot be \
         read, such as: {}",
        safe(reason)
    )
}

/// Why nothing was found, and how to go on: by raw log objects, unless they were searched.
pub(crate) fn explain(subject: &Subject, is_searched: bool) -> String {
    let name = safe(subject.text());
    let mut lines = Vec::new();
    let mut is_used = false;
    match subject {
        Subject::AccessKeyId(id) if access_key::is_temporary(id) => {
            let account = access_key::account_id(id).map_or_else(String::new, |account| {
                format!(" (a key of account {})", safe(&account))
            });
            lines.push(format!("no ingested record hands out {name}{account}"));
            lines.push(
                "consoles, Identity Center and some services use keys that no record hands out"
                    .to_owned(),
            );
            is_used = true;
        }
        Subject::AccessKeyId(_) => lines.push(format!("no chain in this lake starts with {name}")),
        Subject::RoleArn(_) | Subject::UserArn(_) => {
            lines.push(format!("nothing in this lake matches {name}"));
        }
        Subject::SessionArn(_) | Subject::PrincipalId(_) | Subject::EventId(_) => {
            lines.push(format!("nothing in this lake matches {name}"));
            is_used = true;
        }
    }
    if !is_searched && is_used {
        lines.push("to trace a call that was made with it:".to_owned());
        lines.push("  trailback trace … --logs PATH    finds one in raw log objects".to_owned());
        lines.push("  trailback trace -                takes one on standard input".to_owned());
    }
    lines.join("\n")
}

/// Why a finding leads to no session: it names nothing, or nothing that is here.
pub(crate) fn explain_finding(finding: &Finding) -> String {
    let kind = match &*finding.kind {
        "" => String::new(),
        kind => format!(" ({})", safe(kind)),
    };
    let what = format!("the {} finding{kind}", finding.product);
    if finding.subjects.is_empty() {
        return format!("{what} names nothing that can be traced; looked for {LOOKED_FOR}");
    }
    let names: Vec<String> = finding
        .subjects
        .iter()
        .map(|subject| safe(subject.text()))
        .collect();
    let mut lines = vec![format!(
        "{what} names {}; this lake has no session of it that was alive {}",
        names.join(" and "),
        period(finding.first_seen, finding.last_seen)
    )];
    for subject in &finding.subjects {
        lines.push(match subject {
            Subject::AccessKeyId(id) if access_key::is_long_term(id) => format!(
                "{} is a long-term key, its user is the origin; sessions it started at any time: trailback descendants {0}",
                safe(id)
            ),
            other => format!("at any other time: trailback trace {}", safe(other.text())),
        });
    }
    lines.join("\n")
}

/// That what a finding names first is not in the lake, and by what the finding was traced.
pub(crate) fn instead(missing: &[Subject], subject: &Subject) -> String {
    let names: Vec<String> = missing.iter().map(|subject| safe(subject.text())).collect();
    format!(
        "{} of the finding: no session of it in this lake was alive then; traced by {} instead, whose sessions may be others",
        names.join(" and "),
        safe(subject.text())
    )
}

/// That what a finding names beside its key had sessions, but with other keys. `newest` is the last of them.
pub(crate) fn other_keys(subject: &Subject, others: &[Session], newest: &Session) -> String {
    let facts = &newest.issuance;
    format!(
        "{name} had {} alive then, with other keys, so none of them is the finding's; the newest ({}) is shown by: \
         trailback trace {name} --at {}",
        count(others.len() as u64, "session", "sessions"),
        shown(facts.session.access_key_id.as_ref()),
        facts.record.event_time,
        name = safe(subject.text()),
    )
}

/// That what a finding names had a session, which had expired when the finding was seen.
pub(crate) fn expired(subject: &Subject, session: &Session, seen: Timestamp) -> String {
    let expiry = session.issuance.session.expires_at;
    let expiry = expiry.map_or_else(String::new, |expiry| {
        format!(" at {} UTC, as logged", moment(expiry))
    });
    format!(
        "the last session of {} before {} UTC had expired{expiry}",
        safe(subject.text()),
        moment(seen)
    )
}

/// How many sessions outside the time asked for are told one by one.
const OUTSIDE_TOLD_MAX: usize = 5;

/// That the subject is in the lake, but outside the time asked for, with the times found. `sessions` is in the order of time.
pub(crate) fn outside(subject: &Subject, sessions: &[Session]) -> String {
    let mut lines = vec![format!(
        "{} is in this lake, but not at the time asked for; it names {}:",
        safe(subject.text()),
        count(sessions.len() as u64, "issuance", "issuances")
    )];
    for session in sessions.iter().rev().take(OUTSIDE_TOLD_MAX) {
        let expiry = session.issuance.session.expires_at;
        let until = expiry.map_or_else(String::new, |expiry| {
            format!(", expires {} UTC", moment(expiry))
        });
        lines.push(format!(
            "  {} UTC, {}{until}",
            moment(session.issuance.record.event_time),
            outcome(session).0
        ));
    }
    if let Some(oldest) = sessions
        .first()
        .filter(|_| sessions.len() > OUTSIDE_TOLD_MAX)
    {
        let oldest = moment(oldest.issuance.record.event_time);
        lines.push(format!("  and older ones, back to {oldest} UTC"));
    }
    lines.join("\n")
}

/// That there is more.
pub(crate) fn more(left_out: usize, how: &str) -> String {
    format!(
        "{} not shown; {how}",
        count(left_out as u64, "older session", "older sessions")
    )
}
