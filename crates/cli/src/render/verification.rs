//! What a verification found, for people.

use std::ops::Range;

use trailback_pipeline::verify::{ChainReport, Finding, FindingKind, Verification, VerifyTally};
use trailback_sessions::Timestamp;

use super::page::{Page, Rail};
use super::text::{count, grouped, safe};
use super::words::moment;
use crate::look::{Look, Tone};

/// The whole answer; of findings the first `limit`, or all where it is 0.
pub(crate) fn shown(found: &Verification, limit: usize, look: Look) -> String {
    let mut page = Page::new(look);
    verdict(&mut page, found);
    for chain in &found.chains {
        page.gap("");
        add_chain(&mut page, chain);
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    for finding in found.findings.iter().take(limit) {
        page.gap("");
        add_finding(&mut page, finding);
    }
    let more = found.findings.len().saturating_sub(limit);
    if more > 0 {
        page.gap("");
        let text = format!("{} more; --limit 0 shows all", grouped(more as u64));
        page.paragraph(&(text, Tone::Dim));
    }
    page.into_text()
}

fn verdict(page: &mut Page, found: &Verification) {
    let tally = &found.tally;
    let proven = match (found.is_sound(), found.signatures_checked) {
        (true, true) => ("sound", Tone::Good),
        (true, false) => ("at one", Tone::Warn),
        (false, _) => ("NOT SOUND", Tone::Bad),
    };
    let text = format!(
        "{} of {} proven to be what CloudTrail delivered ({} by the ledger alone)",
        grouped(tally.proven),
        count(tally.log_objects, "log object", "log objects"),
        grouped(tally.proven_by_ledger)
    );
    page.entry(Rail::NONE, proven, &(text, Tone::Strong));
    let rest = rest(tally);
    if !rest.is_empty() {
        page.entry(Rail::NONE, ("", Tone::Dim), &(rest.join(", "), Tone::Plain));
    }
    let digests = format!(
        "{} of {} proven{}",
        grouped(tally.digests_proven),
        count(tally.digests, "digest", "digests"),
        if found.signatures_checked {
            ""
        } else {
            ", but signatures were not checked: whoever can write all of them can make them agree"
        }
    );
    page.entry(Rail::NONE, ("", Tone::Dim), &(digests, Tone::Plain));
}

/// What is not proven, as far as there is any.
fn rest(tally: &VerifyTally) -> Vec<String> {
    let counts = [
        (tally.altered, "altered"),
        (tally.missing, "missing"),
        (tally.extra, "that CloudTrail did not deliver"),
        (tally.unreadable, "unreadable"),
        (tally.unproven, "not proven"),
    ];
    let told = counts.into_iter().filter(|(number, _)| *number > 0);
    told.map(|(number, what)| format!("{} {what}", grouped(number)))
        .collect()
}

fn add_chain(page: &mut Page, chain: &ChainReport) {
    let name = &chain.newest;
    let backfill = if name.is_backfill { ", backfill" } else { "" };
    let title = format!(
        "{} {}  {}{backfill}",
        safe(&name.account_id),
        safe(&name.region),
        safe(&name.trail)
    );
    page.paragraph(&(title, Tone::Strong));
    let digests = format!(
        "{} of {} proven, which name {}",
        grouped(chain.digests_proven),
        count(chain.digests, "digest", "digests"),
        count(chain.log_objects, "log object", "log objects")
    );
    page.entry(Rail::NONE, ("digests", Tone::Dim), &(digests, Tone::Plain));
    for (number, period) in chain.covered.iter().enumerate() {
        let label = if number == 0 { "covered" } else { "" };
        page.entry(Rail::NONE, (label, Tone::Dim), &(span(period), Tone::Plain));
    }
}

fn add_finding(page: &mut Page, finding: &Finding) {
    let (label, what, tone) = words(finding.kind);
    let whose = format!(
        "{what}, {} {}",
        safe(&finding.account_id),
        safe(&finding.region)
    );
    page.entry(Rail::NONE, (label, tone), &(whose, tone));
    let object = finding.object.as_ref().map(|object| safe(object));
    let lines = [
        object,
        Some(span(&finding.period)),
        Some(safe(&finding.why)),
    ];
    for line in lines.into_iter().flatten() {
        page.entry(Rail::NONE, ("", Tone::Dim), &(line, Tone::Plain));
    }
}

fn span(period: &Range<Timestamp>) -> String {
    format!("{} to {} UTC", moment(period.start), moment(period.end))
}

fn words(kind: FindingKind) -> (&'static str, &'static str, Tone) {
    match kind {
        FindingKind::LogObjectAltered => ("altered", "a log object was altered", Tone::Bad),
        FindingKind::LogObjectMissing => ("missing", "a log object is missing", Tone::Bad),
        FindingKind::LogObjectExtra => (
            "extra",
            "a log object that CloudTrail did not deliver",
            Tone::Bad,
        ),
        FindingKind::LogObjectUnreadable => ("broken", "a log object cannot be read", Tone::Bad),
        FindingKind::ReadingAltered => (
            "lake",
            "the lake has read what CloudTrail did not deliver",
            Tone::Bad,
        ),
        FindingKind::LogObjectsUnproven => ("open", "log objects are not proven", Tone::Warn),
        FindingKind::DigestMissing => ("missing", "digests are missing", Tone::Bad),
        FindingKind::DigestAltered => ("altered", "a digest was altered", Tone::Bad),
        FindingKind::DigestForged => ("forged", "a digest is not CloudTrail's", Tone::Bad),
        FindingKind::DigestUnproven => ("open", "a digest is not proven", Tone::Warn),
        FindingKind::DigestMoved => ("moved", "a digest was moved", Tone::Bad),
        FindingKind::DigestUnreadable => ("broken", "a digest cannot be read", Tone::Bad),
        FindingKind::ValidationOff => ("open", "log file validation was off", Tone::Warn),
    }
}
