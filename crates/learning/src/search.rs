//! Grid search and random search over parameters.
//!
//! Random search draws each parameter by itself (Bergstra and Bengio, "Random Search for Hyper-Parameter
//! Optimization", 2012). What is tried depends on the seed alone, not on what the tries bring.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use crate::error::Error;
use crate::random::Random;

/// The most tries of one search: a grid of a few parameters too many is a mistake, not a wish.
const TRIES_MAX: usize = 1_000;
/// From this ratio of its ends on, a range is drawn from evenly by its logarithm.
const LOGARITHMIC_FROM: f64 = 10.0;

/// Which parameters to try.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Search {
    /// None but those that are set.
    #[default]
    None,
    /// Every combination of these values.
    Grid(BTreeMap<String, Vec<Value>>),
    /// So many combinations, drawn at random.
    Random {
        /// How many.
        tries: usize,
        /// From what.
        space: BTreeMap<String, Range>,
    },
}

/// The values that a parameter may have.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    /// One of these, each as likely.
    OneOf(Vec<Value>),
    /// A whole number from the first to the last.
    Whole(i64, i64),
    /// A number between two; evenly by its logarithm where the ends are far apart and both positive.
    Between(f64, f64),
}

impl Search {
    /// All combinations to try, at least one.
    pub(crate) fn combinations(&self, seed: u64) -> Result<Vec<BTreeMap<String, Value>>, Error> {
        let combinations = match self {
            Search::None => vec![BTreeMap::new()],
            Search::Grid(grid) => {
                let mut combinations = vec![BTreeMap::new()];
                for (name, values) in grid {
                    if combinations.len().saturating_mul(values.len()) > TRIES_MAX {
                        return Err(Error::Options(format!("a grid of more than {TRIES_MAX} combinations")));
                    }
                    let with = |known: &BTreeMap<String, Value>, value: &Value| {
                        let mut longer = known.clone();
                        longer.insert(name.clone(), value.clone());
                        longer
                    };
                    combinations = combinations
                        .iter()
                        .flat_map(|known| values.iter().map(move |value| with(known, value)))
                        .collect();
                }
                combinations
            }
            Search::Random { tries, space } => {
                if *tries > TRIES_MAX {
                    return Err(Error::Options(format!("more than {TRIES_MAX} tries")));
                }
                let mut random = Random::new(seed);
                let mut draw = || {
                    let pick = |(name, range): (&String, &Range)| (name.clone(), range.draw(&mut random));
                    space.iter().map(pick).collect()
                };
                (0..*tries).map(|_| draw()).collect()
            }
        };
        if combinations.is_empty() {
            return Err(Error::Options("a search must try something".to_owned()));
        }
        Ok(combinations)
    }
}

impl Range {
    fn draw(&self, random: &mut Random) -> Value {
        match self {
            Range::OneOf(values) if values.is_empty() => Value::Null,
            Range::OneOf(values) => values[random.below(values.len())].clone(),
            Range::Whole(first, last) => {
                let count = if last < first { 0 } else { last.abs_diff(*first) };
                let count = usize::try_from(count).unwrap_or(usize::MAX).saturating_add(1);
                Value::from(first.wrapping_add(random.below(count) as i64))
            }
            Range::Between(low, high) => {
                let share = random.uniform();
                let drawn = if *low > 0.0 && high / low >= LOGARITHMIC_FROM {
                    low * (high / low).powf(share)
                } else {
                    low + share * (high - low)
                };
                // Four digits are enough to tell parameters apart, and can be written down.
                let short: f64 = format!("{drawn:.3e}").parse().unwrap_or(drawn);
                Number::from_f64(short).map_or(Value::Null, Value::Number)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Range, Search};

    #[test]
    fn a_grid_is_every_combination() {
        let grid = [("a", vec![json!(1), json!(2)]), ("b", vec![json!("x"), json!("y"), json!("z")])];
        let grid = Search::Grid(grid.map(|(name, values)| (name.to_owned(), values)).into());
        let combinations = grid.combinations(1).unwrap();
        assert_eq!(combinations.len(), 6);
        assert_eq!(combinations[4]["a"], 2);
        assert_eq!(combinations[4]["b"], "y");
        assert_eq!(Search::None.combinations(1).unwrap().len(), 1);
    }

    #[test]
    fn random_tries_stay_in_their_ranges_and_are_seeded() {
        let space = [
            ("depth", Range::Whole(2, 5)),
            ("rate", Range::Between(0.001, 0.1)),
            ("share", Range::Between(0.5, 1.0)),
            ("kind", Range::OneOf(vec![json!("mean"), json!("zero")])),
        ];
        let space = space.map(|(name, range)| (name.to_owned(), range)).into();
        let search = Search::Random { tries: 200, space };
        let tries = search.combinations(3).unwrap();
        assert_eq!(tries, search.combinations(3).unwrap());
        assert_ne!(tries, search.combinations(4).unwrap());
        assert!(tries.iter().all(|tried| (2..=5).contains(&tried["depth"].as_i64().unwrap())));
        let rates: Vec<f64> = tries.iter().map(|tried| tried["rate"].as_f64().unwrap()).collect();
        assert!(rates.iter().all(|rate| (0.001..=0.1).contains(rate)));
        // By its logarithm: half of the draws are below the geometric mean.
        let low = rates.iter().filter(|rate| **rate < 0.01).count();
        assert!((70..130).contains(&low), "{low}");
    }

    #[test]
    fn endless_searches_are_refused() {
        let values: Vec<_> = (0..100).map(|value| json!(value)).collect();
        let grid = [("a", values.clone()), ("b", values)].map(|(name, values)| (name.to_owned(), values));
        assert!(Search::Grid(grid.into()).combinations(1).is_err());
        assert!(Search::Random { tries: 5_000, space: [].into() }.combinations(1).is_err());
        assert!(Search::Random { tries: 0, space: [].into() }.combinations(1).is_err());
    }
}
