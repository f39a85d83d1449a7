//! `trailback ingest`: log objects into a lake, then linked.

use miette::IntoDiagnostic;
use trailback_pipeline::extract::{ExtractOptions, extract};
use trailback_pipeline::lake::Access;
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::location::S3OnDemand;
use trailback_pipeline::log_objects;

use crate::look::Look;
use crate::render::summary;
use crate::{Answer, args, lake, output, progress, settings};

/// Runs the command.
pub(crate) async fn run(
    typed: args::Ingest,
    s3: &S3OnDemand,
    look: Look,
) -> miette::Result<Answer> {
    let locations = settings::existing(&typed.paths)?;
    let days = settings::delivery_days(&typed.delivered)?;
    let lake = lake::open(&typed.lake, s3, Access::Write).await?;
    let progress = progress::bar();
    let options = ExtractOptions {
        hash_log_objects: !typed.no_hash,
        ..settings::reading(typed.limits)
    };
    let ledger = (!typed.again).then_some(&lake);
    let log_objects = log_objects::find(&locations, days, s3, ledger).await;
    let log_objects = log_objects.into_diagnostic()?;
    let extracted = extract(&lake, log_objects, &options, &progress, &mut |_| {})
        .await
        .into_diagnostic()?;
    // Named before linking, which may take long or fail.
    output::name_problems(&extracted.problems);
    let linked = link(&lake, &LinkOptions::default(), &progress)
        .await
        .into_diagnostic()?;
    if extracted.tally.objects.found == 0 {
        output::tell("no new log object was found there");
    }
    output::print(&summary::ingested(&extracted.tally, &linked.sessions, look))?;
    let linked = output::name_left_out(&linked.left_out);
    Ok(if extracted.problems.is_empty() {
        linked
    } else {
        Answer::Incomplete
    })
}
