//! The masks of a block by AVX-512, whose comparisons give a bit for each byte at once: half the instructions of AVX2.
//!
//! Unsafe as [`avx2`](super::avx2) is, and for the same two reasons. An [`Avx512`] exists only where the instructions
//! were found, those of AVX2 among them.

use std::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_mask_cmpeq_epi8_mask,
    _mm512_or_si512, _mm512_set1_epi8,
};

use super::avx2::{self, Avx2};
use super::{BLOCK, Index, Masks, PAIR_DISTANCE, PAIRS, STRETCH};

/// Proof that this processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(Avx2);

impl Avx512 {
    pub(super) fn detect() -> Option<Avx512> {
        let has_more = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        Avx2::detect().filter(|_| has_more).map(Avx512)
    }

    /// For what needs no more.
    pub(super) fn avx2(self) -> Avx2 {
        self.0
    }

    pub(super) fn index(self, index: &mut Index, text: &[u8]) {
        // SAFETY: `self` is the proof that the processor has the features that the function is compiled for.
        unsafe { index_blocks(index, text) }
    }

    #[cfg(test)]
    pub(super) fn masks_of(self, stretch: &[u8; STRETCH]) -> Masks {
        // SAFETY: as above.
        unsafe { masks_of(stretch) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn index_blocks(index: &mut Index, text: &[u8]) {
    index.index_by(
        text,
        |stretch| masks_of(stretch),
        |bits| avx2::prefix_xor(bits),
    );
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,pclmulqdq,popcnt")]
fn masks_of(stretch: &[u8; STRETCH]) -> Masks {
    let (block, behind) = (load(stretch, 0), load(stretch, PAIR_DISTANCE));
    // Square and curly brackets differ in this bit alone, and no other character becomes a curly one by it.
    let curled = _mm512_or_si512(block, _mm512_set1_epi8(0x20));
    let pairs_of = |[one, other]: [u8; 2]| {
        _mm512_mask_cmpeq_epi8_mask(equal(block, one), behind, splat(other))
    };
    Masks {
        quotes: equal(block, b'"'),
        backslashes: equal(block, b'\\'),
        openings: equal(curled, b'{'),
        closings: equal(curled, b'}'),
        pairs: pairs_of(PAIRS[0]) | pairs_of(PAIRS[1]),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(stretch: &[u8; STRETCH], at: usize) -> __m512i {
    let bytes = &stretch[at..at + BLOCK];
    // SAFETY: `bytes` are as many as a register takes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn equal(block: __m512i, byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(block, splat(byte))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn splat(byte: u8) -> __m512i {
    _mm512_set1_epi8(byte.cast_signed())
}
