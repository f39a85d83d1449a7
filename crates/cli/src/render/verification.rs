//! What a verification found, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use trailback_pipeline::verify::{
    ChainReport, Finding, FindingKind, ReadingsTally, Verdict, Verification, VerifyTally,
};
use trailback_sessions::Timestamp;

use super::page::{Column, Page, Rail};
use super::text::{count, grouped, safe};
use super::words::moment;
use crate::look::{Look, Tone};

const MINUTE_MS: i64 = 60_000;

/// How many objects are named of those that are not proven for one reason.
const NAMES_MAX: usize = 3;

/// How many accounts are named for one reason, each with its regions.
const ACCOUNTS_MAX: usize = 20;

/// The whole answer: the verdict, what is wrong, what is open, and for which time digests vouch. Of what is wrong the first
/// `limit`, or all where it is 0.
pub(crate) fn shown(found: &Verification, limit: usize, look: Look) -> String {
    let mut page = Page::new(look);
    verdict(&mut page, found);
    let limit = if limit == 0 { usize::MAX } else { limit };
    let (wrong, open): (Vec<_>, Vec<_>) = found
        .findings
        .iter()
        .partition(|finding| finding.kind.is_wrong());
    for finding in wrong.iter().take(limit) {
        page.gap("");
        add_finding(&mut page, finding);
    }
    let more = wrong.len().saturating_sub(limit);
    if more > 0 {
        page.gap("");
        let text = format!("{} more; --limit 0 shows all", grouped(more as u64));
        page.paragraph(&(text, Tone::Dim));
    }
    add_open(&mut page, &open);
    add_chains(&mut page, &found.chains);
    page.into_text()
}

fn verdict(page: &mut Page, found: &Verification) {
    let tally = &found.tally;
    let (verdict, tone) = match (found.verdict(), found.signatures_checked) {
        (Verdict::Sound, _) => ("sound", Tone::Good),
        (Verdict::Incomplete, false) => (
            "incomplete: nothing contradicts, and without signatures nothing is proven",
            Tone::Warn,
        ),
        (Verdict::Incomplete, true) => (
            "incomplete: nothing is wrong, and not all is known",
            Tone::Warn,
        ),
        (Verdict::Unsound, _) => ("UNSOUND", Tone::Bad),
    };
    page.entry(
        Rail::NONE,
        ("verdict", Tone::Dim),
        &(verdict.to_owned(), tone),
    );
    page.entry(Rail::NONE, ("", Tone::Dim), &(proven(found), Tone::Strong));
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
    if let Some(readings) = &found.readings {
        let readings = of_lake(readings);
        page.entry(Rail::NONE, ("", Tone::Dim), &(readings, Tone::Plain));
    }
}

fn proven(found: &Verification) -> String {
    let tally = &found.tally;
    match (tally.log_objects, tally.missing) {
        (0, 0) if tally.digests_proven > 0 => {
            "nothing was delivered: digests name no log object of that time, and none is there"
                .to_owned()
        }
        _ => format!(
            "{} of {} proven to be what CloudTrail delivered ({} by the ledger alone)",
            grouped(tally.proven),
            count(tally.log_objects, "log object", "log objects"),
            grouped(tally.proven_by_ledger)
        ),
    }
}

/// What the lake has read, and what of it is not proven.
fn of_lake(readings: &ReadingsTally) -> String {
    let proven = format!(
        "{} of {} of the lake proven",
        grouped(readings.proven),
        count(readings.readings, "reading", "readings")
    );
    let rest = [
        (readings.altered, "altered"),
        (readings.extra, "that no digest names"),
        (readings.unproven, "held against nothing"),
    ];
    let rest = rest.into_iter().filter(|(number, _)| *number > 0);
    let rest = rest.map(|(number, what)| format!(", {} {what}", grouped(number)));
    proven + &rest.collect::<String>()
}

