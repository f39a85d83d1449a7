//! The metrics of the functions: what each is called, counts and means, said once.
//!
//! They are written as lines of CloudWatch's embedded metric format to standard output, from where Lambda carries them
//! to CloudWatch: no call, no permission and no thread is needed. `docs/METRICS.md` is made from the lists below.
//!
//! The counts balance, which is what makes them worth an alarm: what went in equals what came out, was passed over, or
//! could not be read.
//!
//! Source: AWS, "Specification: Embedded metric format".

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use metrique::emf::Emf;
use metrique::writer::format::Format;
use metrique::writer::unit::{NegativeScale, PositiveScale};
use metrique::writer::{Entry, EntryWriter, MetricFlags, Observation, Unit, Value, ValueWriter};

/// Under which all metrics stand in CloudWatch.
pub const NAMESPACE: &str = "Trailback";

/// The only dimension: two stacks in one account stay apart, and so do their functions.
pub const DIMENSION: &str = "FunctionName";

const COUNT: Unit = Unit::Count;
const SECONDS: Unit = Unit::Second(NegativeScale::One);
const BYTES: Unit = Unit::Byte(PositiveScale::One);

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// What it tells, for the documentation.
    pub meaning: &'static str,
}

/// A list of metrics, each also a constant.
macro_rules! metrics {
    ($(#[$doc:meta])* $list:ident: $($constant:ident = $name:literal, $unit:ident, $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $constant: Metric = Metric { name: $name, unit: $unit, meaning: $meaning };
        )*

        $(#[$doc])*
        pub const $list: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    /// What extract tells after every invocation.
    EXTRACT:
    MESSAGES = "Messages", COUNT, "messages that arrived; what Lambda delivers straight is one";
    MESSAGES_RETURNED = "MessagesReturned", COUNT, "of these, given back to be tried again";
    MESSAGES_UNREADABLE = "MessagesUnreadable", COUNT, "of these, no notification or a malformed one; they end in the dead-letter queue";
    NOTICES_PASSED_OVER = "NoticesPassedOver", COUNT, "notices that name no new object: tests, deletions, validation messages";
    LOG_OBJECTS = "LogObjects", COUNT, "different objects that were named: the sum of the next five";
    LOG_OBJECTS_EXTRACTED = "LogObjectsExtracted", COUNT, "read, and all that they say is stored";
    LOG_OBJECTS_SKIPPED = "LogObjectsSkipped", COUNT, "not read: digests, Insights, other files, what lies outside of the prefix, objects of the lake itself";
    LOG_OBJECTS_GONE = "LogObjectsGone", COUNT, "deleted before they were read";
    LOG_OBJECTS_FAILED = "LogObjectsFailed", COUNT, "could not be read, or not to their end; their messages are returned";
    LOG_OBJECTS_LEFT = "LogObjectsLeft", COUNT, "not begun before the deadline, or read but not stored; their messages are returned";
    RECORDS = "Records", COUNT, "records in the log objects: the sum of the next four";
    ISSUANCES = "Issuances", COUNT, "records in which credentials were handed out, or refused";
    WITNESSES = "Witnesses", COUNT, "records that tell of a session without being its issuance";
    RECORDS_PASSED_OVER = "RecordsPassedOver", COUNT, "records that tell of no session";
    RECORDS_UNREADABLE = "RecordsUnreadable", COUNT, "records that could not be read; the log names the first of each object";
    UNKNOWN_CALLS = "UnknownCalls", COUNT, "issuances of calls that this version does not know: time for a newer one";
    FRAGMENTS_WRITTEN = "FragmentsWritten", COUNT, "fragments that are new in the lake";
    FRAGMENTS_PRESENT = "FragmentsPresent", COUNT, "fragments that were there already: the same messages came again";
    PACKED_BYTES = "PackedBytes", BYTES, "size of the log objects as they lie";
    UNPACKED_BYTES = "UnpackedBytes", BYTES, "size of their text";
}

metrics! {
    /// What link tells after every invocation.
    LINK:
    LINK_LAG = "LinkLag", SECONDS, "age of the oldest fragment that the table does not show yet; 0 when it shows all";
    HOURS = "Hours", COUNT, "hours of the lake that have rows";
    HOURS_LINKED = "HoursLinked", COUNT, "hours that were linked again because something in them or before them changed";
    HOURS_LEFT = "HoursLeft", COUNT, "hours that changed and were left to the next run";
    HOURS_FOLDED = "HoursFolded", COUNT, "quiet hours whose fragments were folded into one, or large hours into few";
    ROWS = "Rows", COUNT, "rows of the whole table";
    ROWS_LINKED = "RowsLinked", COUNT, "rows of the hours that were linked: the sum of the next four";
    ORIGINS = "Origins", COUNT, "rows whose caller is the origin";
    LINKED_BY_ISSUED_KEY = "LinkedByIssuedKey", COUNT, "rows whose caller used a key that was handed out";
    LINKED_BY_SESSION_CONTEXT = "LinkedBySessionContext", COUNT, "rows whose caller was told by its session's principal and start";
    GAPS = "Gaps", COUNT, "rows whose caller nobody can name: the sum of the next four";
    GAPS_NOT_IN_LOGS = "GapsNotInLogs", COUNT, "gaps because the issuance is not in the logs";
    GAPS_CALLER_COPY_MISSING = "GapsCallerCopyMissing", COUNT, "gaps because only the other account's copy is in the logs";
    GAPS_AMBIGUOUS = "GapsAmbiguous", COUNT, "gaps because several issuances fit and disagree";
    GAPS_LOOP = "GapsLoop", COUNT, "gaps because what fits leads back to itself";
    DAYS_PUBLISHED = "DaysPublished", COUNT, "days whose manifest was replaced";
    DATA_OBJECTS_WRITTEN = "DataObjectsWritten", COUNT, "data objects written";
    DATA_OBJECTS_DELETED = "DataObjectsDeleted", COUNT, "data objects deleted that no manifest names any more";
    CONFLICTS = "Conflicts", COUNT, "times another linker was faster and the work began again";
}

/// What was measured in one invocation.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    values: Vec<(Metric, u64)>,
    request_id: String,
}

impl Measures {
    /// Nothing yet, of an invocation.
    pub fn of_request(request_id: &str) -> Measures {
        Measures {
            values: Vec::new(),
            request_id: request_id.to_owned(),
        }
    }

    /// Adds a value; each metric once.
    pub fn set(&mut self, metric: Metric, value: u64) {
        debug_assert!(self.get(metric).is_none(), "{} is set twice", metric.name);
        self.values.push((metric, value));
    }

    /// The value of a metric, if there is one.
    pub fn get(&self, metric: Metric) -> Option<u64> {
        let is_this = |(candidate, _): &&(Metric, u64)| *candidate == metric;
        self.values.iter().find(is_this).map(|(_, value)| *value)
    }

    /// The metrics of a list that have no value: a handler that forgets one is found by its tests.
    pub fn missing(&self, list: &[Metric]) -> BTreeSet<&'static str> {
        let is_missing = |metric: &&Metric| self.get(**metric).is_none();
        list.iter()
            .filter(is_missing)
            .map(|metric| metric.name)
            .collect()
    }
}

