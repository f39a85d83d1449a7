//! Opens the lake that a command names, and says what is in it where a command finds nothing.

use miette::IntoDiagnostic;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::location::S3OnDemand;
use trailback_pipeline::published;
use trailback_tables::Table;

use crate::render::not_found;
use crate::{Answer, args, output, settings};

/// Opens it.
pub(crate) async fn open(
    typed: &args::Lake,
    s3: &S3OnDemand,
    access: Access,
) -> miette::Result<Lake> {
    let location = settings::location(&typed.lake)?;
    Lake::at(&location, s3, access).await.into_diagnostic()
}

/// Tells that a question has no answer, and of which days the lake has any: a day without logs looks like a day without calls.
pub(crate) async fn tell_nothing(lake: &Lake, why: &str) -> miette::Result<Answer> {
    let days = published::days(lake, Table::Sessions)
        .await
        .into_diagnostic()?;
    output::tell(&not_found::within(why, days.first().zip(days.last())));
    Ok(Answer::Incomplete)
}
