//! How many borders each of many values is beyond.
#![allow(unsafe_code, reason = "the search reads borders at places that it has just bounded")]

use super::level::{Level, compiled_for_each_level};

/// Values that are searched side by side.
const LANES: usize = 64;

/// Up to this many borders, comparing with every one beats searching.
const COMPARED_MAX: usize = 24;

/// A number type in which values are compared with borders.
pub(crate) trait Comparable: Copy + PartialOrd {
    /// Nothing is greater.
    const HIGHEST: Self;
    const ZERO: Self;
    fn rounded(value: f64) -> Self;
}

impl Comparable for f32 {
    const HIGHEST: f32 = f32::INFINITY;
    const ZERO: f32 = 0.0;

    #[inline(always)]
    fn rounded(value: f64) -> f32 {
        value as f32
    }
}

impl Comparable for f64 {
    const HIGHEST: f64 = f64::INFINITY;
    const ZERO: f64 = 0.0;

    #[inline(always)]
    fn rounded(value: f64) -> f64 {
        value
    }
}

/// Ascending borders, laid out for the search: behind them stand infinities, up to one less than a power
/// of two, so that every search takes the same steps.
#[derive(Debug, Clone)]
pub(crate) struct Borders<T> {
    padded: Vec<T>,
    count: usize,
}

impl<T: Comparable> Borders<T> {
    /// `borders` ascend, and there are 65,535 at most.
    pub(crate) fn new(borders: impl Iterator<Item = T>) -> Borders<T> {
        let mut padded: Vec<T> = borders.collect();
        let count = padded.len();
        padded.resize((count + 1).next_power_of_two() - 1, T::HIGHEST);
        Borders { padded, count }
    }

    /// The number of borders that one value is greater than; 0 for NaN.
    pub(crate) fn bin(&self, value: f64) -> u16 {
        let value = T::rounded(value);
        self.padded[..self.count].partition_point(|&border| value > border) as u16
    }
}

/// The bin of every value; `bins` are as many as `values`.
pub(crate) fn count_f32(level: Level, borders: &Borders<f32>, values: &[f64], bins: &mut [u16]) {
    match level {
        Level::Portable => count_one_by_one(borders, values, bins),
        level => count_side_by_side_f32(level, borders, values, bins),
    }
}

/// The same in [`f64`].
pub(crate) fn count_f64(level: Level, borders: &Borders<f64>, values: &[f64], bins: &mut [u16]) {
    match level {
        Level::Portable => count_one_by_one(borders, values, bins),
        level => count_side_by_side_f64(level, borders, values, bins),
    }
}

compiled_for_each_level! {
    fn count_side_by_side_f32(borders: &Borders<f32>, values: &[f64], bins: &mut [u16]) {
        count(borders, values, bins);
    }
}

compiled_for_each_level! {
    fn count_side_by_side_f64(borders: &Borders<f64>, values: &[f64], bins: &mut [u16]) {
        count(borders, values, bins);
    }
}

/// Without loads from many places at once, a search is faster when it is alone.
fn count_one_by_one<T: Comparable>(borders: &Borders<T>, values: &[f64], bins: &mut [u16]) {
    if borders.count <= COMPARED_MAX {
        return count(borders, values, bins);
    }
    for (bin, &value) in bins.iter_mut().zip(values) {
        *bin = borders.bin(value);
    }
}

#[inline(always)]
fn count<T: Comparable>(borders: &Borders<T>, values: &[f64], bins: &mut [u16]) {
    for (values, bins) in values.chunks(LANES).zip(bins.chunks_mut(LANES)) {
        let mut lanes = [T::ZERO; LANES];
        for (lane, &value) in lanes.iter_mut().zip(values) {
            *lane = T::rounded(value);
        }
        let counts = match borders.count {
            0..=COMPARED_MAX => compared(&borders.padded[..borders.count], &lanes),
            _ => searched(&borders.padded, &lanes),
        };
        for (bin, count) in bins.iter_mut().zip(counts) {
            *bin = count as u16;
        }
    }
}

#[inline(always)]
fn compared<T: Comparable>(borders: &[T], lanes: &[T; LANES]) -> [u32; LANES] {
    let mut counts = [0; LANES];
    for &border in borders {
        for (count, &value) in counts.iter_mut().zip(lanes) {
            *count += u32::from(value > border);
        }
    }
    counts
}

#[inline(always)]
fn searched<T: Comparable>(padded: &[T], lanes: &[T; LANES]) -> [u32; LANES] {
    let mut counts = [0u32; LANES];
    let mut step = padded.len().div_ceil(2) as u32;
    while step > 0 {
        for (count, &value) in counts.iter_mut().zip(lanes) {
            // SAFETY: `padded` has 2^n - 1 entries. Before the step of size 2^k, `count` is a sum of
            // different powers of two from 2^(k+1) to 2^(n-1), so at most 2^n - 2^(k+1), and the place is
            // at most 2^n - 2^(k+1) + 2^k - 1, which is less than 2^n - 1.
            let border = unsafe { *padded.get_unchecked((*count + step - 1) as usize) };
            *count += if value > border { step } else { 0 };
        }
        step /= 2;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::{Borders, count_f32, count_f64};
    use crate::kernels::Level;

    /// Numbers that look random and are the same each time.
    fn numbers(count: usize) -> Vec<f64> {
        (0..count as u64)
            .map(|place| (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / 64.0)
            .collect()
    }

    #[test]
    fn every_level_counts_what_a_plain_search_finds() {
        for count in [0, 1, 2, 3, 23, 24, 25, 31, 32, 63, 64, 255, 256, 1000, 65_535] {
            let mut borders = numbers(count);
            borders.sort_by(f64::total_cmp);
            let mut values = numbers(700);
            values.extend(borders.iter().take(300));
            values.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300]);
            let exact = Borders::new(borders.iter().copied());
            let rounded = Borders::new(borders.iter().map(|&border| border as f32));
            for level in Level::all() {
                let mut bins = vec![9; values.len()];
                count_f64(level, &exact, &values, &mut bins);
                assert!(
                    bins.iter().zip(&values).all(|(&bin, &value)| bin == exact.bin(value)),
                    "{level:?} {count}"
                );
                count_f32(level, &rounded, &values, &mut bins);
                assert!(
                    bins.iter().zip(&values).all(|(&bin, &value)| bin == rounded.bin(value)),
                    "{level:?} {count}"
                );
            }
        }
    }
}
