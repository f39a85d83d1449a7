//! Rows to the bytes of a Parquet file.
//!
//! The bytes depend on the rows alone: rows are cut into batches of a fixed size, whatever pieces they came in,
//! and nothing of the machine, the time or the library's version enters the file.

use arrow::array::{
    Array, ArrayRef, BooleanBuilder, Int32Builder, Int64Builder, ListArray, ListBuilder,
    MapBuilder, MapFieldNames, RecordBatch, StringBuilder, StructArray,
    TimestampMillisecondBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use trailback_sessions::{Hop, TagMap};

use crate::checksums;
use crate::columns::{Column, EmptyList, Field, HOP_FIELDS, tag_pair};
use crate::error::{TableError, while_doing};
use crate::file_filters::NewFilters;
use crate::footer::footer_range;
use crate::rows::{DataRow, FieldWork, FragmentRow, Part, TableRow};
use crate::schema::{FileKind, Table, arrow_schema, element, hop_members, map_entries};
use crate::writer;

/// How many rows are turned into Arrow at a time. Part of the file format: pages are cut at its multiples.
pub(crate) const BATCH_ROWS: usize = 8192;

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
        let file = File::create(FileKind::DataObject(table), columns, row_group_rows)?;
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
    let columns = kind.columns().filter(used).collect();
    let mut file = File::create(kind, columns, writer::ROW_GROUP_ROWS)?;
    for batch in sorted.chunks(BATCH_ROWS) {
        file.write(&batch_of(&file.columns, batch)?)?;
    }
    file.finish()
}

/// A Parquet file that grows batch by batch.
struct File {
    columns: Vec<&'static Column>,
    writer: ArrowWriter<Vec<u8>>,
    row_count: usize,
}

impl File {
    fn create(
        kind: FileKind,
        columns: Vec<&'static Column>,
        row_group_rows: usize,
    ) -> Result<Self, TableError> {
        let schema = arrow_schema(columns.iter().copied());
        let options = ArrowWriterOptions::new()
            .with_properties(writer::properties(kind, &columns, row_group_rows))
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

/// Rows as Arrow has them.
fn batch_of<R: TableRow>(
    columns: &[&'static Column],
    rows: &[&R],
) -> Result<RecordBatch, TableError> {
    // A field that rows of this kind lack would leave the batch a column short, which it refuses.
    let arrays = columns
        .iter()
        .filter_map(|column| R::reach(&column.access, ArrayOf(rows)));
    let schema = arrow_schema(columns.iter().copied());
    RecordBatch::try_new(schema, arrays.collect())
        .map_err(|source| while_doing("build a batch of rows")(source.into()))
}

/// The column of some rows.
struct ArrayOf<'r, R>(&'r [&'r R]);

impl<R> FieldWork<R> for ArrayOf<'_, R> {
    type Output = ArrayRef;

    fn on<P: 'static>(self, field: &Field<P>, part: Part<R, P>) -> ArrayRef {
        array(field, self.0.iter().map(|row| (part.of)(row)))
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

/// One column of a batch.
fn array<'r, R: 'r>(field: &Field<R>, rows: impl ExactSizeIterator<Item = &'r R>) -> ArrayRef {
    match field {
        Field::Text { read, .. } => text_array(rows.map(|row| read(row))),
        Field::Texts { read, empty, .. } => texts_array(rows, |row, list| {
            let texts = read(row);
            for text in texts {
                list.values().append_value(text);
            }
            !texts.is_empty() || *empty == EmptyList::Kept
        }),
        Field::TextMap { read, .. } => map_array(rows.map(read)),
        Field::TextPairs { read } => texts_array(rows, |row, list| {
            let tags = read(row);
            for (key, value) in tags {
                list.values().append_value(tag_pair(key, value));
            }
            !tags.is_empty()
        }),
        Field::Bool { read, .. } => bool_array(rows.map(read)),
        Field::Int { read, .. } => int_array(rows.map(read)),
        Field::Long { read, .. } => long_array(rows.map(read)),
        Field::Timestamp { read, .. } => {
            timestamp_array(rows.map(|row| read(row).map(|moment| moment.0)))
        }
        Field::Hops { read, .. } => hops_array(rows.map(read)),
        Field::HopTexts {
            read, read_text, ..
        } => texts_array(rows, |row, list| {
            let hops = read(row);
            for hop in hops {
                list.values().append_option(read_text(hop));
            }
            !hops.is_empty()
        }),
    }
}

fn text_array<'r>(texts: impl ExactSizeIterator<Item = Option<&'r str>>) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(texts.len(), 0);
    for text in texts {
        builder.append_option(text);
    }
    Arc::new(builder.finish())
}

fn bool_array(values: impl ExactSizeIterator<Item = Option<bool>>) -> ArrayRef {
    let mut builder = BooleanBuilder::with_capacity(values.len());
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

fn int_array(values: impl ExactSizeIterator<Item = Option<i32>>) -> ArrayRef {
    let mut builder = Int32Builder::with_capacity(values.len());
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

fn long_array(values: impl ExactSizeIterator<Item = Option<i64>>) -> ArrayRef {
    let mut builder = Int64Builder::with_capacity(values.len());
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

fn timestamp_array(values: impl ExactSizeIterator<Item = Option<i64>>) -> ArrayRef {
    let mut builder = TimestampMillisecondBuilder::with_capacity(values.len());
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish().with_timezone("UTC"))
}

/// `append` adds a row's texts and says whether the row has a list at all.
fn texts_array<'r, R: 'r>(
    rows: impl ExactSizeIterator<Item = &'r R>,
    append: impl Fn(&R, &mut ListBuilder<StringBuilder>) -> bool,
) -> ArrayRef {
    let mut list = ListBuilder::with_capacity(StringBuilder::new(), rows.len())
        .with_field(element(arrow::datatypes::DataType::Utf8));
    for row in rows {
        let present = append(row, &mut list);
        list.append(present);
    }
    Arc::new(list.finish())
}

fn map_array<'r>(maps: impl ExactSizeIterator<Item = &'r TagMap>) -> ArrayRef {
    let names = MapFieldNames {
        entry: map_entries().name().clone(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let mut map = MapBuilder::with_capacity(
        Some(names),
        StringBuilder::new(),
        StringBuilder::new(),
        maps.len(),
    );
    for tags in maps {
        for (key, value) in tags {
            map.keys().append_value(key);
            map.values().append_value(value);
        }
        // The builder refuses only keys and values of different number.
        let _ = map.append(!tags.is_empty());
    }
    Arc::new(map.finish())
}

fn hops_array<'r>(rows: impl ExactSizeIterator<Item = &'r [Arc<Hop>]>) -> ArrayRef {
    let lists: Vec<_> = rows.collect();
    let hops: Vec<&Hop> = lists
        .iter()
        .flat_map(|hops| hops.iter().map(|hop| &**hop))
        .collect();
    let members = hop_members();
    let arrays = HOP_FIELDS
        .iter()
        .map(|member| array(&member.field, hops.iter().copied()));
    let structs = StructArray::new(members, arrays.collect(), None);
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|hops| hops.len()));
    let present: NullBuffer = lists.iter().map(|hops| !hops.is_empty()).collect();
    let item = element(structs.data_type().clone());
    Arc::new(ListArray::new(
        item,
        offsets,
        Arc::new(structs),
        Some(present),
    ))
}
