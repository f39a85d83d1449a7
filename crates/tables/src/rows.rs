//! The kinds of rows, and the way from a row to the field behind a column.

use std::cmp::Ordering;

use trailback_sessions::{Issuance, Session};

use crate::columns::{Access, Field};
use crate::decode::SharedChains;
use crate::ledger::{self, LedgerEntry};
use crate::schema::Table;

/// A row of one of the tables. Implemented by the rows of this program only.
pub trait TableRow: Reach + Clone + Default + PartialEq + Send + Sync + 'static {
    /// The table.
    const TABLE: Table;
}

/// A row of fragments: what one record, or one log object, says.
pub trait FragmentRow: TableRow {
    /// The order of the rows in a fragment: a total one.
    fn fragment_order(&self, other: &Self) -> Ordering;

    /// The version of the extraction rules that made it.
    fn extract_version(&self) -> i32;
}

/// A row of data objects.
pub trait DataRow: TableRow {}

/// How columns reach into a row.
pub trait Reach: Sized {
    /// What rows that are decoded one after the other share in memory.
    type Shared: Default + std::fmt::Debug + Send;

    /// Does some work with the field behind a column; `None` where rows of this kind have no such field.
    fn reach<W: FieldWork<Self>>(access: &Access, work: W) -> Option<W::Output>;

    /// Makes rows that were just decoded share what they have in common.
    fn share(_rows: &mut [Self], _shared: &mut Self::Shared) {}
}

/// Work on the field behind one column of rows `R`, wherever in the row it lies.
pub trait FieldWork<R> {
    /// What the work gives.
    type Output;

    /// Does it.
    fn on<P: 'static>(self, field: &Field<P>, part: Part<R, P>) -> Self::Output;
}

/// The way to the part of a row that has a field.
pub struct Part<R, P> {
    pub(crate) of: fn(&R) -> &P,
    pub(crate) of_mut: fn(&mut R) -> &mut P,
}

/// The part that is the row itself.
fn itself<R>() -> Part<R, R> {
    Part {
        of: |row| row,
        of_mut: |row| row,
    }
}

impl TableRow for Issuance {
    const TABLE: Table = Table::Sessions;
}

impl FragmentRow for Issuance {
    fn fragment_order(&self, other: &Self) -> Ordering {
        (self.record.event_time, &self.record.event_id)
            .cmp(&(other.record.event_time, &other.record.event_id))
            .then_with(|| self.cmp(other))
    }

    fn extract_version(&self) -> i32 {
        self.extract_version
    }
}

impl Reach for Issuance {
    type Shared = ();

    fn reach<W: FieldWork<Self>>(access: &Access, work: W) -> Option<W::Output> {
        match access {
            Access::Issuance(field) => Some(work.on(field, itself())),
            Access::Session(_) | Access::LogObject(_) => None,
        }
    }
}

impl TableRow for Session {
    const TABLE: Table = Table::Sessions;
}

impl DataRow for Session {}

impl Reach for Session {
    type Shared = SharedChains;

    fn reach<W: FieldWork<Self>>(access: &Access, work: W) -> Option<W::Output> {
        let issuance = Part {
            of: |row: &Self| &row.issuance,
            of_mut: |row: &mut Self| &mut row.issuance,
        };
        match access {
            Access::Issuance(field) => Some(work.on(field, issuance)),
            Access::Session(field) => Some(work.on(field, itself())),
            Access::LogObject(_) => None,
        }
    }

    fn share(rows: &mut [Self], shared: &mut SharedChains) {
        shared.share(rows);
    }
}

impl TableRow for LedgerEntry {
    const TABLE: Table = Table::LogObjects;
}

impl FragmentRow for LedgerEntry {
    fn fragment_order(&self, other: &Self) -> Ordering {
        ledger::table_order(self, other)
    }

    fn extract_version(&self) -> i32 {
        self.extract_version
    }
}

impl DataRow for LedgerEntry {}

impl Reach for LedgerEntry {
    type Shared = ();

    fn reach<W: FieldWork<Self>>(access: &Access, work: W) -> Option<W::Output> {
        match access {
            Access::LogObject(field) => Some(work.on(field, itself())),
            Access::Issuance(_) | Access::Session(_) => None,
        }
    }
}
