//! The tables of a report, cell by cell as they are shown.

use scoring::Training;
use serde_json::Value;

use super::words::{
    amount, count, interval, measure, measured, measured_difference, metric, percent, plain, threshold,
};
use crate::quality::{
    Card, CardKind, Confusion, Difference, Fairness, Figures, Group, Importance, Measure, Quality,
};

/// A name and what it has.
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) value: String,
}

impl Fact {
    fn new(name: &str, value: impl Into<String>) -> Fact {
        Fact { name: name.to_owned(), value: value.into() }
    }
}

/// A metric over all unseen customers, and over those held out.
pub(super) struct MetricRow {
    pub(super) label: &'static str,
    pub(super) unseen: String,
    pub(super) unseen_interval: String,
    pub(super) held_out: String,
    pub(super) held_out_interval: String,
}

/// A table with one row for each fold.
pub(super) struct FoldTable {
    pub(super) labels: Vec<&'static str>,
    pub(super) rows: Vec<FoldRow>,
}

/// One fold, or the mean or deviation of all.
pub(super) struct FoldRow {
    pub(super) name: String,
    pub(super) customers: String,
    pub(super) left: String,
    pub(super) values: Vec<String>,
}

/// Customers by what was said of them and what they did.
pub(super) struct ConfusionTable {
    pub(super) rows: Vec<ConfusionRow>,
}

/// Those who did the same.
pub(super) struct ConfusionRow {
    pub(super) name: &'static str,
    pub(super) flagged: Cell,
    pub(super) not_flagged: Cell,
    pub(super) all: String,
}

/// A count and its share of the row.
pub(super) struct Cell {
    pub(super) count: String,
    pub(super) share: String,
}

/// A feature's bar.
pub(super) struct ImportanceRow {
    pub(super) feature: String,
    /// In hundredths of the longest.
    pub(super) width: String,
    pub(super) drop: String,
    pub(super) spread: String,
}

/// The groups of one column.
pub(super) struct FairnessTable {
    pub(super) column: String,
    pub(super) groups: Vec<Fact>,
    pub(super) rows: Vec<FairnessRow>,
}

/// One measure in each group.
pub(super) struct FairnessRow {
    pub(super) label: &'static str,
    pub(super) meaning: &'static str,
    pub(super) cells: Vec<Fact>,
    pub(super) difference: String,
    pub(super) difference_interval: String,
    /// Whether the difference is more than chance explains.
    pub(super) is_clear: bool,
}

/// A feature as the model card tells of it.
pub(super) struct FeatureRow {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) range: String,
    pub(super) missing: String,
}

pub(super) fn facts(figures: &Figures) -> Vec<Fact> {
    let shown = ["auc", "average_precision", "recall", "precision", "lift_at_10", "calibration_error"];
    let named = figures.named().into_iter().filter(|metric| shown.contains(&metric.key));
    named.map(|named| Fact::new(named.label, metric(named.key, named.value))).collect()
}

pub(super) fn metrics(quality: &Quality) -> Vec<MetricRow> {
    let held_out = quality.held_out.as_ref().map(Figures::named).unwrap_or_default();
    let row = |named: crate::quality::NamedMetric| {
        let show = |value: f64| metric(named.key, value);
        let ends = |ends: Option<[f64; 2]>| ends.map(|ends| interval(ends, show)).unwrap_or_default();
        let held = held_out.iter().find(|other| other.key == named.key);
        MetricRow {
            label: named.label,
            unseen: show(named.value),
            unseen_interval: ends(named.interval),
            held_out: held.map(|held| show(held.value)).unwrap_or_default(),
            held_out_interval: ends(held.and_then(|held| held.interval)),
        }
    };
    quality.unseen.named().into_iter().map(row).collect()
}

