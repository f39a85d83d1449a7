//! What an ingest and a link have done, in numbers that balance.

use trailback_pipeline::tally::{EvidenceTally, ExtractTally, LinkTally, SkippedTally};
use trailback_sessions::GapReason;

use super::page::{Page, Rail};
use super::text::{count, grouped};
use super::words::gap;
use crate::look::{Look, Tone};

/// The summary of an ingest.
pub(crate) fn ingested(extracted: &ExtractTally, linked: &LinkTally, look: Look) -> String {
    let mut page = Page::new(look);
    let objects = &extracted.objects;
    let mut parts = vec![
        ("read", objects.extracted),
        ("skipped", objects.skipped.total()),
        ("failed", objects.failed),
    ];
    // Somebody deletes logs while they are read: rare, so it is not told that nobody did.
    parts.extend((objects.gone > 0).then_some(("deleted meanwhile", objects.gone)));
    entry(&mut page, "objects", objects.found, &parts);
    if objects.skipped.total() > 0 {
        page.entry(
            Rail::NONE,
            ("", Tone::Dim),
            &(skipped(&objects.skipped), Tone::Dim),
        );
    }
    let records = &extracted.records;
    entry(
        &mut page,
        "records",
        records.records,
        &[
            ("issuances", records.issuances),
            ("witnesses", records.witnesses),
            ("passed over", records.passed_over),
            ("unreadable", records.unreadable),
        ],
    );
    if records.unknown_calls > 0 {
        let calls = count(records.unknown_calls, "issuance is", "issuances are");
        let text = format!(
            "{calls} of calls this version does not know: kept with what the envelope says"
        );
        page.entry(Rail::NONE, ("", Tone::Dim), &(text, Tone::Warn));
    }
    link_entries(&mut page, linked);
    page.into_text()
}

/// The summary of a link.
pub(crate) fn linked(tally: &LinkTally, look: Look) -> String {
    let mut page = Page::new(look);
    link_entries(&mut page, tally);
    page.into_text()
}

/// `11 = 10 read + 1 skipped + 0 failed`.
fn entry(page: &mut Page, label: &str, total: u64, parts: &[(&str, u64)]) {
    let parts: Vec<String> = parts
        .iter()
        .map(|(name, number)| format!("{} {name}", grouped(*number)))
        .collect();
    let text = format!("{} = {}", grouped(total), parts.join(" + "));
    page.entry(Rail::NONE, (label, Tone::Dim), &(text, Tone::Plain));
}

fn skipped(tally: &SkippedTally) -> String {
    let kinds = [
        (tally.digests, "digest", "digests"),
        (tally.insights, "Insights object", "Insights objects"),
        (
            tally.network_activity,
            "network activity object",
            "network activity objects",
        ),
        (tally.aggregated, "aggregated object", "aggregated objects"),
        (
            tally.of_the_lake,
            "object of the lake",
            "objects of the lake",
        ),
        (tally.already_read, "read before", "read before"),
        (tally.other, "other file", "other files"),
    ];
    let named: Vec<String> = kinds
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| count(*number, one, many))
        .collect();
    format!("skipped: {}", named.join(", "))
}

fn link_entries(page: &mut Page, tally: &LinkTally) {
    let evidence = &tally.evidence;
    let parts = [
        ("by origins", evidence.origins),
        ("by issued key", evidence.by_issued_key),
        ("by session context", evidence.by_session_context),
        ("gaps", evidence.gaps()),
    ];
    if tally.rows_linked == 0 {
        page.entry(
            Rail::NONE,
            ("linked", Tone::Dim),
            &("nothing had changed".to_owned(), Tone::Plain),
        );
    } else {
        entry(page, "linked", tally.rows_linked, &parts);
    }
    if evidence.gaps() > 0 {
        page.entry(Rail::NONE, ("", Tone::Dim), &(gaps(evidence), Tone::Dim));
    }
    if tally.records_merged > 0 {
        let records = count(tally.records_merged, "record", "records");
        let text = format!("and {records} merged into them: repeats, or other copies of one call");
        page.entry(Rail::NONE, ("", Tone::Dim), &(text, Tone::Dim));
    }
    if tally.days_mended > 0 {
        let days = count(tally.days_mended, "day", "days");
        let text = format!("a data object of {days} was damaged: made again");
        page.entry(Rail::NONE, ("", Tone::Dim), &(text, Tone::Warn));
    }
    if tally.newer_fragments > 0 {
        let fragments = count(tally.newer_fragments, "fragment", "fragments");
        let text = format!("{fragments} of a newer trailback left as they lie");
        page.entry(Rail::NONE, ("", Tone::Dim), &(text, Tone::Warn));
    }
    let hours = count(tally.hours, "hour", "hours");
    let text = format!("{} in {hours}", count(tally.rows, "row", "rows"));
    page.entry(Rail::NONE, ("table", Tone::Dim), &(text, Tone::Plain));
}

fn gaps(tally: &EvidenceTally) -> String {
    let reasons = [
        (GapReason::NotInLogs, tally.not_in_logs),
        (GapReason::CallerCopyMissing, tally.caller_copy_missing),
        (GapReason::Ambiguous, tally.ambiguous),
        (GapReason::Loop, tally.loops),
    ];
    let named: Vec<String> = reasons
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(reason, number)| format!("{} {}", grouped(*number), gap(Some(*reason))))
        .collect();
    format!("gaps: {}", named.join(", "))
}
