//! Sums of leaves in fixed point: whole numbers of a small step.
//!
//! Whole numbers add up to the same sum in any order, so that every level of instructions gives the same
//! bits, and their digits can be looked up and added apart.

use crate::model::ModelError;

/// The step is so small that roundings of a whole sum stay below half of this power of two: 4.5e-13.
const ERROR_EXPONENT: i32 = -41;

/// No sum needs more bits than this, so that none overflows an `i64`.
const SUM_BITS: i32 = 62;

/// A step for sums of one leaf from each tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FixedPoint {
    step: f64,
}

impl FixedPoint {
    /// `largest` has the greatest absolute value of each tree's leaves.
    ///
    /// A rounded leaf is off by half a step at most. The step makes that 2.3e-13 over all trees, except
    /// where leaves could add up to thousands: there the step is 2^-61 of the greatest possible sum.
    pub(crate) fn new(largest: impl Iterator<Item = f64>) -> Result<FixedPoint, ModelError> {
        let (trees, sum) = largest.fold((0u32, 0.0), |(trees, sum), leaf| (trees + 1, sum + leaf));
        if !f64::is_finite(sum) {
            return Err(ModelError::Unsupported("its leaves are too large to be added up".to_owned()));
        }
        let bits_of_trees = trees.next_power_of_two().trailing_zeros() as i32;
        let by_error = ERROR_EXPONENT - bits_of_trees;
        let by_size = if sum > 0.0 { sum.log2().ceil() as i32 + 1 - SUM_BITS } else { by_error };
        Ok(FixedPoint { step: 2f64.powi(by_error.max(by_size)) })
    }

    pub(crate) fn round(self, leaf: f64) -> i64 {
        (leaf / self.step).round() as i64
    }

    pub(crate) fn value(self, sum: i64) -> f64 {
        sum as f64 * self.step
    }
}

#[cfg(test)]
mod tests {
    use super::FixedPoint;

    #[test]
    fn sums_are_exact_to_a_trillionth_or_to_the_precision_of_a_float() {
        for (trees, largest) in [(1, 0.1), (500, 0.7), (3000, 12.0), (7, 1e9), (4, 1e300)] {
            let fixed = FixedPoint::new(std::iter::repeat_n(largest, trees)).unwrap();
            let leaf = largest / 3.0;
            let sum: i64 = (0..trees).map(|_| fixed.round(leaf)).sum();
            let bound = 1e-12_f64.max(largest * trees as f64 * f64::EPSILON);
            assert!((fixed.value(sum) - leaf * trees as f64).abs() < bound);
            // The greatest sum fits.
            assert!(fixed.round(largest).checked_mul(trees as i64).is_some());
        }
        assert!(FixedPoint::new([f64::MAX, f64::MAX].into_iter()).is_err());
        assert_eq!(FixedPoint::new([0.0].into_iter()).unwrap().round(0.0), 0);
    }
}
