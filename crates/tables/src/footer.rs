//! The footer of a file: whether it is ours, and what it says of its row groups.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::DecodeResult;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions,
    ParquetMetaDataPushDecoder, ParquetStatisticsPolicy, RowGroupMetaData,
};

use crate::checksums::Checksums;
use crate::error::{TableError, while_doing};
use crate::file_filters::{self, FileFilters};
use crate::schema::{FileKind, SCHEMA_VERSION};
use crate::writer::{SCHEMA_VERSION_KEY, TABLE_KEY};

/// The length of the footer in four bytes, then the magic.
const TAIL_BYTES: u64 = 8;

/// The four bytes that begin and end a Parquet file.
const MAGIC: &[u8] = b"PAR1";

/// How many rows there may be in a byte of a file: rows of nothing take no bytes, and a few hundred bytes could ask for all the
/// memory there is. Where every row is the same, ours have eleven: each column has a page, with its header, every 2048 rows.
pub(crate) const ROWS_PER_BYTE_MAX: u64 = 64;

/// A decoded footer. Cheap to clone, and worth keeping between the scans of one object.
#[derive(Clone, Debug)]
pub struct Footer {
    file_len: u64,
    metadata: Arc<ParquetMetaData>,
    checksums: Option<Checksums>,
    file_filters: FileFilters,
}

impl Footer {
    /// The footer of a data object whose bytes are all at hand, once every one of them has been checked.
    pub(crate) fn of_checked_file(bytes: &Bytes, kind: FileKind) -> Result<Self, TableError> {
        let file_len = bytes.len() as u64;
        let tail = file_len.saturating_sub(TAIL_BYTES) as usize..bytes.len();
        let footer = footer_range(file_len, &bytes[tail])?;
        let body_len = Checksums::start(footer.start) as usize;
        let decoded = Self::decode_checked(file_len, footer, &bytes.slice(body_len..), kind)?;
        if let Some(checksums) = &decoded.checksums {
            checksums.check(0, &bytes[..body_len])?;
        }
        Ok(decoded)
    }

    /// Decodes the footer of a data object, `footer`, from the bytes of the file from its checksums on.
    pub(crate) fn decode_checked(
        file_len: u64,
        footer: Range<u64>,
        bytes: &Bytes,
        kind: FileKind,
    ) -> Result<Self, TableError> {
        let (checksums, bytes) = match Checksums::open(bytes, footer.start) {
            Err(TableError::NoChecksums) => {
                // A file of something else says so, and has no need of checksums.
                let of_footer = (footer.start - Checksums::start(footer.start)) as usize;
                let bytes = bytes.slice(of_footer.min(bytes.len())..);
                Self::decode(file_len, footer, bytes, kind)?;
                return Err(TableError::NoChecksums);
            }
            opened => opened?,
        };
        let mut decoded = Self::decode(file_len, footer, bytes, kind)?;
        if let Some(names) = value(&decoded.metadata, file_filters::KEY) {
            decoded.file_filters = FileFilters::read(names, checksums.body_len())?;
        }
        decoded.checksums = Some(checksums);
        Ok(decoded)
    }

    /// The Bloom filters of the whole data object.
    pub(crate) fn file_filters(&self) -> &FileFilters {
        &self.file_filters
    }

    /// The checksums of a data object.
    pub(crate) fn checksums(&self) -> Option<&Checksums> {
        self.checksums.as_ref()
    }

    /// The footer of a file whose bytes are all at hand.
    pub(crate) fn of_file(bytes: &Bytes, kind: FileKind) -> Result<Self, TableError> {
        let file_len = bytes.len() as u64;
        let tail = file_len.saturating_sub(TAIL_BYTES) as usize..bytes.len();
        let range = footer_range(file_len, &bytes[tail])?;
        let footer = bytes.slice(range.start as usize..range.end as usize);
        Self::decode(file_len, range, footer, kind)
    }

    /// Decodes the bytes of [`footer_range`].
    fn decode(
        file_len: u64,
        range: Range<u64>,
        bytes: Bytes,
        kind: FileKind,
    ) -> Result<Self, TableError> {
        // Sizes and encodings of pages are for engines that plan with them; we do not.
        let options = ParquetMetaDataOptions::new()
            .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        let mut decoder = ParquetMetaDataPushDecoder::try_new(file_len)
            .map_err(while_doing("read a Parquet footer"))?
            .with_page_index_policy(PageIndexPolicy::Skip)
            .with_metadata_options(Some(Arc::new(options)));
        decoder
            .push_range(range, bytes)
            .map_err(while_doing("read a Parquet footer"))?;
        match decoder
            .try_decode()
            .map_err(while_doing("read a Parquet footer"))?
        {
            DecodeResult::Data(metadata) => {
                check_table(&metadata, kind)?;
                check_ranges(&metadata, file_len)?;
                check_row_counts(&metadata)?;
                Ok(Self {
                    file_len,
                    metadata: Arc::new(metadata),
                    checksums: None,
                    file_filters: FileFilters::default(),
                })
            }
            DecodeResult::NeedsData(_) | DecodeResult::Finished => Err(TableError::NotParquet {
                reason: "the footer is cut short",
            }),
        }
    }

