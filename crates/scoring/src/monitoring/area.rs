//! The area under the ROC curve of customers who are grouped by their probability.

use serde::{Deserialize, Serialize};

/// Half the width of a 95 % interval, in standard errors.
const HALF_WIDTH: f64 = 1.959_963_984_540_054;
/// Fewer customers than this let nobody estimate an area.
pub const ESTIMATE_ROWS_MIN: u64 = 100;

/// An area under the ROC curve with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// The area: the chance that a leaver has a higher probability than a stayer, ties counting half.
    pub area: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The standard error.
    pub error: f64,
}

impl Area {
    pub(super) fn with_error(area: f64, error: f64) -> Area {
        let end = |side: f64| (area + side * HALF_WIDTH * error).clamp(0.0, 1.0);
        Area { area, low: end(-1.0), high: end(1.0), error }
    }

    /// The area of groups of leavers and stayers, lowest probability first; nothing where one side is empty.
    /// The variance is that of DeLong, DeLong and Clarke-Pearson (1988): of the share of stayers below each
    /// leaver, and of leavers above each stayer.
    pub(super) fn of_groups(groups: &[(u64, u64)]) -> Option<Area> {
        let leavers: u64 = groups.iter().map(|group| group.0).sum();
        let stayers: u64 = groups.iter().map(|group| group.1).sum();
        if leavers == 0 || stayers == 0 {
            return None;
        }
        let (many, few) = (leavers as f64, stayers as f64);
        let area = weighted(groups.iter().map(|&(left, stayed)| (left as f64, stayed as f64)))?;
        let (mut below, mut above) = (0.0, many);
        let (mut of_leavers, mut of_stayers) = (0.0, 0.0);
        for &(left, stayed) in groups {
            let (left, stayed) = (left as f64, stayed as f64);
            above -= left;
            of_leavers += left * ((below + stayed / 2.0) / few - area).powi(2);
            of_stayers += stayed * ((above + left / 2.0) / many - area).powi(2);
            below += stayed;
        }
        let variance =
            |squares: f64, count: f64| if count < 2.0 { 0.0 } else { squares / (count - 1.0) / count };
        Some(Area::with_error(area, (variance(of_leavers, many) + variance(of_stayers, few)).sqrt()))
    }
}

/// The area where groups, lowest probability first, weigh something as leavers and something as stayers.
fn weighted(groups: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (mut below, mut leavers, mut pairs) = (0.0, 0.0, 0.0);
    for (left, stayed) in groups {
        pairs += left * (below + stayed / 2.0);
        below += stayed;
        leavers += left;
    }
    (leavers > 0.0 && below > 0.0).then(|| pairs / leavers / below)
}

/// The area under the ROC curve that calibrated probabilities promise, before anything is known of what the
/// customers do: `groups` are probabilities with how many customers have them, ascending.
///
/// Confidence-based performance estimation (CBPE; NannyML, "Estimating model performance without ground
/// truth", 2022): a customer with the probability p counts as p leavers and 1 - p stayers,
///
/// `AUC = sum_i sum_j p_i (1 - p_j) ([p_i > p_j] + [p_i = p_j] / 2) / (sum_i p_i * sum_j (1 - p_j))`.
///
/// The interval is that of Hanley and McNeil (1982) for that many leavers and stayers. It holds as long as the
/// probabilities are still true: it sees that the customers have changed, not that their behaviour has.
/// Nothing for fewer customers than [`ESTIMATE_ROWS_MIN`].
#[must_use]
pub fn estimated(groups: &[(f64, u64)]) -> Option<Area> {
    let rows: u64 = groups.iter().map(|group| group.1).sum();
    if rows < ESTIMATE_ROWS_MIN {
        return None;
    }
    let weights = || groups.iter().map(|&(p, count)| (p * count as f64, (1.0 - p) * count as f64));
    let area = weighted(weights())?;
    let (leavers, stayers) = weights().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let (both_leavers, both_stayers) = (area / (2.0 - area), 2.0 * area * area / (1.0 + area));
    let square = area * area;
    let variance = (area * (1.0 - area)
        + (leavers - 1.0).max(0.0) * (both_leavers - square)
        + (stayers - 1.0).max(0.0) * (both_stayers - square))
        / (leavers * stayers);
    Some(Area::with_error(area, variance.max(0.0).sqrt()))
}
