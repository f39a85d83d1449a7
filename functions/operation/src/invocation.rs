//! What an invocation and its end look like to Lambda: the time it has, and the words in which it fails.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

/// An invocation: its payload as it came, and what Lambda says of it.
pub type Invocation = LambdaEvent<Box<RawValue>>;

/// Asks Lambda for invocations and answers them, until Lambda ends this process.
pub async fn serve<Answer: Serialize, Answering>(
    handle: impl Fn(Invocation) -> Answering,
) -> ExitCode
where
    Answering: Future<Output = Result<Answer, Failure>>,
{
    match lambda_runtime::run(service_fn(handle)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!(%failure, "cannot talk to Lambda");
            ExitCode::FAILURE
        }
    }
}

/// How much time an invocation has before Lambda ends the process; none where the moment is past.
#[expect(
    clippy::disallowed_methods,
    reason = "Lambda tells the deadline as a moment of the world's clock"
)]
pub fn time_left(context: &Context) -> Duration {
    let left = context.deadline().duration_since(SystemTime::now());
    left.unwrap_or_default()
}

/// Why an invocation failed as a whole, as Lambda reports it.
///
/// The runtime logs it as it would be debugged, so that is made the words alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    /// A failure of a kind (one word, for whoever counts them), in words.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Failure {
        let message = message.into();
        Failure { kind, message }
    }

    /// A failure that an error explains, with everything that caused it.
    pub fn because(kind: &'static str, error: &dyn Error) -> Failure {
        Failure::new(kind, with_causes(error))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        Diagnostic {
            error_type: failure.kind.to_owned(),
            error_message: failure.message,
        }
    }
}

/// An error and what caused it, in one line. A cause that an error repeats in its own words is not said twice.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}
