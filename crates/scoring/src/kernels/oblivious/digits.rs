//! AVX-512: 64 rows look up a digit of their leaf's value with one instruction.
//!
//! A tree of up to six levels has 64 leaves at most, and `VPERMB` looks 64 bytes up in a table of 64
//! bytes. So leaves, less the smallest of their tree, are cut into digits of 6 bits. The digits of four
//! trees add up to a byte (4 * 63 = 252), those of 260 such groups to 16 bits. The digits' sums become
//! whole numbers again only at the end.
#![allow(unsafe_code, reason = "loads of vectors, and calls of what the processor is known to have")]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi8, _mm512_add_epi16, _mm512_cmpgt_epu8_mask, _mm512_loadu_si512,
    _mm512_mask_add_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_srli_epi16,
    _mm512_storeu_si512,
};

use super::{GROUP, GROUP_LEAVES, Group, Split};
use crate::block::ROWS;
use crate::kernels::Level;

/// Bits of a digit.
const DIGIT_BITS: u32 = 6;
/// Digits of the widest leaf: 66 bits.
const DIGITS_MAX: usize = 11;
/// Groups whose digits 16 bits can add up.
const GROUPS_MAX: usize = 260;
/// Vectors of a block's bytes.
const VECTORS: usize = ROWS / 64;

/// The digits of all groups' leaves.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    groups: Vec<DigitGroup>,
    /// For each group and each of its digits, the lowest first, a table for each tree.
    digits: Vec<[[u8; GROUP_LEAVES]; GROUP]>,
    /// The sum of all trees' smallest leaves.
    smallest: i64,
}

#[derive(Debug, Clone)]
struct DigitGroup {
    trees: [Vec<Split>; GROUP],
    digits: usize,
}

impl Tables {
    pub(super) fn new(groups: &[Group], tables: &[[[i64; GROUP_LEAVES]; GROUP]]) -> Tables {
        let mut made = Tables::default();
        for (group, tables) in groups.iter().zip(tables) {
            let mut rest = [[0u64; GROUP_LEAVES]; GROUP];
            for ((rest, table), splits) in rest.iter_mut().zip(tables).zip(&group.trees) {
                let table = &table[..1 << splits.len()];
                let smallest = table.iter().copied().min().unwrap_or(0);
                made.smallest += smallest;
                for (rest, leaf) in rest.iter_mut().zip(table) {
                    *rest = leaf.abs_diff(smallest);
                }
            }
            let mut digits = 0;
            while rest.as_flattened().iter().any(|&rest| rest > 0) {
                made.digits.push(rest.map(|tree| tree.map(|rest| (rest % (1 << DIGIT_BITS)) as u8)));
                rest.as_flattened_mut().iter_mut().for_each(|rest| *rest >>= DIGIT_BITS);
                digits += 1;
            }
            made.groups.push(DigitGroup { trees: group.trees.clone(), digits });
        }
        made
    }

    /// Adds the leaves of every row.
    ///
    /// # Panics
    ///
    /// Where the processor has not the instructions.
    pub(super) fn add(&self, bytes: &[[u8; ROWS]], sums: &mut [i64; ROWS]) {
        assert_eq!(Level::Avx512.possible(), Level::Avx512);
        sums.iter_mut().for_each(|sum| *sum += self.smallest);
        let mut first = 0;
        for groups in self.groups.chunks(GROUPS_MAX) {
            let count: usize = groups.iter().map(|group| group.digits).sum();
            // SAFETY: the line above proves that the processor has the instructions.
            unsafe { add_groups(groups, &self.digits[first..first + count], bytes, sums) };
            first += count;
        }
    }
}

/// Sums of a digit over groups, in words that hold two rows each.
#[derive(Clone, Copy)]
struct DigitSums {
    /// The even row, and 256 times the odd one, modulo 2^16.
    both: [__m512i; VECTORS],
    /// The odd row.
    odd: [__m512i; VECTORS],
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn add_groups(
    groups: &[DigitGroup],
    mut digits: &[[[u8; GROUP_LEAVES]; GROUP]],
    bytes: &[[u8; ROWS]],
    sums: &mut [i64; ROWS],
) {
    let zero = _mm512_setzero_si512();
    let mut totals = [DigitSums { both: [zero; VECTORS], odd: [zero; VECTORS] }; DIGITS_MAX];
    for group in groups {
        let leaves = [
            answer(&group.trees[0], bytes),
            answer(&group.trees[1], bytes),
            answer(&group.trees[2], bytes),
            answer(&group.trees[3], bytes),
        ];
        let (here, rest) = digits.split_at(group.digits);
        digits = rest;
        for (total, tables) in totals.iter_mut().zip(here) {
            let tables = [load(&tables[0]), load(&tables[1]), load(&tables[2]), load(&tables[3])];
            for (vector, (both, odd)) in total.both.iter_mut().zip(&mut total.odd).enumerate() {
                let digit = |tree: usize| _mm512_permutexvar_epi8(leaves[tree][vector], tables[tree]);
                let left = _mm512_add_epi8(digit(0), digit(1));
                let right = _mm512_add_epi8(digit(2), digit(3));
                let sum = _mm512_add_epi8(left, right);
                *both = _mm512_add_epi16(*both, sum);
                *odd = _mm512_add_epi16(*odd, _mm512_srli_epi16::<8>(sum));
            }
        }
    }
    for (place, total) in totals.iter().enumerate() {
        let shift = place as u32 * DIGIT_BITS;
        for (vector, sums) in sums.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            let (both, odd) = (words(total.both[vector]), words(total.odd[vector]));
            for ([even_sum, odd_sum], (both, odd)) in
                sums.as_chunks_mut::<2>().0.iter_mut().zip(both.into_iter().zip(odd))
            {
                let even = both.wrapping_sub(odd << 8);
                *even_sum = even_sum.wrapping_add(i64::from(even) << shift);
                *odd_sum = odd_sum.wrapping_add(i64::from(odd) << shift);
            }
        }
    }
}

/// The leaf of every row in one tree.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn answer(splits: &[Split], bytes: &[[u8; ROWS]]) -> [__m512i; VECTORS] {
    let mut leaves = [_mm512_setzero_si512(); VECTORS];
    let mut bit = 1;
    for split in splits {
        let border = _mm512_set1_epi8(split.byte.cast_signed());
        let column = bytes[split.column as usize].as_chunks().0;
        let added = _mm512_set1_epi8(bit);
        for (leaves, bytes) in leaves.iter_mut().zip(column) {
            let is_greater = _mm512_cmpgt_epu8_mask(load(bytes), border);
            *leaves = _mm512_mask_add_epi8(*leaves, is_greater, *leaves, added);
        }
        bit <<= 1;
    }
    leaves
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: the reference is to 64 bytes, and the load wants no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn words(vector: __m512i) -> [u16; 32] {
    let mut words = [0; 32];
    // SAFETY: the array has 64 bytes, and the store wants no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) };
    words
}