/// What is not proven, as far as there is any.
fn rest(tally: &VerifyTally) -> Vec<String> {
    let counts = [
        (tally.altered, "altered"),
        (tally.missing, "missing"),
        (tally.extra, "that no digest names"),
        (tally.unreadable, "unreadable"),
        (tally.unproven, "not proven"),
    ];
    let told = counts.into_iter().filter(|(number, _)| *number > 0);
    told.map(|(number, what)| format!("{} {what}", grouped(number)))
        .collect()
}

/// What is not proven, once for each reason: JSON has each.
fn add_open(page: &mut Page, open: &[&Finding]) {
    let mut by_reason = BTreeMap::<(FindingKind, &str), Vec<&Finding>>::new();
    for finding in open {
        // Behind the number of objects, which differs from place to place.
        let reason = match finding.kind {
            FindingKind::LogObjectsUnproven
            | FindingKind::LogObjectsTooRecent
            | FindingKind::ReadingsUnproven
            | FindingKind::ReadingsTooRecent => finding.why.split_once(": ").map(|(_, why)| why),
            // What it says of each object names the object.
            FindingKind::LogObjectUnfetched | FindingKind::DigestUnfetched => Some(
                "its place does not hand it out: it is archived, or a permission or key is missing; --format json says which",
            ),
            _ => None,
        };
        let reason = reason.unwrap_or(&finding.why);
        by_reason
            .entry((finding.kind, reason))
            .or_default()
            .push(finding);
    }
    for ((kind, reason), findings) in by_reason {
        page.gap("");
        let (label, what, tone) = words(kind);
        let places = count(findings.len() as u64, "time", "times");
        let whose = match &findings[..] {
            [one] if one.account_id.is_empty() => what.to_owned(),
            [one] => format!("{what}, {} {}", safe(&one.account_id), safe(&one.region)),
            _ => format!("{what}, {places}"),
        };
        page.entry(Rail::NONE, (label, tone), &(whose, tone));
        page.entry(Rail::NONE, ("", Tone::Dim), &(safe(reason), Tone::Plain));
        add_places(page, &findings);
        add_names(page, &findings);
        let begins = findings.iter().map(|finding| finding.period.start).min();
        let ends = findings.iter().map(|finding| finding.period.end).max();
        // Of a name that tells no delivery, the time is not known.
        let ends = ends.filter(|end| end.0 > MINUTE_MS);
        if let Some((start, end)) = begins.zip(ends) {
            page.entry(
                Rail::NONE,
                ("", Tone::Dim),
                &(span(&(start..end)), Tone::Plain),
            );
        }
    }
}

/// Of which accounts and regions, where they are several, as far as there is room.
fn add_places(page: &mut Page, findings: &[&Finding]) {
    if findings.len() < 2 {
        return;
    }
    let mut regions = BTreeMap::<&str, BTreeSet<&str>>::new();
    for finding in findings.iter().filter(|one| !one.account_id.is_empty()) {
        let of_account = regions.entry(&finding.account_id).or_default();
        of_account.insert(&finding.region);
    }
    for (account_id, regions) in regions.iter().take(ACCOUNTS_MAX) {
        let regions: Vec<String> = regions.iter().map(|region| safe(region)).collect();
        let place = format!("{} {}", safe(account_id), regions.join(", "));
        page.entry(Rail::NONE, ("", Tone::Dim), &(place, Tone::Plain));
    }
    let more = regions.len().saturating_sub(ACCOUNTS_MAX);
    if more > 0 {
        let more = format!(
            "and {}",
            count(more as u64, "more account", "more accounts")
        );
        page.entry(Rail::NONE, ("", Tone::Dim), &(more, Tone::Plain));
    }
}

/// Which objects are meant, as far as there is room: JSON has all.
fn add_names(page: &mut Page, findings: &[&Finding]) {
    let named = findings.iter().filter_map(|one| one.object.as_deref());
    for object in named.clone().take(NAMES_MAX) {
        page.entry(Rail::NONE, ("", Tone::Dim), &(safe(object), Tone::Plain));
    }
    let more = named.count().saturating_sub(NAMES_MAX);
    if more > 0 {
        let more = format!("and {} more", grouped(more as u64));
        page.entry(Rail::NONE, ("", Tone::Dim), &(more, Tone::Plain));
    }
}

