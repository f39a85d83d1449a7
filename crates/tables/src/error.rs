//! What can be wrong with the bytes of a table, or with the rows meant for one.

use std::panic::{self, AssertUnwindSafe};

use parquet::errors::ParquetError;

/// Why rows cannot be encoded, or bytes not decoded.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file of no rows is never written (no empty fragment, object or manifest).
    #[error("no rows to encode: a file without rows is never written")]
    NoRows,
    /// The bytes are no Parquet file, or one that ends early.
    #[error("not a Parquet file: {reason}")]
    NotParquet {
        /// What is missing or wrong.
        reason: &'static str,
    },
    /// A Parquet file that this program did not write, or one of another of its tables.
    #[error("the file holds {found}, expected the table {expected}")]
    OtherTable {
        /// The table that was asked for.
        expected: &'static str,
        /// The table it names, or that it names none.
        found: String,
    },
    /// Written by a newer program.
    #[error(
        "the file has schema version {found}, this program knows up to {known}: use a newer trailback"
    )]
    NewerSchema {
        /// The file's version.
        found: i32,
        /// This program's.
        known: i32,
    },
    /// A column does not have the type this program gives it.
    #[error("column {column} is {found}, expected {expected}")]
    ColumnType {
        /// The column.
        column: &'static str,
        /// The type it should have.
        expected: String,
        /// The type it has.
        found: String,
    },
    /// A text that stands for nothing this program knows.
    #[error("column {column}, row {row}: unknown value {value:?}")]
    UnknownValue {
        /// The column.
        column: &'static str,
        /// The row within its batch.
        row: usize,
        /// The text.
        value: String,
    },
    /// Lists that should run parallel do not.
    #[error("column {column}, row {row}: {found} ancestors, expected {expected}")]
    ChainLength {
        /// The column.
        column: &'static str,
        /// The row within its batch.
        row: usize,
        /// The ancestors that the columns before it have.
        expected: usize,
        /// The ancestors it has.
        found: usize,
    },
    /// Null where a value must stand.
    #[error("column {column} has nulls, which it must not")]
    MissingValue {
        /// The column.
        column: &'static str,
    },
    /// The Parquet library gave up in the middle of a page.
    #[error("the file is damaged: a page is not what its header says")]
    Damaged,
    /// Bytes of the file are not those that were written.
    #[error("the file is damaged: bytes {start} to {end} do not have their checksum")]
    Checksum {
        /// First byte of a stretch that holds the damage.
        start: u64,
        /// Byte after the stretch.
        end: u64,
    },
    /// The file carries no checksums, or they are damaged beyond recognition.
    #[error("the file is damaged: its checksums are missing")]
    NoChecksums,
    /// Bytes were supplied to a scan that are not what their range says.
    #[error("the bytes supplied for {start}..{end} are {len} long")]
    SuppliedLength {
        /// First byte of the range.
        start: u64,
        /// Byte after the range.
        end: u64,
        /// How many bytes came.
        len: usize,
    },
    /// No column of that name.
    #[error("there is no column {name:?} that can be filtered on by text")]
    NoSuchColumn {
        /// The name.
        name: String,
    },
    /// The Parquet library refused.
    #[error("cannot {action}")]
    Parquet {
        /// What was being done.
        action: &'static str,
        /// Why not.
        #[source]
        source: ParquetError,
    },
}

impl TableError {
    /// Whether a file whose bytes are right can only have been written by a newer program.
    #[must_use]
    pub fn is_of_a_newer_program(&self) -> bool {
        matches!(
            self,
            Self::NewerSchema { .. } | Self::UnknownValue { .. } | Self::ColumnType { .. }
        )
    }
}

/// Names what was being done when the Parquet library refused.
pub(crate) fn while_doing(action: &'static str) -> impl FnOnce(ParquetError) -> TableError {
    move |source| TableError::Parquet { action, source }
}

/// Makes an error of a panic: on some damaged pages the Parquet library panics instead of refusing them. What `work` leaves behind
/// then must not be used again. (A program built with `panic = "abort"` still ends there.)
pub(crate) fn refusing_damage<T>(
    work: impl FnOnce() -> Result<T, TableError>,
) -> Result<T, TableError> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(TableError::Damaged))
}
