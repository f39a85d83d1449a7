//! The masks of a block by plain 64-bit arithmetic, eight bytes at a time.

use super::{BLOCK, Index, Masks};

const LOW_BITS: u64 = u64::from_le_bytes([0x7f; 8]);

pub(super) fn index(index: &mut Index, blocks: &[[u8; BLOCK]]) {
    index.index_by(blocks, masks_of, prefix_xor);
}

#[inline]
pub(super) fn masks_of(block: &[u8; BLOCK]) -> Masks {
    let mut masks = Masks {
        quotes: 0,
        backslashes: 0,
        openings: 0,
        closings: 0,
    };
    for (place, bytes) in block.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*bytes);
        // Square and curly brackets differ in this bit alone.
        let curled = word | u64::from_le_bytes([0x20; 8]);
        let at = |bits: u64| bits << (place * 8);
        masks.quotes |= at(equal(word, b'"'));
        masks.backslashes |= at(equal(word, b'\\'));
        masks.openings |= at(equal(curled, b'{'));
        masks.closings |= at(equal(curled, b'}'));
    }
    masks
}

/// Bit *n* tells whether byte *n* of `word` is `byte`.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ u64::from_le_bytes([byte; 8]);
    // The top bit of each byte is set unless the byte is 0; no carry leaves its byte.
    let nonzero = ((differs & LOW_BITS) + LOW_BITS) | differs;
    let equal = (!nonzero & !LOW_BITS) >> 7;
    // Gathers bit 8n at bit 56 + n; no two of the products meet.
    equal.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Bit *n* is the exclusive or of bits 0 to *n*.
#[inline]
pub(super) fn prefix_xor(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}
