//! The pictures of a report: which curves they have and what their marks mean.

use super::plot::{Axis, Plot};
use super::words::{amount, count, figure, percent, short_amount};
use crate::quality::{Point, ProfitCurve, Quality};

const DIAGONAL: [Point; 2] = [[0.0, 0.0], [1.0, 1.0]];

/// All pictures that there are figures for.
pub(super) fn all(quality: &Quality) -> Vec<Plot> {
    let mut plots =
        vec![roc(quality), precision_recall(quality), calibration(quality), gain(quality), lift(quality)];
    plots.extend(quality.curves.profit.as_ref().map(profit));
    plots
}

/// Shares of the customers at the threshold.
struct AtThreshold {
    flagged: f64,
    recall: f64,
    false_positive_rate: f64,
    precision: f64,
}

fn at_threshold(quality: &Quality) -> AtThreshold {
    let confusion = quality.unseen.confusion;
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let positives = quality.unseen.positives;
    AtThreshold {
        flagged: share(confusion.flagged(), quality.unseen.rows),
        recall: share(confusion.true_positives, positives),
        false_positive_rate: share(confusion.false_positives, quality.unseen.rows - positives),
        precision: share(confusion.true_positives, confusion.flagged()),
    }
}

fn roc(quality: &Quality) -> Plot {
    let at = at_threshold(quality);
    let (found, vain) = (percent(at.recall, 0), percent(at.false_positive_rate, 0));
    Plot::new("roc", "ROC curve", Axis::share("stayers flagged in vain"), Axis::share("leavers found"))
        .described(format!(
            "The further the curve is above the dashed line of chance, the better. Area {}.",
            quality.unseen.metrics.auc.map(figure).unwrap_or_default()
        ))
        .line("chance", "chance", &DIAGONAL)
        .line("curve", "the model", &quality.curves.roc)
        .mark(
            "threshold",
            format!("threshold: {found} found, {vain} in vain"),
            [at.false_positive_rate, at.recall],
        )
}

fn precision_recall(quality: &Quality) -> Plot {
    let at = at_threshold(quality);
    let share = quality.unseen.positives as f64 / quality.unseen.rows.max(1) as f64;
    let mark = format!("threshold: {} of those flagged left", percent(at.precision, 0));
    let x = Axis::share("leavers found (recall)");
    Plot::new("precision-recall", "Precision and recall", x, Axis::share("left, of those flagged"))
        .described(format!(
            "How many of those flagged leave, against how many leavers are found. Average precision {}.",
            quality.unseen.metrics.average_precision.map(figure).unwrap_or_default()
        ))
        .line("chance", "chance", &[[0.0, share], [1.0, share]])
        .line("curve", "the model", &quality.curves.precision_recall)
        .mark("threshold", mark, [at.recall, at.precision])
}

fn calibration(quality: &Quality) -> Plot {
    let bins = &quality.curves.calibration;
    let points: Vec<Point> = bins.iter().map(|bin| [bin.mean_probability, bin.left.value]).collect();
    let x = Axis::share("probability that the model gave");
    let plot = Plot::new("calibration", "Calibration", x, Axis::share("share who left"))
        .described(format!(
            "On the dashed line, a probability means what it says. {} groups of about {} customers, with \
             95 % intervals.",
            bins.len(),
            count(bins.first().map_or(0, |bin| bin.rows))
        ))
        .line("chance", "exact", &DIAGONAL)
        .line("curve", "the model", &points);
    bins.iter().fold(plot, |plot, bin| {
        plot.whisker(bin.mean_probability, bin.left.value, [bin.left.low, bin.left.high])
    })
}

fn gain(quality: &Quality) -> Plot {
    let at = at_threshold(quality);
    let legend = format!("threshold: {} flagged, {} found", percent(at.flagged, 0), percent(at.recall, 0));
    let x = Axis::share("customers contacted, the riskiest first");
    Plot::new("gain", "Cumulative gain", x, Axis::share("leavers reached"))
        .described("How many of the leavers are reached by contacting the riskiest customers.".to_owned())
        .line("chance", "chance", &DIAGONAL)
        .line("curve", "the model", &quality.curves.gain)
        .mark("threshold", legend, [at.flagged, at.recall])
}

fn lift(quality: &Quality) -> Plot {
    let points = &quality.curves.lift;
    let show = |value: f64| format!("{value}\u{202f}×");
    let y = Axis::around("leavers, against a random list", points.iter().map(|point| point[1]), show);
    let x = Axis::share("customers contacted, the riskiest first");
    let at_tenth = points.iter().find(|point| point[0] >= 0.1).copied().unwrap_or([0.1, 1.0]);
    Plot::new("lift", "Lift", x, y)
        .described("How many times more leavers are reached than by contacting as many at random.".to_owned())
        .line("chance", "chance", &[[0.0, 1.0], [1.0, 1.0]])
        .line("curve", "the model", points)
        .mark("point", format!("riskiest tenth: {:.1}\u{202f}×", at_tenth[1]), at_tenth)
}

fn profit(curve: &ProfitCurve) -> Plot {
    let y =
        Axis::around("profit per 1,000 customers", curve.points.iter().map(|point| point[1]), short_amount);
    let costs = curve.costs;
    let legend = |what: &str, point: Point| {
        format!("{what}: {} contacted, profit {}", percent(point[0], 0), amount(point[1]))
    };
    Plot::new("profit", "Profit", Axis::share("customers contacted, the riskiest first"), y)
        .described(format!(
            "Where a contact costs {}, a leaver who stays brings {}, and {} of the contacted leavers stay.",
            costs.contact_cost,
            costs.retained_value,
            percent(costs.success_rate, 0)
        ))
        .line("chance", "nothing gained", &[[0.0, 0.0], [1.0, 0.0]])
        .line("curve", "the model", &curve.points)
        .mark("point", legend("best", curve.best), curve.best)
        .mark("threshold", legend("threshold", curve.at_threshold), curve.at_threshold)
}