impl FoldTable {
    pub(super) fn new(folds: &[Figures]) -> FoldTable {
        let all: Vec<_> = folds.iter().map(Figures::named).collect();
        let columns = all.first().map_or(&[][..], Vec::as_slice);
        let values = |place: usize| all.iter().filter_map(move |fold| Some(fold.get(place)?.value));
        let total = |name: &str, of: &dyn Fn(&[f64]) -> f64| FoldRow {
            name: name.to_owned(),
            customers: String::new(),
            left: String::new(),
            values: (0..columns.len())
                .map(|place| metric(columns[place].key, of(&values(place).collect::<Vec<f64>>())))
                .collect(),
        };
        let fold = |(number, figures): (usize, &Figures)| FoldRow {
            name: format!("Fold {}", number + 1),
            customers: count(figures.rows),
            left: count(figures.positives),
            values: all[number].iter().map(|named| metric(named.key, named.value)).collect(),
        };
        let mut rows: Vec<FoldRow> = folds.iter().enumerate().map(fold).collect();
        rows.push(total("Mean", &mean));
        rows.push(total("Deviation", &deviation));
        FoldTable { labels: columns.iter().map(|named| named.label).collect(), rows }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / values.len().saturating_sub(1).max(1) as f64).sqrt()
}

impl ConfusionTable {
    pub(super) fn new(confusion: &Confusion) -> ConfusionTable {
        let row = |name, flagged: u64, not_flagged: u64| {
            let all = flagged + not_flagged;
            let cell =
                |part: u64| Cell { count: count(part), share: percent(part as f64 / all.max(1) as f64, 0) };
            ConfusionRow { name, flagged: cell(flagged), not_flagged: cell(not_flagged), all: count(all) }
        };
        ConfusionTable {
            rows: vec![
                row("Left", confusion.true_positives, confusion.false_negatives),
                row("Stayed", confusion.false_positives, confusion.true_negatives),
            ],
        }
    }
}

pub(super) fn importance(all: &[Importance]) -> Vec<ImportanceRow> {
    let longest = all.iter().map(|one| one.auc_drop).fold(0.0, f64::max);
    let width = |drop: f64| if longest > 0.0 { (drop / longest).max(0.0) * 100.0 } else { 0.0 };
    let row = |one: &Importance| ImportanceRow {
        feature: one.feature.clone(),
        width: format!("{:.1}", width(one.auc_drop)),
        drop: four(one.auc_drop),
        spread: four(one.spread),
    };
    all.iter().map(row).collect()
}

/// Four decimals: features of little weight differ in the fourth.
fn four(number: f64) -> String {
    let text = format!("{number:.4}");
    match text.strip_prefix('-') {
        Some("0.0000") => "0.0000".to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => text,
    }
}

impl FairnessTable {
    pub(super) fn new(fairness: &Fairness) -> FairnessTable {
        let group = |group: &Group| Fact::new(&group.value, format!("{} customers", count(group.rows)));
        FairnessTable {
            column: fairness.column.clone(),
            groups: fairness.groups.iter().map(group).collect(),
            rows: Measure::ALL.into_iter().map(|measure| FairnessRow::new(measure, fairness)).collect(),
        }
    }
}

impl FairnessRow {
    fn new(of: Measure, fairness: &Fairness) -> FairnessRow {
        let show = |value: f64| measured(of, value);
        let cell = |group: &Group| match group.estimates.get(&of) {
            Some(one) => Fact::new(&show(one.value), interval([one.low, one.high], show)),
            None => Fact::new("\u{2013}", ""),
        };
        let (label, meaning) = measure(of);
        let found = fairness.differences.iter().find(|difference| difference.measure == of);
        let show_difference = |value: f64| measured_difference(of, value);
        let ends = |one: &Difference| interval([one.difference.low, one.difference.high], show_difference);
        FairnessRow {
            label,
            meaning,
            cells: fairness.groups.iter().map(cell).collect(),
            difference: found.map(|one| show_difference(one.difference.value)).unwrap_or_default(),
            difference_interval: found.map(ends).unwrap_or_default(),
            is_clear: found.is_some_and(|one| one.difference.low > 0.0),
        }
    }
}

