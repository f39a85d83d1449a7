//! `trailback descendants`: everything an identity, key or session turned into.

use miette::IntoDiagnostic;
use trailback_pipeline::find::descendants;
use trailback_pipeline::lake::Access;
use trailback_pipeline::location::S3OnDemand;
use trailback_sessions::Subject;

use crate::args::AnswerFormat;
use crate::look::Look;
use crate::render::not_found;
use crate::settings::{self, WrongUse};
use crate::{Answer, args, json, lake, output, render};

/// Runs the command.
pub(crate) async fn run(
    typed: args::Descendants,
    s3: &S3OnDemand,
    look: Look,
) -> miette::Result<Answer> {
    let range = settings::period(&args::Period {
        since: typed.since,
        until: typed.until,
    })?;
    let subject: Subject = typed.subject.parse().map_err(WrongUse::from)?;
    let lake = lake::open(&typed.lake, s3, Access::Read).await?;
    let sessions = descendants(&lake, &subject, &range)
        .await
        .into_diagnostic()?;
    if sessions.is_empty() {
        return lake::tell_nothing(&lake, &not_found::explain(&subject, false)).await;
    }
    let text = match typed.format.format {
        AnswerFormat::Text => render::descendants::render(&typed.subject, &sessions, look),
        AnswerFormat::Json => json::rows(&sessions).into_diagnostic()?,
    };
    output::print(&text)?;
    Ok(Answer::Complete)
}
