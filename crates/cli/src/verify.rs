//! `trailback verify`: whether log objects are what CloudTrail delivered.

use std::path::PathBuf;

use miette::IntoDiagnostic;
use trailback_cloudtrail::digest::{PublicKeys, PublicKeysError};
use trailback_pipeline::lake::Access;
use trailback_pipeline::location::S3OnDemand;
use trailback_pipeline::verify::{Verdict, Verification, VerifyOptions, verify};
use trailback_sessions::Timestamp;

use crate::args::AnswerFormat;
use crate::look::Look;
use crate::render::verification;
use crate::verified::Verified;
use crate::{Answer, args, json, lake, output, progress, settings};

/// A file of public keys that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{path} {cause}")]
#[diagnostic(help(
    "get it with: aws cloudtrail list-public-keys --start-time … --end-time … --region …"
))]
struct NoKeys {
    path: String,
    cause: PublicKeysError,
}

/// Runs the command.
pub(crate) async fn run(
    typed: args::Verify,
    s3: &S3OnDemand,
    look: Look,
) -> miette::Result<Answer> {
    let locations = settings::existing(&typed.paths)?;
    let keys = public_keys(&typed.public_keys)?;
    let options = VerifyOptions {
        keys: (!typed.no_signatures).then_some(&keys),
        days: settings::delivery_days(&typed.delivered)?,
        reading: settings::reading(typed.limits),
        now: now(),
    };
    let lake = match &typed.lake {
        Some(lake) => {
            let typed = args::Lake { lake: lake.clone() };
            Some(lake::open(&typed, s3, Access::Read).await?)
        }
        None => None,
    };
    let progress = progress::bar();
    let found = verify(&locations, s3, lake.as_ref(), &options, &progress)
        .await
        .into_diagnostic()?;
    tell_nothing(&found);
    match typed.format.format {
        AnswerFormat::Text => output::print(&verification::shown(&found, typed.limit, look))?,
        AnswerFormat::Json => {
            output::print(&json::line(&Verified::of(&found)).into_diagnostic()?)?;
        }
    }
    Ok(match found.verdict() {
        Verdict::Sound => Answer::Complete,
        Verdict::Incomplete | Verdict::Unsound => Answer::Incomplete,
    })
}

/// By this machine's clock: no store is asked that could tell.
#[allow(
    clippy::disallowed_methods,
    reason = "an entrance may look at the clock"
)]
fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

fn public_keys(paths: &[PathBuf]) -> miette::Result<PublicKeys> {
    let mut keys = PublicKeys::default();
    for path in paths {
        let content = settings::content(path)?;
        keys.add(&content).map_err(|cause| NoKeys {
            path: path.display().to_string(),
            cause,
        })?;
    }
    Ok(keys)
}

/// Says what a place lacks in which nothing can be proven.
fn tell_nothing(found: &Verification) {
    if found.tally.digests == 0 {
        output::tell(
            "there is no digest: give the place that holds both the CloudTrail and the CloudTrail-Digest folders, and see whether \
             log file validation is on for the trail",
        );
    }
}
