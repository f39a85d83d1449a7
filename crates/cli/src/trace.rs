//! `trailback trace`: from the origin down to what was asked about.

mod alert;
mod case;
mod pasted;
mod show;

use miette::IntoDiagnostic;
use trailback_pipeline::extract::{ExtractOptions, Uses, uses};
use trailback_pipeline::find::{TimeRange, find, link_records};
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::location::{Location, S3OnDemand};
use trailback_pipeline::log_objects;
use trailback_sessions::{LOOK_BACK_MS, Outcome, Session, SessionType, Subject, Timestamp};

use crate::look::Look;
use crate::render::not_found;
use crate::settings::{self, WrongUse};
use crate::verified::Verified;
use crate::{Answer, args, lake, output, progress};
use show::Shown;

/// By how much an expiry may be earlier than the duration asked for, in milliseconds.
const ROUNDING_MS: i64 = 60_000;

/// Runs the command.
pub(crate) async fn run(typed: args::Trace, s3: &S3OnDemand, look: Look) -> miette::Result<Answer> {
    let at = typed
        .at
        .as_deref()
        .map(|text| settings::moment("--at", text))
        .transpose()?;
    let range = settings::period(&typed.period)?;
    let logs = settings::existing(&typed.logs)?;
    let verified = typed.verified.as_deref().map(Verified::read).transpose()?;
    let mut shown = Shown::new(&typed, (range, at), verified, look);
    if typed.subject == "-" {
        if at.is_some() {
            return Err(WrongUse::AtOfPasted.into());
        }
        let lake = lake::open(&typed.lake, s3, Access::Read).await?;
        pasted::run(&lake, &typed, range, &mut shown).await?;
        return shown.finish();
    }
    let subject: Subject = typed.subject.parse().map_err(WrongUse::from)?;
    let lake = lake::open(&typed.lake, s3, Access::Read).await?;
    let mut sessions = match at {
        None => find(&lake, &subject, &range).await.into_diagnostic()?,
        Some(at) => alive_at(
            find(&lake, &subject, &lifetime_before(at))
                .await
                .into_diagnostic()?,
            &subject,
            at,
        ),
    };
    if sessions.is_empty() && !logs.is_empty() {
        let options = settings::reading(typed.limits);
        let made = at.map_or(range, lifetime_before);
        let found = search(&logs, s3, &subject, &made, &options).await?;
        if found.calls.is_empty() {
            let of_time = made != TimeRange::default();
            output::tell(&not_found::in_logs(&subject, &found, of_time));
        }
        sessions = link_records(&lake, found.calls).await.into_diagnostic()?;
        sessions.sort_by_key(|session| session.issuance.record.event_time);
    }
    if sessions.is_empty() {
        let is_limited = at.is_some() || range != TimeRange::default();
        let why = why_nothing(&lake, &subject, is_limited, !logs.is_empty()).await?;
        return lake::tell_nothing(&lake, &why).await;
    }
    sessions.reverse();
    let sessions = shown.limited(sessions);
    shown.show(&lake, sessions).await?;
    shown.finish()
}

/// Why nothing was found: it is not there, or it is there at another time than the one asked for.
async fn why_nothing(
    lake: &Lake,
    subject: &Subject,
    is_limited: bool,
    searched_logs: bool,
) -> miette::Result<String> {
    if is_limited {
        let always = TimeRange::default();
        let outside = find(lake, subject, &always).await.into_diagnostic()?;
        if !outside.is_empty() {
            return Ok(not_found::outside(subject, &outside));
        }
    }
    Ok(not_found::explain(subject, searched_logs))
}

/// In which time a session that is alive at a moment was issued.
fn lifetime_before(at: Timestamp) -> TimeRange {
    TimeRange::spanning(Timestamp(at.0.saturating_sub(LOOK_BACK_MS)), at)
}

/// Whether a session had not expired at a moment, as far as is known. Of a console session by SAML the log tells the 15 minutes
/// of its credentials and the hours that were asked for (AWS's example of `AssumeRoleWithSAML`): that one lives on.
fn is_alive_at(session: &Session, at: Timestamp) -> bool {
    let facts = &session.issuance.session;
    let asked_ms = i64::from(facts.duration_seconds.unwrap_or_default()) * 1_000;
    let asked_until = session
        .issuance
        .record
        .event_time
        .0
        .saturating_add(asked_ms);
    let is_told_whole = |expiry: &Timestamp| asked_until.saturating_sub(expiry.0) <= ROUNDING_MS;
    let expiry = facts.expires_at.filter(is_told_whole);
    expiry.is_none_or(|expiry| at <= expiry)
}

/// Whether a session may be used after it expired as logged: SAML leads into the console, where sessions outlive the key that is
/// logged, and the sign-in itself may be missing.
fn may_live_on(session: &Session) -> bool {
    session.issuance.record.event_name.as_deref() == Some("AssumeRoleWithSAML")
}

/// The sessions that had not expired, without the calls that only tell of a session; without one, the newest if it may live on.
/// Of a key that no record hands out, the calls made with it: they tell of a session that was alive.
fn alive_at(mut sessions: Vec<Session>, subject: &Subject, at: Timestamp) -> Vec<Session> {
    if sessions.iter().any(|session| subject.is_used_by(session)) {
        sessions.retain(|session| subject.is_used_by(session) || is_alive_at(session, at));
        return sessions;
    }
    sessions.retain(|session| {
        let issuance = &session.issuance;
        issuance.record.outcome == Outcome::Issued
            && issuance.session.session_type != SessionType::Witness
    });
    if sessions.iter().any(|session| is_alive_at(session, at)) {
        sessions.retain(|session| is_alive_at(session, at));
        return sessions;
    }
    let newest = sessions.pop().filter(may_live_on);
    newest.into_iter().collect()
}

/// Searches raw log objects for calls that the subject's credentials made.
async fn search(
    logs: &[Location],
    s3: &S3OnDemand,
    subject: &Subject,
    range: &TimeRange,
    options: &ExtractOptions,
) -> miette::Result<Uses> {
    let days = settings::delivery_of(range);
    let log_objects = log_objects::find(logs, days, s3, None).await;
    let log_objects = log_objects.into_diagnostic()?;
    let found = uses(log_objects, subject, range, options, &progress::bar())
        .await
        .into_diagnostic()?;
    output::name_problems(&found.problems);
    Ok(found)
}