pub(super) fn card(quality: &Quality) -> Vec<Fact> {
    let card = &quality.card;
    let mut facts = vec![
        Fact::new("Name", card.name.as_str()),
        Fact::new("Version", card.version.as_str()),
        Fact::new("Algorithm", super::words::algorithm(card.algorithm)),
        Fact::new("Threshold", threshold(quality.threshold)),
        Fact::new("Calibration", card.calibration.as_str()),
        Fact::new("Model file, SHA-256", card.sha256.as_str()),
    ];
    if let Some(training) = &card.training {
        let share = training.positives as f64 / training.rows.max(1) as f64;
        facts.extend([
            Fact::new("Training file", training.file_name.as_str()),
            Fact::new("Training file, SHA-256", training.sha256.as_str()),
            Fact::new("Tells who left", target(training)),
            Fact::new("Customers", count(training.rows)),
            Fact::new("Of these left", format!("{} ({})", count(training.positives), percent(share, 1))),
            Fact::new("Folds", training.folds.to_string()),
            Fact::new("Seed", training.seed.to_string()),
        ]);
    }
    facts
}

/// The column and its value, or a dash where a model of an earlier version does not tell.
fn target(training: &Training) -> String {
    match (&training.target, &training.positive) {
        (Some(column), Some(value)) => format!("{column} is {value}"),
        (Some(column), None) => column.clone(),
        (None, _) => "\u{2013}".to_owned(),
    }
}

pub(super) fn features(card: &Card) -> Vec<FeatureRow> {
    let row = |feature: &crate::quality::CardFeature| {
        let (kind, range) = match &feature.kind {
            CardKind::Number { range: Some(ends) } => ("number", interval(*ends, plain)),
            CardKind::Number { range: None } => ("number", "never told".to_owned()),
            CardKind::Category { values } => ("category", values.join(", ")),
        };
        FeatureRow { name: feature.name.clone(), kind, range, missing: percent(feature.missing, 1) }
    };
    card.features.iter().map(row).collect()
}

/// What was set, by its full name.
pub(super) fn parameters(card: &Card) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(training) = &card.training {
        flatten("", &training.parameters, &mut facts);
    }
    facts
}

fn flatten(name: &str, value: &Value, facts: &mut Vec<Fact>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                flatten(&name, value, facts);
            }
        }
        Value::Null => {}
        Value::String(text) => facts.push(Fact::new(name, text.as_str())),
        other => facts.push(Fact::new(name, other.to_string())),
    }
}

/// The points of the profit and gain curves at every tenth of the customers.
pub(super) fn tenths(quality: &Quality) -> Vec<TenthRow> {
    let curves = &quality.curves;
    let row = |tenth: usize| {
        let near = |points: &[[f64; 2]]| {
            let share = tenth as f64 / 10.0;
            points.iter().find(|point| (point[0] - share).abs() < 1e-9).map(|point| point[1])
        };
        let profit = curves.profit.as_ref().and_then(|profit| near(&profit.points));
        TenthRow {
            contacted: percent(tenth as f64 / 10.0, 0),
            reached: near(&curves.gain).map(|gain| percent(gain, 1)).unwrap_or_default(),
            lift: near(&curves.lift).map(|lift| metric("lift_at_10", lift)).unwrap_or_default(),
            profit: profit.map(amount).unwrap_or_default(),
        }
    };
    (1..=10).map(row).collect()
}

/// What contacting so many of the riskiest brings.
pub(super) struct TenthRow {
    pub(super) contacted: String,
    pub(super) reached: String,
    pub(super) lift: String,
    pub(super) profit: String,
}

/// The bins of the calibration curve.
pub(super) fn calibration(quality: &Quality) -> Vec<CalibrationRow> {
    let row = |bin: &crate::quality::CalibrationBin| CalibrationRow {
        customers: count(bin.rows),
        probability: percent(bin.mean_probability, 1),
        left: percent(bin.left.value, 1),
        interval: interval([bin.left.low, bin.left.high], |value| percent(value, 1)),
        gap: measured(Measure::CalibrationGap, bin.mean_probability - bin.left.value),
    };
    quality.curves.calibration.iter().map(row).collect()
}

/// One bin.
pub(super) struct CalibrationRow {
    pub(super) customers: String,
    pub(super) probability: String,
    pub(super) left: String,
    pub(super) interval: String,
    pub(super) gap: String,
}
