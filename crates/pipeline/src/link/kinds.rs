//! The tables that a linker publishes, and how the rows of each are made of its fragments.

use std::cmp::Ordering;

use trailback_sessions::{
    Issuance, LINK_VERSION, LOOK_BACK_HOURS, Session, Wanted, drop_duplicates, link, merge,
    table_order,
};
use trailback_tables::ledger::{self, LEDGER_VERSION, LedgerEntry};
use trailback_tables::manifest::ShortDigest;
use trailback_tables::partition::EventHour;
use trailback_tables::{DataRow, FragmentRow};

use super::{LinkError, Run, hours};
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

    /// Makes an hour's rows.
    fn build(
        run: &Run<'_, Self>,
        hour: EventHour,
        records: Vec<Self::Record>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, LinkError>> + Send;

    /// The hash of what later hours depend on of an hour's rows, whatever their order.
    fn link_id(rows: &[Self::Row]) -> ShortDigest;

    /// The hour a row belongs to.
    fn hour_of(row: &Self::Row) -> EventHour;

    /// The order of the table: a total one.
    fn order(left: &Self::Row, right: &Self::Row) -> Ordering;

    /// Counts what linking came to.
    fn count(_rows: &[Self::Row], _evidence: &mut EvidenceTally) {}
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
        records: Vec<Issuance>,
    ) -> Result<Vec<Session>, LinkError> {
        let (rows, wanted) = tokio::task::spawn_blocking(move || {
            let rows = merge(records);
            let wanted = Wanted::by(&rows);
            (rows, wanted)
        })
        .await?;
        let earlier = run.look_back(hour, wanted).await?;
        Ok(tokio::task::spawn_blocking(move || link(rows, &earlier)).await?)
    }

    fn link_id(rows: &[Session]) -> ShortDigest {
        hours::link_id(rows)
    }

    fn hour_of(row: &Session) -> EventHour {
        EventHour::of(row.issuance.record.event_time)
    }

    fn order(left: &Session, right: &Session) -> Ordering {
        table_order(left, right)
    }

    fn count(rows: &[Session], evidence: &mut EvidenceTally) {
        rows.iter().for_each(|row| evidence.add(&row.link));
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
        _run: &Run<'_, Self>,
        _hour: EventHour,
        entries: Vec<LedgerEntry>,
    ) -> Result<Vec<LedgerEntry>, LinkError> {
        Ok(tokio::task::spawn_blocking(move || ledger::collapse_repeats(entries)).await?)
    }

    /// No hour depends on another.
    fn link_id(_entries: &[LedgerEntry]) -> ShortDigest {
        hours::link_id(&[])
    }

    fn hour_of(entry: &LedgerEntry) -> EventHour {
        entry.hour()
    }

    fn order(left: &LedgerEntry, right: &LedgerEntry) -> Ordering {
        ledger::table_order(left, right)
    }
}
