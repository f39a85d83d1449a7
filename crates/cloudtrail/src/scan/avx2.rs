//! The masks of a block by AVX2, and which bytes lie in strings by carry-less multiplication.
//!
//! The only unsafe code of the crate: the call of a function that needs instructions which not every processor has.
//! An [`Avx2`] exists only where they were found.

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setr_epi64x,
};

use super::{BLOCK, Index, Masks, ValueScan};

/// Proof that this processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Avx2> {
        let has_all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt");
        has_all.then_some(Avx2(()))
    }

    pub(super) fn index(self, index: &mut Index, blocks: &[[u8; BLOCK]]) {
        // SAFETY: `self` is the proof that the processor has the features that the function is compiled for.
        unsafe { index_blocks(index, blocks) }
    }

    pub(super) fn advance(self, scan: &mut ValueScan, index: &Index) -> Option<u64> {
        // SAFETY: as above.
        unsafe { advance(scan, index) }
    }

    #[cfg(test)]
    pub(super) fn masks_of(self, block: &[u8; BLOCK]) -> Masks {
        // SAFETY: as above.
        unsafe { masks_of(block) }
    }

    #[cfg(test)]
    pub(super) fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: as above.
        unsafe { prefix_xor(bits) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn index_blocks(index: &mut Index, blocks: &[[u8; BLOCK]]) {
    index.index_by(blocks, |block| masks_of(block), |bits| prefix_xor(bits));
}

#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn advance(scan: &mut ValueScan, index: &Index) -> Option<u64> {
    scan.advance_in(index)
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn masks_of(block: &[u8; BLOCK]) -> Masks {
    let (low, high) = (load(block, 0), load(block, BLOCK / 2));
    // Square and curly brackets differ in this bit alone, and no other character becomes a curly one by it.
    let curl = _mm256_set1_epi8(0x20);
    let (low_curled, high_curled) = (_mm256_or_si256(low, curl), _mm256_or_si256(high, curl));
    Masks {
        quotes: equal(low, high, b'"'),
        backslashes: equal(low, high, b'\\'),
        openings: equal(low_curled, high_curled, b'{'),
        closings: equal(low_curled, high_curled, b'}'),
    }
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn load(block: &[u8; BLOCK], at: usize) -> __m256i {
    let word = |place: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&block[at + place * 8..at + place * 8 + 8]);
        i64::from_le_bytes(bytes)
    };
    _mm256_setr_epi64x(word(0), word(1), word(2), word(3))
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn equal(low: __m256i, high: __m256i, byte: u8) -> u64 {
    let wanted = _mm256_set1_epi8(byte.cast_signed());
    let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)).cast_unsigned();
    let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)).cast_unsigned();
    u64::from(low) | (u64::from(high) << 32)
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn prefix_xor(bits: u64) -> u64 {
    let ones = _mm_set1_epi8(-1);
    let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits.cast_signed()), ones);
    _mm_cvtsi128_si64(product).cast_unsigned()
}
