//! What the headers of pages claim, held against their bytes before the Parquet library believes them.
//!
//! The library makes room for as many dictionary entries as a header names, and passes over as many levels: a few bytes could ask
//! for all the memory there is, or for minutes.

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::error::{TableError, while_doing};

/// How many levels there may be in a byte of pages. Where each of 2048 rows has the same list of a hundred elements, ours have
/// some four thousand.
const LEVELS_PER_BYTE_MAX: u64 = 1 << 16;

/// How many entries of a dictionary there may be in a compressed byte. No two are the same, so ours have one or two.
const ENTRIES_PER_BYTE_MAX: u64 = 64;

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
    match levels(chunk, pages).map_err(while_doing("read the pages of a column"))? {
        Some(levels) if levels <= levels_max => Ok(()),
        _ => Err(TableError::NotParquet {
            reason: "a page claims more than it can hold",
        }),
    }
}

/// How many levels pages claim to have; `None` where a dictionary claims more entries than it can hold.
fn levels(chunk: &ColumnChunkMetaData, pages: Bytes) -> Result<Option<u64>, ParquetError> {
    // To the library these pages are a whole file, in which nothing is compressed: so it unpacks nothing.
    let alone = chunk
        .clone()
        .into_builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_page_offset(None)
        .set_data_page_offset(0)
        .set_total_compressed_size(pages.len() as i64)
        .build()?;
    let mut reader = SerializedPageReader::new(pages.into(), &alone, 0, None)?;
    let mut levels = 0_u64;
    while let Some(page) = reader.get_next_page()? {
        let (claimed, len) = (u64::from(page.num_values()), page.buffer().len() as u64);
        match page {
            Page::DictionaryPage { .. } if claimed > len * ENTRIES_PER_BYTE_MAX => return Ok(None),
            Page::DictionaryPage { .. } => {}
            _ => levels += claimed,
        }
    }
    Ok(Some(levels))
}

#[cfg(test)]
mod tests {
    use trailback_sessions::Issuance;

    use super::*;
    use crate::encode_fragment;
    use crate::footer::Footer;
    use crate::schema::{FileKind, Table};

    /// A number in Thrift's compact form, behind the byte that says that a number of 32 bits follows in the next field.
    fn number(value: u32) -> Vec<u8> {
        let (mut rest, mut bytes) = (u64::from(value) << 1, vec![0x15]);
        while rest > 0x7f {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    }

    /// A page of so many bytes: its type, the beginning of that type's own header, its claim, and the rest of that header.
    fn page(kind: u32, own_header: u8, claimed: u32, rest: &[u8], len: u32) -> Vec<u8> {
        let sizes = [number(kind), number(len), number(len)].concat();
        let own = [&[own_header][..], &number(claimed), rest, &[0, 0]].concat();
        [sizes, own, vec![7; len as usize]].concat()
    }

    fn dictionary(entries: u32, len: u32) -> Vec<u8> {
        page(2, 0x4c, entries, &number(0), len)
    }

    fn data(levels: u32, len: u32) -> Vec<u8> {
        let encodings = [number(0), number(3), number(3)].concat();
        page(0, 0x2c, levels, &encodings, len)
    }

    fn are_believed(pages: &[Vec<u8>]) -> bool {
        let file = Bytes::from(encode_fragment(&[Issuance::default()]).unwrap());
        let footer = Footer::of_file(&file, FileKind::Fragment(Table::Sessions)).unwrap();
        let chunk = footer.metadata().row_group(0).column(0);
        let checked = check(chunk, pages.concat().into());
        if let Err(refused) = &checked {
            assert!(refused.to_string().contains("claims more"), "{refused:?}");
        }
        checked.is_ok()
    }

    #[test]
    fn pages_that_can_hold_what_they_claim_are_believed() {
        assert!(are_believed(&[]));
        assert!(are_believed(&[dictionary(0, 0), data(2048, 3)]));
        // Two thousand rows of the same hundred elements.
        let lists = data(2048 * 100, 40);
        assert!(are_believed(&[dictionary(100, 900), lists.clone(), lists]));
    }

    #[test]
    fn pages_that_claim_more_than_they_can_hold_are_refused() {
        let dictionary = dictionary(1_000_000, 900);
        assert!(!are_believed(std::slice::from_ref(&dictionary)));
        assert!(!are_believed(&[data(1, 10), dictionary]));
        assert!(!are_believed(&[data(i32::MAX as u32, 40)]));
        // What each may claim, all of them together may not.
        assert!(are_believed(&[data(14_000_000, 200)]));
        assert!(!are_believed(&[data(14_000_000, 200), data(14_000_000, 0)]));
    }
}
