//! `trailback trace`: from the origin down to what was asked about.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use miette::IntoDiagnostic;
use trailback_cloudtrail::Record;
use trailback_pipeline::extract::{ExtractOptions, uses};
use trailback_pipeline::find::{TimeRange, ancestors, find, link_record};
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::log_objects::folders;
use trailback_sessions::{
    Issuance, LOOK_BACK_HOURS, Outcome, Session, Subject, Timestamp, extract, observe,
};

use crate::args::AnswerFormat;
use crate::look::Look;
use crate::raw_record::{self, NoRecord};
use crate::render::trace::{Trail, render};
use crate::render::{not_found, words};
use crate::settings::{self, WrongUse};
use crate::{Answer, args, json, lake, output, progress};

/// The longest time that credentials live, in milliseconds.
const LIFETIME_MAX_MS: i64 = LOOK_BACK_HOURS * 3_600_000;

/// What was found: the subject's own sessions (or calls), newest first.
struct Found {
    sessions: Vec<Session>,
    /// How many older ones are left out.
    more: usize,
}

/// Runs the command.
pub(crate) async fn run(typed: args::Trace, look: Look) -> miette::Result<Answer> {
    let at = typed
        .at
        .as_deref()
        .map(|text| settings::moment("--at", text))
        .transpose()?;
    let range = settings::period(&typed.period)?;
    let logs = settings::existing_paths(&typed.logs)?;
    if typed.subject == "-" {
        let lake = lake::open(&typed.lake, Access::Read).await?;
        let sessions = link_all(&lake, observe_all(&read_standard_input()?)?).await?;
        return show(&lake, &typed, limited(sessions, typed.limit), look).await;
    }
    let subject: Subject = typed.subject.parse().map_err(WrongUse::from)?;
    let lake = lake::open(&typed.lake, Access::Read).await?;
    let mut sessions = match at {
        None => find(&lake, &subject, &range).await.into_diagnostic()?,
        Some(at) => alive_at(
            find(&lake, &subject, &lifetime_before(at))
                .await
                .into_diagnostic()?,
            at,
        ),
    };
    if sessions.is_empty() && !logs.is_empty() {
        sessions = link_all(&lake, search(&logs, &subject, &range).await?).await?;
    }
    if sessions.is_empty() {
        output::tell(&not_found::explain(&subject, !logs.is_empty()));
        return Ok(Answer::Incomplete);
    }
    show(&lake, &typed, limited(sessions, typed.limit), look).await
}

/// In which time a session that is alive at a moment was issued.
fn lifetime_before(at: Timestamp) -> TimeRange {
    TimeRange {
        since: Some(Timestamp(at.0.saturating_sub(LIFETIME_MAX_MS))),
        until: Some(Timestamp(at.0.saturating_add(1))),
    }
}

/// The newest session that had not expired; without one, the newest, because console sessions outlive what is logged.
fn alive_at(sessions: Vec<Session>, at: Timestamp) -> Vec<Session> {
    let is_issued = |session: &&Session| session.issuance.record.outcome == Outcome::Issued;
    let is_alive = |session: &&Session| {
        session
            .issuance
            .session
            .expires_at
            .is_none_or(|expiry| at <= expiry)
    };
    let issued = || sessions.iter().rev().filter(is_issued);
    let alive = issued().find(is_alive).or_else(|| {
        let newest = issued().next()?;
        let logged = newest.issuance.session.expires_at.map(words::moment).unwrap_or_default();
        output::tell(&format!(
            "the newest session before that time expired at {logged} UTC as logged; only console sessions live on"
        ));
        Some(newest)
    });
    alive.cloned().into_iter().collect()
}

/// The newest sessions, newest first.
fn limited(mut sessions: Vec<Session>, limit: usize) -> Found {
    sessions.reverse();
    let more = if limit == 0 {
        0
    } else {
        sessions.len().saturating_sub(limit)
    };
    sessions.truncate(sessions.len() - more);
    Found { sessions, more }
}

async fn show(
    lake: &Lake,
    typed: &args::Trace,
    found: Found,
    look: Look,
) -> miette::Result<Answer> {
    for (number, session) in found.sessions.into_iter().enumerate() {
        let subject = if typed.subject == "-" {
            words::call(&session)
        } else {
            typed.subject.clone()
        };
        let mut hops = ancestors(lake, &session).await.into_diagnostic()?;
        hops.push(session);
        let text = match typed.format.format {
            AnswerFormat::Json => json::trail(&subject, &hops).into_diagnostic()?,
            AnswerFormat::Text => {
                let divider = if number > 0 { "\n" } else { "" };
                format!(
                    "{divider}{}",
                    render(
                        &Trail {
                            subject: &subject,
                            hops: &hops
                        },
                        look
                    )
                )
            }
        };
        output::print(&text)?;
    }
    if found.more > 0 {
        output::tell(&not_found::more(
            found.more,
            "--at TIME picks the one alive then, --limit 0 shows all",
        ));
    }
    Ok(Answer::Complete)
}

/// Links calls against the lake; gives them in the order of time.
async fn link_all(lake: &Lake, calls: Vec<Issuance>) -> miette::Result<Vec<Session>> {
    let mut sessions = Vec::new();
    for call in calls {
        sessions.push(link_record(lake, call).await.into_diagnostic()?);
    }
    sessions.sort_by_key(|session| session.issuance.record.event_time);
    Ok(sessions)
}

/// Searches raw log objects for calls that the subject's credentials made.
async fn search(
    logs: &[PathBuf],
    subject: &Subject,
    range: &TimeRange,
) -> miette::Result<Vec<Issuance>> {
    let (options, progress) = (ExtractOptions::default(), progress::bar());
    let log_objects = folders::find(logs).await.into_diagnostic()?;
    let found = uses(log_objects, subject, range, &options, &progress)
        .await
        .into_diagnostic()?;
    output::name_problems(&found.problems);
    Ok(found.calls)
}

/// Reads each record as the issuance that it is, or as a use of the caller's session.
fn observe_all(records: &[Vec<u8>]) -> Result<Vec<Issuance>, NoRecord> {
    let observe_one = |json: &Vec<u8>| {
        let mut json = json.clone();
        let record = Record::parse(&mut json).map_err(NoRecord::NotRead)?;
        let issuance = extract(&record).map_err(NoRecord::NotUsable)?;
        issuance.map_or_else(|| observe(&record).map_err(NoRecord::NotUsable), Ok)
    };
    records.iter().map(observe_one).collect()
}

fn read_standard_input() -> miette::Result<Vec<Vec<u8>>> {
    if std::io::stdin().is_terminal() {
        output::tell("paste a CloudTrail record, then press Ctrl-D on a line of its own");
    }
    let mut pasted = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut pasted)
        .map_err(NoRecord::Unreadable)?;
    Ok(raw_record::records(&pasted)?)
}
