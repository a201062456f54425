//! Numbers that no column has: what is known to say more together than apart, and what turns out to.
//!
//! Columns of the known vocabulary have ratios and products that mean something: what a month cost on
//! average, how many services a customer has. For other numbers all pairs are tried, and the few are taken
//! that part leavers from stayers clearly better than either number does. The outcomes of the customers at
//! hand decide that, so it is done anew inside each fold.

use std::collections::HashSet;

use rayon::prelude::*;
use scoring::{Derived, Feature, FeatureKind, Formula, Input, InputEncoding, Inputs, names, vocabulary};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::metrics::Auc;

/// Services of the known vocabulary, which are counted together.
const SERVICES: [&str; 8] = [
    "PhoneService",
    "MultipleLines",
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
];
/// A count of fewer says no more than they do.
const COUNTED_MIN: usize = 3;
/// Pairs are tried among so many numbers, so that there are not too many.
const NUMBERS_MAX: usize = 12;
/// The most pairs that are taken.
const PAIRS_MAX: usize = 3;
/// By how much the area under the ROC curve must be further from one half than that of either number.
const GAIN_MIN: f64 = 0.02;

/// The derived numbers that are worth an attempt for these customers.
pub(crate) fn derive(data: &Dataset) -> Result<Vec<Derived>, Error> {
    let features = &data.schema.features;
    let mut derived = known(features);
    derived.extend(count(features));
    derived.extend(pairs(data)?);
    let taken: HashSet<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
    derived.retain(|derived| !taken.contains(derived.name.as_str()));
    Ok(derived)
}

/// The derived numbers of all customers, column after column; NaN is missing.
pub(crate) fn columns(data: &Dataset, derived: &[Derived]) -> Result<Vec<Vec<f64>>, Error> {
    let input = |derived: &Derived| Input {
        name: derived.name.clone(),
        feature: derived.name.clone(),
        encoding: InputEncoding::Number { missing: None },
    };
    let inputs: Vec<Input> = derived.iter().map(input).collect();
    let values = Inputs::new(&data.schema, derived, &inputs)?.matrix(data.rows(), &data.numbers, &data.codes);
    let column = |place: usize| values.iter().skip(place).step_by(derived.len()).copied().collect();
    Ok((0..derived.len()).map(column).collect())
}

/// Of the known vocabulary: what a month has cost on average, and what was paid in months of today's price.
fn known(features: &[Feature]) -> Vec<Derived> {
    let has = |name: &str| {
        features.iter().any(|feature| feature.name == name && feature.kind == FeatureKind::Number)
    };
    let pairs = [("TotalCharges", "tenure"), ("TotalCharges", "MonthlyCharges")];
    pairs.iter().filter(|(left, right)| has(left) && has(right)).map(|(a, b)| ratio(a, b)).collect()
}

/// How many services a customer has, or how many questions were answered with yes.
fn count(features: &[Feature]) -> Option<Derived> {
    let yes = |feature: &Feature| {
        let is_counted =
            SERVICES.contains(&feature.name.as_str()) || vocabulary::known_feature(&feature.name).is_none();
        let FeatureKind::Category { values } = &feature.kind else { return None };
        let value = values.iter().find(|value| names::key(&value.value) == "yes")?;
        is_counted.then(|| (feature.name.clone(), value.value.clone()))
    };
    let of: Vec<(String, String)> = features.iter().filter_map(yes).collect();
    if of.len() < COUNTED_MIN {
        return None;
    }
    Some(Derived { name: "count of Yes".to_owned(), formula: Formula::Count { of } })
}

