//! `trailback ingest`: log objects into a lake, then linked.

use miette::IntoDiagnostic;
use trailback_pipeline::extract::extract;
use trailback_pipeline::lake::Access;
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::log_objects::folders;

use crate::look::Look;
use crate::render::summary;
use crate::{Answer, args, lake, output, progress, settings};

/// Runs the command.
pub(crate) async fn run(typed: args::Ingest, look: Look) -> miette::Result<Answer> {
    let paths = settings::existing_paths(&typed.paths)?;
    let lake = lake::open(&typed.lake, Access::Write).await?;
    let progress = progress::bar();
    let options = settings::reading(typed.limits);
    let log_objects = folders::find(&paths).await.into_diagnostic()?;
    let extracted = extract(&lake, log_objects, &options, &progress, &mut |_| {})
        .await
        .into_diagnostic()?;
    // Named before linking, which may take long or fail.
    output::name_problems(&extracted.problems);
    let linked = link(&lake, &LinkOptions::default(), &progress)
        .await
        .into_diagnostic()?;
    output::print(&summary::ingested(&extracted.tally, &linked.sessions, look))?;
    Ok(if extracted.problems.is_empty() {
        Answer::Complete
    } else {
        Answer::Incomplete
    })
}
