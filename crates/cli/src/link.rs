//! `trailback link`: the sessions of a lake, linked again where something changed.

use miette::IntoDiagnostic;
use trailback_pipeline::lake::Access;
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::location::S3OnDemand;

use crate::look::Look;
use crate::render::summary;
use crate::{Answer, args, lake, output, progress};

/// Runs the command.
pub(crate) async fn run(typed: args::Link, s3: &S3OnDemand, look: Look) -> miette::Result<Answer> {
    let lake = lake::open(&typed.lake, s3, Access::Link).await?;
    let options = LinkOptions {
        rebuild: typed.rebuild,
        ..LinkOptions::default()
    };
    let linked = link(&lake, &options, &progress::bar())
        .await
        .into_diagnostic()?;
    output::print(&summary::linked(&linked.sessions, look))?;
    Ok(output::name_left_out(&linked.left_out))
}
