//! What the linker wants, asked of the table's columns.

use trailback_sessions::{MatchFacts, Wanted};
use trailback_tables::filter::MatchColumns;

/// Whether the linker wants a row, by the columns that it matches by.
pub(crate) fn wants(wanted: &Wanted, row: &MatchColumns<'_>) -> bool {
    wanted.wants(&MatchFacts {
        event_time: row.event_time,
        access_key_id: row.access_key_id,
        session_principal_id: row.session_principal_id,
        role_account_id: row.role_account_id,
        role_name: row.role_name,
        session_name: row.session_name,
        replaces_event_id: row.replaces_event_id,
    })
}