impl Entry for Measures {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.value("requestId", &self.request_id);
        for (metric, value) in &self.values {
            let value = InUnit {
                value: *value,
                unit: metric.unit,
            };
            writer.value(metric.name, &value);
        }
    }
}

struct InUnit {
    value: u64,
    unit: Unit,
}

impl Value for InUnit {
    fn write(&self, writer: impl ValueWriter) {
        let value = [Observation::Unsigned(self.value)];
        writer.metric(value, self.unit, [], MetricFlags::empty());
    }
}

/// Writes what one function measures.
pub struct Meter {
    format: Mutex<Emf>,
    function_name: String,
}

impl Meter {
    /// For the function of a name.
    pub fn new(function_name: &str) -> Meter {
        let dimensions = vec![vec![DIMENSION.to_owned()]];
        Meter {
            format: Mutex::new(Emf::all_validations(NAMESPACE.to_owned(), dimensions)),
            function_name: function_name.to_owned(),
        }
    }

    /// Writes one line to standard output. What was measured is not worth a failure: one that happens is logged.
    pub fn record(&self, measures: Measures) {
        let written = self
            .line(measures)
            .and_then(|line| io::stdout().lock().write_all(&line));
        if let Err(failure) = written {
            tracing::error!(%failure, "metrics cannot be written");
        }
    }

