//! The bytes of a Parquet file to rows.
//!
//! Columns are found by name: one that an older file lacks leaves its field at the default, one that this program does
//! not know is skipped. So rows may be shown that know less than their file; they must never be written in its place
//! ([`decode_known_fragment`]).

mod batch;

use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use trailback_sessions::EXTRACT_VERSION;

pub(crate) use batch::{DecodedRows, SharedChains};

use crate::columns::Column;
use crate::error::{TableError, refusing_damage, while_doing};
use crate::footer::Footer;
use crate::pages;
use crate::rows::{DataRow, FragmentRow, TableRow};
use crate::schema::FileKind;

/// How many rows are turned from Arrow at a time.
pub(crate) const BATCH_ROWS: usize = 4096;

/// For how many rows room is made at once, since a damaged footer can claim any number.
pub(crate) const ROWS_EXPECTED_MAX: usize = 1 << 18;

/// Decodes a fragment.
///
/// # Errors
/// When the bytes are no fragment, are damaged, or come from a newer program.
pub fn decode_fragment<R: FragmentRow>(bytes: Bytes) -> Result<Vec<R>, TableError> {
    refusing_damage(|| decode(bytes, FileKind::Fragment(R::TABLE)))
}

/// Decodes a fragment of which this program knows everything; `None` where it has a column of a newer program, or a row
/// that rules newer than these have made.
///
/// For whoever writes the rows anew and deletes the fragment: what this program does not know would be lost for good.
///
/// # Errors
/// When the bytes are no fragment or are damaged.
pub fn decode_known_fragment<R: FragmentRow>(bytes: Bytes) -> Result<Option<Vec<R>>, TableError> {
    refusing_damage(|| match decode_known(bytes) {
        Err(failure) if failure.is_of_a_newer_program() => Ok(None),
        decoded => decoded,
    })
}

fn decode_known<R: FragmentRow>(bytes: Bytes) -> Result<Option<Vec<R>>, TableError> {
    let kind = FileKind::Fragment(R::TABLE);
    let footer = Footer::of_file(&bytes, kind)?;
    let rows = decode_rows::<R>(bytes, &footer, kind)?;
    let is_newer = |row: &R| row.extract_version() > EXTRACT_VERSION;
    let is_known = knows_all_columns(footer.metadata(), kind) && !rows.iter().any(is_newer);
    Ok(is_known.then_some(rows))
}

fn knows_all_columns(metadata: &ParquetMetaData, kind: FileKind) -> bool {
    let schema = metadata.file_metadata().schema_descr();
    let fields = schema.root_schema().get_fields();
    let is_known = |name: &str| kind.columns().any(|column| column.name == name);
    fields.iter().all(|field| is_known(field.name()))
}

/// Decodes a data object.
///
/// # Errors
/// When the bytes are no data object, are damaged, or come from a newer program.
pub fn decode_data_object<R: DataRow>(bytes: Bytes) -> Result<Vec<R>, TableError> {
    refusing_damage(|| decode(bytes, FileKind::DataObject(R::TABLE)))
}

fn decode<R: TableRow>(bytes: Bytes, kind: FileKind) -> Result<Vec<R>, TableError> {
    let footer = match kind {
        // The name of a fragment is the hash of its bytes; whoever reads one checks that.
        FileKind::Fragment(_) => Footer::of_file(&bytes, kind)?,
        FileKind::DataObject(_) => Footer::of_checked_file(&bytes, kind)?,
    };
    decode_rows(bytes, &footer, kind)
}

fn decode_rows<R: TableRow>(
    bytes: Bytes,
    footer: &Footer,
    kind: FileKind,
) -> Result<Vec<R>, TableError> {
    let metadata = footer.metadata();
    let columns = known_columns(metadata, kind);
    let row_groups = (0..metadata.num_row_groups()).collect();
    let reader = reader_of(bytes, metadata, columns, row_groups)?
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(while_doing("read a Parquet file"))?;
    let mut rows = DecodedRows::<R>::default();
    let mut decoded = Vec::with_capacity(footer.row_count().min(ROWS_EXPECTED_MAX));
    for batch in reader {
        let batch = batch.map_err(|source| while_doing("decode a batch of rows")(source.into()))?;
        rows.decode(&batch, kind, &mut decoded)?;
    }
    Ok(decoded)
}

/// A reader of some columns in some row groups of a file whose bytes are all at hand, once its pages have been checked.
pub(crate) fn reader_of(
    bytes: Bytes,
    metadata: &Arc<ParquetMetaData>,
    columns: ProjectionMask,
    row_groups: Vec<usize>,
) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, TableError> {
    pages::check_file(&bytes, metadata, &row_groups, &columns)?;
    let opened = reader_metadata(Arc::clone(metadata))?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, opened);
    Ok(builder.with_projection(columns).with_row_groups(row_groups))
}

/// What the Arrow readers need to know of a file.
pub(crate) fn reader_metadata(
    metadata: Arc<ParquetMetaData>,
) -> Result<ArrowReaderMetadata, TableError> {
    let options = ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_page_index_policy(PageIndexPolicy::Skip);
    ArrowReaderMetadata::try_new(metadata, options).map_err(while_doing("read a Parquet schema"))
}

/// The columns of the file that this program knows.
pub(crate) fn known_columns(metadata: &ParquetMetaData, kind: FileKind) -> ProjectionMask {
    columns_where(metadata, kind, |_| true)
}

/// Those of the columns of the file that this program knows.
pub(crate) fn columns_where(
    metadata: &ParquetMetaData,
    kind: FileKind,
    is_wanted: impl Fn(&Column) -> bool,
) -> ProjectionMask {
    let wanted = kind.columns().filter(|column| is_wanted(column));
    let names: Vec<_> = wanted.map(|column| column.name).collect();
    named_columns(metadata, |name| names.contains(&name))
}

/// The columns of the file that have one of some names.
pub(crate) fn named_columns(
    metadata: &ParquetMetaData,
    is_wanted: impl Fn(&str) -> bool,
) -> ProjectionMask {
    let schema = metadata.file_metadata().schema_descr();
    let roots = schema.root_schema().get_fields().iter().enumerate();
    let wanted = roots
        .filter(|(_, field)| is_wanted(field.name()))
        .map(|(root, _)| root);
    ProjectionMask::roots(schema, wanted)
}
