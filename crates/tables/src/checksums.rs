//! Checksums of a data object, so that no damaged byte is ever believed.
//!
//! Parquet has room for a checksum in each page's header, which few writers fill, and none for footers, page indexes and
//! Bloom filters; yet one flipped bit in any of them can make another row of a row, or hide it. So a data object carries
//! checksums of its own, in bytes between its last part and its footer, which Parquet leaves free and other readers
//! pass by:
//!
//! ```text
//! body: pages, indexes, Bloom filters of row groups and file │ CRC of each block of the body │ CRC of the footer │ CRC of these CRCs │ magic │ footer
//! ```
//!
//! A reader that wants a part of the body reads the blocks that hold it, and checks them.

use std::ops::Range;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};

use crate::error::TableError;

/// A block of the body. Small, because a look-up of one value reads a whole one; large, because all checksums are read
/// with the footer: four bytes in 16,384 are 25 KB for 100 MB.
const BLOCK_BYTES: u64 = 16 * 1024;

/// A checksum's length.
const SUM_BYTES: usize = 4;

/// Ends the checksums.
const MAGIC: &[u8; 8] = b"TRBCKCRC";

/// The footer's checksum, that of all checksums, and the magic.
const CLOSING_BYTES: usize = 2 * SUM_BYTES + MAGIC.len();

/// CRC-32C: of all 32-bit checksums the one that processors compute by themselves.
fn sum(bytes: &[u8]) -> [u8; SUM_BYTES] {
    let crc = checksum(CrcAlgorithm::Crc32Iscsi, bytes);
    #[expect(clippy::cast_possible_truncation, reason = "it has 32 bits")]
    (crc as u32).to_le_bytes()
}

/// The body of a Parquet file and its footer, with checksums between them.
pub(crate) fn seal(body: Vec<u8>, footer: &[u8]) -> Vec<u8> {
    let mut file = body;
    let mut sums: Vec<u8> = file.chunks(BLOCK_BYTES as usize).flat_map(sum).collect();
    sums.extend(sum(footer));
    let sum_of_sums = sum(&sums);
    file.reserve_exact(sums.len() + SUM_BYTES + MAGIC.len() + footer.len());
    file.extend(sums);
    file.extend(sum_of_sums);
    file.extend(MAGIC);
    file.extend(footer);
    file
}

/// The checksums of one file. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Checksums {
    body_len: u64,
    blocks: Bytes,
}

impl Checksums {
    /// From where the checksums and the footer are read, in a file whose footer begins at `footer_start`.
    pub(crate) fn start(footer_start: u64) -> u64 {
        let sealed = footer_start.saturating_sub(CLOSING_BYTES as u64);
        let block_count = sealed.div_ceil(BLOCK_BYTES + SUM_BYTES as u64);
        sealed.saturating_sub(block_count * SUM_BYTES as u64)
    }

    /// Takes the checksums, and the footer behind them, from the bytes of a file from [`start`](Self::start) on.
    pub(crate) fn open(bytes: &Bytes, footer_start: u64) -> Result<(Self, Bytes), TableError> {
        let body_len = Self::start(footer_start);
        let (sums, footer) = usize::try_from(footer_start - body_len)
            .ok()
            .filter(|len| *len <= bytes.len())
            .map(|len| (bytes.slice(..len), bytes.slice(len..)))
            .ok_or(TableError::NoChecksums)?;
        let sums = sums
            .strip_suffix(MAGIC)
            .map(|sums| bytes.slice_ref(sums))
            .ok_or(TableError::NoChecksums)?;
        let damaged = || TableError::Checksum {
            start: body_len,
            end: body_len + bytes.len() as u64,
        };
        let (sums, sum_of_sums) = split_sum(&sums).ok_or_else(damaged)?;
        let (blocks, sum_of_footer) = split_sum(&sums).ok_or_else(damaged)?;
        if sum(&sums) != sum_of_sums[..] || sum(&footer) != sum_of_footer[..] {
            return Err(damaged());
        }
        Ok((Self { body_len, blocks }, footer))
    }

    /// The length of what the checksums are of, in bytes.
    pub(crate) fn body_len(&self) -> u64 {
        self.body_len
    }

