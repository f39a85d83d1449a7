//! From a finding to the session that it is about: by the key, else the principal, at the time that the finding names.

use miette::IntoDiagnostic;
use trailback_pipeline::find::{FindError, TimeRange, find};
use trailback_pipeline::lake::Lake;
use trailback_sessions::{LOOK_BACK_MS, Outcome, Session, Subject, Timestamp};

use super::is_alive_at;
use super::show::{Alert, Shown};
use crate::finding::Finding;
use crate::output;
use crate::render::not_found;
use crate::render::words::period;

/// Shows the chains of the sessions that a finding is about; says so where it names nothing, or nothing that is here.
pub(super) async fn trace(
    lake: &Lake,
    finding: &Finding,
    shown: &mut Shown<'_>,
) -> miette::Result<()> {
    for subject in &finding.subjects {
        let mut sessions = alive(lake, subject, finding).await.into_diagnostic()?;
        if !sessions.is_empty() {
            sessions.reverse();
            let sessions = shown.limited(sessions);
            return shown
                .show_alert(lake, sessions, &alert(subject, finding))
                .await;
        }
    }
    output::tell(&not_found::explain_finding(finding));
    Ok(())
}

/// The sessions that a subject names and that were alive when the finding was seen, in the order of time. Without a time all
/// of them.
async fn alive(
    lake: &Lake,
    subject: &Subject,
    finding: &Finding,
) -> Result<Vec<Session>, FindError> {
    let first = finding.first_seen.or(finding.last_seen);
    let last = finding.last_seen.or(finding.first_seen);
    let range = TimeRange {
        since: first.map(|first| Timestamp(first.0.saturating_sub(LOOK_BACK_MS))),
        until: last.map(|last| Timestamp(last.0.saturating_add(1))),
    };
    let mut sessions = find(lake, subject, &range).await?;
    sessions.retain(|session| {
        session.issuance.record.outcome == Outcome::Issued
            && first.is_none_or(|first| is_alive_at(session, first))
    });
    Ok(sessions)
}

fn alert(subject: &Subject, finding: &Finding) -> Alert {
    let mut facts = vec![
        ("From", finding.product.to_owned()),
        ("Type", finding.kind.clone()),
    ];
    facts.extend(finding.facts.iter().cloned());
    facts.push(("Seen", period(finding.first_seen, finding.last_seen)));
    facts.push(("Traced by it", subject.text().to_string()));
    Alert {
        subject: subject.text().to_string(),
        facts,
    }
}
