//! One run of the linker, within the time that Lambda gives, and what it tells of it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trailback_operation::invocation::{Failure, Invocation, time_left, with_causes};
use trailback_operation::lake::LakeDoor;
use trailback_operation::metrics::{self, Measures, Meter};
use trailback_pipeline::link::{LinkError, LinkOptions, Linked, link};
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::tally::LinkTally;

use crate::settings::Settings;

/// What may be asked of a run. A schedule's payload asks for nothing, whatever it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct Request {
    /// Whether hours are built again though nothing has changed.
    #[serde(default)]
    rebuild: bool,
}

/// What Lambda is told, for whoever invokes the function by hand.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    hours_linked: u64,
    hours_left: u64,
    link_lag_seconds: u64,
    rows: u64,
    days_published: u64,
}

/// What stays between invocations.
pub(crate) struct Handler {
    door: LakeDoor,
    budget: Option<Duration>,
}

impl Handler {
    /// Of these settings. Nothing is asked of S3 yet.
    pub(crate) async fn new(settings: Settings) -> Handler {
        Handler {
            door: LakeDoor::connect(settings.lake).await,
            budget: settings.budget,
        }
    }

    /// Answers an invocation.
    pub(crate) async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let Invocation {
            payload, context, ..
        } = invocation;
        let request = read(payload.get())?;
        let options = LinkOptions {
            rebuild: request.rebuild,
            budget: Some(budget(time_left(&context), self.budget)),
            ..LinkOptions::default()
        };
        let progress: Arc<dyn Progress> = Arc::new(Silent);
        let linked = link(self.door.lake().await?, &options, &progress).await;
        let linked = linked.map_err(|failure| Failure::because("NotLinked", &failure))?;
        let Linked {
            sessions,
            log_objects,
            left_out,
        } = linked;
        let mut measures = Measures::of_request(&context.request_id);
        measure(&sessions, &log_objects, &mut measures);
        Meter::new(&context.env_config.function_name).record(measures);
        let answer = conclude(&sessions, &log_objects);
        fail_if_left_out(&left_out)?;
        Ok(answer)
    }
}

/// Logs why some hours stayed as they were published. Everything else was done, and counted; the invocation fails all
/// the same, so that its alarm rings.
fn fail_if_left_out(left_out: &[LinkError]) -> Result<(), Failure> {
    for failure in left_out {
        tracing::error!(reason = with_causes(failure), "an hour is not linked");
    }
    match left_out {
        [] => Ok(()),
        [only] => Err(Failure::because("NotLinked", only)),
        [first, more @ ..] => {
            let first = with_causes(first);
            let text = format!("{first}; and {} more hours, see the log", more.len());
            Err(Failure::new("NotLinked", text))
        }
    }
}

/// Reads what is asked; only what is meant for this function and wrong is refused.
fn read(payload: &str) -> Result<Request, Failure> {
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
    if !payload.is_object() {
        return Ok(Request::default());
    }
    serde_json::from_value(payload).map_err(|_| {
        Failure::new(
            "WrongRequest",
            "\"rebuild\" in the payload is neither true nor false",
        )
    })
}

/// How long new work may be begun: a quarter of the time is left to finish what was begun, and to publish it.
fn budget(left: Duration, set: Option<Duration>) -> Duration {
    let most = left / 4 * 3;
    set.map_or(most, |set| set.min(most))
}

/// Logs in one line how a run ended.
fn conclude(sessions: &LinkTally, log_objects: &LinkTally) -> Answer {
    let answer = Answer {
        hours_linked: sessions.hours_linked,
        hours_left: sessions.hours_left + log_objects.hours_left,
        link_lag_seconds: sessions.lag_seconds.max(log_objects.lag_seconds),
        rows: sessions.rows,
        days_published: sessions.days_published,
    };
    tracing::info!(
        hours_linked = answer.hours_linked,
        hours_left = answer.hours_left,
        link_lag_seconds = answer.link_lag_seconds,
        rows = answer.rows,
        rows_linked = sessions.rows_linked,
        gaps = sessions.evidence.gaps(),
        days_published = answer.days_published,
        conflicts = sessions.conflicts + log_objects.conflicts,
        days_mended = sessions.days_mended + log_objects.days_mended,
        newer_fragments = sessions.newer_fragments + log_objects.newer_fragments,
        "done"
    );
    answer
}

