//! Figures as people read them, and what they mean in plain words.

use scoring::Algorithm;

use crate::quality::{Confusion, Figures, Measure, Quality};

/// Between a number and its unit, and before a per cent sign: narrow, and never broken.
const THIN: char = '\u{202f}';

/// A count with commas between the thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A whole amount with commas and a true minus.
pub(super) fn amount(number: f64) -> String {
    let whole = number.abs().round();
    let sign = if number < 0.0 && whole > 0.0 { "\u{2212}" } else { "" };
    format!("{sign}{}", count(whole as u64))
}

/// An amount where there is little room: 25k, 1.5M.
pub(super) fn short_amount(number: f64) -> String {
    match number.abs() {
        size if size >= 1e6 => minus(format!("{}M", number / 1e6)),
        size if size >= 1e4 => minus(format!("{}k", number / 1e3)),
        _ => amount(number),
    }
}

/// A share in per cent, with so many decimals.
pub(super) fn percent(share: f64, decimals: usize) -> String {
    format!("{}{THIN}%", minus(format!("{:.decimals$}", share * 100.0)))
}

/// Three decimals, as metrics are usually given.
pub(super) fn figure(number: f64) -> String {
    minus(format!("{number:.3}"))
}

/// A number as short as it can be said.
pub(super) fn plain(number: f64) -> String {
    minus(number.to_string())
}

/// A threshold, to three decimals.
pub(super) fn threshold(number: f64) -> String {
    plain((number * 1e3).round() / 1e3)
}

/// "0.834 to 0.856".
pub(super) fn interval(ends: [f64; 2], show: impl Fn(f64) -> String) -> String {
    format!("{} to {}", show(ends[0]), show(ends[1]))
}

/// A hyphen is no minus; and nothing is less than zero by nothing.
fn minus(number: String) -> String {
    match number.strip_prefix('-') {
        Some(rest) if rest.chars().all(|letter| matches!(letter, '0' | '.')) => rest.to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => number,
    }
}

/// How a metric is written: a multiple for the lift, three decimals for all others.
pub(super) fn metric(key: &str, value: f64) -> String {
    if key == "lift_at_10" { format!("{value:.2}{THIN}×") } else { figure(value) }
}

/// The algorithm's name for people.
#[must_use]
pub fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Logistic => "Logistic regression",
        Algorithm::Svm => "Support vector machine",
        Algorithm::RandomForest => "Random forest",
        Algorithm::DecisionTree => "Decision tree",
        Algorithm::Catboost => "CatBoost",
        Algorithm::Xgboost => "XGBoost",
        Algorithm::Mlp => "Neural network",
    }
}

/// A measure of fairness in words, and what it counts.
pub(super) fn measure(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::ShareLeft => ("Left", "of the customers"),
        Measure::ShareFlagged => ("Flagged", "of the customers"),
        Measure::TruePositiveRate => ("Found", "flagged, of those who left"),
        Measure::FalsePositiveRate => ("Flagged in vain", "flagged, of those who stayed"),
        Measure::Precision => ("Precision", "left, of those flagged"),
        Measure::CalibrationGap => ("Calibration gap", "mean probability less share who left"),
        Measure::Auc => ("ROC AUC", "within the group"),
    }
}

/// How the difference of a measure between two groups is written: in percentage points, but for an area.
pub(super) fn measured_difference(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Auc => figure(value),
        _ => minus(format!("{:.1}", value * 100.0)) + "\u{202f}pp",
    }
}

/// How a measure of fairness is written.
pub(super) fn measured(measure: Measure, value: f64) -> String {
    match measure {
        Measure::CalibrationGap => measured_difference(measure, value),
        Measure::Auc => figure(value),
        _ => percent(value, 1),
    }
}

