//! Logs as CloudWatch reads them: one JSON object a line, on standard output.
//!
//! Every line carries the request ID (in `span`, where the runtime puts it), and whatever speaks of a log object names
//! it in the field `log_object`.

use std::process::ExitCode;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::settings::{Reading, Setting, WrongSettings};

/// How much is logged, as this program is set.
pub const LOG_LEVEL: Setting = Setting {
    name: "TRAILBACK_LOG_LEVEL",
    expected: "one of `error`, `warn`, `info`, `debug`, `trace`",
    default: Some("info"),
    meaning: "how much is logged, where Lambda's own log level is not set",
};

/// How much is logged, as Lambda's logging configuration sets it; Lambda drops what is below anyway.
pub const LAMBDA_LOG_LEVEL: Setting = Setting {
    name: "AWS_LAMBDA_LOG_LEVEL",
    expected: "one of `FATAL`, `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE`",
    default: None,
    meaning: "set by Lambda from the function's logging configuration (application log level); goes before the former",
};

/// Reads how much is logged.
pub fn level(reading: &mut Reading<'_>) -> LevelFilter {
    let own = reading.optional(&LOG_LEVEL, parse_level);
    let lambdas = reading.optional(&LAMBDA_LOG_LEVEL, parse_level);
    lambdas.or(own).unwrap_or(LevelFilter::INFO)
}

fn parse_level(text: &str) -> Option<LevelFilter> {
    match &*text.to_ascii_lowercase() {
        "fatal" | "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

/// Sends all logs of this process to standard output. Called once, at the start; a second call changes nothing.
pub fn start(level: LevelFilter) {
    let subscriber = subscriber(level, std::io::stdout);
    // The only way to fail is that somebody was first, and then logs are not lost either.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Logs why this process cannot start, and gives the code to exit with. Lambda reports the exit, the log says why.
pub fn refuse(wrong: &WrongSettings) -> ExitCode {
    start(LevelFilter::INFO);
    tracing::error!("{wrong}");
    ExitCode::FAILURE
}

/// What writes the lines.
fn subscriber<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
        .with_filter(targets(level));
    tracing_subscriber::registry().with(lines)
}

/// Whose logs are wanted. At their lower levels the AWS SDK tells of requests and their headers, and the runtime of
/// whole notifications: they are held at a level where they tell of nothing that is secret.
fn targets(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("lambda_runtime", level.min(LevelFilter::INFO))
        .with_target("trailback", level)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged at a level, line by line.
    fn logged(level: LevelFilter, speak: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(level, move || writer.clone()), speak);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_is_flat_json_with_request_id_and_log_object() {
        let lines = logged(LevelFilter::INFO, || {
            let span = tracing::info_span!(target: "lambda_runtime", "invoke", requestId = "r-1");
            let _entered = span.enter();
            tracing::warn!(target: "trailback_extract", log_object = "s3://b/k", "cannot be read");
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "cannot be read");
        assert_eq!(line["log_object"], "s3://b/k");
        assert_eq!(line["span"]["requestId"], "r-1");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn libraries_never_speak_below_their_level() {
        let lines = logged(LevelFilter::TRACE, || {
            tracing::trace!(target: "lambda_runtime", body = "{}", "raw JSON event");
            tracing::debug!(target: "aws_smithy_runtime", "x-amz-security-token");
            tracing::info!(target: "hyper", "connected");
            tracing::trace!(target: "trailback_extract", "ours");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "ours");
    }

    #[test]
    fn lambdas_level_goes_before_ours() {
        let level_of = |own: &'static str, lambdas: &'static str| {
            let environment = move |name: &str| match name {
                "TRAILBACK_LOG_LEVEL" => Some(own.to_owned()),
                "AWS_LAMBDA_LOG_LEVEL" => Some(lambdas.to_owned()),
                _ => None,
            };
            let mut reading = Reading::of(&environment);
            let level = level(&mut reading);
            reading.finish(Some(level))
        };
        assert_eq!(level_of("", ""), Ok(LevelFilter::INFO));
        assert_eq!(level_of("debug", ""), Ok(LevelFilter::DEBUG));
        assert_eq!(level_of("debug", "FATAL"), Ok(LevelFilter::ERROR));
        let wrong = level_of("loud", "LOUD").unwrap_err().to_string();
        assert!(wrong.contains("TRAILBACK_LOG_LEVEL is \"loud\""), "{wrong}");
        assert!(
            wrong.contains("AWS_LAMBDA_LOG_LEVEL is \"LOUD\""),
            "{wrong}"
        );
    }
}
