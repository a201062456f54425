//! How much each feature matters: what is lost when its values are dealt out to the wrong customers.
//!
//! Permutation importance after Breiman, "Random Forests" (2001), and Fisher, Rudin and Dominici, "All
//! Models are Wrong, but Many are Useful" (2019), measured on customers that the model had not seen.

use rayon::prelude::*;
use scoring::{FeatureKind, Model, Schema};
use serde::{Deserialize, Serialize};

use super::rounded;
use crate::dataset::Dataset;
use crate::metrics::Auc;
use crate::random::Random;
use crate::recipe;

/// How often each feature's values are dealt out anew.
const REPEATS: usize = 5;
/// The most customers of a fold that are scored, evenly from all: more would only take time.
const ROWS_MAX: usize = 20_000;

/// How much one feature matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The feature's name in the schema.
    pub feature: String,
    /// By how much the area under the ROC curve drops without it, on average over folds and repeats. Features
    /// that tell the same share their importance.
    pub auc_drop: f64,
    /// The standard deviation of the drop over folds and repeats.
    pub spread: f64,
}

/// What one fold's model loses without each feature, once per repeat.
#[derive(Debug, Clone)]
pub(crate) struct Drops(Vec<Vec<f64>>);

/// Measures a fold's model on customers it had not seen.
pub(crate) fn permutation(model: &Model, unseen: &Dataset, seed: u64) -> Drops {
    let data = unseen.select(&thinned(&unseen.labels, ROWS_MAX));
    let area = |data: &Dataset| Auc::measure(&recipe::probabilities(model, data), &data.labels).area;
    let whole = area(&data);
    let features = &data.schema.features;
    let drops = (0..features.len()).into_par_iter().map(|feature| {
        // Its own generator, so that the order of the threads does not matter.
        let mut random = Random::new(seed.wrapping_add(feature as u64));
        let mut dealt = data.clone();
        let mut drop = |_| {
            deal(&mut dealt, feature, &mut random);
            whole - area(&dealt)
        };
        (0..REPEATS).map(&mut drop).collect()
    });
    Drops(drops.collect())
}

/// At most so many rows, evenly from all leavers and evenly from all stayers: the area does not depend on how
/// many there are of each, and few leavers must not be missed.
fn thinned(labels: &[bool], rows_max: usize) -> Vec<usize> {
    let all = 0..labels.len();
    if labels.len() <= rows_max {
        return all.collect();
    }
    let of = |wanted: bool| {
        let rows: Vec<usize> = all.clone().filter(|&row| labels[row] == wanted).collect();
        let step = rows.len().div_ceil(rows_max / 2).max(1);
        rows.into_iter().step_by(step).collect::<Vec<_>>()
    };
    let mut rows = [of(true), of(false)].concat();
    rows.sort_unstable();
    rows
}

/// Deals out a feature's values anew.
fn deal(data: &mut Dataset, feature: usize, random: &mut Random) {
    let is_number = |place: &usize| data.schema.features[*place].kind == FeatureKind::Number;
    let place = (0..feature).filter(|other| is_number(other) == is_number(&feature)).count();
    let rows = data.rows();
    if is_number(&feature) {
        shuffle_column(&mut data.numbers, place, rows, random);
    } else {
        shuffle_column(&mut data.codes, place, rows, random);
    }
}

fn shuffle_column<T: Copy>(values: &mut [T], column: usize, rows: usize, random: &mut Random) {
    let width = values.len() / rows;
    let mut cells: Vec<T> = values.iter().skip(column).step_by(width).copied().collect();
    random.shuffle(&mut cells);
    for (row, cell) in cells.into_iter().enumerate() {
        values[row * width + column] = cell;
    }
}

