//! The masks of a block by plain code, made so that compilers find the vectors in it.

use super::{BLOCK, Index, Masks, PAIR_DISTANCE, PAIRS, STRETCH};

// One bit of a byte for each kind of character.
const QUOTE: u8 = 1;
const BACKSLASH: u8 = 2;
const OPENING: u8 = 4;
const CLOSING: u8 = 8;
const PAIR: u8 = 16;

pub(super) fn index(index: &mut Index, text: &[u8]) {
    index.index_by(text, masks_of, prefix_xor);
}

#[inline]
pub(super) fn masks_of(stretch: &[u8; STRETCH]) -> Masks {
    let mut kinds = [0; BLOCK];
    for (place, kind) in kinds.iter_mut().enumerate() {
        let (byte, behind) = (stretch[place], stretch[place + PAIR_DISTANCE]);
        // Square and curly brackets differ in this bit alone.
        let curled = byte | 0x20;
        let is_pair = |[one, other]: [u8; 2]| (byte == one) & (behind == other);
        let bit = |is_it: bool, kind: u8| if is_it { kind } else { 0 };
        *kind = bit(byte == b'"', QUOTE)
            | bit(byte == b'\\', BACKSLASH)
            | bit(curled == b'{', OPENING)
            | bit(curled == b'}', CLOSING)
            | bit(is_pair(PAIRS[0]) | is_pair(PAIRS[1]), PAIR);
    }
    Masks {
        quotes: mask(&kinds, QUOTE),
        backslashes: mask(&kinds, BACKSLASH),
        openings: mask(&kinds, OPENING),
        closings: mask(&kinds, CLOSING),
        pairs: mask(&kinds, PAIR),
    }
}

/// Bit *n* tells whether byte *n* is of this kind.
#[inline]
fn mask(kinds: &[u8; BLOCK], kind: u8) -> u64 {
    let mut bits = 0;
    for (place, bytes) in kinds.as_chunks().0.iter().enumerate() {
        let lowest =
            (u64::from_le_bytes(*bytes) >> kind.trailing_zeros()) & u64::from_le_bytes([1; 8]);
        // Gathers the lowest bit of byte n at bit 56 + n; no two of the products meet.
        bits |= (lowest.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (place * 8);
    }
    bits
}

/// Bit *n* is the exclusive or of bits 0 to *n*.
#[inline]
pub(super) fn prefix_xor(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}
