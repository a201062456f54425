//! Why, over many customers: how much each feature has to do with their scores, and how its values do.

use serde::{Deserialize, Serialize};

use super::cells::{Cells, FeatureCells};
use crate::block::{Block, ROWS};
use crate::manifest::{CategoryValue, Feature, FeatureKind, Manifest};
use crate::model::{Model, ModelError};

/// The most values of a category that are told: those that most customers have.
const VALUES_MAX: usize = 50;

/// What one feature has to do with the scores of many customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureEffect {
    /// The feature's name in the model.
    pub feature: String,
    /// Whether a company can move it with an offer.
    pub is_lever: bool,
    /// The mean of its contributions without their signs.
    pub mean_absolute: f64,
    /// A category's values that customers have, in the model's order, the 50 most frequent at most; none of a
    /// number.
    pub values: Vec<ValueEffect>,
    /// A number's ranges that customers are in, ascending; none of a category, and none where the manifest has
    /// no profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<RangeEffect>,
}

/// What one value of a category has to do with the scores of those who have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueEffect {
    /// The value in the model's spelling.
    pub value: String,
    /// How many customers have it.
    pub customers: u64,
    /// The mean of its contributions; positive towards leaving.
    pub mean: f64,
}

/// What a range of a number has to do with the scores of those who are in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RangeEffect {
    /// Where it begins; of the first range, and where there is one number alone, that belongs to it.
    pub from: f64,
    /// Where it ends; that belongs to it.
    pub to: f64,
    /// How many customers are in it.
    pub customers: u64,
    /// The mean of its contributions; positive towards leaving.
    pub mean: f64,
    /// Their standard deviation: what the other features make of it.
    pub spread: f64,
}

/// Sums over customers. Those of a file's chunks are added in the file's order, so that the sums do not
/// depend on the number of threads.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Effects {
    customers: u64,
    /// Of contributions without their signs, by feature.
    absolute: Vec<f64>,
    /// By feature, and by value or range.
    cells: Vec<Vec<Sums>>,
}

/// Of the customers who have one value or are in one range.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums {
    customers: u64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn mean(&self) -> f64 {
        self.sum / self.customers.max(1) as f64
    }

    fn spread(&self) -> f64 {
        let variance = self.squares / self.customers.max(1) as f64 - self.mean().powi(2);
        variance.max(0.0).sqrt()
    }
}

impl Effects {
    /// Adds one row of a block; `contributions` has [`ROWS`] for each feature.
    pub(crate) fn count(&mut self, cells: &Cells, block: &Block, row: usize, contributions: &[f64]) {
        self.make_room(cells.features.len());
        self.customers += 1;
        for (feature, of) in cells.features.iter().enumerate() {
            let contribution = contributions[feature * ROWS + row];
            self.absolute[feature] += contribution.abs();
            let Some(cell) = of.cell(block, row) else { continue };
            let sums = &mut self.cells[feature];
            if sums.len() <= cell {
                sums.resize(cell + 1, Sums::default());
            }
            let sums = &mut sums[cell];
            sums.customers += 1;
            sums.sum += contribution;
            sums.squares += contribution * contribution;
        }
    }

    pub(crate) fn add(&mut self, other: &Effects) {
        self.make_room(other.absolute.len());
        self.customers += other.customers;
        self.absolute.iter_mut().zip(&other.absolute).for_each(|(sum, other)| *sum += other);
        for (sums, others) in self.cells.iter_mut().zip(&other.cells) {
            sums.resize(sums.len().max(others.len()), Sums::default());
            for (sums, other) in sums.iter_mut().zip(others) {
                sums.customers += other.customers;
                sums.sum += other.sum;
                sums.squares += other.squares;
            }
        }
    }

    /// The features, the most important first. Unknown and missing values are left out.
    pub(crate) fn finish(&self, manifest: &Manifest, cells: &Cells) -> Vec<FeatureEffect> {
        let customers = self.customers.max(1) as f64;
        let features = manifest.schema.features.iter().zip(&cells.features);
        let sums = self.absolute.iter().zip(&self.cells);
        let effect = |((feature, of), (absolute, sums)): ((&Feature, &FeatureCells), (&f64, &Vec<Sums>))| {
            let (values, ranges) = match (&feature.kind, of) {
                (FeatureKind::Category { values }, _) => (effects_of_values(values, sums), Vec::new()),
                (FeatureKind::Number, FeatureCells::Ranges { from, ends, .. }) => {
                    (Vec::new(), effects_of_ranges(*from, ends, sums))
                }
                (FeatureKind::Number, _) => (Vec::new(), Vec::new()),
            };
            FeatureEffect {
                feature: feature.name.clone(),
                is_lever: manifest.is_lever(&feature.name),
                mean_absolute: absolute / customers,
                values,
                ranges,
            }
        };
        let mut effects: Vec<FeatureEffect> = features.zip(sums).map(effect).collect();
        effects.sort_by(|one, other| other.mean_absolute.total_cmp(&one.mean_absolute));
        effects
    }

