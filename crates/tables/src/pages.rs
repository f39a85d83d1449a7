//! What the headers of pages claim, held against their bytes before the Parquet library believes them.
//!
//! It makes room for as many dictionary entries as a header names, and passes over as many levels: a few bytes could ask for all
//! the memory there is, or for minutes.

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::error::{TableError, while_doing};

/// How many levels there may be in a byte of pages. Where each of 2048 rows has the same list of a hundred elements, ours have
/// some four thousand.
const LEVELS_PER_BYTE_MAX: u64 = 1 << 16;

/// Checks the pages of some columns in some row groups of a file whose bytes are all at hand.
///
/// # Errors
/// When a page claims more than it can hold, or is damaged.
pub(crate) fn check_file(
    bytes: &Bytes,
    metadata: &ParquetMetaData,
    row_groups: &[usize],
    columns: &ProjectionMask,
) -> Result<(), TableError> {
    for group in row_groups {
        let chunks = metadata.row_group(*group).columns().iter().enumerate();
        for (_, chunk) in chunks.filter(|(leaf, _)| columns.leaf_included(*leaf)) {
            let (start, len) = chunk.byte_range();
            check(chunk, bytes.slice(start as usize..(start + len) as usize))?;
        }
    }
    Ok(())
}

/// Checks some pages of a column, which follow each other.
///
/// # Errors
/// When a page claims more than it can hold, or is damaged.
pub(crate) fn check(chunk: &ColumnChunkMetaData, pages: Bytes) -> Result<(), TableError> {
    let levels_max = (pages.len() as u64).saturating_mul(LEVELS_PER_BYTE_MAX);
    let claimed = claims(chunk, pages).map_err(while_doing("read the pages of a column"))?;
    match claimed {
        Some(levels) if levels <= levels_max => Ok(()),
        _ => Err(TableError::NotParquet {
            reason: "a page claims more than it can hold",
        }),
    }
}

/// How many levels pages claim to have; `None` where a dictionary claims more entries than it has bytes.
fn claims(chunk: &ColumnChunkMetaData, pages: Bytes) -> Result<Option<u64>, ParquetError> {
    // To the library these pages are a whole file.
    let alone = chunk.clone().into_builder();
    let alone = alone
        .set_dictionary_page_offset(None)
        .set_data_page_offset(0)
        .set_total_compressed_size(pages.len() as i64)
        .build()?;
    let mut reader = SerializedPageReader::new(pages.into(), &alone, 0, None)?;
    let mut levels = 0_u64;
    while let Some(page) = reader.peek_next_page()? {
        levels = levels.saturating_add(page.num_levels.unwrap_or_default() as u64);
        if !page.is_dict {
            reader.skip_next_page()?;
        } else if let Some(page) = reader.get_next_page()?
            && !fits(&page)
        {
            return Ok(None);
        }
    }
    Ok(Some(levels))
}

/// No value of a dictionary takes less than a byte.
fn fits(dictionary: &Page) -> bool {
    dictionary.num_values() as usize <= dictionary.buffer().len()
}
