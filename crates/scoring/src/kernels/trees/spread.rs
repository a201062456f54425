//! Turns a bit for each row on each level into a number for each row; the first level is the highest bit.
#![allow(unsafe_code, reason = "stores of vectors")]

use super::answers::Rows;
use crate::block::ROWS;

/// Levels whose bits a byte holds.
const BYTE: usize = 8;

/// Eight bytes of 0 or 1, the bits of each byte from the lowest on.
static SPREAD: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            table[byte] |= ((byte >> bit) as u64 & 1) << (8 * bit);
            bit += 1;
        }
        byte += 1;
    }
    table
};

pub(super) fn portable(levels: &[Rows], places: &mut [u16; ROWS]) {
    let (high, low) = levels.split_at(levels.len().saturating_sub(BYTE));
    for (eight, places) in places.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let (word, shift) = (eight / 8, eight % 8 * 8);
        let bytes = |levels: &[Rows]| {
            let byte = |rows: &Rows| SPREAD[usize::from((rows[word] >> shift) as u8)];
            levels.iter().fold(0, |bytes, rows| (bytes << 1) | byte(rows)).to_le_bytes()
        };
        let (high, low) = (bytes(high), bytes(low));
        for ((place, high), low) in places.iter_mut().zip(high).zip(low) {
            *place = u16::from_le_bytes([low, high]);
        }
    }
}

/// 32 rows at once: their bits are copied to the bytes of their rows, and compared.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
pub(super) fn avx2(levels: &[Rows], places: &mut [u16; ROWS]) {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_permute2x128_si256,
        _mm256_set_epi64x, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_storeu_si256, _mm256_sub_epi8, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8,
    };
    let (high, low) = levels.split_at(levels.len().saturating_sub(BYTE));
    let byte_of_row = _mm256_set_epi64x(
        0x0303_0303_0303_0303,
        0x0202_0202_0202_0202,
        0x0101_0101_0101_0101,
        0x0000_0000_0000_0000,
    );
    let bit_of_row = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    for (part, places) in places.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let bytes = |levels: &[Rows]| {
            levels.iter().fold(_mm256_setzero_si256(), |bytes, rows| {
                let word = (rows[part / 2] >> (part % 2 * 32)) as u32;
                let spread = _mm256_shuffle_epi8(_mm256_set1_epi32(word.cast_signed()), byte_of_row);
                let is_set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit_of_row), bit_of_row);
                _mm256_sub_epi8(_mm256_add_epi8(bytes, bytes), is_set)
            })
        };
        let (high, low) = (bytes(high), bytes(low));
        let (even, odd) = (_mm256_unpacklo_epi8(low, high), _mm256_unpackhi_epi8(low, high));
        let halves =
            [_mm256_permute2x128_si256::<0x20>(even, odd), _mm256_permute2x128_si256::<0x31>(even, odd)];
        for (half, places) in halves.into_iter().zip(places.as_chunks_mut::<16>().0) {
            // SAFETY: there is room for 16 places of two bytes, and the store wants no alignment.
            unsafe { _mm256_storeu_si256(places.as_mut_ptr().cast::<__m256i>(), half) };
        }
    }
}

/// 32 rows at once: their bits are a mask.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn avx512(levels: &[Rows], places: &mut [u16; ROWS]) {
    use std::arch::x86_64::{
        _mm512_mask_add_epi16, _mm512_set1_epi16, _mm512_setzero_si512, _mm512_storeu_si512,
    };
    let mut numbers = [_mm512_setzero_si512(); ROWS / 32];
    for (level, rows) in levels.iter().rev().enumerate() {
        let bit = _mm512_set1_epi16(1 << level);
        for (pair, word) in numbers.as_chunks_mut::<2>().0.iter_mut().zip(rows) {
            let [low, high] = pair;
            *low = _mm512_mask_add_epi16(*low, *word as u32, *low, bit);
            *high = _mm512_mask_add_epi16(*high, (word >> 32) as u32, *high, bit);
        }
    }
    for (numbers, places) in numbers.into_iter().zip(places.as_chunks_mut::<32>().0) {
        // SAFETY: there is room for 32 places of two bytes, and the store wants no alignment.
        unsafe { _mm512_storeu_si512(places.as_mut_ptr().cast(), numbers) };
    }
}