/// Pairs of numbers that no vocabulary knows, where the pair says more than either number.
fn pairs(data: &Dataset) -> Result<Vec<Derived>, Error> {
    let numbers = data.schema.features.iter().filter(|feature| feature.kind == FeatureKind::Number);
    let unknown = numbers
        .enumerate()
        .filter(|(_, feature)| vocabulary::known_feature(&feature.name).is_none())
        .take(NUMBERS_MAX);
    let (places, names): (Vec<usize>, Vec<&str>) =
        unknown.map(|(place, feature)| (place, feature.name.as_str())).unzip();
    let alone = |&place: &usize| strength(&data.number(place).collect::<Vec<f64>>(), &data.labels);
    let alone: Vec<f64> = places.par_iter().map(alone).collect();
    let mut tried = Vec::new();
    for (first, left) in names.iter().enumerate() {
        for (second, right) in names.iter().enumerate().skip(first + 1) {
            let best_alone = alone[first].max(alone[second]);
            let formulas = [ratio(left, right), product(left, right), difference(left, right)];
            tried.extend(formulas.map(|derived| (derived, best_alone)));
        }
    }
    let gain = |(derived, best_alone): (Derived, f64)| {
        let column = columns(data, std::slice::from_ref(&derived))?.remove(0);
        Ok((strength(&column, &data.labels) - best_alone, derived))
    };
    let mut gains = tried.into_par_iter().map(gain).collect::<Result<Vec<_>, Error>>()?;
    gains.retain(|(gain, _)| *gain >= GAIN_MIN);
    gains.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    Ok(gains.into_iter().take(PAIRS_MAX).map(|(_, derived)| derived).collect())
}

/// How far the area under the ROC curve is from one half, where the number is there; 0 without customers of
/// both classes.
fn strength(column: &[f64], labels: &[bool]) -> f64 {
    let present = column.iter().zip(labels).filter(|(number, _)| number.is_finite());
    let (numbers, labels): (Vec<f64>, Vec<bool>) = present.map(|(&number, &label)| (number, label)).unzip();
    let leavers = labels.iter().filter(|&&label| label).count();
    if leavers == 0 || leavers == labels.len() {
        return 0.0;
    }
    (Auc::measure(&numbers, &labels).area - 0.5).abs()
}

fn ratio(numerator: &str, denominator: &str) -> Derived {
    let (numerator, denominator) = (numerator.to_owned(), denominator.to_owned());
    Derived {
        name: format!("{numerator} / {denominator}"),
        formula: Formula::Ratio { numerator, denominator },
    }
}

fn product(left: &str, right: &str) -> Derived {
    let (left, right) = (left.to_owned(), right.to_owned());
    Derived { name: format!("{left} * {right}"), formula: Formula::Product { left, right } }
}

fn difference(left: &str, right: &str) -> Derived {
    let (left, right) = (left.to_owned(), right.to_owned());
    Derived { name: format!("{left} - {right}"), formula: Formula::Difference { left, right } }
}

#[cfg(test)]
mod tests {
    use super::{columns, derive};
    use crate::dataset::Dataset;
    use crate::labelled::{self, DataOptions};
    use crate::random::Random;
    use crate::table::Table;

    fn data(text: &str) -> Dataset {
        let table = Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        labelled::read(&table, &DataOptions::default()).unwrap().dataset
    }

    fn names(data: &Dataset) -> Vec<String> {
        derive(data).unwrap().into_iter().map(|derived| derived.name).collect()
    }

    #[test]
    fn known_columns_have_the_numbers_that_mean_something() {
        let data = data(
            "tenure,MonthlyCharges,TotalCharges,PhoneService,OnlineBackup,TechSupport,Partner,Churn\n\
             2,10,30,Yes,No,Yes,Yes,No\n0,20,,No,No internet service,No,No,Yes\n",
        );
        let wanted = ["TotalCharges / tenure", "TotalCharges / MonthlyCharges", "count of Yes"];
        assert_eq!(names(&data), wanted);
        let columns = columns(&data, &derive(&data).unwrap()).unwrap();
        assert_eq!((columns[0][0], columns[1][0]), (15.0, 3.0));
        assert!(columns[0][1].is_nan());
        assert_eq!(columns[2], [2.0, 0.0], "a partner is no service");
    }

    #[test]
    fn a_pair_is_taken_only_where_it_says_more_than_its_numbers() {
        let mut random = Random::new(1);
        let mut text = "Age,Visits,Calls,Churn\n".to_owned();
        for _ in 0..600 {
            let [age, visits, calls] = [(); 3].map(|()| 1.0 + random.uniform());
            let label = if visits / calls > 1.0 { "Yes" } else { "No" };
            text += &format!("{age},{visits},{calls},{label}\n");
        }
        let found = names(&data(&text));
        assert!(found.contains(&"Visits / Calls".to_owned()), "{found:?}");
        assert!(found.len() <= 3 && !found.iter().any(|name| name.contains("Age * ")), "{found:?}");
    }
}
