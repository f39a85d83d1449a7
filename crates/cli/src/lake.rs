//! Opens the lake that a command names.

use miette::IntoDiagnostic;
use trailback_pipeline::lake::{Access, Lake};

use crate::{args, settings};

/// Opens it; S3 is not there yet.
pub(crate) async fn open(typed: &args::Lake, access: Access) -> miette::Result<Lake> {
    let folder = settings::path(&typed.lake)?;
    Lake::in_folder(&folder, access).await.into_diagnostic()
}
