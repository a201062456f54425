//! Columns that should not be learned from although each could be a feature: what was written down after the
//! customer had left, what another column already says, and what hardly ever differs.
//!
//! The names of the known vocabularies are exempt from all but the first: a model of that vocabulary needs
//! the same columns whatever file it was trained on.

use std::collections::HashMap;

use rayon::prelude::*;
use scoring::{Feature, FeatureKind, vocabulary};

use crate::dataset::Dataset;
use crate::features::{LeftOut, LeftOutReason};
use crate::folds;
use crate::metrics::Auc;

/// With fewer customers, or fewer of a class, columns agree with the outcome or with each other by chance.
const ROWS_MIN: usize = 200;
const CLASS_MIN: usize = 20;
/// What a single column reaches only where it was written down with the outcome in mind.
const AUC_MAX: f64 = 0.98;
const FOLDS: usize = 5;
const SEED: u64 = 1;
/// A number's values are put together in so many groups of equal size.
const GROUPS: usize = 32;
/// A column is nearly constant where all but one in so many customers have the same value.
const RARE_ONE_IN: usize = 200;

/// The features that are to be left out, under their own names, in the schema's order.
pub(crate) fn find(data: &Dataset, is_kept: &(dyn Fn(&str) -> bool + Sync)) -> Vec<LeftOut> {
    let positives = data.positives();
    if data.rows() < ROWS_MIN || positives.min(data.rows() - positives) < CLASS_MIN {
        return Vec::new();
    }
    let columns = columns(data);
    let fold_of = folds::stratified(&data.labels, FOLDS, SEED);
    let areas: Vec<f64> =
        columns.par_iter().map(|column| area(&column.groups(), &data.labels, &fold_of)).collect();
    let known: Vec<bool> = columns.iter().map(|column| is_known(column.feature)).collect();
    let mut left_out: Vec<LeftOut> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let stays = |other: &usize| !left_out.iter().any(|left| left.column == columns[*other].feature.name);
        // An unknown column is a copy of a known one wherever that stands.
        let mut others = (0..columns.len()).filter(|&other| other < place || known[other]).filter(stays);
        let reason = if is_kept(&column.feature.name) {
            None
        } else if areas[place] > AUC_MAX {
            Some(LeftOutReason::Leak { auc: (areas[place] * 1e4).round() / 1e4 })
        } else if known[place] {
            None
        } else if column.is_nearly_constant() {
            Some(LeftOutReason::NearlyConstant)
        } else {
            let original = others.find(|&other| column.is_copy_of(&columns[other]));
            original.map(|other| LeftOutReason::Duplicate { of: columns[other].feature.name.clone() })
        };
        let leave_out = |reason| LeftOut { column: column.feature.name.clone(), reason };
        left_out.extend(reason.map(leave_out));
    }
    left_out
}

fn is_known(feature: &Feature) -> bool {
    vocabulary::known_feature(&feature.name).is_some()
}

/// One feature of all customers.
struct Column<'a> {
    feature: &'a Feature,
    cells: Cells,
}

enum Cells {
    Numbers(Vec<f64>),
    Codes(Vec<u32>),
}

fn columns(data: &Dataset) -> Vec<Column<'_>> {
    let (mut number, mut category) = (0, 0);
    let mut columns = Vec::with_capacity(data.schema.features.len());
    for feature in &data.schema.features {
        let cells = match &feature.kind {
            FeatureKind::Number => {
                number += 1;
                Cells::Numbers(data.number(number - 1).collect())
            }
            FeatureKind::Category { .. } => {
                category += 1;
                Cells::Codes(data.category(category - 1).collect())
            }
        };
        columns.push(Column { feature, cells });
    }
    columns
}

