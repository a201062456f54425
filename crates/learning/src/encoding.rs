//! How one feature becomes inputs.

use scoring::{CategoryValue, Input, InputEncoding, Pieces, vocabulary};

use crate::preparation::{Missing, Preparation};
use crate::splines;

/// The rank of a value that is unknown or missing.
const UNRANKED: f64 = -1.0;

/// One number of all customers.
#[derive(Debug, Clone)]
pub(crate) struct Numbers<'a> {
    name: &'a str,
    /// In the customers' order.
    present: Vec<f64>,
    /// Ascending.
    sorted: Vec<f64>,
    has_gaps: bool,
}

impl<'a> Numbers<'a> {
    /// A column under the name of its feature; NaN is missing.
    pub(crate) fn new(name: &'a str, cells: Vec<f64>) -> Numbers<'a> {
        let rows = cells.len();
        let present: Vec<f64> = cells.into_iter().filter(|cell| !cell.is_nan()).collect();
        let mut sorted = present.clone();
        sorted.sort_by(f64::total_cmp);
        Numbers { name, has_gaps: present.len() < rows, present, sorted }
    }

    /// The inputs that are made of it.
    pub(crate) fn inputs(&self, options: &Preparation) -> Vec<Input> {
        let fill = self.fill(options.missing);
        let range = self.clip_range(options.clip);
        let mut inputs = match (range, options.knots) {
            (None, 0) => {
                let missing = (options.missing != Missing::Keep).then_some(fill);
                vec![self.input(self.name.to_owned(), InputEncoding::Number { missing })]
            }
            (range, knots) => self.functions(fill, range, knots),
        };
        if options.flag_missing && self.has_gaps {
            let flag = Pieces { knots: Vec::new(), coefficients: vec![[0.0; 4]], missing: 1.0 };
            inputs.push(self.input(format!("{} missing", self.name), InputEncoding::Pieces(flag)));
        }
        inputs
    }

    /// The number and the functions of its spline, all of them clipped.
    fn functions(&self, fill: f64, range: Option<(f64, f64)>, knots: usize) -> Vec<Input> {
        let (low, high) = range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        let values: Vec<f64> = self.present.iter().map(|number| number.clamp(low, high)).collect();
        let input = |(place, function): (usize, Pieces)| {
            let name =
                if place == 0 { self.name.to_owned() } else { format!("{} spline {place}", self.name) };
            let function = if range.is_some() { clipped(&function, low, high) } else { function };
            self.input(name, InputEncoding::Pieces(function))
        };
        splines::basis(&values, knots, fill).into_iter().enumerate().map(input).collect()
    }

    fn input(&self, name: String, encoding: InputEncoding) -> Input {
        Input { name, feature: self.name.to_owned(), encoding }
    }

    /// What stands for a missing number; 0 where all are missing.
    fn fill(&self, missing: Missing) -> f64 {
        match missing {
            Missing::Mean => self.present.iter().sum::<f64>() / self.present.len().max(1) as f64,
            Missing::Median => quantile(&self.sorted, 0.5).unwrap_or(0.0),
            Missing::Zero | Missing::Keep => 0.0,
        }
    }

    /// Between what values numbers are clipped, if at all.
    fn clip_range(&self, share: f64) -> Option<(f64, f64)> {
        let (low, high) = (quantile(&self.sorted, share)?, quantile(&self.sorted, 1.0 - share)?);
        (share > 0.0 && low < high).then_some((low, high))
    }
}

/// A column for each value.
pub(crate) fn one_hot(name: &str, values: &[CategoryValue]) -> Vec<Input> {
    let column = |(code, value): (usize, &CategoryValue)| Input {
        name: format!("{name}={}", value.value),
        feature: name.to_owned(),
        encoding: InputEncoding::Category {
            values: (0..values.len()).map(|other| f64::from(u8::from(other == code))).collect(),
            unknown: 0.0,
            missing: 0.0,
        },
    };
    values.iter().enumerate().map(column).collect()
}

/// A column of ranks. Outcomes have no part in the order, so that it cannot leak.
pub(crate) fn ordinal(name: &str, values: &[CategoryValue], codes: impl Iterator<Item = u32>) -> Input {
    let mut counts = vec![0_usize; values.len()];
    for code in codes {
        // Codes for unknown and missing values are beyond all values.
        if let Some(count) = usize::try_from(code).ok().and_then(|code| counts.get_mut(code)) {
            *count += 1;
        }
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    if vocabulary::known_feature(name).is_none() {
        order.sort_by_key(|&code| std::cmp::Reverse(counts[code]));
    }
    let mut ranks = vec![0.0; values.len()];
    order.iter().enumerate().for_each(|(rank, &code)| ranks[code] = rank as f64);
    Input {
        name: name.to_owned(),
        feature: name.to_owned(),
        encoding: InputEncoding::Category { values: ranks, unknown: UNRANKED, missing: UNRANKED },
    }
}

/// The value below which a share of the others lies, between two of them where it falls there (Hyndman and
/// Fan, "Sample Quantiles in Statistical Packages", 1996, definition 7).
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let below = (place as usize).min(last);
    let above = (below + 1).min(last);
    Some(sorted[below] + (place - below as f64) * (sorted[above] - sorted[below]))
}

/// The same function inside a range, and its value at the nearer end outside of it; what it is for a missing
/// number stays.
fn clipped(function: &Pieces, low: f64, high: f64) -> Pieces {
    let inside = function.knots.iter().copied().filter(|&knot| knot > low && knot < high);
    let knots: Vec<f64> = [low].into_iter().chain(inside).chain([high]).collect();
    let flat = |number: f64| [function.value(number), 0.0, 0.0, 0.0];
    let mut coefficients = vec![flat(low)];
    coefficients.extend(knots[..knots.len() - 1].iter().map(|&knot| around(function, knot)));
    coefficients.push(flat(high));
    Pieces { knots, coefficients, missing: function.missing }
}

/// The polynomial that holds from a number on, counted from that number.
fn around(function: &Pieces, number: f64) -> [f64; 4] {
    let piece = function.knots.iter().filter(|&&knot| knot <= number).count();
    let origin = function.knots.get(piece.saturating_sub(1)).copied().unwrap_or(0.0);
    let [c0, c1, c2, c3] = function.coefficients[piece];
    let d = number - origin;
    [c0 + d * (c1 + d * (c2 + d * c3)), c1 + d * (2.0 * c2 + 3.0 * d * c3), c2 + 3.0 * d * c3, c3]
}

#[cfg(test)]
mod tests {
    use scoring::Pieces;

    use super::{clipped, quantile};

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!((quantile(&[5.0], 1.0), quantile(&[], 0.5)), (Some(5.0), None));
    }

    #[test]
    fn a_clipped_function_is_itself_inside_and_flat_outside() {
        let cubic = Pieces {
            knots: vec![0.0, 2.0],
            coefficients: vec![[0.5, 1.0, 0.0, 0.0], [0.5, 1.0, 0.3, -0.1], [2.9, 1.0, 0.0, 0.2]],
            missing: -1.0,
        };
        for (low, high) in [(-3.0, 5.0), (0.5, 1.5), (1.0, 2.0), (2.5, 3.0), (-2.0, -1.0)] {
            let bounded = clipped(&cubic, low, high);
            for step in -60..60 {
                let number = f64::from(step) / 8.0;
                let wanted = cubic.value(number.clamp(low, high));
                // At a jump of the function the value before it holds outside.
                let is_at_end = number == low || number == high;
                assert!(is_at_end || (bounded.value(number) - wanted).abs() < 1e-12, "{low} {high} {number}");
            }
            assert_eq!(bounded.value(f64::NAN), -1.0);
        }
    }
}