    /// The ranges of whole blocks that hold these ranges of the body, sorted and apart from each other.
    pub(crate) fn cover(&self, ranges: &[Range<u64>]) -> Vec<Range<u64>> {
        let whole = |range: &Range<u64>| {
            let start = range.start / BLOCK_BYTES * BLOCK_BYTES;
            let end = range.end.div_ceil(BLOCK_BYTES) * BLOCK_BYTES;
            start..end.min(self.body_len)
        };
        let mut sorted: Vec<_> = ranges.iter().map(whole).collect();
        sorted.sort_unstable_by_key(|range| range.start);
        let mut covering: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match covering.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => covering.push(range),
            }
        }
        covering
    }

    /// Checks the bytes of whole blocks, from `start` on.
    pub(crate) fn check(&self, start: u64, bytes: &[u8]) -> Result<(), TableError> {
        let first = (start / BLOCK_BYTES) as usize * SUM_BYTES;
        let sums = self.blocks.get(first..).unwrap_or_default();
        let mut sums = sums.chunks_exact(SUM_BYTES);
        for (number, block) in bytes.chunks(BLOCK_BYTES as usize).enumerate() {
            if sums.next() != Some(&sum(block)) {
                let start = start + number as u64 * BLOCK_BYTES;
                let end = start + block.len() as u64;
                return Err(TableError::Checksum { start, end });
            }
        }
        Ok(())
    }
}

/// Takes a checksum off the end.
fn split_sum(bytes: &Bytes) -> Option<(Bytes, Bytes)> {
    let at = bytes.len().checked_sub(SUM_BYTES)?;
    Some((bytes.slice(..at), bytes.slice(at..)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLOCK: usize = BLOCK_BYTES as usize;

    fn sealed(body: &[u8], footer: &[u8]) -> (Bytes, u64) {
        let file = seal(body.to_vec(), footer);
        let footer_start = (file.len() - footer.len()) as u64;
        (Bytes::from(file), footer_start)
    }

    #[test]
    fn a_body_of_any_length_is_found_again_by_where_the_footer_begins() {
        for body_len in (0..40).chain((1..4).flat_map(|n| n * BLOCK - 9..n * BLOCK + 9)) {
            let body = vec![7; body_len];
            let (file, footer_start) = sealed(&body, b"footer");
            let start = Checksums::start(footer_start);
            assert_eq!(start, body_len as u64);
            let (checksums, footer) =
                Checksums::open(&file.slice(body_len..), footer_start).unwrap();
            assert_eq!((checksums.body_len(), &footer[..]), (start, &b"footer"[..]));
            checksums.check(0, &body).unwrap();
        }
    }

    #[test]
    fn a_file_without_checksums_says_so() {
        for len in [0_u64, 10, 24, 100_000] {
            let bytes = Bytes::from(vec![0; len as usize - Checksums::start(len) as usize + 3]);
            assert!(matches!(
                Checksums::open(&bytes, len),
                Err(TableError::NoChecksums)
            ));
        }
    }

    proptest! {
        #[test]
        fn covering_blocks_hold_the_ranges_and_are_whole(
            body_len in 1_u64..200_000,
            places in prop::collection::vec((any::<prop::sample::Index>(), 1_u64..40_000), 1..6),
        ) {
            let checksums = Checksums { body_len, blocks: Bytes::new() };
            let ranges: Vec<_> = places.iter().map(|(at, len)| {
                let start = at.index(body_len as usize) as u64;
                start..(start + len).min(body_len)
            }).collect();
            let covering = checksums.cover(&ranges);
            prop_assert!(covering.windows(2).all(|pair| pair[0].end < pair[1].start));
            for cover in &covering {
                prop_assert_eq!(cover.start % BLOCK_BYTES, 0);
                prop_assert!(cover.end % BLOCK_BYTES == 0 || cover.end == body_len);
            }
            for range in ranges {
                prop_assert!(covering.iter().any(|cover| cover.start <= range.start && range.end <= cover.end));
            }
        }

        #[test]
        fn every_flipped_bit_is_found(
            body in prop::collection::vec(any::<u8>(), 1..3 * BLOCK),
            place in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let (file, footer_start) = sealed(&body, b"a footer");
            let mut damaged = file.to_vec();
            let place = place.index(damaged.len());
            damaged[place] ^= 1 << bit;
            let damaged = Bytes::from(damaged);
            let checked = Checksums::open(&damaged.slice(body.len()..), footer_start)
                .and_then(|(checksums, _)| checksums.check(0, &damaged[..body.len()]));
            prop_assert!(checked.is_err(), "byte {place}");
        }
    }
}
