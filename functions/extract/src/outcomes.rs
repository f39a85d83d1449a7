//! What became of the objects of an invocation: what is safe, what is counted, what is logged.

use std::collections::BTreeSet;

use trailback_operation::metrics::{self, Measures};
use trailback_pipeline::extract::{Done, Extracted, Outcome};
use trailback_pipeline::tally::RecordTally;

use crate::notification::{Delivery, NamedObject};
use crate::work::Work;

/// What became of the objects of an invocation.
#[derive(Debug)]
pub(crate) struct Outcomes {
    /// Which objects need no other try, by their places in [`Work::objects`].
    pub(crate) is_safe: Vec<bool>,
    counts: Counts,
    records: RecordTally,
    fragments_written: u64,
    fragments_present: u64,
    packed_bytes: u64,
    unpacked_bytes: u64,
}

/// How many objects there were of each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    extracted: u64,
    skipped: u64,
    gone: u64,
    failed: u64,
}

impl Counts {
    fn total(&self) -> u64 {
        self.extracted + self.skipped + self.gone + self.failed
    }
}

impl Outcomes {
    /// Of so many objects, none of which is safe yet.
    pub(crate) fn of(objects: usize) -> Outcomes {
        Outcomes {
            is_safe: vec![false; objects],
            counts: Counts::default(),
            records: RecordTally::default(),
            fragments_written: 0,
            fragments_present: 0,
            packed_bytes: 0,
            unpacked_bytes: 0,
        }
    }

    /// An object that the lake itself has written. It is never read, and no row says so: that row would be an object of
    /// the lake, too.
    pub(crate) fn refuse(&mut self, place: usize, named: &NamedObject) {
        let log_object = format!("s3://{}/{}", named.bucket, named.object_key);
        tracing::warn!(
            log_object,
            "is an object of the lake itself and is not read; take the lake out of what is notified"
        );
        self.counts.skipped += 1;
        self.is_safe[place] = true;
    }

    /// An object outside of the prefix below which log objects are read. There may be many, and nothing is wrong with them.
    pub(crate) fn pass_over(&mut self, place: usize, named: &NamedObject) {
        let log_object = format!("s3://{}/{}", named.bucket, named.object_key);
        tracing::debug!(log_object, "is outside of the prefix and is not read");
        self.counts.skipped += 1;
        self.is_safe[place] = true;
    }

    /// An object of which everything is stored that will be.
    pub(crate) fn add(&mut self, place: usize, done: &Done) {
        let log_object = &*done.name;
        let (count, is_safe) = match &done.outcome {
            Outcome::Extracted => (&mut self.counts.extracted, true),
            Outcome::Skipped(kind) => {
                tracing::debug!(log_object, ?kind, "is no log object");
                (&mut self.counts.skipped, true)
            }
            Outcome::Gone => {
                tracing::info!(log_object, "is gone");
                (&mut self.counts.gone, true)
            }
            // Tried again though it will not help: so it ends in the dead-letter queue, where somebody sees it.
            Outcome::Failed { reason }
            | Outcome::Denied { reason }
            | Outcome::Unavailable { reason } => {
                tracing::error!(log_object, reason, "cannot be read");
                (&mut self.counts.failed, false)
            }
        };
        *count += 1;
        self.is_safe[place] = is_safe;
        self.records.add(&done.records);
        self.packed_bytes += done.packed_bytes;
        self.unpacked_bytes += done.unpacked_bytes;
    }

    /// What is known once all is done.
    pub(crate) fn finish(&mut self, extracted: &Extracted) {
        self.fragments_written = extracted.tally.fragments_written;
        self.fragments_present = extracted.tally.fragments_present;
        let with_records = extracted
            .problems
            .iter()
            .filter(|problem| !problem.records.is_empty());
        for problem in with_records {
            let log_object = &*problem.log_object;
            let (records, more) = (problem.records.join("; "), problem.more_records);
            tracing::warn!(log_object, records, more, "has unreadable records");
        }
    }

    /// How many objects were not begun, or are not stored.
    fn left(&self) -> u64 {
        self.is_safe.len() as u64 - self.counts.total()
    }

    /// Adds all that is counted of objects.
    pub(crate) fn measure(&self, measures: &mut Measures) {
        let (counts, records) = (&self.counts, &self.records);
        let values = [
            (metrics::LOG_OBJECTS, self.is_safe.len() as u64),
            (metrics::LOG_OBJECTS_EXTRACTED, counts.extracted),
            (metrics::LOG_OBJECTS_SKIPPED, counts.skipped),
            (metrics::LOG_OBJECTS_GONE, counts.gone),
            (metrics::LOG_OBJECTS_FAILED, counts.failed),
            (metrics::LOG_OBJECTS_LEFT, self.left()),
            (metrics::RECORDS, records.records),
            (metrics::ISSUANCES, records.issuances),
            (metrics::WITNESSES, records.witnesses),
            (metrics::RECORDS_PASSED_OVER, records.passed_over),
            (metrics::RECORDS_UNREADABLE, records.unreadable),
            (metrics::UNKNOWN_CALLS, records.unknown_calls),
            (metrics::FRAGMENTS_WRITTEN, self.fragments_written),
            (metrics::FRAGMENTS_PRESENT, self.fragments_present),
            (metrics::PACKED_BYTES, self.packed_bytes),
            (metrics::UNPACKED_BYTES, self.unpacked_bytes),
        ];
        for (metric, value) in values {
            measures.set(metric, value);
        }
    }
}

/// Logs what is wrong with the messages of a delivery, and counts them.
pub(crate) fn look_at(delivery: &Delivery, measures: &mut Measures) {
    let mut at_fault = BTreeSet::new();
    for (place, message) in delivery.messages.iter().enumerate() {
        let message_id = message.id.as_deref().unwrap_or("of this invocation");
        for fault in &message.faults {
            tracing::error!(message_id, "the message {fault}");
            at_fault.insert(place);
        }
    }
    let passed_over = delivery.messages.iter().map(|message| message.passed_over);
    measures.set(metrics::MESSAGES, delivery.messages.len() as u64);
    measures.set(metrics::MESSAGES_UNREADABLE, at_fault.len() as u64);
    measures.set(metrics::NOTICES_PASSED_OVER, passed_over.sum());
}

/// Logs in one line how an invocation ended.
pub(crate) fn conclude(work: &Work, outcomes: &Outcomes, measures: &mut Measures) {
    let returned = work.returned(&outcomes.is_safe);
    measures.set(metrics::MESSAGES_RETURNED, returned as u64);
    tracing::info!(
        messages = work.messages(),
        returned,
        log_objects = outcomes.is_safe.len(),
        left = outcomes.left(),
        records = outcomes.records.records,
        issuances = outcomes.records.issuances,
        "done"
    );
}
