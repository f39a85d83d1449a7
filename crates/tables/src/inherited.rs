//! The part of a linked row that its children match or inherit: all that linking asks of an ancestor.
//!
//! An hour looks back on a hundred million rows and finds a few, in pages that are decoded for one row each: half the columns
//! are half the work.

use bytes::Bytes;
use trailback_sessions::Session;

use crate::columns::{Column, SESSIONS};
use crate::encode::encode_columns;
use crate::error::TableError;
use crate::filter::Filter;
use crate::scan::{Columns, scan_bytes};
use crate::writer::ROW_GROUP_ROWS;

/// The columns that `trailback_sessions::write_link_facts` writes.
const INHERITED: [&str; 49] = [
    "event_id",
    "event_ids",
    "event_time",
    "event_name",
    "recipient_account_id",
    "request_id",
    "shared_event_id",
    "replaces_event_id",
    "source_ip_address",
    "outcome",
    "session_type",
    "access_key_id",
    "session_principal_id",
    "session_arn",
    "session_name",
    "role_arn",
    "role_name",
    "role_account_id",
    "source_identity",
    "effective_tags",
    "effective_transitive_tag_keys",
    "effective_tags_known",
    "session_mfa",
    "origin_mfa",
    "caller_type",
    "caller_account_id",
    "caller_access_key_id",
    "link_evidence",
    "gap_reason",
    "origin_known",
    "origin_type",
    "origin_arn",
    "origin_name",
    "origin_account_id",
    "origin_principal_id",
    "origin_identity_provider",
    "origin_access_key_id",
    "origin_event_id",
    "origin_event_time",
    "origin_source_ip_address",
    "origin_user_agent",
    "chain_depth",
    "chain",
    "chain_event_ids",
    "chain_access_key_ids",
    "chain_role_arns",
    "chain_account_ids",
    "chain_truncated",
    "crosses_accounts",
];

/// Whether children match or inherit a column.
pub(crate) fn is_inherited(column: &Column) -> bool {
    INHERITED.contains(&column.name)
}

/// Rows that others may descend from, encoded: what children match or inherit of them, in any order.
#[derive(Clone, Debug)]
pub struct EncodedAncestors(Bytes);

impl EncodedAncestors {
    /// Encodes rows.
    ///
    /// # Errors
    /// When there are no rows, or the Parquet library refuses.
    pub fn of(rows: &[Session]) -> Result<Self, TableError> {
        let rows: Vec<&Session> = rows.iter().collect();
        let columns = SESSIONS.iter().filter(|column| is_inherited(column));
        let encoded = encode_columns(&rows, columns.collect(), ROW_GROUP_ROWS)?;
        Ok(Self(encoded.into()))
    }

    /// The rows that pass a filter, but for the columns that children neither match nor inherit.
    ///
    /// # Errors
    /// When the Parquet library refuses.
    pub fn scan(&self, filter: Filter) -> Result<Vec<Session>, TableError> {
        scan_bytes(&self.0, filter, Columns::Inherited)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trailback_sessions::{MatchFacts, table_order, write_link_facts};

    use super::*;
    use crate::{arbitrary, encode_data_object};

    fn link_facts(row: &Session) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        write_link_facts(row, &mut |part| parts.push(part.to_vec()));
        parts
    }

    /// The row without what children neither match nor inherit.
    fn ancestor(row: &Session) -> Session {
        let encoded = EncodedAncestors::of(std::slice::from_ref(row)).unwrap();
        encoded.scan(Filter::all()).unwrap().remove(0)
    }

    proptest! {
        #[test]
        fn whatever_children_match_or_inherit_is_kept(rows in arbitrary::sessions(20), wanted in any::<u8>()) {
            let passes = move |row: &MatchFacts<'_>| row.event_time.0 as u8 % 2 == wanted % 2;
            let filter = Filter::matching(passes);
            let mut sorted: Vec<_> = rows.iter().collect();
            sorted.sort_by(|a, b| table_order(a, b));
            let file = Bytes::from(encode_data_object(sorted.iter().copied()).unwrap());
            let of_file = scan_bytes(&file, filter.clone(), Columns::Inherited).unwrap();
            let expected = sorted.iter().filter(|row| passes(&MatchFacts::of(row)));
            let facts = |rows: &[Session]| rows.iter().map(link_facts).collect::<Vec<_>>();
            prop_assert!(facts(&of_file) == expected.map(|row| link_facts(row)).collect::<Vec<_>>());
            let of_ancestors = EncodedAncestors::of(&rows).unwrap().scan(filter).unwrap();
            let expected = rows.iter().filter(|row| passes(&MatchFacts::of(row)));
            prop_assert!(facts(&of_ancestors) == expected.map(link_facts).collect::<Vec<_>>());
            prop_assert!(of_ancestors.iter().all(|row| ancestor(row) == *row));
        }
    }

    #[test]
    fn every_column_named_is_one_of_the_table() {
        let columns = SESSIONS.iter().filter(|column| is_inherited(column));
        assert_eq!(columns.count(), INHERITED.len());
    }

    #[test]
    fn no_rows_are_no_ancestors() {
        assert!(matches!(EncodedAncestors::of(&[]), Err(TableError::NoRows)));
    }
}
