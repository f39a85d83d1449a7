//! Simulated log objects, extracted as a backfill would.

use std::sync::Arc;

use trailback_pipeline::extract::{ExtractOptions, extract};
use trailback_pipeline::lake::Lake;
use trailback_pipeline::log_objects::folders;
use trailback_pipeline::progress::{Progress, Silent};
use trailback_simulator::{Folder, Plan, simulate};

/// Extracts all that a plan makes.
pub(crate) async fn extract_into(
    lake: &Lake,
    plan: &Plan,
) -> Result<(), Box<dyn std::error::Error>> {
    let logs = tempfile::tempdir()?;
    simulate(plan, &mut Folder::create(logs.path(), None, None)?)?;
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    let found = folders::find(&[logs.path().to_owned()]).await?;
    let options = ExtractOptions::default();
    extract(lake, found, &options, &progress, &mut |_| {}).await?;
    Ok(())
}
