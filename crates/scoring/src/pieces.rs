//! A function of one number that is put together from cubic polynomials: a clipped number, a basis
//! function of a spline, a flag for a missing number, or a sum of these.

use serde::{Deserialize, Serialize};

/// Numbers count as this far from 0 at most, and knots are no further; with coefficients below
/// [`COEFFICIENT_MAX`], no polynomial then leaves the numbers that `f64` has.
pub(crate) const NUMBER_MAX: f64 = 1e30;
const COEFFICIENT_MAX: f64 = 1e60;

/// Polynomials between knots.
///
/// Piece `p` holds from knot `p - 1` (included) to knot `p` (excluded); the first and the last go on
/// without end. Its value is `c0 + c1 t + c2 t^2 + c3 t^3`, where `t` is the distance from the knot before
/// it; the first piece counts from the first knot, too, and a single piece from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pieces {
    /// Ascending.
    pub knots: Vec<f64>,
    /// One more than there are knots.
    pub coefficients: Vec<[f64; 4]>,
    /// The value for a missing number.
    pub missing: f64,
}

impl Pieces {
    /// The number itself.
    pub(crate) fn number(missing: f64) -> Pieces {
        Pieces { knots: Vec::new(), coefficients: vec![[0.0, 1.0, 0.0, 0.0]], missing }
    }

    /// The function's value; `number` is NaN where it is missing.
    #[must_use]
    pub fn value(&self, number: f64) -> f64 {
        if number.is_nan() {
            return self.missing;
        }
        let number = number.clamp(-NUMBER_MAX, NUMBER_MAX);
        // A comparison for each knot, without a branch: there are few.
        let piece = self.knots.iter().map(|&knot| usize::from(knot <= number)).sum::<usize>();
        let [c0, c1, c2, c3] = self.coefficients[piece];
        let t = number - self.origin(piece);
        c0 + t * (c1 + t * (c2 + t * c3))
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let mut factors = self.coefficients.iter().flatten().chain([&self.missing]);
        let are_good = self.knots.iter().all(|knot| knot.abs() <= NUMBER_MAX)
            && factors.all(|factor| factor.abs() <= COEFFICIENT_MAX);
        if !are_good {
            return Err("has a knot or coefficient that is not finite or too large");
        }
        if self.coefficients.len() != self.knots.len() + 1 {
            return Err("has not one polynomial more than knots");
        }
        if self.knots.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err("has knots that do not ascend");
        }
        Ok(())
    }

    /// Adds `weight` times another function.
    pub(crate) fn add(&mut self, weight: f64, other: &Pieces) {
        let mut knots: Vec<f64> = self.knots.iter().chain(&other.knots).copied().collect();
        knots.sort_by(f64::total_cmp);
        knots.dedup();
        let mut sum =
            Pieces { knots, coefficients: Vec::new(), missing: self.missing + weight * other.missing };
        for piece in 0..=sum.knots.len() {
            let origin = sum.origin(piece);
            let (left, right) = (self.moved(piece, &sum, origin), other.moved(piece, &sum, origin));
            sum.coefficients.push(std::array::from_fn(|power| left[power] + weight * right[power]));
        }
        *self = sum;
    }

    fn origin(&self, piece: usize) -> f64 {
        self.knots.get(piece.saturating_sub(1)).copied().unwrap_or(0.0)
    }

    /// The polynomial that holds in a piece of a finer partition, around another origin.
    fn moved(&self, piece: usize, finer: &Pieces, origin: f64) -> [f64; 4] {
        let own = match piece {
            0 => 0,
            _ => self.knots.partition_point(|&knot| knot <= finer.knots[piece - 1]),
        };
        let [c0, c1, c2, c3] = self.coefficients[own];
        let d = origin - self.origin(own);
        [c0 + d * (c1 + d * (c2 + d * c3)), c1 + d * (2.0 * c2 + 3.0 * d * c3), c2 + 3.0 * d * c3, c3]
    }
}

#[cfg(test)]
mod tests {
    use super::Pieces;

    fn clipped() -> Pieces {
        let coefficients = vec![[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [4.0, 0.0, 0.0, 0.0]];
        Pieces { knots: vec![1.0, 4.0], coefficients, missing: 2.5 }
    }

    #[test]
    fn a_number_is_clipped_by_three_pieces() {
        let values = [-7.0, 1.0, 3.25, 4.0, 90.0, f64::NAN].map(|number| clipped().value(number));
        assert_eq!(values, [1.0, 1.0, 3.25, 4.0, 4.0, 2.5]);
    }

    #[test]
    fn no_finite_number_has_a_value_that_is_not_finite() {
        let coefficients = vec![[0.0, 1e60, 1e60, -1e60]; 2];
        let steep = Pieces { knots: vec![-1e30], coefficients, missing: 0.0 };
        assert_eq!(steep.check(), Ok(()));
        for number in [f64::MAX, f64::MIN, 1e120, 0.0] {
            assert!(steep.value(number).is_finite(), "{number}");
        }
        for wrong in [1e61, f64::NAN, f64::INFINITY] {
            assert!(Pieces { knots: vec![wrong], ..steep.clone() }.check().is_err());
            assert!(Pieces { coefficients: vec![[wrong; 4]; 2], ..steep.clone() }.check().is_err());
        }
    }

    #[test]
    fn a_sum_is_the_sum_everywhere() {
        let cubic = Pieces {
            knots: vec![0.0, 2.0],
            coefficients: vec![[0.5, 1.0, 0.0, 0.0], [0.5, 1.0, 0.3, -0.1], [2.9, 1.0, 0.0, 0.2]],
            missing: -1.0,
        };
        let mut sum = clipped();
        sum.add(-0.7, &cubic);
        sum.add(2.0, &Pieces::number(5.0));
        assert_eq!(sum.knots, [0.0, 1.0, 2.0, 4.0]);
        for step in -40..40 {
            let number = f64::from(step) / 6.0;
            let wanted = clipped().value(number) - 0.7 * cubic.value(number) + 2.0 * number;
            assert!((sum.value(number) - wanted).abs() < 1e-12, "{number}");
        }
        assert!((sum.value(f64::NAN) - (2.5 + 0.7 + 10.0)).abs() < 1e-12);
        assert_eq!(sum.check(), Ok(()));
    }
}