/// All that is counted of a run. How far behind it is and what it did to objects is told of both tables together, rows
/// are those of the sessions.
fn measure(sessions: &LinkTally, log_objects: &LinkTally, measures: &mut Measures) {
    let evidence = &sessions.evidence;
    let of_both = |count: fn(&LinkTally) -> u64| count(sessions) + count(log_objects);
    let values = [
        (
            metrics::LINK_LAG,
            sessions.lag_seconds.max(log_objects.lag_seconds),
        ),
        (metrics::HOURS, sessions.hours),
        (metrics::HOURS_LINKED, sessions.hours_linked),
        (metrics::HOURS_LEFT, of_both(|tally| tally.hours_left)),
        (metrics::HOURS_FOLDED, of_both(|tally| tally.hours_folded)),
        (metrics::ROWS, sessions.rows),
        (metrics::ROWS_LINKED, sessions.rows_linked),
        (metrics::ORIGINS, evidence.origins),
        (metrics::LINKED_BY_ISSUED_KEY, evidence.by_issued_key),
        (
            metrics::LINKED_BY_SESSION_CONTEXT,
            evidence.by_session_context,
        ),
        (metrics::GAPS, evidence.gaps()),
        (metrics::GAPS_NOT_IN_LOGS, evidence.not_in_logs),
        (
            metrics::GAPS_CALLER_COPY_MISSING,
            evidence.caller_copy_missing,
        ),
        (metrics::GAPS_AMBIGUOUS, evidence.ambiguous),
        (metrics::GAPS_LOOP, evidence.loops),
        (
            metrics::DAYS_PUBLISHED,
            of_both(|tally| tally.days_published),
        ),
        (
            metrics::DATA_OBJECTS_WRITTEN,
            of_both(|tally| tally.objects_written),
        ),
        (
            metrics::DATA_OBJECTS_DELETED,
            of_both(|tally| tally.objects_deleted),
        ),
        (metrics::CONFLICTS, of_both(|tally| tally.conflicts)),
    ];
    for (metric, value) in values {
        measures.set(metric, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_of_a_schedule_is_a_plain_run() {
        for payload in [
            "null",
            "{}",
            "7",
            "\"run\"",
            "[]",
            r#"{"detail-type":"Scheduled Event","detail":{}}"#,
        ] {
            assert_eq!(
                read(payload).unwrap(),
                Request { rebuild: false },
                "{payload}"
            );
        }
    }

    #[test]
    fn a_rebuild_is_asked_for_in_plain_words() {
        assert!(read(r#"{"rebuild": true}"#).unwrap().rebuild);
        assert!(!read(r#"{"rebuild": false}"#).unwrap().rebuild);
        let refused = read(r#"{"rebuild": "yes"}"#).unwrap_err().to_string();
        assert!(refused.contains("neither true nor false"), "{refused}");
    }

    #[test]
    fn a_run_leaves_time_to_finish() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!(budget(minutes(12), None), minutes(9));
        assert_eq!(budget(minutes(12), Some(minutes(2))), minutes(2));
        assert_eq!(budget(minutes(4), Some(minutes(15))), minutes(3));
    }

    #[test]
    fn every_metric_of_the_list_is_told() {
        let mut measures = Measures::of_request("r-1");
        measure(&LinkTally::default(), &LinkTally::default(), &mut measures);
        assert!(
            measures.missing(metrics::LINK).is_empty(),
            "{:?}",
            measures.missing(metrics::LINK)
        );
    }
}