    fn make_room(&mut self, features: usize) {
        self.absolute.resize(self.absolute.len().max(features), 0.0);
        self.cells.resize(self.cells.len().max(features), Vec::new());
    }
}

impl Model {
    /// What each feature has to do with the scores of these customers, the most important first. The arguments
    /// are those of [`Model::score_rows`].
    ///
    /// # Errors
    ///
    /// Where the model cannot be explained, see [`Model::explainer`].
    ///
    /// # Panics
    ///
    /// Where there are fewer numbers or categories than `rows` customers have.
    pub fn effects(
        &self,
        rows: usize,
        numbers: &[f64],
        categories: &[u32],
    ) -> Result<Vec<FeatureEffect>, ModelError> {
        let explainer = self.explainer()?;
        let cells = Cells::new(self.manifest(), self.slots());
        let (mut effects, mut contributions) = (Effects::default(), Vec::new());
        self.inputs().each_block(rows, numbers, categories, |_, count, block| {
            explainer.explain(block, count, &mut contributions);
            (0..count).for_each(|row| effects.count(&cells, block, row, &contributions));
        });
        Ok(effects.finish(self.manifest(), &cells))
    }
}

fn effects_of_values(values: &[CategoryValue], sums: &[Sums]) -> Vec<ValueEffect> {
    let mut had: Vec<(usize, &Sums)> = sums.iter().take(values.len()).enumerate().collect();
    had.retain(|(_, sums)| sums.customers > 0);
    had.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.customers));
    had.truncate(VALUES_MAX);
    had.sort_by_key(|(place, _)| *place);
    let effect = |(place, sums): (usize, &Sums)| ValueEffect {
        value: values[place].value.clone(),
        customers: sums.customers,
        mean: sums.mean(),
    };
    had.into_iter().map(effect).collect()
}

fn effects_of_ranges(from: f64, ends: &[f64], sums: &[Sums]) -> Vec<RangeEffect> {
    let begins = [from].into_iter().chain(ends.iter().copied());
    let ranges = begins.zip(ends).zip(sums).filter(|(_, sums)| sums.customers > 0);
    ranges
        .map(|((from, &to), sums)| RangeEffect {
            from,
            to,
            customers: sums.customers,
            mean: sums.mean(),
            spread: sums.spread(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(customers: u64, contribution: f64) -> Sums {
        let sum = contribution * customers as f64;
        Sums { customers, sum, squares: sum * contribution }
    }

    #[test]
    fn the_most_frequent_values_are_told_in_the_models_order() {
        let value = |place: u64| CategoryValue { value: place.to_string(), aliases: Vec::new() };
        let values: Vec<CategoryValue> = (0..60).map(value).collect();
        // One value more than there are: the unknown one's.
        let counted: Vec<Sums> = (0..61).map(|place| sums(place, 0.5)).collect();
        let told = effects_of_values(&values, &counted);
        assert_eq!(told.len(), VALUES_MAX);
        assert_eq!((told[0].value.as_str(), told[49].value.as_str(), told[0].mean), ("10", "59", 0.5));
        assert_eq!(effects_of_values(&values[..3], &counted[..3]).len(), 2);
        assert_eq!(effects_of_values(&values, &[sums(7, 0.1); 60]).len(), VALUES_MAX);
    }

    #[test]
    fn ranges_begin_where_the_one_before_ends() {
        let half = Sums { customers: 2, sum: 0.0, squares: 2.0 };
        let told = effects_of_ranges(0.0, &[1.0, 5.0, 9.0], &[half, sums(0, 0.0), sums(3, -1.0)]);
        let ends: Vec<(f64, f64)> = told.iter().map(|range| (range.from, range.to)).collect();
        assert_eq!(ends, [(0.0, 1.0), (5.0, 9.0)]);
        assert_eq!((told[0].mean, told[0].spread), (0.0, 1.0));
        assert_eq!((told[1].mean, told[1].spread), (-1.0, 0.0));
    }
}