/// Puts the folds together, the most important feature first.
pub(crate) fn summarise(schema: &Schema, folds: &[Drops]) -> Vec<Importance> {
    let mut all: Vec<Importance> = (0..)
        .zip(&schema.features)
        .map(|(place, feature): (usize, _)| {
            let drops: Vec<f64> = folds.iter().flat_map(|fold| &fold.0[place]).copied().collect();
            let mean = drops.iter().sum::<f64>() / drops.len().max(1) as f64;
            let squares: f64 = drops.iter().map(|drop| (drop - mean).powi(2)).sum();
            let spread = (squares / drops.len().saturating_sub(1).max(1) as f64).sqrt();
            Importance { feature: feature.name.clone(), auc_drop: rounded(mean), spread: rounded(spread) }
        })
        .collect();
    // Stable: features that matter alike stay in the schema's order.
    all.sort_by(|left, right| right.auc_drop.total_cmp(&left.auc_drop));
    all
}

#[cfg(test)]
mod tests {
    use scoring::{Algorithm, Model};

    use super::{Drops, permutation, summarise, thinned};
    use crate::dataset::Dataset;
    use crate::labelled::{self, DataOptions};
    use crate::learner::json;
    use crate::recipe::Recipe;
    use crate::table::Table;

    /// Leavers have a high usage; the colour and the noise say nothing.
    fn customers() -> Dataset {
        let mut text = "noise,colour,usage,Churn\n".to_owned();
        for row in 0..400 {
            let (usage, noise, colour) = (row % 20, row * 7 % 11, ["red", "green", "blue"][row % 3]);
            let left = if usage >= 12 { "Yes" } else { "No" };
            text += &format!("{noise},{colour},{usage},{left}\n");
        }
        let table = Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        // What decides alone is left out where nobody says that it is a feature.
        let options = DataOptions { keep: vec!["usage".to_owned()], ..DataOptions::default() };
        labelled::read(&table, &options).unwrap().dataset
    }

    #[test]
    fn few_leavers_are_never_thinned_away() {
        let labels: Vec<bool> = (0..1_000).map(|row| row % 100 == 1).collect();
        let rows = thinned(&labels, 100);
        assert!(rows.len() <= 100 && rows.is_sorted());
        assert_eq!(rows.iter().filter(|&&row| labels[row]).count(), 10);
        assert_eq!(thinned(&labels, 1_000), (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_feature_that_decides_is_the_important_one() {
        let data = customers();
        let fitted = Recipe::new(Algorithm::Logistic).fit(&data, 1).unwrap();
        let model = Model::from_parts(&json(&fitted.manifest).unwrap(), &fitted.file).unwrap();
        let (first, second) = (permutation(&model, &data, 1), permutation(&model, &data, 2));
        let found = summarise(&data.schema, &[first.clone(), second.clone()]);
        // A perfect ranking that becomes a random one loses half of the area.
        assert!(found[0].feature == "usage" && (found[0].auc_drop - 0.5).abs() < 0.05, "{found:?}");
        assert!(found[1..].iter().all(|other| other.auc_drop.abs() < 0.01), "{found:?}");
        assert!(found[0].spread > 0.0);
        assert_eq!(permutation(&model, &data, 1).0, first.0);
        assert_ne!(second.0, first.0);
    }

    #[test]
    fn folds_are_put_together_by_mean_and_deviation() {
        let data = customers();
        let drops = |numbers: [f64; 3]| Drops(numbers.map(|number| vec![number, number + 0.2]).to_vec());
        let found = summarise(&data.schema, &[drops([0.0, 0.3, 0.1]), drops([0.2, 0.5, 0.1])]);
        let names: Vec<&str> = found.iter().map(|one| one.feature.as_str()).collect();
        assert_eq!(names, ["colour", "noise", "usage"]);
        assert_eq!(found.iter().map(|one| one.auc_drop).collect::<Vec<_>>(), [0.5, 0.2, 0.2]);
        // 0, 0.2, 0.2 and 0.4 deviate from 0.2 by 0.08 in squares.
        assert_eq!(found[1].spread, 0.163299);
    }
}
