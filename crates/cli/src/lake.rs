//! Opens the lake that a command names.

use miette::IntoDiagnostic;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::location::S3OnDemand;

use crate::{args, settings};

/// Opens it.
pub(crate) async fn open(
    typed: &args::Lake,
    s3: &S3OnDemand,
    access: Access,
) -> miette::Result<Lake> {
    let location = settings::location(&typed.lake)?;
    Lake::at(&location, s3, access).await.into_diagnostic()
}
