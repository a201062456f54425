//! The model card: what a model is, what it learned from, and where it should not be used.
//!
//! After Mitchell and others, "Model Cards for Model Reporting" (2019). It tells of columns, never of a
//! customer, and has no date: the same training gives the same bytes.

use scoring::{Algorithm, Calibration, Feature, FeatureKind, Manifest, Training};
use serde::{Deserialize, Serialize};

use super::rounded;
use crate::dataset::Dataset;
use crate::features::LeftOut;

/// Customers below which figures are rough.
const ROWS_FEW: u64 = 1_000;

/// What a model says about itself in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The model's name.
    pub name: String,
    /// Which engine scores it.
    pub algorithm: Algorithm,
    /// The version under that name.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// What it is for.
    pub purpose: String,
    /// SHA-256 of the model file.
    pub sha256: String,
    /// The training data's fingerprint, folds, seed and parameters.
    pub training: Option<Training>,
    /// How scores become probabilities.
    pub calibration: String,
    /// What it reads of a customer.
    pub features: Vec<CardFeature>,
    /// Columns of the training file that are no features.
    pub left_out: Vec<CardColumn>,
    /// Where it should not be used, and what it cannot do.
    pub limits: Vec<String>,
}

/// A feature as it was in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CardFeature {
    /// Its name in the schema.
    pub name: String,
    /// What its cells are.
    #[serde(flatten)]
    pub kind: CardKind,
    /// The share of customers for whom it is missing.
    pub missing: f64,
}

/// What a feature's cells are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CardKind {
    /// A number within this range; no range where every cell is missing.
    Number {
        /// The lowest and the highest.
        range: Option<[f64; 2]>,
    },
    /// One of these values.
    Category {
        /// In the schema's order.
        values: Vec<String>,
    },
}

/// A column that is no feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardColumn {
    /// Its name in the file.
    pub column: String,
    /// Why it was left out.
    pub reason: String,
}

impl Card {
    pub(crate) fn write(manifest: &Manifest, left_out: &[LeftOut], data: &Dataset) -> Card {
        Card {
            name: manifest.name.clone(),
            algorithm: manifest.algorithm,
            version: manifest.version.clone(),
            description: manifest.description.clone(),
            purpose: "It estimates how likely a customer is to leave, so that the riskiest can be contacted \
                      first."
                .to_owned(),
            sha256: manifest.sha256.clone(),
            training: manifest.training.clone(),
            calibration: calibration(&manifest.calibration).to_owned(),
            features: features(data),
            left_out: left_out
                .iter()
                .map(|left| CardColumn { column: left.column.clone(), reason: left.reason.to_string() })
                .collect(),
            limits: limits(manifest),
        }
    }
}

fn calibration(calibration: &Calibration) -> &'static str {
    match calibration {
        Calibration::Platt { .. } => "Platt's sigmoid",
        Calibration::Beta { .. } => "beta calibration",
        Calibration::Spline { .. } => "a monotone spline",
    }
}

fn features(data: &Dataset) -> Vec<CardFeature> {
    let (mut numbers, mut codes) = (0, 0);
    let describe = |feature: &Feature| {
        let (kind, missing) = match &feature.kind {
            FeatureKind::Number => {
                numbers += 1;
                describe_number(data, numbers - 1)
            }
            FeatureKind::Category { values } => {
                codes += 1;
                let values = values.iter().map(|value| value.value.clone()).collect();
                let missing = column(&data.codes, codes - 1, data.rows())
                    .filter(|&code| code == scoring::MISSING)
                    .count();
                (CardKind::Category { values }, missing)
            }
        };
        let missing = rounded(missing as f64 / data.rows().max(1) as f64);
        CardFeature { name: feature.name.clone(), kind, missing }
    };
    data.schema.features.iter().map(describe).collect()
}

/// Its range, and for how many customers it is missing.
fn describe_number(data: &Dataset, place: usize) -> (CardKind, usize) {
    let cells = column(&data.numbers, place, data.rows());
    let present: Vec<f64> = cells.filter(|cell| !cell.is_nan()).collect();
    let lowest = present.iter().copied().min_by(f64::total_cmp);
    let highest = present.iter().copied().max_by(f64::total_cmp);
    let range = lowest.zip(highest).map(|(low, high)| [low, high]);
    (CardKind::Number { range }, data.rows() - present.len())
}

fn column<T: Copy>(values: &[T], place: usize, rows: usize) -> impl Iterator<Item = T> {
    values.iter().skip(place).step_by((values.len() / rows.max(1)).max(1)).copied()
}

fn limits(manifest: &Manifest) -> Vec<String> {
    let mut limits = Vec::new();
    if let Some(training) = &manifest.training {
        limits.push(format!(
            "It was measured on customers like those of {}. For another company, country or price list, or \
             after the offer has changed, measure it again with augur evaluate before relying on it.",
            training.file_name
        ));
        if training.rows < ROWS_FEW {
            limits.push(format!(
                "It learned from {} customers only: its figures are rough, as their intervals show.",
                training.rows
            ));
        }
    }
    limits.extend(
        [
            "It ranks risks; it does not tell why somebody leaves, nor who would stay if contacted.",
            "Numbers outside of the ranges and values outside of the lists below were never seen in training: \
             probabilities for such customers are guesses.",
            "It must not decide about credit, insurance, housing or work, nor refuse anybody a service or a \
             right. A person decides what follows from a probability.",
            "Groups that leave at different rates are flagged at different rates. Read the section on \
             fairness before using it on people whom the law protects.",
        ]
        .map(str::to_owned),
    );
    limits
}

#[cfg(test)]
mod tests {
    use super::{CardKind, features};
    use crate::dataset::Dataset;
    use crate::labelled::{self, DataOptions};
    use crate::table::Table;

    #[test]
    fn features_are_told_with_ranges_and_missing_cells() {
        let text = "Plan,age,weight,Churn\ngold,7.5,,Yes\nsilver,-2,,No\n,3,,No\ngold,,,No\n";
        let table = Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        let read = labelled::read(&table, &DataOptions::default()).unwrap().dataset;
        let mut schema = read.schema;
        let mut empty = schema.features[1].clone();
        empty.name = "weight".to_owned();
        schema.features.push(empty);
        let found = features(&Dataset::read(&table, &schema, read.labels).unwrap());
        let kinds: Vec<_> = found.iter().map(|feature| (feature.name.as_str(), &feature.kind)).collect();
        let plans = CardKind::Category { values: vec!["gold".to_owned(), "silver".to_owned()] };
        assert_eq!(
            kinds,
            [
                ("Plan", &plans),
                ("age", &CardKind::Number { range: Some([-2.0, 7.5]) }),
                ("weight", &CardKind::Number { range: None })
            ]
        );
        assert_eq!(found.iter().map(|feature| feature.missing).collect::<Vec<_>>(), [0.25, 0.25, 1.0]);
    }
}
