//! Rows to the bytes of a Parquet file.
//!
//! The bytes depend on the rows alone: rows are cut into batches of a fixed size, whatever pieces they came in,
//! and nothing of the machine, the time or the library's version enters the file.

mod batch;

use arrow::array::{Array, ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::properties::WriterProperties;

use self::batch::batch_of;
use crate::checksums;
use crate::columns::{Column, Field};
use crate::error::{TableError, while_doing};
use crate::file_filters::NewFilters;
use crate::footer::footer_range;
use crate::rows::{DataRow, FieldWork, FragmentRow, Part};
use crate::schema::{FileKind, Table, arrow_schema};
use crate::writer;

/// How many rows an Arrow batch has. Part of the file format: pages are cut at its multiples.
pub(crate) const BATCH_ROWS: usize = 8192;

/// Below so many bytes a column of a fragment is not compressed.
const LITTLE: usize = 512;

/// The same where a dictionary has each value once.
const LITTLE_WITH_DICTIONARY: usize = 4 << 10;

/// Encodes rows as a data object. The caller has sorted them by the table's order.
///
/// # Errors
/// When there are no rows, or the Parquet library refuses.
pub fn encode_data_object<'r, R: DataRow>(
    rows: impl IntoIterator<Item = &'r R>,
) -> Result<Vec<u8>, TableError> {
    let rows: Vec<&R> = rows.into_iter().collect();
    encode_in_row_groups(&rows, writer::ROW_GROUP_ROWS)
}

/// [`encode_data_object`] with row groups of any size.
pub(crate) fn encode_in_row_groups<R: DataRow>(
    rows: &[&R],
    row_group_rows: usize,
) -> Result<Vec<u8>, TableError> {
    let columns = FileKind::DataObject(R::TABLE).columns().collect();
    encode_columns(rows, columns, row_group_rows)
}

/// A data object of these columns alone.
pub(crate) fn encode_columns<R: DataRow>(
    rows: &[&R],
    columns: Vec<&'static Column>,
    row_group_rows: usize,
) -> Result<Vec<u8>, TableError> {
    let mut file = DataFile::of_columns(R::TABLE, columns, rows.len(), row_group_rows)?;
    for batch in rows.chunks(BATCH_ROWS) {
        file.write(&batch_of(file.columns(), batch)?)?;
    }
    file.finish()
}

/// A data object that grows batch by batch, of [`BATCH_ROWS`] rows each but for the last.
pub(crate) struct DataFile {
    file: File,
    /// Filters of the whole file, where it has several row groups.
    filters: Option<NewFilters>,
}

impl DataFile {
    /// Begins one that will have so many rows.
    pub(crate) fn create(
        table: Table,
        row_count: usize,
        row_group_rows: usize,
    ) -> Result<Self, TableError> {
        let columns = FileKind::DataObject(table).columns().collect();
        Self::of_columns(table, columns, row_count, row_group_rows)
    }

    fn of_columns(
        table: Table,
        columns: Vec<&'static Column>,
        row_count: usize,
        row_group_rows: usize,
    ) -> Result<Self, TableError> {
        let kind = FileKind::DataObject(table);
        let properties = writer::properties(kind, &columns, row_group_rows);
        let file = File::create(columns, properties.build())?;
        let has_several = row_count > row_group_rows;
        let filters = has_several.then(|| NewFilters::of(table, row_count));
        Ok(Self {
            file,
            filters: filters.transpose()?,
        })
    }

    /// The columns that a batch must have.
    pub(crate) fn columns(&self) -> &[&'static Column] {
        &self.file.columns
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        if let Some(filters) = &mut self.filters {
            filters.add(batch);
        }
        self.file.write(batch)
    }

    pub(crate) fn finish(mut self) -> Result<Vec<u8>, TableError> {
        let mut file_filters = Vec::new();
        if let Some(filters) = self.filters {
            let (bytes, metadata) = filters.finish()?;
            self.file.writer.append_key_value_metadata(metadata);
            file_filters = bytes;
        }
        let mut file = self.file.finish()?;
        let footer = file.split_off(footer_range(file.len() as u64, &file)?.start as usize);
        file.extend(file_filters);
        Ok(checksums::seal(file, &footer))
    }
}

/// Encodes rows as a fragment: in the order of fragments, and without the columns that are null in every row,
/// since most fragments are small and most columns seldom used.
///
/// # Errors
/// When there are no rows, or the Parquet library refuses.
pub fn encode_fragment<R: FragmentRow>(rows: &[R]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&R> = rows.iter().collect();
    sorted.sort_unstable_by(|a, b| a.fragment_order(b));
    let is_null = |column: &Column, row| R::reach(&column.access, IsNull(row)).unwrap_or(true);
    let used = |column: &&Column| column.required || rows.iter().any(|row| !is_null(column, row));
    let kind = FileKind::Fragment(R::TABLE);
    let columns: Vec<_> = kind.columns().filter(used).collect();
    let (first, rest) = sorted.split_at(sorted.len().min(BATCH_ROWS));
    let first = batch_of(&columns, first)?;
    let mut properties = writer::properties(kind, &columns, writer::ROW_GROUP_ROWS);
    if rest.is_empty() {
        for (column, array) in columns.iter().zip(first.columns()) {
            if is_little(column, array)? {
                properties = writer::uncompressed(properties, column);
            }
        }
    }
    let mut file = File::create(columns, properties.build())?;
    file.write(&first)?;
    for batch in rest.chunks(BATCH_ROWS) {
        file.write(&batch_of(&file.columns, batch)?)?;
    }
    file.finish()
}

/// Whether so little is in a column that to compress it would cost more than it saves: its compressor and, when it is read,
/// its decompressor must be made first.
fn is_little(column: &Column, array: &ArrayRef) -> Result<bool, TableError> {
    let bytes = array.to_data().get_slice_memory_size();
    let bytes = bytes.map_err(|source| while_doing("measure a column")(source.into()))?;
    let little = if column.dictionary {
        LITTLE_WITH_DICTIONARY
    } else {
        LITTLE
    };
    Ok(bytes < little)
}

/// A Parquet file that grows batch by batch.
struct File {
    columns: Vec<&'static Column>,
    writer: ArrowWriter<Vec<u8>>,
    row_count: usize,
}

impl File {
    fn create(
        columns: Vec<&'static Column>,
        properties: WriterProperties,
    ) -> Result<Self, TableError> {
        let schema = arrow_schema(columns.iter().copied());
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            // The types are in Parquet's own schema; a second copy would double the size of a small file.
            .with_skip_arrow_metadata(true)
            .with_schema_root("row".to_owned());
        let writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options)
            .map_err(while_doing("start a Parquet file"))?;
        Ok(Self {
            columns,
            writer,
            row_count: 0,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        self.row_count += batch.num_rows();
        self.writer
            .write(batch)
            .map_err(while_doing("encode a batch of rows"))
    }

    fn finish(self) -> Result<Vec<u8>, TableError> {
        if self.row_count == 0 {
            return Err(TableError::NoRows);
        }
        self.writer
            .into_inner()
            .map_err(while_doing("finish a Parquet file"))
    }
}

/// Whether a row has nothing in a column.
struct IsNull<'r, R>(&'r R);

impl<R> FieldWork<R> for IsNull<'_, R> {
    type Output = bool;

    fn on<P: 'static>(self, field: &Field<P>, part: Part<R, P>) -> bool {
        field.is_null((part.of)(self.0))
    }
}
