//! The masks of a block by AVX2, and which bytes lie in strings by carry-less multiplication.
//!
//! The only unsafe code of the crate, with its sibling's: the call of a function that needs instructions which not every processor has, and
//! the load of a register. An [`Avx2`] exists only where the instructions were found.

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_xor_si256,
};

use super::{BLOCK, Index, Masks, PAIR_DISTANCE, PAIRS, STRETCH, ValueScan};

/// The bytes of one register, half a block.
const HALF: usize = BLOCK / 2;

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

    pub(super) fn index(self, index: &mut Index, text: &[u8]) {
        // SAFETY: `self` is the proof that the processor has the features that the function is compiled for.
        unsafe { index_blocks(index, text) }
    }

    pub(super) fn advance(self, scan: &mut ValueScan, index: &Index) -> Option<u64> {
        // SAFETY: as above.
        unsafe { advance(scan, index) }
    }

    #[cfg(test)]
    pub(super) fn masks_of(self, stretch: &[u8; STRETCH]) -> Masks {
        // SAFETY: as above.
        unsafe { masks_of(stretch) }
    }

    #[cfg(test)]
    pub(super) fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: as above.
        unsafe { prefix_xor(bits) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn index_blocks(index: &mut Index, text: &[u8]) {
    index.index_by(text, |stretch| masks_of(stretch), |bits| prefix_xor(bits));
}

#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn advance(scan: &mut ValueScan, index: &Index) -> Option<u64> {
    scan.advance_in(index)
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn masks_of(stretch: &[u8; STRETCH]) -> Masks {
    let (low, high) = (load(stretch, 0), load(stretch, HALF));
    // Square and curly brackets differ in this bit alone, and no other character becomes a curly one by it.
    let curl = _mm256_set1_epi8(0x20);
    let (low_curled, high_curled) = (_mm256_or_si256(low, curl), _mm256_or_si256(high, curl));
    Masks {
        quotes: equal(low, high, b'"'),
        backslashes: equal(low, high, b'\\'),
        openings: equal(low_curled, high_curled, b'{'),
        closings: equal(low_curled, high_curled, b'}'),
        pairs: equal(
            unlike_pairs(low, load(stretch, PAIR_DISTANCE)),
            unlike_pairs(high, load(stretch, HALF + PAIR_DISTANCE)),
            0,
        ),
    }
}

/// 0 where a pair stands: its first letter in `first`, its second in `second`. (Comparing first and combining the
/// outcomes says the same, but makes the compiler take registers apart bit by bit.)
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn unlike_pairs(first: __m256i, second: __m256i) -> __m256i {
    let unlike = |[one, other]: [u8; 2]| {
        _mm256_or_si256(
            _mm256_xor_si256(first, _mm256_set1_epi8(one.cast_signed())),
            _mm256_xor_si256(second, _mm256_set1_epi8(other.cast_signed())),
        )
    };
    _mm256_min_epu8(unlike(PAIRS[0]), unlike(PAIRS[1]))
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn load(stretch: &[u8; STRETCH], at: usize) -> __m256i {
    let bytes = &stretch[at..at + HALF];
    // SAFETY: `bytes` are as many as a register takes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
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
pub(super) fn prefix_xor(bits: u64) -> u64 {
    let ones = _mm_set1_epi8(-1);
    let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits.cast_signed()), ones);
    _mm_cvtsi128_si64(product).cast_unsigned()
}