impl Column<'_> {
    /// For each customer the number of a group that has the same value or nearly so. Missing ones are a
    /// group, too: that nothing was written down can tell as much.
    fn groups(&self) -> Vec<u32> {
        match &self.cells {
            Cells::Codes(codes) => codes.clone(),
            Cells::Numbers(numbers) => {
                let mut sorted: Vec<f64> = numbers.iter().copied().filter(|x| !x.is_nan()).collect();
                sorted.sort_by(f64::total_cmp);
                let border = |group: usize| sorted.get(group * sorted.len() / GROUPS).copied();
                let mut borders: Vec<f64> = (0..GROUPS).filter_map(border).collect();
                borders.dedup();
                let group = |number: &f64| match number.is_nan() {
                    true => 0,
                    // At most as many as there are borders.
                    false => 1 + borders.partition_point(|border| border <= number) as u32,
                };
                numbers.iter().map(group).collect()
            }
        }
    }

    /// Each value, whatever it is, as a number from 0 in order of appearance.
    fn pattern(&self) -> Vec<usize> {
        let bits: Vec<u64> = match &self.cells {
            Cells::Codes(codes) => codes.iter().map(|&code| u64::from(code)).collect(),
            Cells::Numbers(numbers) => numbers
                .iter()
                .map(|number| if number.is_nan() { u64::MAX } else { (number + 0.0).to_bits() })
                .collect(),
        };
        let mut places = HashMap::new();
        bits.into_iter()
            .map(|bits| {
                let next = places.len();
                *places.entry(bits).or_insert(next)
            })
            .collect()
    }

    fn is_nearly_constant(&self) -> bool {
        let pattern = self.pattern();
        let mut counts = vec![0_usize; pattern.iter().max().map_or(0, |most| most + 1)];
        pattern.iter().for_each(|&value| counts[value] += 1);
        let commonest = counts.into_iter().max().unwrap_or(0);
        (pattern.len() - commonest) * RARE_ONE_IN <= pattern.len()
    }

    /// The same number everywhere, or categories whose values stand for one another.
    fn is_copy_of(&self, other: &Column) -> bool {
        match (&self.cells, &other.cells) {
            (Cells::Numbers(left), Cells::Numbers(right)) => {
                left.iter().zip(right).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
            }
            (Cells::Codes(_), Cells::Codes(_)) => self.pattern() == other.pattern(),
            _ => false,
        }
    }
}

/// The area under the ROC curve that the groups alone reach: each customer's score is the share of leavers
/// among those of the same group in the other folds.
fn area(groups: &[u32], labels: &[bool], fold_of: &[usize]) -> f64 {
    let share = labels.iter().filter(|&&label| label).count() as f64 / labels.len() as f64;
    let area_in = |fold: usize| {
        let mut counts: HashMap<u32, [f64; 2]> = HashMap::new();
        for (row, &group) in groups.iter().enumerate().filter(|(row, _)| fold_of[*row] != fold) {
            let [all, left] = counts.entry(group).or_default();
            (*all, *left) = (*all + 1.0, *left + f64::from(u8::from(labels[row])));
        }
        // One more customer of the average, so that a group of nobody has a score.
        let score = |group: &u32| {
            let [all, left] = counts.get(group).copied().unwrap_or_default();
            (left + share) / (all + 1.0)
        };
        let inside = (0..groups.len()).filter(|&row| fold_of[row] == fold);
        let (scores, labels): (Vec<f64>, Vec<bool>) =
            inside.map(|row| (score(&groups[row]), labels[row])).unzip();
        Auc::measure(&scores, &labels).area
    };
    (0..FOLDS).map(area_in).sum::<f64>() / FOLDS as f64
}

#[cfg(test)]
mod tests {
    use super::area;
    use crate::folds;
    use crate::random::Random;

    #[test]
    fn groups_of_chance_reach_no_area_and_the_outcome_itself_reaches_it_all() {
        let mut random = Random::new(1);
        let labels: Vec<bool> = (0..1_000).map(|_| random.chance(0.3)).collect();
        let fold_of = folds::stratified(&labels, 5, 1);
        // Every other customer in a group of its own: learned by heart it would decide everything.
        let alone: Vec<u32> = (0..1_000).collect();
        assert!((area(&alone, &labels, &fold_of) - 0.5).abs() < 1e-12);
        let chance: Vec<u32> = (0..1_000).map(|_| u32::from(random.chance(0.5))).collect();
        assert!((area(&chance, &labels, &fold_of) - 0.5).abs() < 0.06);
        let outcome: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
        assert_eq!(area(&outcome, &labels, &fold_of), 1.0);
    }
}
