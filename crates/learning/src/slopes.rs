//! The slopes of a loss, exact and as whole numbers that can be added in any order.
//!
//! Sums of floating-point numbers depend on their order, and a difference of two sums loses digits. Whole
//! numbers do neither: a histogram may be the difference of two others and be added up by any number of
//! threads. Both derivatives of a row share one 64-bit number, so that one addition adds both. Shi and others,
//! "Quantized Training of Gradient Boosting Decision Trees" (2022), show that far fewer bits suffice to find
//! the same questions; leaves are calculated from exact slopes.

use std::ops::{Add, AddAssign, Sub};

/// The first and second derivative of the loss, of one row or summed over many.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Slope {
    /// The negative gradient: where to go.
    pub(crate) push: f64,
    /// The curvature: how soon to stop. Never negative.
    pub(crate) hessian: f64,
}

impl Slope {
    /// Of the log loss of a customer at a score in log-odds.
    pub(crate) fn log_loss(score: f64, has_left: bool, weight: f64) -> Slope {
        let probability = 1.0 / (1.0 + (-score).exp());
        let push = f64::from(u8::from(has_left)) - probability;
        Slope { push: weight * push, hessian: weight * probability * (1.0 - probability) }
    }

    /// Where a Newton step leads, shortened by an L2 penalty. Nowhere without any curvature.
    pub(crate) fn step(self, penalty: f64) -> f64 {
        let curvature = self.hessian + penalty;
        if curvature > 0.0 { self.push / curvature } else { 0.0 }
    }
}

impl Add for Slope {
    type Output = Slope;

    fn add(self, other: Slope) -> Slope {
        Slope { push: self.push + other.push, hessian: self.hessian + other.hessian }
    }
}

impl AddAssign for Slope {
    fn add_assign(&mut self, other: Slope) {
        *self = *self + other;
    }
}

impl Sub for Slope {
    type Output = Slope;

    fn sub(self, other: Slope) -> Slope {
        Slope { push: self.push - other.push, hessian: self.hessian - other.hessian }
    }
}

/// Bits of a packed number that hold the hessian; the others hold the push with its sign.
const HESSIAN_BITS: u32 = 28;
const HESSIAN_MASK: i64 = (1 << HESSIAN_BITS) - 1;
const HESSIAN_SUM_MAX: f64 = (1u64 << HESSIAN_BITS) as f64;
const PUSH_SUM_MAX: f64 = (1u64 << (63 - HESSIAN_BITS)) as f64;

/// The most rows that slopes are packed for: beyond them the steps become too coarse.
pub(crate) const ROWS_MAX: usize = 1 << 24;

/// What slopes are multiplied by before they are rounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    push: f64,
    hessian: f64,
}

impl Scale {
    /// The finest whose sums over all these rows, [`ROWS_MAX`] at most, fit in their bits. Rounding moves a
    /// row by less than one step, so one step for each row is left free.
    pub(crate) fn fitting(slopes: &[Slope]) -> Scale {
        let rows = slopes.len() as f64;
        let (mut push, mut hessian) = (0.0, 0.0);
        for slope in slopes {
            push += slope.push.abs();
            hessian += slope.hessian;
        }
        let steps = |room: f64, sum: f64| if sum > 0.0 { (room - rows) / sum } else { 1.0 };
        // Whole steps keep counts of rows, which are hessians in a forest, exact.
        let whole = |steps: f64| if steps > 1.0 { steps.floor() } else { steps };
        Scale { push: steps(PUSH_SUM_MAX, push), hessian: whole(steps(HESSIAN_SUM_MAX, hessian)) }
    }

    /// The slope as one whole number.
    pub(crate) fn pack(self, slope: Slope) -> i64 {
        let (push, hessian) = (slope.push * self.push, slope.hessian * self.hessian + 0.5);
        (((push + 0.5).floor() as i64) << HESSIAN_BITS) + hessian as i64
    }

    /// The slope that a packed number stands for, in steps.
    pub(crate) fn steps(packed: i64) -> Slope {
        Slope { push: (packed >> HESSIAN_BITS) as f64, hessian: (packed & HESSIAN_MASK) as f64 }
    }

    /// A hessian, or a penalty that is added to one, in steps.
    pub(crate) fn hessian_steps(self, hessian: f64) -> f64 {
        hessian * self.hessian
    }

    /// What a squared push in steps over a hessian in steps is in the units of the loss.
    pub(crate) fn gain(self, steps: f64) -> f64 {
        steps * self.hessian / (self.push * self.push)
    }
}

#[cfg(test)]
mod tests {
    use super::{Scale, Slope};

    #[test]
    fn a_packed_sum_is_the_sum_whatever_the_number_of_rows() {
        for rows in [1, 1_000, 3_000_000] {
            let slope = |row: usize| {
                let score = (row % 17) as f64 / 4.0 - 2.0;
                Slope::log_loss(score, row.is_multiple_of(3), 1.0 + (row % 5) as f64)
            };
            let slopes: Vec<Slope> = (0..rows).map(slope).collect();
            let scale = Scale::fitting(&slopes);
            let exact = slopes.iter().fold(Slope::default(), |sum, &slope| sum + slope);
            let steps = Scale::steps(slopes.iter().map(|&slope| scale.pack(slope)).sum());
            let off = |steps: f64, scale: f64, exact: f64| (steps / scale - exact).abs() / rows as f64;
            assert!(off(steps.push, scale.push, exact.push) < 1e-4, "{rows}");
            assert!(off(steps.hessian, scale.hessian, exact.hessian) < 0.02, "{rows}");
        }
    }

    #[test]
    fn one_side_alone_does_not_overflow() {
        for sign in [-1.0, 1.0] {
            let slopes = vec![Slope { push: sign * 0.5, hessian: 0.25 }; 1_000_000];
            let scale = Scale::fitting(&slopes);
            let steps = Scale::steps(slopes.iter().map(|&slope| scale.pack(slope)).sum());
            assert!((steps.push / scale.push - sign * 500_000.0).abs() < 100.0);
            assert!((steps.hessian / scale.hessian - 250_000.0).abs() < 20_000.0);
        }
    }
}
