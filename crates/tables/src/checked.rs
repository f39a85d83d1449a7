//! Parts of a data object, checked: for whoever brings a Parquet reader of their own.
//!
//! An [`Opening`] says which bytes at the end of the object hold the footer. The [`Footer`] then says which whole blocks hold a
//! wanted part, and cuts the part out of them once their checksums hold.

use std::ops::Range;

use bytes::Bytes;

use crate::checksums::Checksums;
use crate::error::{TableError, refusing_damage};
use crate::footer::{Footer, footer_range};
use crate::schema::{FileKind, Table};

/// How much of a file's end is asked for at first, so that one request brings the footer: at least so much, in bytes…
pub(crate) const TAIL_BYTES: u64 = 64 * 1024;

/// …and such a part of a large file, whose footer and checksums grow with it.
const TAIL_SHARE: u64 = 256;

/// A data object whose footer is not known yet.
#[derive(Debug)]
pub struct Opening {
    table: Table,
    file_len: u64,
    /// The last bytes of the file, which are wanted.
    tail: Range<u64>,
}

impl Opening {
    /// A data object of that table and length, in bytes.
    #[must_use]
    pub fn new(table: Table, file_len: u64) -> Self {
        let tail_len = TAIL_BYTES.max(file_len / TAIL_SHARE);
        Self {
            table,
            file_len,
            tail: file_len.saturating_sub(tail_len)..file_len,
        }
    }

    /// The bytes that [`supply`](Self::supply) takes next: the end of the file.
    #[must_use]
    pub fn wanted(&self) -> Range<u64> {
        self.tail.clone()
    }

    /// Takes the wanted bytes. `None` where the footer is longer, and more of the end is wanted.
    ///
    /// # Errors
    /// When the file is no data object of the table, is damaged, or comes from a newer program.
    pub fn supply(&mut self, bytes: &Bytes) -> Result<Option<Footer>, TableError> {
        refusing_damage(|| self.decode(bytes))
    }

    fn decode(&mut self, bytes: &Bytes) -> Result<Option<Footer>, TableError> {
        check_length(&self.tail, bytes)?;
        let footer = footer_range(self.file_len, bytes)?;
        let start = Checksums::start(footer.start);
        let Some(before) = start.checked_sub(self.tail.start) else {
            self.tail = start..self.file_len;
            return Ok(None);
        };
        let bytes = bytes.slice(before as usize..);
        let kind = FileKind::DataObject(self.table);
        Footer::decode_checked(self.file_len, footer, &bytes, kind).map(Some)
    }
}

impl Footer {
    /// The ranges of whole blocks that hold these parts, sorted and apart from each other: only whole blocks can be checked.
    ///
    /// # Errors
    /// When a part lies outside the file.
    pub fn blocks(&self, parts: &[Range<u64>]) -> Result<Vec<Range<u64>>, TableError> {
        let Some(checksums) = self.checksums() else {
            return Ok(parts.to_vec());
        };
        let body_len = checksums.body_len();
        let is_outside = |part: &Range<u64>| part.start > part.end || part.end > body_len;
        if parts.iter().any(is_outside) {
            return Err(TableError::NotParquet {
                reason: "a page lies outside the file",
            });
        }
        Ok(checksums.cover(parts))
    }

    /// Cuts parts out of the [`blocks`](Self::blocks) that hold them, in the order of the parts.
    ///
    /// # Errors
    /// When the bytes are not those that were written.
    pub fn cut(
        &self,
        parts: &[Range<u64>],
        blocks: &[(Range<u64>, Bytes)],
    ) -> Result<Vec<Bytes>, TableError> {
        for (range, bytes) in blocks {
            check_length(range, bytes)?;
            if let Some(checksums) = self.checksums() {
                checksums.check(range.start, bytes)?;
            }
        }
        parts.iter().map(|part| cut_one(part, blocks)).collect()
    }
}

/// Checks that bytes are as long as their range.
pub(crate) fn check_length(range: &Range<u64>, bytes: &Bytes) -> Result<(), TableError> {
    let (Range { start, end }, len) = (range.clone(), bytes.len());
    if end.checked_sub(start) == Some(len as u64) {
        Ok(())
    } else {
        Err(TableError::SuppliedLength { start, end, len })
    }
}

fn cut_one(part: &Range<u64>, blocks: &[(Range<u64>, Bytes)]) -> Result<Bytes, TableError> {
    let covers = |(block, _): &&(Range<u64>, Bytes)| {
        block.start <= part.start && part.start <= part.end && part.end <= block.end
    };
    let Some((block, bytes)) = blocks.iter().find(covers) else {
        return Err(TableError::SuppliedLength {
            start: part.start,
            end: part.end,
            len: 0,
        });
    };
    let place = (part.start - block.start) as usize..(part.end - block.start) as usize;
    Ok(bytes.slice(place))
}

#[cfg(test)]
mod tests {
    use trailback_sessions::Session;

    use super::*;
    use crate::encode_data_object;

    fn open(file: &Bytes) -> Result<Footer, TableError> {
        let mut opening = Opening::new(Table::Sessions, file.len() as u64);
        loop {
            let wanted = opening.wanted();
            let tail = file.slice(wanted.start as usize..wanted.end as usize);
            if let Some(footer) = opening.supply(&tail)? {
                return Ok(footer);
            }
        }
    }

    fn object() -> Bytes {
        let row = |number: usize| {
            let mut row = Session::default();
            row.issuance.record.event_id = format!("event{number:06}").into();
            row.issuance.record.event_ids = vec![row.issuance.record.event_id.clone()];
            row
        };
        let rows: Vec<Session> = (0..5_000).map(row).collect();
        Bytes::from(encode_data_object(&rows).unwrap())
    }

    #[test]
    fn parts_are_cut_out_of_the_blocks_that_hold_them() {
        let file = object();
        let footer = open(&file).unwrap();
        let parts = [30_000..30_010, 4..20, 16_380..16_390];
        let fetched: Vec<_> = footer
            .blocks(&parts)
            .unwrap()
            .into_iter()
            .map(|block| {
                let bytes = file.slice(block.start as usize..block.end as usize);
                (block, bytes)
            })
            .collect();
        let cut = footer.cut(&parts, &fetched).unwrap();
        for (part, bytes) in parts.iter().zip(cut) {
            assert_eq!(bytes, file[part.start as usize..part.end as usize]);
        }
        assert!(
            footer
                .cut(std::slice::from_ref(&(0..u64::MAX)), &fetched)
                .is_err()
        );
        assert!(footer.blocks(std::slice::from_ref(&(0..u64::MAX))).is_err());
    }

    #[test]
    fn a_flipped_bit_beside_the_part_is_found_too() {
        let file = object();
        let footer = open(&file).unwrap();
        let part = 100..200;
        let [block] = &footer.blocks(std::slice::from_ref(&part)).unwrap()[..] else {
            panic!("one block holds the part")
        };
        let mut bytes = file[block.start as usize..block.end as usize].to_vec();
        bytes[9_000] ^= 1;
        let cut = footer.cut(&[part], &[(block.clone(), bytes.into())]);
        assert!(matches!(cut, Err(TableError::Checksum { .. })));
    }

    #[test]
    fn an_object_of_another_table_is_refused() {
        let file = object();
        let mut opening = Opening::new(Table::LogObjects, file.len() as u64);
        let tail = file.slice(opening.wanted().start as usize..);
        assert!(matches!(
            opening.supply(&tail),
            Err(TableError::OtherTable { .. })
        ));
    }
}