/// What the model is worth, in a few words.
pub(super) fn headline(quality: &Quality) -> &'static str {
    match quality.unseen.metrics.auc {
        None => "Not measured",
        Some(auc) if auc < 0.6 => "Hardly better than chance",
        Some(auc) if auc < 0.7 => "Weak at telling who will leave",
        Some(auc) if auc < 0.8 => "Fair at telling who will leave",
        Some(auc) if auc < 0.9 => "Good at telling who will leave",
        Some(_) => "Very good at telling who will leave",
    }
}

/// The same in sentences.
pub(super) fn verdict(quality: &Quality) -> Vec<String> {
    let figures = &quality.unseen;
    let mut sentences: Vec<String> = ranking(figures).into_iter().collect();
    sentences.push(flagging(&figures.confusion, quality.threshold));
    if let Some(lift) = figures.metrics.lift_at_10 {
        sentences.push(format!(
            "Contacting the riskiest tenth reaches {lift:.1} times as many leavers as a list drawn at random."
        ));
    }
    if let Some(error) = figures.metrics.calibration_error {
        sentences
            .push(format!("Its probabilities are {:.1} percentage points off on average.", error * 100.0));
    }
    if figures.metrics.auc.is_some_and(|auc| auc > 0.95) {
        sentences.push(
            "That is better than customers usually allow: make sure that no column was written after they \
             left."
                .to_owned(),
        );
    }
    sentences
}

/// What the figures were measured on.
pub(super) fn how_measured(quality: &Quality) -> String {
    let unseen = &quality.unseen;
    let file = quality.card.training.as_ref().map(|training| format!(" of {}", training.file_name));
    let mut text = format!(
        "Measured by {}-fold cross-validation on {} customers{}, {} of whom left: each was judged by a model \
         that had not seen them.",
        quality.folds.len(),
        count(unseen.rows),
        file.unwrap_or_default(),
        count(unseen.positives)
    );
    if let Some(held_out) = &quality.held_out {
        text += &format!(
            " {} customers had no part in choosing parameters, threshold and calibration, and judge the choice.",
            count(held_out.rows)
        );
    }
    text
}

fn ranking(figures: &Figures) -> Option<String> {
    let auc = figures.metrics.auc?;
    let interval = figures
        .intervals
        .get("auc")
        .map_or_else(String::new, |ends| format!("; 95{THIN}% interval {}", interval(*ends, figure)));
    Some(format!(
        "Of a customer who left and one who stayed, it finds the leaver the riskier one {} of the time \
         (ROC AUC {}{interval}).",
        percent(auc, 1),
        figure(auc)
    ))
}

fn flagging(confusion: &Confusion, at: f64) -> String {
    let share = |part: u64, whole: u64| percent(part as f64 / whole.max(1) as f64, 0);
    let left = confusion.true_positives + confusion.false_negatives;
    let rows = left + confusion.false_positives + confusion.true_negatives;
    format!(
        "At its threshold of {} it flags {} of the customers. {} of those flagged left, and {} of all who \
         left are among them.",
        threshold(at),
        share(confusion.flagged(), rows),
        share(confusion.true_positives, confusion.flagged()),
        share(confusion.true_positives, left)
    )
}

#[cfg(test)]
mod tests {
    use super::{amount, count, figure, percent, plain, short_amount};

    #[test]
    fn figures_are_written_as_people_read_them() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([-1234.4, -0.3, 1e6].map(amount), ["\u{2212}1,234", "0", "1,000,000"]);
        assert_eq!(
            [0.26512, -0.001].map(|share| percent(share, 1)),
            ["26.5\u{202f}%", "\u{2212}0.1\u{202f}%"]
        );
        assert_eq!([5e3, -2.5e4, 1.5e6].map(short_amount), ["5,000", "\u{2212}25k", "1.5M"]);
        assert_eq!([0.84499, -0.0001, -0.25].map(figure), ["0.845", "0.000", "\u{2212}0.250"]);
        assert_eq!([0.5, -72.0].map(plain), ["0.5", "\u{2212}72"]);
    }
}
