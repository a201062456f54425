//! AVX2: four leaves are loaded with one instruction.
#![allow(unsafe_code, reason = "loads and stores of vectors, and calls of what the processor has")]

use std::arch::x86_64::{
    __m256i, _mm_cvtsi64_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_castsi256_si128,
    _mm256_cvtepu8_epi32, _mm256_extracti128_si256, _mm256_i32gather_epi64, _mm256_loadu_si256,
    _mm256_set1_epi32, _mm256_storeu_si256,
};

use super::{GROUP, GROUP_LEAVES, Group, answer};
use crate::block::ROWS;
use crate::kernels::Level;

/// Adds the leaves of every row.
///
/// # Panics
///
/// Where the processor has not the instructions.
pub(super) fn add(
    groups: &[Group],
    tables: &[[[i64; GROUP_LEAVES]; GROUP]],
    bytes: &[[u8; ROWS]],
    sums: &mut [i64; ROWS],
) {
    assert_eq!(Level::Avx2.possible(), Level::Avx2);
    // SAFETY: the line above proves that the processor has the instructions.
    unsafe { add_groups(groups, tables, bytes, sums) };
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn add_groups(
    groups: &[Group],
    tables: &[[[i64; GROUP_LEAVES]; GROUP]],
    bytes: &[[u8; ROWS]],
    sums: &mut [i64; ROWS],
) {
    let mut leaves = [[0; ROWS]; GROUP];
    for (group, tables) in groups.iter().zip(tables) {
        for (leaves, splits) in leaves.iter_mut().zip(&group.trees) {
            answer(splits, bytes, leaves);
        }
        for (part, sums) in sums.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let (low, high) = sums.split_at_mut(4);
            let (mut low_sum, mut high_sum) = (load(low), load(high));
            for (leaves, table) in leaves.iter().zip(tables) {
                let (low_leaves, high_leaves) = look_up(table, leaves.as_chunks::<8>().0[part]);
                low_sum = _mm256_add_epi64(low_sum, low_leaves);
                high_sum = _mm256_add_epi64(high_sum, high_leaves);
            }
            store(low, low_sum);
            store(high, high_sum);
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn look_up(table: &[i64; GROUP_LEAVES], places: [u8; 8]) -> (__m256i, __m256i) {
    let places = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(places)));
    let places = _mm256_and_si256(places, _mm256_set1_epi32(GROUP_LEAVES as i32 - 1));
    // SAFETY: no place is beyond the table, whose length less one the places were masked with.
    unsafe {
        let low = _mm256_i32gather_epi64::<8>(table.as_ptr(), _mm256_castsi256_si128(places));
        let high = _mm256_i32gather_epi64::<8>(table.as_ptr(), _mm256_extracti128_si256::<1>(places));
        (low, high)
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(sums: &[i64]) -> __m256i {
    assert_eq!(sums.len(), 4);
    // SAFETY: there are 32 bytes, and the load wants no alignment.
    unsafe { _mm256_loadu_si256(sums.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(sums: &mut [i64], vector: __m256i) {
    assert_eq!(sums.len(), 4);
    // SAFETY: there are 32 bytes, and the store wants no alignment.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), vector) };
}
