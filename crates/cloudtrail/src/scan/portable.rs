//! The masks of a block by plain 64-bit arithmetic, eight bytes at a time.

use super::{Index, Masks, PAIR_DISTANCE, PAIRS, STRETCH};

const LOW_BITS: u64 = u64::from_le_bytes([0x7f; 8]);

pub(super) fn index(index: &mut Index, text: &[u8]) {
    index.index_by(text, masks_of, prefix_xor);
}

#[inline]
pub(super) fn masks_of(stretch: &[u8; STRETCH]) -> Masks {
    let mut masks = Masks {
        quotes: 0,
        backslashes: 0,
        openings: 0,
        closings: 0,
        pairs: 0,
    };
    let words = stretch.as_chunks().0;
    let words_behind = stretch[PAIR_DISTANCE..].as_chunks().0;
    for (place, (word, word_behind)) in words.iter().zip(words_behind).enumerate() {
        let word = u64::from_le_bytes(*word);
        let word_behind = u64::from_le_bytes(*word_behind);
        // Square and curly brackets differ in this bit alone.
        let curled = word | all(0x20);
        let at = |bits: u64| gather(bits) << (place * 8);
        masks.quotes |= at(zeros(word ^ all(b'"')));
        masks.backslashes |= at(zeros(word ^ all(b'\\')));
        masks.openings |= at(zeros(curled ^ all(b'{')));
        masks.closings |= at(zeros(curled ^ all(b'}')));
        let pair = |[one, other]: [u8; 2]| zeros((word ^ all(one)) | (word_behind ^ all(other)));
        masks.pairs |= at(pair(PAIRS[0]) | pair(PAIRS[1]));
    }
    masks
}

/// A word of eight equal bytes.
const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The top bit of each byte tells whether the byte is 0; no carry leaves its byte.
#[inline]
fn zeros(word: u64) -> u64 {
    !(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS)
}

/// Gathers the top bits of the bytes: that of byte *n* at bit *n*, by way of bit 56 + *n*; no two of the products meet.
#[inline]
fn gather(top_bits: u64) -> u64 {
    (top_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Bit *n* is the exclusive or of bits 0 to *n*.
#[inline]
pub(super) fn prefix_xor(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}