    /// The line, with its end.
    fn line(&self, measures: Measures) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let entry = measures.merge(OfFunction(self.function_name.clone()));
        let mut format = self.format.lock().unwrap_or_else(PoisonError::into_inner);
        format.format(&entry, &mut line).map_err(io::Error::other)?;
        Ok(line)
    }
}

struct OfFunction(String);

impl Entry for OfFunction {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.value(DIMENSION, &self.0);
    }
}

/// The metrics reference, `docs/METRICS.md`.
pub fn reference() -> String {
    let mut text = format!(
        "# The metrics\n\n\
         Each function writes one line of CloudWatch's embedded metric format per invocation. Namespace `{NAMESPACE}`, \
         dimension `{DIMENSION}`.\n\n\
         This page is made from `functions/operation/src/metrics.rs`, and a test holds it equal.\n"
    );
    for (function, list) in [("extract", EXTRACT), ("link", LINK)] {
        text += &format!("\n## {function}\n\n| Metric | Unit | Tells |\n| --- | --- | --- |\n");
        for Metric {
            name,
            unit,
            meaning,
        } in list
        {
            text += &format!("| `{name}` | {} | {meaning} |\n", unit.name());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(measures: Measures) -> serde_json::Value {
        let line = Meter::new("my-extract").line(measures).unwrap();
        let text = String::from_utf8(line).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_line_is_what_cloudwatch_takes() {
        let mut measures = Measures::of_request("r-1");
        measures.set(LOG_OBJECTS, 7);
        measures.set(PACKED_BYTES, u64::from(u32::MAX));
        measures.set(LINK_LAG, 0);
        let line = line(measures);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Trailback");
        assert_eq!(
            directive["Dimensions"],
            serde_json::json!([["FunctionName"]])
        );
        let units = serde_json::json!([
            {"Name": "LogObjects", "Unit": "Count"},
            {"Name": "PackedBytes", "Unit": "Bytes"},
            {"Name": "LinkLag", "Unit": "Seconds"},
        ]);
        assert_eq!(directive["Metrics"], units);
        assert_eq!(line["LogObjects"], 7);
        assert_eq!(line["PackedBytes"], u32::MAX);
        assert_eq!(line["LinkLag"], 0);
        assert_eq!(line["FunctionName"], "my-extract");
        assert_eq!(line["requestId"], "r-1");
        assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
    }

    #[test]
    fn every_metric_can_be_written_and_has_its_own_name() {
        for list in [EXTRACT, LINK] {
            let mut measures = Measures::of_request("r-1");
            assert_eq!(
                measures.missing(list).len(),
                list.len(),
                "a name stands twice"
            );
            for (metric, value) in list.iter().zip(1..) {
                measures.set(*metric, value);
            }
            assert!(measures.missing(list).is_empty());
            let line = line(measures);
            for (metric, value) in list.iter().zip(1_u64..) {
                assert_eq!(line[metric.name], value, "{}", metric.name);
            }
        }
    }

    #[test]
    fn the_metrics_reference_is_what_the_constants_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/METRICS.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        if written != reference() {
            let fresh = std::env::temp_dir().join("METRICS.md");
            std::fs::write(&fresh, reference()).unwrap();
            panic!(
                "docs/METRICS.md is behind: copy {} over it",
                fresh.display()
            );
        }
    }
}
