//! Doors for `tests/fuzz`.

use crate::error::TableError;
use crate::rows::DataRow;

/// A data object of any body and footer, with checksums that hold: they would keep whoever makes things up out of it.
#[must_use]
pub fn seal(body: Vec<u8>, footer: &[u8]) -> Vec<u8> {
    crate::checksums::seal(body, footer)
}

/// A data object of several row groups, though it has few rows.
///
/// # Errors
/// When there are no rows, or the Parquet library refuses.
pub fn encode_in_row_groups<R: DataRow>(
    rows: &[R],
    row_group_rows: usize,
) -> Result<Vec<u8>, TableError> {
    let rows: Vec<&R> = rows.iter().collect();
    crate::encode::encode_in_row_groups(&rows, row_group_rows)
}
