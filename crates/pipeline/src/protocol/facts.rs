//! What rows say of the world, however they are filed: enough to tell which of them are there.

use std::collections::BTreeSet;

use bytes::Bytes;
use trailback_sessions::{Issuance, Session};
use trailback_tables::ledger::LedgerEntry;
use trailback_tables::{Table, decode_data_object, decode_fragment};

/// Which record was in which log object, or which log object was read.
pub(super) type Facts = BTreeSet<String>;

pub(super) fn facts_of_fragment(table: Table, content: &Bytes) -> Facts {
    match table {
        Table::Sessions => of_issuances(&decode_fragment(content.clone()).unwrap()),
        Table::LogObjects => of_entries(&decode_fragment(content.clone()).unwrap()),
    }
}

pub(super) fn facts_of_object(table: Table, content: &Bytes) -> Facts {
    match table {
        Table::Sessions => of_sessions(&decode_data_object(content.clone()).unwrap()),
        Table::LogObjects => of_entries(&decode_data_object(content.clone()).unwrap()),
    }
}

pub(super) fn of_sessions(rows: &[Session]) -> Facts {
    rows.iter()
        .flat_map(|row| of_issuance(&row.issuance))
        .collect()
}

fn of_issuances(rows: &[Issuance]) -> Facts {
    rows.iter().flat_map(of_issuance).collect()
}

fn of_issuance(row: &Issuance) -> impl Iterator<Item = String> + '_ {
    let log_objects = row.log_objects.iter();
    log_objects.map(|log_object| format!("{} in {log_object}", row.record.event_id))
}

fn of_entries(entries: &[LedgerEntry]) -> Facts {
    entries
        .iter()
        .map(|entry| entry.location.to_string())
        .collect()
}

pub(super) fn union<'f>(facts: impl Iterator<Item = &'f Facts>) -> Facts {
    facts.flatten().cloned().collect()
}
