//! The tables that a linker publishes, and how the rows of each are made of its fragments.

use std::cmp::Ordering;

use bytes::Bytes;
use trailback_sessions::{
    Issuance, LINK_VERSION, LOOK_BACK_HOURS, Session, drop_duplicates, table_order,
};
use trailback_tables::ledger::{self, LEDGER_VERSION, LedgerEntry};
use trailback_tables::manifest::ShortDigest;
use trailback_tables::partition::{EventHour, FragmentKey};
use trailback_tables::{DataRow, FragmentRow};

use super::hours::LinkFacts;
use super::{LinkError, Run, slices};
use crate::fragments;
use crate::tally::EvidenceTally;

/// A table whose partitions are a function of its fragments.
///
/// Everything else (which hours are built, how they are published, folded and cleared of garbage) is the same for all.
pub(super) trait Kind: Sized + Send + Sync + 'static {
    /// A row of its fragments.
    type Record: FragmentRow;

    /// A published row.
    type Row: DataRow;

    /// The version of the rules by which rows are made.
    const VERSION: i32;

    /// How many hours before its own an hour's rows depend on.
    const LOOK_BACK_HOURS: i64;

    /// Collapses repeats of one record, and nothing that is only known when the hour is built.
    fn drop_duplicates(records: Vec<Self::Record>) -> Vec<Self::Record>;

    /// Makes an hour's rows of its fragments.
    fn build(
        run: &Run<'_, Self>,
        hour: EventHour,
        fragments: Vec<FragmentKey>,
    ) -> impl Future<Output = Result<BuiltHour<Self::Row>, LinkError>> + Send;

    /// The hash of what later hours depend on of an hour's rows.
    fn link_id(rows: &[Self::Row]) -> ShortDigest;

    /// The hour a row belongs to.
    fn hour_of(row: &Self::Row) -> EventHour;

    /// The order of the table: a total one.
    fn order(left: &Self::Row, right: &Self::Row) -> Ordering;
}

/// What an hour's fragments came to.
pub(super) struct BuiltHour<R> {
    /// The rows.
    pub(super) rows: HourRows<R>,
    /// How many there are.
    pub(super) row_count: usize,
    /// Of how many records they were made.
    pub(super) record_count: usize,
    /// The hash of what later hours depend on of them, whatever their order.
    pub(super) link_id: ShortDigest,
    /// What linking came to.
    pub(super) evidence: EvidenceTally,
}

/// The rows of an hour.
pub(super) enum HourRows<R> {
    /// As they are worked with.
    InMemory(Vec<R>),
    /// As the data object of the hour, because there are more of them than memory is meant for.
    Encoded(Bytes),
}

/// The table `sessions`: issuances, linked.
pub(super) struct Sessions;

impl Kind for Sessions {
    type Record = Issuance;
    type Row = Session;

    const VERSION: i32 = LINK_VERSION;
    const LOOK_BACK_HOURS: i64 = LOOK_BACK_HOURS;

    fn drop_duplicates(records: Vec<Issuance>) -> Vec<Issuance> {
        drop_duplicates(records)
    }

    async fn build(
        run: &Run<'_, Self>,
        hour: EventHour,
        fragments: Vec<FragmentKey>,
    ) -> Result<BuiltHour<Session>, LinkError> {
        slices::build(run, hour, fragments).await
    }

    fn link_id(rows: &[Session]) -> ShortDigest {
        LinkFacts::of(rows).link_id()
    }

    fn hour_of(row: &Session) -> EventHour {
        EventHour::of(row.issuance.record.event_time)
    }

    fn order(left: &Session, right: &Session) -> Ordering {
        table_order(left, right)
    }
}

/// The table `log_objects`: the ledger, in which repeated readings collapse.
pub(super) struct Ledger;

impl Kind for Ledger {
    type Record = LedgerEntry;
    type Row = LedgerEntry;

    const VERSION: i32 = LEDGER_VERSION;
    const LOOK_BACK_HOURS: i64 = 0;

    fn drop_duplicates(entries: Vec<LedgerEntry>) -> Vec<LedgerEntry> {
        ledger::collapse_repeats(entries)
    }

    async fn build(
        run: &Run<'_, Self>,
        _hour: EventHour,
        fragments: Vec<FragmentKey>,
    ) -> Result<BuiltHour<LedgerEntry>, LinkError> {
        let entries = fragments::read_all(run.lake, fragments).await?;
        let record_count = entries.len();
        let rows = tokio::task::spawn_blocking(move || ledger::collapse_repeats(entries)).await?;
        Ok(BuiltHour {
            row_count: rows.len(),
            link_id: Self::link_id(&rows),
            rows: HourRows::InMemory(rows),
            record_count,
            evidence: EvidenceTally::default(),
        })
    }

    /// No hour depends on another.
    fn link_id(_rows: &[LedgerEntry]) -> ShortDigest {
        LinkFacts::default().link_id()
    }

    fn hour_of(entry: &LedgerEntry) -> EventHour {
        entry.hour()
    }

    fn order(left: &LedgerEntry, right: &LedgerEntry) -> Ordering {
        ledger::table_order(left, right)
    }
}
