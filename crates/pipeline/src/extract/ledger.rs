//! What the ledger is told of a log object.

use trailback_sessions::{EXTRACT_VERSION, Text};
use trailback_tables::ledger::{LedgerEntry, LogObjectOutcome};

use super::outcome::Outcome;
use super::reading::Account;
use crate::log_objects::SkippedKind;

/// The entry of a log object; none of one that may be readable next time, since nothing is certain of it, and none of one
/// that has an entry.
///
/// Nothing in it differs from one reading of the same object to the next. What was not opened is told as far as its key
/// tells: a notification may know its size, but another one of the same object may not.
pub(super) fn entry(account: &Account) -> Option<LedgerEntry> {
    let (outcome, is_read) = match &account.outcome {
        Outcome::Extracted => (LogObjectOutcome::Extracted, true),
        Outcome::Failed { .. } => (LogObjectOutcome::Failed, true),
        // The entry of when it was read says more.
        Outcome::Skipped(SkippedKind::AlreadyRead) => return None,
        Outcome::Skipped(_) => (LogObjectOutcome::Skipped, false),
        Outcome::Gone => (LogObjectOutcome::Gone, false),
        Outcome::Denied { .. } | Outcome::Unavailable { .. } => return None,
    };
    let log_object = &account.log_object;
    let records = is_read.then_some(&account.records);
    let meta = account.meta.as_ref().filter(|_| is_read);
    let version_read = meta.and_then(|meta| meta.version_id.as_deref());
    let size_on_disk = log_object.size_bytes.filter(|_| is_read);
    Some(LedgerEntry {
        location: Text::clone(&log_object.name),
        etag: meta.map(|meta| Text::from(&*meta.etag.0)),
        version_id: version_read.or(log_object.version_id()).map(Text::from),
        size_bytes: meta.map(|meta| meta.size_bytes).or(size_on_disk),
        kind: log_object.kind,
        account_id: log_object.account_id.clone(),
        region: log_object.region.clone(),
        delivered_at: log_object.delivered_at,
        outcome,
        reason: reason(account),
        unpacked_bytes: is_read.then_some(account.unpacked_bytes),
        sha256: account.sha256.map(|hash| Text::from(hex::encode(hash))),
        records: records.map(|records| records.records),
        issuances: records.map(|records| records.issuances),
        witnesses: records.map(|records| records.witnesses),
        passed_over: records.map(|records| records.passed_over),
        unreadable: records.map(|records| records.unreadable),
        first_event_time: account.event_times.map(|(first, _)| first),
        last_event_time: account.event_times.map(|(_, last)| last),
        extract_version: EXTRACT_VERSION,
    })
}

/// Why nothing was read of it, or not all.
fn reason(account: &Account) -> Option<Text> {
    let reason = match &account.outcome {
        Outcome::Skipped(SkippedKind::OfTheLake) => Some("belongs to the lake itself"),
        outcome => outcome.failure(),
    };
    reason
        .or(account.problems.first().map(String::as_str))
        .map(Text::from)
}
