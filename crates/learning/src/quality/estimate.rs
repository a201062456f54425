//! A figure with its 95 % interval.

use serde::{Deserialize, Serialize};

use super::rounded;
use crate::metrics::Auc;

/// The number of standard errors to each side of a 95 % interval.
const HALF_WIDTH: f64 = 1.959_963_984_540_054;

/// A figure and the ends of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Estimate {
    /// How many of all, by the score interval of Wilson, "Probable Inference, the Law of Succession, and
    /// Statistical Inference" (1927), which is honest for few rows too. Nothing where there are none.
    pub(crate) fn share(hits: u64, rows: u64) -> Option<Estimate> {
        if rows == 0 {
            return None;
        }
        let (count, share) = (rows as f64, hits as f64 / rows as f64);
        let square = HALF_WIDTH * HALF_WIDTH;
        let centre = (share + square / (2.0 * count)) / (1.0 + square / count);
        let variance = share * (1.0 - share) / count + square / (4.0 * count * count);
        let half = HALF_WIDTH * variance.sqrt() / (1.0 + square / count);
        // Rounding must not push the figure out of its own interval.
        let (low, high) = ((centre - half).clamp(0.0, share), (centre + half).clamp(share, 1.0));
        Some(Estimate { value: share, low, high }.rounded())
    }

    /// The mean of numbers, nearly normal by their count. Nothing where there are none.
    pub(crate) fn mean(numbers: &[f64]) -> Option<Estimate> {
        if numbers.is_empty() {
            return None;
        }
        let count = numbers.len() as f64;
        let value = numbers.iter().sum::<f64>() / count;
        let squares: f64 = numbers.iter().map(|number| (number - value).powi(2)).sum();
        let half = HALF_WIDTH * (squares / (count - 1.0).max(1.0) / count).sqrt();
        Some(Estimate { value, low: value - half, high: value + half }.rounded())
    }

    /// The first less the second, which are independent: the square-and-add interval of Zou and Donner,
    /// "Construction of confidence limits about effect measures" (2008); for shares it is Newcombe's
    /// (1998).
    pub(crate) fn difference(first: Estimate, second: Estimate) -> Estimate {
        let value = first.value - second.value;
        let below = (first.value - first.low).hypot(second.high - second.value);
        let above = (first.high - first.value).hypot(second.value - second.low);
        Estimate { value, low: value - below, high: value + above }.rounded()
    }

    fn rounded(self) -> Estimate {
        Estimate { value: rounded(self.value), low: rounded(self.low), high: rounded(self.high) }
    }
}

impl From<Auc> for Estimate {
    fn from(auc: Auc) -> Estimate {
        Estimate { value: auc.area, low: auc.low, high: auc.high }.rounded()
    }
}

#[cfg(test)]
mod tests {
    use super::Estimate;

    fn assert_close(found: Estimate, wanted: [f64; 3]) {
        let found = [found.value, found.low, found.high];
        let is_close = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 5e-5);
        assert!(is_close, "{found:?} is not {wanted:?}");
    }

    #[test]
    fn intervals_are_those_of_newcombes_papers() {
        // "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
        assert_close(Estimate::share(81, 263).unwrap(), [0.3080, 0.2553, 0.3662]);
        assert_close(Estimate::share(15, 148).unwrap(), [0.1014, 0.0624, 0.1605]);
        assert_close(Estimate::share(0, 20).unwrap(), [0.0, 0.0, 0.1611]);
        // "Interval estimation for the difference between independent proportions" (1998), table II,
        // method 10.
        let share = |hits, rows| Estimate::share(hits, rows).unwrap();
        assert_close(Estimate::difference(share(56, 70), share(48, 80)), [0.2, 0.0524, 0.3339]);
        assert_close(Estimate::difference(share(9, 10), share(3, 10)), [0.6, 0.1705, 0.8090]);
        assert_eq!(Estimate::share(0, 0), None);
    }

    #[test]
    fn the_interval_of_a_mean_is_two_standard_errors_wide() {
        let estimate = Estimate::mean(&[1.0, 2.0, 3.0]).unwrap();
        let half = 1.959_964 / 3.0f64.sqrt();
        assert_close(estimate, [2.0, 2.0 - half, 2.0 + half]);
        assert_eq!(Estimate::mean(&[]), None);
        assert_close(Estimate::mean(&[0.5]).unwrap(), [0.5; 3]);
    }
}