/// For which time the digests of each account and region vouch.
fn add_chains(page: &mut Page, chains: &[ChainReport]) {
    if chains.is_empty() {
        return;
    }
    page.gap("");
    let header = [
        Column::fixed("account"),
        Column::fixed("region"),
        Column::flowing("trail"),
        Column::fixed("digests"),
        Column::flowing("vouched for (UTC)"),
    ];
    let plain = |text: String| (text, Tone::Plain);
    let rows = chains.iter().map(|chain| {
        let name = &chain.newest;
        let backfill = if name.is_backfill { " backfill" } else { "" };
        let covered: Vec<String> = chain.covered.iter().map(stretch).collect();
        let covered = match name.is_backfill {
            true => count(chain.log_objects, "late log object", "late log objects"),
            false => covered.join("; "),
        };
        let tone = if chain.covered.len() > 1 {
            Tone::Bad
        } else {
            Tone::Plain
        };
        vec![
            plain(safe(&name.account_id)),
            plain(safe(&name.region)),
            plain(format!("{}{backfill}", safe(&name.trail))),
            plain(format!("{} of {}", chain.digests_proven, chain.digests)),
            (covered, tone),
        ]
    });
    let rows = rows.collect();
    page.table(&header, rows);
}

/// To the minute: digests end on some minute of the hour.
fn stretch(period: &Range<Timestamp>) -> String {
    let minute = |at: Timestamp| moment(at).chars().take(16).collect::<String>();
    format!("{} to {}", minute(period.start), minute(period.end))
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
        FindingKind::LogObjectExtra => ("extra", "a log object that no digest names", Tone::Bad),
        FindingKind::LogObjectDisputed => (
            "open",
            "a log object is not as a digest says that is not proven",
            Tone::Warn,
        ),
        FindingKind::LogObjectUnfetched => ("open", "a log object cannot be fetched", Tone::Warn),
        FindingKind::LogObjectUnreadable => ("broken", "a log object cannot be read", Tone::Bad),
        FindingKind::ReadingAltered => (
            "lake",
            "the lake has read what CloudTrail did not deliver",
            Tone::Bad,
        ),
        FindingKind::ReadingExtra => ("lake", "the lake has read what no digest names", Tone::Bad),
        FindingKind::LogObjectsUnproven => ("open", "log objects are not proven", Tone::Warn),
        FindingKind::LogObjectsTooRecent => (
            "recent",
            "log objects are too recent to be proven",
            Tone::Dim,
        ),
        FindingKind::ReadingsUnproven => {
            ("open", "what the lake has read is not proven", Tone::Warn)
        }
        FindingKind::ReadingsTooRecent => (
            "recent",
            "what the lake has read is too recent to be proven",
            Tone::Dim,
        ),
        FindingKind::DigestMissing => ("missing", "digests are missing", Tone::Bad),
        FindingKind::DigestAltered => ("altered", "a digest was altered", Tone::Bad),
        FindingKind::DigestForged => ("forged", "a digest is not CloudTrail's", Tone::Bad),
        FindingKind::DigestOfUnknownKey => {
            ("unknown", "a digest is signed by an unknown key", Tone::Bad)
        }
        FindingKind::DigestUnproven => ("open", "a digest is not proven", Tone::Warn),
        FindingKind::DigestTooRecent => {
            ("recent", "a digest is too recent to be proven", Tone::Dim)
        }
        FindingKind::DigestMoved => ("moved", "a digest was moved", Tone::Bad),
        FindingKind::DigestUnfetched => ("open", "a digest cannot be fetched", Tone::Warn),
        FindingKind::DigestUnreadable => ("broken", "a digest cannot be read", Tone::Bad),
        FindingKind::ValidationOff => ("open", "for a time there are no digests", Tone::Warn),
        FindingKind::DigestsEnd => ("open", "digests have ended", Tone::Warn),
    }
}
