//! How our Parquet files are written: compression, pages, statistics, Bloom filters.

use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    BloomFilterPosition, BloomFilterProperties, EnabledStatistics, WriterProperties,
    WriterPropertiesBuilder, WriterVersion,
};
use parquet::schema::types::ColumnPath;

use crate::columns::{Bloom, Column, ColumnType, HOP_FIELDS, Statistics};
use crate::schema::{FileKind, SCHEMA_VERSION};

/// The key of the file's metadata that names the table and what the file is of it.
pub(crate) const TABLE_KEY: &str = "trailback.table";

/// The key of the file's metadata that holds [`SCHEMA_VERSION`].
pub(crate) const SCHEMA_VERSION_KEY: &str = "trailback.schema_version";

/// Names the writer in the form that Parquet readers parse; constant, so that an upgrade of this program does not change
/// the bytes of a file.
const CREATED_BY: &str = "trailback version 1";

/// An engine that looks up one row reads its whole row group, some 160 bytes a row in the columns of an answer; one that
/// scans pays a request for each column of each. Bloom filters are powers of two, and so many values fill one: 1.3 bytes a
/// value, which are 2 with a third more rows.
pub(crate) const ROW_GROUP_ROWS: usize = 24_576;

/// A look-up of one row decodes one page of each column, so pages are small.
const PAGE_ROWS: usize = 2048;

/// Most bytes are random IDs, in which higher levels find chance repeats only: level 3 took a quarter more time and made
/// files 2.5 % larger.
const ZSTD_LEVEL: i32 = 1;

/// One look-up in a hundred reads a row group, or a file, in vain.
pub(crate) const BLOOM_FALSE_POSITIVES: f64 = 0.01;

pub(crate) fn properties(
    kind: FileKind,
    columns: &[&Column],
    row_group_rows: usize,
) -> WriterPropertiesBuilder {
    let metadata = vec![
        KeyValue::new(TABLE_KEY.to_owned(), kind.name().to_owned()),
        KeyValue::new(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_string()),
    ];
    let builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(CREATED_BY.to_owned())
        .set_key_value_metadata(Some(metadata))
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default(),
        ))
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_statistics_enabled(EnabledStatistics::None)
        // ARNs share long prefixes: cut short, their bounds would never rule a row group out.
        .set_statistics_truncate_length(None)
        .set_column_index_truncate_length(None)
        .set_coerce_types(true);
    let builder = match kind {
        // Always read whole.
        FileKind::Fragment(_) => builder.set_offset_index_disabled(true),
        FileKind::DataObject(_) => columns.iter().fold(builder, |builder, column| {
            prune(builder, column, row_group_rows)
        }),
    };
    columns
        .iter()
        .fold(builder, |builder, column| dictionary(builder, column))
}

/// The same but for one column, which is left as it is.
pub(crate) fn uncompressed(
    properties: WriterPropertiesBuilder,
    column: &Column,
) -> WriterPropertiesBuilder {
    leaves(column)
        .into_iter()
        .fold(properties, |builder, leaf| {
            builder.set_column_compression(leaf, Compression::UNCOMPRESSED)
        })
}

fn prune(
    builder: WriterPropertiesBuilder,
    column: &Column,
    row_group_rows: usize,
) -> WriterPropertiesBuilder {
    let leaf = || leaves(column).swap_remove(0);
    let builder = match column.statistics {
        Statistics::Nothing => builder,
        Statistics::RowGroups => {
            builder.set_column_statistics_enabled(leaf(), EnabledStatistics::Chunk)
        }
        Statistics::Pages => builder.set_column_statistics_enabled(leaf(), EnabledStatistics::Page),
    };
    if column.bloom == Bloom::Nothing {
        return builder;
    }
    // Made for as many values, and folded to what they need.
    let filter = BloomFilterProperties::builder()
        .with_fpp(BLOOM_FALSE_POSITIVES)
        .with_max_ndv(row_group_rows as u64)
        .build();
    builder.set_column_bloom_filter_properties(leaf(), filter)
}

fn dictionary(builder: WriterPropertiesBuilder, column: &Column) -> WriterPropertiesBuilder {
    leaves(column).into_iter().fold(builder, |builder, leaf| {
        builder.set_column_dictionary_enabled(leaf, column.dictionary)
    })
}

/// The paths of the column's Parquet leaves.
pub(crate) fn leaves(column: &Column) -> Vec<ColumnPath> {
    let path = |parts: &[&str]| {
        let root = std::iter::once(column.name.to_owned());
        ColumnPath::new(
            root.chain(parts.iter().map(|part| (*part).to_owned()))
                .collect(),
        )
    };
    match column.column_type() {
        ColumnType::Texts => vec![path(&["list", "element"])],
        ColumnType::TextMap => vec![path(&["key_value", "key"]), path(&["key_value", "value"])],
        ColumnType::Hops => HOP_FIELDS
            .iter()
            .map(|member| path(&["list", "element", member.name]))
            .collect(),
        ColumnType::Text
        | ColumnType::Bool
        | ColumnType::Int
        | ColumnType::Long
        | ColumnType::Timestamp => {
            vec![path(&[])]
        }
    }
}
