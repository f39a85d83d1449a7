//! The rows that callers of an hour may descend from, kept while it is built slice by slice.
//!
//! Every slice looks its ancestors up among them. Most rows have no children: kept are only those that anybody in the hour
//! wants, from the 36 hours before it and from its own slices; most of them encoded, a tenth of what they take as rows.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;
use trailback_sessions::{MatchFacts, Session, Wanted};
use trailback_tables::EncodedAncestors;
use trailback_tables::filter::Filter;
use trailback_tables::partition::Day;

use super::LinkError;
use super::look_back::SCANS_AT_ONCE;

pub(super) struct Ancestors {
    encoded: Vec<EncodedAncestors>,
    /// Those that are too few yet to be encoded.
    newest: Vec<Session>,
    rows_at_once: usize,
    /// The day of the hour that is built.
    day: Day,
}

impl Ancestors {
    /// Nothing yet. Of the newest rows, fewer than `rows_at_once` stay as they are.
    pub(super) fn new(rows_at_once: usize, day: Day) -> Self {
        Ancestors {
            encoded: Vec::new(),
            newest: Vec::new(),
            rows_at_once,
            day,
        }
    }

    /// Keeps rows.
    pub(super) fn add(&mut self, rows: Found) {
        match rows {
            Found::Few(mut rows) => self.newest.append(&mut rows),
            Found::Many(encoded) => self.encoded.push(encoded),
        }
    }

    /// Encodes the newest rows, once they are many.
    pub(super) async fn settle(&mut self) -> Result<(), LinkError> {
        let newest = std::mem::take(&mut self.newest);
        let newest = Found::of(newest, self.rows_at_once, self.day).await?;
        self.add(newest);
        Ok(())
    }

    /// The encoded rows that are wanted.
    pub(super) async fn encoded(&self, wanted: &Arc<Wanted>) -> Result<Vec<Session>, LinkError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let filter = Filter::wanted(Arc::clone(wanted));
        let scan = |part: EncodedAncestors| {
            let (filter, day) = (filter.clone(), self.day);
            async move {
                let found = spawn_blocking(move || part.scan(filter)).await?;
                found.map_err(|cause| LinkError::Encode { day, cause })
            }
        };
        let scans = stream::iter(self.encoded.clone())
            .map(scan)
            .buffered(SCANS_AT_ONCE);
        scans.try_concat().await
    }

    /// The other rows that are wanted.
    pub(super) fn newest<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = &'a Session> {
        let is_wanted = |row: &&Session| wanted.wants(&MatchFacts::of(row));
        self.newest.iter().filter(is_wanted)
    }
}

/// Rows that were found: encoded at once where they are many, so that they take no memory while they wait.
pub(super) enum Found {
    Few(Vec<Session>),
    Many(EncodedAncestors),
}

impl Found {
    pub(super) async fn of(
        rows: Vec<Session>,
        rows_at_once: usize,
        day: Day,
    ) -> Result<Self, LinkError> {
        if rows.is_empty() || rows.len() < rows_at_once {
            return Ok(Found::Few(rows));
        }
        let encoded = spawn_blocking(move || EncodedAncestors::of(&rows)).await?;
        // Their order is nobody's concern: they are only ever looked up.
        let encoded = encoded.map_err(|cause| LinkError::Encode { day, cause })?;
        Ok(Found::Many(encoded))
    }
}
