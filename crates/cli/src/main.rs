//! `trailback`: who is really behind a CloudTrail key, role session or event.

mod args;
mod descendants;
mod finding;
mod ingest;
#[cfg(feature = "investigate")]
mod investigate;
mod json;
mod json_schema;
mod lake;
mod link;
mod look;
mod output;
mod policies;
mod progress;
#[cfg(feature = "investigate")]
mod query;
mod raw_record;
mod render;
mod schema;
mod sessions;
mod settings;
mod trace;
mod verified;
mod verify;

use std::process::ExitCode;

use clap::Parser;
use miette::IntoDiagnostic;
use trailback_pipeline::location::S3OnDemand;

use crate::args::{Arguments, Colour, Command};
use crate::look::Look;
use crate::output::OutputError;

/// Faster than the system's: see `Cargo.toml`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a command ended; the exit code follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Found, or done.
    Complete,
    /// Nothing found, or done but for some unreadable log objects.
    Incomplete,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    output::report_errors_in_colour(arguments.color);
    match run(arguments) {
        Ok(Answer::Complete) => ExitCode::SUCCESS,
        Ok(Answer::Incomplete) => ExitCode::from(1),
        Err(report) if matches!(report.downcast_ref(), Some(OutputError::Closed)) => {
            ExitCode::SUCCESS
        }
        Err(report) => {
            output::tell(&format!("{report:?}"));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> miette::Result<Answer> {
    let look = Look::of_stdout(match arguments.color {
        Colour::Auto => anstream::ColorChoice::Auto,
        Colour::Always => anstream::ColorChoice::Always,
        Colour::Never => anstream::ColorChoice::Never,
    });
    let s3 = S3OnDemand::new(settings::s3(&arguments.s3));
    let runtime = tokio::runtime::Runtime::new().into_diagnostic()?;
    let answer = runtime.block_on(async {
        match arguments.command {
            Command::Ingest(typed) => ingest::run(typed, &s3, look).await,
            Command::Link(typed) => link::run(typed, &s3, look).await,
            Command::Trace(typed) => trace::run(typed, &s3, look).await,
            Command::Descendants(typed) => descendants::run(typed, &s3, look).await,
            Command::Sessions(typed) => sessions::run(typed, &s3, look).await,
            Command::Policies(typed) => policies::run(typed, &s3, look).await,
            #[cfg(feature = "investigate")]
            Command::Investigate(typed) => investigate::run(typed, &s3, look).await,
            #[cfg(feature = "investigate")]
            Command::Query(typed) => query::run(typed, &s3, look).await,
            #[cfg(not(feature = "investigate"))]
            Command::LeftOut(_) => Err(settings::WrongUse::EngineLeftOut.into()),
            Command::Verify(typed) => verify::run(typed, &s3, look).await,
            Command::Schema(typed) => schema::run(&typed, look),
        }
    });
    // All that was begun is done: threads need not tidy up their memory before the process ends.
    runtime.shutdown_background();
    answer
}
