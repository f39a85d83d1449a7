//! The rows that callers of an hour may descend from, kept while it is built slice by slice.
//!
//! Every slice looks its ancestors up among them. Most rows have no children: kept are only those that anybody in the hour
//! wants, from the 36 hours before it and from its own slices; most of them encoded, a tenth of what they take as rows.
//!
//! Rows that replace others (addenda) are kept apart. They matter to whoever has the row that they replace among the candidates,
//! so that an hour wants all of them; a slice takes those few that replace something it has found.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;
use trailback_sessions::{Issuance, MatchFacts, Session, Wanted};
use trailback_tables::EncodedAncestors;
use trailback_tables::filter::Filter;
use trailback_tables::partition::Day;

use super::LinkError;
use super::look_back::SCANS_AT_ONCE;

pub(super) struct Ancestors {
    replacing: Shelf,
    others: Shelf,
    limits: Limits,
}

/// How many rows stay as they are, and the day of the hour that is built.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) rows_at_once: usize,
    pub(super) day: Day,
}

impl Ancestors {
    /// Nothing yet.
    pub(super) fn new(limits: Limits) -> Self {
        Ancestors {
            replacing: Shelf::default(),
            others: Shelf::default(),
            limits,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Keeps rows.
    pub(super) fn add(&mut self, found: Found) {
        self.replacing.add(found.replacing);
        self.others.add(found.others);
    }

    /// Encodes the newest rows, once they are many.
    pub(super) async fn settle(&mut self) -> Result<(), LinkError> {
        self.replacing.settle(self.limits).await?;
        self.others.settle(self.limits).await
    }

    /// The encoded rows that may be candidates.
    pub(super) async fn encoded(&self, wanted: &Arc<Wanted>) -> Result<Vec<Session>, LinkError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = Arc::clone(wanted);
        let filter = Filter::matching(move |row| wanted.wants_by_name(row));
        let shelves = [&self.others, &self.replacing];
        let encoded = shelves.into_iter().flat_map(|shelf| shelf.encoded.clone());
        scan_all(encoded.collect(), filter, self.limits.day).await
    }

    /// The other rows that may be candidates.
    pub(super) fn newest<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = &'a Session> {
        let may_be = |row: &&Session| wanted.wants_by_name(&MatchFacts::of(row));
        let newest = self.others.newest.iter().chain(&self.replacing.newest);
        newest.filter(may_be)
    }

    /// The rows that are no candidates, but replace one that is or may be.
    pub(super) async fn replacing(
        &self,
        wanted: &Arc<Wanted>,
        candidates: &[Session],
        callers: &[Issuance],
    ) -> Result<Vec<Session>, LinkError> {
        if wanted.is_empty() || self.replacing.is_empty() {
            return Ok(Vec::new());
        }
        let mut replacing = Wanted::default();
        let candidates = candidates.iter().map(|row| &row.issuance).chain(callers);
        candidates.for_each(|row| replacing.add_replacing(row));
        let wanted = Arc::clone(wanted);
        let replaces =
            move |row: &MatchFacts<'_>| replacing.wants_by_name(row) && !wanted.wants_by_name(row);
        let replaces = Arc::new(replaces);
        let newest = self.replacing.newest.iter();
        let newest = newest.filter(|row| replaces(&MatchFacts::of(row)));
        let mut found: Vec<Session> = newest.cloned().collect();
        let filter = Filter::matching(move |row| replaces(row));
        let encoded = self.replacing.encoded.clone();
        found.extend(scan_all(encoded, filter, self.limits.day).await?);
        Ok(found)
    }
}

async fn scan_all(
    encoded: Vec<EncodedAncestors>,
    filter: Filter,
    day: Day,
) -> Result<Vec<Session>, LinkError> {
    let scan = |part: EncodedAncestors| {
        let filter = filter.clone();
        async move {
            let found = spawn_blocking(move || part.scan(filter)).await?;
            found.map_err(|cause| LinkError::Encode { day, cause })
        }
    };
    let scans = stream::iter(encoded).map(scan).buffered(SCANS_AT_ONCE);
    scans.try_concat().await
}

#[derive(Default)]
struct Shelf {
    encoded: Vec<EncodedAncestors>,
    /// Those that are too few yet to be encoded.
    newest: Vec<Session>,
}

impl Shelf {
    fn is_empty(&self) -> bool {
        self.encoded.is_empty() && self.newest.is_empty()
    }

    fn add(&mut self, kept: Kept) {
        match kept {
            Kept::AsRows(mut rows) => self.newest.append(&mut rows),
            Kept::Encoded(encoded) => self.encoded.push(encoded),
        }
    }

    async fn settle(&mut self, limits: Limits) -> Result<(), LinkError> {
        let newest = std::mem::take(&mut self.newest);
        self.add(Kept::of(newest, limits).await?);
        Ok(())
    }
}

/// Rows that were found, before they are kept.
pub(super) struct Found {
    replacing: Kept,
    others: Kept,
}

impl Found {
    /// Encodes them at once where they are many, so that they take no memory while they wait.
    pub(super) async fn of(rows: Vec<Session>, limits: Limits) -> Result<Self, LinkError> {
        let (replacing, others) = rows.into_iter().partition(replaces);
        Ok(Found {
            replacing: Kept::of(replacing, limits).await?,
            others: Kept::of(others, limits).await?,
        })
    }

    /// Leaves them as they are.
    pub(super) fn as_rows(rows: Vec<Session>) -> Self {
        let (replacing, others) = rows.into_iter().partition(replaces);
        Found {
            replacing: Kept::AsRows(replacing),
            others: Kept::AsRows(others),
        }
    }
}

fn replaces(row: &Session) -> bool {
    row.issuance.record.replaces_event_id.is_some()
}

enum Kept {
    AsRows(Vec<Session>),
    Encoded(EncodedAncestors),
}

impl Kept {
    async fn of(rows: Vec<Session>, limits: Limits) -> Result<Self, LinkError> {
        let Limits { rows_at_once, day } = limits;
        if rows.is_empty() || rows.len() < rows_at_once {
            return Ok(Kept::AsRows(rows));
        }
        // Their order is nobody's concern: they are only ever looked up.
        let encoded = spawn_blocking(move || EncodedAncestors::of(&rows)).await?;
        let encoded = encoded.map_err(|cause| LinkError::Encode { day, cause })?;
        Ok(Kept::Encoded(encoded))
    }
}