    /// The length of the file, in bytes.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.file_len
    }

    /// How many rows the file has.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.metadata
            .row_groups()
            .iter()
            .map(|group| group.num_rows() as usize)
            .sum()
    }

    /// What the footer says of the file's row groups and columns.
    #[must_use]
    pub fn metadata(&self) -> &Arc<ParquetMetaData> {
        &self.metadata
    }
}

/// The range of the footer, tail included, from the last bytes of the file.
pub(crate) fn footer_range(file_len: u64, last_bytes: &[u8]) -> Result<Range<u64>, TableError> {
    let tail = match last_bytes.last_chunk::<{ TAIL_BYTES as usize }>() {
        Some(tail) if tail.ends_with(MAGIC) => tail,
        Some(_) => {
            return Err(TableError::NotParquet {
                reason: "it does not end with PAR1",
            });
        }
        None => {
            return Err(TableError::NotParquet {
                reason: "it is shorter than a footer",
            });
        }
    };
    let [a, b, c, d, ..] = *tail;
    let footer_len = u64::from(u32::from_le_bytes([a, b, c, d])) + TAIL_BYTES;
    match file_len.checked_sub(footer_len) {
        Some(start) => Ok(start..file_len),
        None => Err(TableError::NotParquet {
            reason: "its footer is longer than the file",
        }),
    }
}

/// What the file's own metadata says under a key.
fn value<'m>(metadata: &'m ParquetMetaData, key: &str) -> Option<&'m str> {
    let mut pairs = metadata.file_metadata().key_value_metadata()?.iter();
    pairs.find(|pair| pair.key == key)?.value.as_deref()
}

fn check_table(metadata: &ParquetMetaData, expected: FileKind) -> Result<(), TableError> {
    match value(metadata, TABLE_KEY) {
        Some(name) if name == expected.name() => {}
        found => {
            let found = found.map_or("no table of Trailback".to_owned(), |name| {
                format!("the table {name}")
            });
            return Err(TableError::OtherTable {
                expected: expected.name(),
                found,
            });
        }
    }
    let found = value(metadata, SCHEMA_VERSION_KEY)
        .and_then(|version| version.parse().ok())
        .unwrap_or(0);
    if found > SCHEMA_VERSION {
        return Err(TableError::NewerSchema {
            found,
            known: SCHEMA_VERSION,
        });
    }
    Ok(())
}

/// Offsets and counts that a damaged footer makes up would be believed by the readers below us.
fn check_ranges(metadata: &ParquetMetaData, file_len: u64) -> Result<(), TableError> {
    let damaged = |reason| Err(TableError::NotParquet { reason });
    let mut rows_left = file_len.saturating_mul(ROWS_PER_BYTE_MAX);
    for group in metadata.row_groups() {
        let Ok(rows) = u64::try_from(group.num_rows()) else {
            return damaged("a row group has a negative number of rows");
        };
        let Some(left) = rows_left.checked_sub(rows) else {
            return damaged("its footer tells of more rows than it can hold");
        };
        rows_left = left;
        for chunk in group.columns() {
            let start = chunk
                .dictionary_page_offset()
                .unwrap_or(chunk.data_page_offset());
            let fits = |start: i64, len: i64| {
                start >= 0
                    && len >= 0
                    && start
                        .checked_add(len)
                        .is_some_and(|end| end as u64 <= file_len)
            };
            if !fits(start, chunk.compressed_size()) {
                return damaged("a column lies outside the file");
            }
            if let (Some(start), Some(len)) =
                (chunk.bloom_filter_offset(), chunk.bloom_filter_length())
                && !fits(start, i64::from(len))
            {
                return damaged("a bloom filter lies outside the file");
            }
            if let (Some(start), Some(len)) =
                (chunk.offset_index_offset(), chunk.offset_index_length())
                && !fits(start, i64::from(len))
            {
                return damaged("a page index lies outside the file");
            }
        }
    }
    Ok(())
}

/// Readers of whole files go by what columns hold, those of parts by the number of rows: where the two differ they would see
/// different rows.
fn check_row_counts(metadata: &ParquetMetaData) -> Result<(), TableError> {
    let groups = metadata.row_groups().iter();
    let is_sum = groups.clone().map(RowGroupMetaData::num_rows).sum::<i64>()
        == metadata.file_metadata().num_rows();
    let holds = |rows: i64, chunk: &ColumnChunkMetaData| match chunk.column_descr().max_rep_level()
    {
        0 => chunk.num_values() == rows,
        // An empty list takes a value as well.
        _ => chunk.num_values() >= rows,
    };
    let mut groups = groups.map(|group| (group.num_rows(), group.columns().iter()));
    match is_sum && groups.all(|(rows, mut columns)| columns.all(|chunk| holds(rows, chunk))) {
        true => Ok(()),
        false => Err(TableError::NotParquet {
            reason: "its footer tells of other rows than its columns hold",
        }),
    }
}
