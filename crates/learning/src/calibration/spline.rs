//! A calibration that bends where the scores do, but only ever upwards.
//!
//! The log-odds between points at quantiles of the scores are straight lines first, with the likeliest
//! slopes; a penalty on the bends keeps them from following noise. Then a monotone cubic is laid through
//! the points, with the slopes of Fritsch and Butland, "A Method for Constructing Local Monotone Piecewise
//! Cubic Interpolants" (1984), which fulfil the condition of Fritsch and Carlson (1980).

use scoring::Calibration;

use super::likelihood::Likelihood;
use crate::samples::Matrix;

const POINTS_MAX: usize = 8;
/// Of leavers and of stayers, for each point.
const CLASS_PER_POINT_MIN: usize = 20;
/// The penalty on bends, with slopes per standard deviation of the scores.
const ROUGHNESS: f64 = 4.0;
/// Points closer than this share of the scores' range are one.
const DISTANCE_MIN: f64 = 1e-3;

/// Nothing where the scores have no room for points that lie apart.
pub(super) fn fit(scores: &[f64], labels: &[bool]) -> Option<Calibration> {
    let positives = labels.iter().filter(|&&label| label).count();
    let wanted = positives.min(labels.len() - positives) / CLASS_PER_POINT_MIN;
    let points = points(scores, wanted.clamp(2, POINTS_MAX));
    if points.len() < 2 {
        return None;
    }
    let widths: Vec<f64> = points.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let width = widths.len();
    let values = scores.iter().flat_map(|&score| ramps(&points, score)).collect();
    let features = Matrix { rows: scores.len(), width, values };
    let found = Likelihood::new(&features, labels, ROUGHNESS * variance(scores)).maximum();
    let (secants, offset) = (&found[..width], found[width]);
    let mut log_odds = vec![offset];
    for (secant, width) in secants.iter().zip(&widths) {
        log_odds.push(log_odds[log_odds.len() - 1] + secant * width);
    }
    // Rounding can eat up a small rise where scores are huge or close.
    let ascends = log_odds.windows(2).all(|pair| pair[0] < pair[1]);
    let slopes = slopes(secants, &widths);
    ascends.then_some(Calibration::Spline { scores: points, log_odds, slopes })
}

/// So many scores at the middles of equally large parts, but for those that lie too close to the one
/// before.
fn points(scores: &[f64], wanted: usize) -> Vec<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    let distance = DISTANCE_MIN * (last - first);
    let mut points: Vec<f64> = Vec::with_capacity(wanted);
    for part in 0..wanted {
        let point = sorted[(2 * part + 1) * sorted.len() / (2 * wanted)];
        if points.last().is_none_or(|before| point > before + distance) {
            points.push(point);
        }
    }
    points
}

/// What each straight line has risen by at a score, in its own slopes; the first and the last go on.
fn ramps(points: &[f64], score: f64) -> impl Iterator<Item = f64> {
    let last = points.len() - 2;
    (0..=last).map(move |line| {
        let low = if line == 0 { f64::NEG_INFINITY } else { points[line] };
        let high = if line == last { f64::INFINITY } else { points[line + 1] };
        score.clamp(low, high) - points[line]
    })
}

/// At inner points the weighted harmonic mean of the secants on both sides, at the ends the secant.
fn slopes(secants: &[f64], widths: &[f64]) -> Vec<f64> {
    let inner = (1..secants.len()).map(|at| {
        let (left, right) = (widths[at] * 2.0 + widths[at - 1], widths[at] + 2.0 * widths[at - 1]);
        (left + right) / (left / secants[at - 1] + right / secants[at])
    });
    [secants[0]].into_iter().chain(inner).chain([secants[secants.len() - 1]]).collect()
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::{points, ramps, slopes};

    #[test]
    fn slopes_are_those_of_the_published_interpolant() {
        // scipy.interpolate.PchipInterpolator([0, 1, 3, 4], [0, 1, 2, 5]).derivative() at the inner points.
        let found = slopes(&[1.0, 0.5, 3.0], &[1.0, 2.0, 1.0]);
        assert!((found[1] - 0.692_307_692_307_692_3).abs() < 1e-12, "{found:?}");
        assert!((found[2] - 0.931_034_482_758_620_8).abs() < 1e-12, "{found:?}");
        assert_eq!((found[0], found[3]), (1.0, 3.0));
    }

    #[test]
    fn ramps_sum_to_the_distance_from_the_first_point() {
        let points = [1.0, 2.0, 4.0];
        for score in [-3.0, 1.0, 1.5, 3.0, 9.0] {
            assert_eq!(ramps(&points, score).sum::<f64>(), score - 1.0);
        }
        assert_eq!(ramps(&points, 3.0).collect::<Vec<_>>(), [1.0, 1.0]);
    }

    #[test]
    fn points_lie_apart() {
        let scores: Vec<f64> = (0..100).map(|row| if row < 60 { 0.0 } else { f64::from(row) }).collect();
        assert_eq!(points(&scores, 5), [0.0, 70.0, 90.0]);
        assert_eq!(points(&[3.0; 9], 4), [3.0]);
    }
}
