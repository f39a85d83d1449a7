//! Both steps in one: log objects in, the linked table out.

use std::sync::Arc;

use crate::extract::{ExtractError, ExtractOptions, Extracted, extract};
use crate::lake::Lake;
use crate::link::{LinkError, LinkOptions, Linked, link};
use crate::log_objects::LogObjects;
use crate::progress::Progress;

/// What came of an ingest.
#[derive(Debug)]
pub struct Ingested {
    /// Of the log objects.
    pub extracted: Extracted,
    /// Of the tables.
    pub linked: Linked,
}

/// Why an ingest stopped. What was stored before stays; running again completes it.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// While extracting.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// While linking.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// Extracts log objects, then links the lake.
///
/// # Errors
///
/// As [`extract`] and [`link`].
pub async fn ingest(
    lake: &Lake,
    log_objects: impl Into<LogObjects>,
    options: &ExtractOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Ingested, IngestError> {
    let extracted = extract(lake, log_objects, options, progress, &mut |_| {}).await?;
    let linked = link(lake, &LinkOptions::default(), progress).await?;
    Ok(Ingested { extracted, linked })
}
