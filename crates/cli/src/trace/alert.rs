//! From a finding to the session that it is about: by the key, else the principal, at the time that the finding names.

use miette::IntoDiagnostic;
use trailback_pipeline::find::{FindError, TimeRange, find};
use trailback_pipeline::lake::Lake;
use trailback_sessions::{
    LOOK_BACK_MS, Outcome, Session, SessionType, Subject, Timestamp, access_key,
};

use super::show::{Alert, Shown};
use super::{is_alive_at, may_live_on};
use crate::finding::Finding;
use crate::render::not_found;
use crate::render::words::period;
use crate::{lake, output};

/// Shows the chains of the sessions that a finding is about; says so where it names nothing, or nothing that is here.
///
/// Where no record hands out the temporary key that a finding names, its principal is asked about: a session that was handed
/// another key is not the one of the finding.
pub(super) async fn trace(
    lake: &Lake,
    finding: &Finding,
    shown: &mut Shown<'_>,
) -> miette::Result<()> {
    let mut else_known = Vec::new();
    for (place, subject) in finding.subjects.iter().enumerate() {
        let (alive, expired) = alive(lake, subject, finding).await.into_diagnostic()?;
        let missing = &finding.subjects[..place];
        let seen = first_seen(finding);
        if let Some((session, seen)) = expired.zip(seen).filter(|_| alive.is_empty()) {
            // A key is handed out once: whatever was done with it later, this is the session.
            if is_temporary_key(subject) {
                let mut alert = alert(subject, missing, finding);
                alert.at = Some(seen);
                return shown.show_alert(lake, vec![session], &alert).await;
            }
            else_known.push(not_found::expired(subject, &session, seen));
        }
        let (mut sessions, others): (Vec<Session>, Vec<Session>) = alive
            .into_iter()
            .partition(|session| may_be_of(session, missing));
        if !sessions.is_empty() {
            if !missing.is_empty() {
                output::tell(&not_found::instead(missing, subject));
            }
            sessions.reverse();
            let sessions = shown.limited(sessions);
            let alert = alert(subject, missing, finding);
            return shown.show_alert(lake, sessions, &alert).await;
        }
        if let Some(newest) = others.last() {
            else_known.push(not_found::other_keys(subject, &others, newest));
        }
    }
    let why = not_found::explain_finding(finding);
    if finding.subjects.is_empty() {
        output::tell(&why);
        return Ok(());
    }
    let lines: Vec<String> = std::iter::once(why).chain(else_known).collect();
    lake::tell_nothing(lake, &lines.join("\n")).await?;
    Ok(())
}

/// Whether a session may be the one whose key is missing: its own was not logged, or it leads into the console or Identity
/// Center, where other keys are used than the one that is logged.
fn may_be_of(session: &Session, missing: &[Subject]) -> bool {
    if may_live_on(session) || session.issuance.session.session_type == SessionType::Console {
        return true;
    }
    session.issuance.session.access_key_id.is_none() || !missing.iter().any(is_temporary_key)
}

fn is_temporary_key(subject: &Subject) -> bool {
    matches!(subject, Subject::AccessKeyId(id) if access_key::is_temporary(id))
}

fn first_seen(finding: &Finding) -> Option<Timestamp> {
    let seen = finding.first_seen.into_iter().chain(finding.last_seen);
    seen.min()
}

/// The sessions that a subject names and that were alive when the finding was seen, in the order of time. Without a time all
/// of them. Of a key that no record hands out, the calls that were made with it around that time, also later ones. Beside them
/// the last session that had expired by then.
async fn alive(
    lake: &Lake,
    subject: &Subject,
    finding: &Finding,
) -> Result<(Vec<Session>, Option<Session>), FindError> {
    let first = first_seen(finding);
    let last = finding.last_seen.max(finding.first_seen);
    let issued_by_then = |session: &Session| {
        let record = &session.issuance.record;
        record.outcome == Outcome::Issued && last.is_none_or(|last| record.event_time <= last)
    };
    let range = TimeRange {
        since: first.map(|first| Timestamp(first.0.saturating_sub(LOOK_BACK_MS))),
        until: last.map(|last| Timestamp(last.0.saturating_add(LOOK_BACK_MS))),
    };
    let mut sessions = find(lake, subject, &range).await?;
    sessions.retain(|session| match subject.is_used_by(session) {
        true => may_be_call_of(session, finding),
        false => issued_by_then(session),
    });
    let (alive, mut expired): (Vec<_>, Vec<_>) = sessions.into_iter().partition(|session| {
        subject.is_used_by(session) || first.is_none_or(|first| is_alive_at(session, first))
    });
    if alive.is_empty() && expired.is_empty() && first.is_some() {
        // Longer ago than a session may live.
        let ever = TimeRange {
            since: None,
            ..range
        };
        expired = find(lake, subject, &ever).await?;
        expired.retain(|session| !subject.is_used_by(session) && issued_by_then(session));
    }
    Ok((alive, expired.pop()))
}

/// Whether a call with the key of a finding was made by the principal of it, where it names one: key IDs recur.
fn may_be_call_of(call: &Session, finding: &Finding) -> bool {
    let caller = call.issuance.caller.caller_principal_id.as_ref();
    let mut principals = finding.subjects.iter().filter_map(|subject| match subject {
        Subject::PrincipalId(id) => Some(id),
        _ => None,
    });
    principals.all(|id| caller.is_none_or(|caller| caller.starts_with(&**id)))
}

/// The alert, of whose subjects some are not in the lake at that time and one was traced.
fn alert(subject: &Subject, missing: &[Subject], finding: &Finding) -> Alert {
    let mut facts = vec![
        ("From", finding.product.to_owned()),
        ("Type", finding.kind.clone()),
    ];
    facts.extend(finding.facts.iter().cloned());
    facts.push(("Seen", period(finding.first_seen, finding.last_seen)));
    let missing = missing.iter().map(|subject| subject.text().to_string());
    facts.extend(missing.map(|subject| ("Not in this lake", subject)));
    facts.push(("Traced by it", subject.text().to_string()));
    Alert {
        at: None,
        subject: subject.text().to_string(),
        facts,
    }
}
