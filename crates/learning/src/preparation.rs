//! From features to the numbers that an algorithm calculates with. Everything is fitted on the customers
//! at hand, so that inside a fold nothing is known of those outside.

use scoring::{Derived, FeatureKind, Input, Inputs};
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::encoding::{self, Numbers};
use crate::error::Error;
use crate::samples::Matrix;
use crate::{engineering, selection};

/// How customers are prepared. The names are those by which people set it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Preparation {
    /// What stands for a missing number.
    pub(crate) missing: Missing,
    /// Whether there is an input that is 1 where a number is missing, for each number that has gaps.
    pub(crate) flag_missing: bool,
    /// The share of customers at either end of a number whose values are moved to the quantile there
    /// (winsorising); 0 moves none.
    pub(crate) clip: f64,
    /// How categories become numbers.
    pub(crate) encoding: Encoding,
    /// Inner knots of each number's spline, by which a linear model can bend; 0 for straight lines.
    pub(crate) knots: usize,
    /// Whether there are numbers made of several features.
    pub(crate) derive: bool,
    /// An input goes where its correlation with an earlier one is above this, either way; with 0 or 1 none
    /// goes.
    pub(crate) select_correlation: f64,
    /// How many of the inputs stay, those that matter most; with 0 all do.
    pub(crate) select_importance: usize,
}

/// More knots than this follow chance, and cost time.
const KNOTS_MAX: usize = 50;

/// More inputs than this would take more memory and time than they can tell.
const INPUTS_MAX: usize = 5_000;

/// What stands for a missing number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missing {
    /// The mean of the others.
    #[default]
    Mean,
    /// Their median.
    Median,
    /// The number 0.
    Zero,
    /// Nothing: it stays NaN, which only boosted trees understand.
    Keep,
}

/// How categories become numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    /// A column for each value; an unknown or missing value is in none.
    #[default]
    OneHot,
    /// One column of ranks: values of a known vocabulary in its order, others by how many have them, the
    /// commonest first. An unknown or missing value is before all others.
    Ordinal,
}

/// A preparation that is fitted: what a manifest says of it.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) derived: Vec<Derived>,
    pub(crate) inputs: Vec<Input>,
}

impl Preparation {
    /// The inputs that a model trained on these customers has.
    pub(crate) fn fit(&self, data: &Dataset) -> Result<Prepared, Error> {
        self.check()?;
        let derived = if self.derive { engineering::derive(data)? } else { Vec::new() };
        let mut inputs = self.feature_inputs(data);
        for (derived, column) in derived.iter().zip(engineering::columns(data, &derived)?) {
            inputs.extend(Numbers::new(&derived.name, column).inputs(self));
        }
        if inputs.len() > INPUTS_MAX {
            return Err(Error::Data(format!(
                "{} inputs are more than {INPUTS_MAX}: drop columns, or set encoding=ordinal",
                inputs.len()
            )));
        }
        let mut prepared = Prepared { derived, inputs };
        if self.select_correlation > 0.0 && self.select_correlation < 1.0 {
            let matrix = prepared.matrix(data)?;
            prepared.keep(&selection::uncorrelated(&matrix, self.select_correlation));
        }
        if self.select_importance > 0 && self.select_importance < prepared.inputs.len() {
            let matrix = prepared.matrix(data)?;
            prepared.keep(&selection::important(&matrix, &data.labels, self.select_importance));
        }
        Ok(prepared)
    }

    fn feature_inputs(&self, data: &Dataset) -> Vec<Input> {
        let mut inputs = Vec::new();
        let (mut number, mut category) = (0, 0);
        for feature in &data.schema.features {
            match &feature.kind {
                FeatureKind::Number => {
                    let numbers = Numbers::new(&feature.name, data.number(number).collect());
                    inputs.extend(numbers.inputs(self));
                    number += 1;
                }
                FeatureKind::Category { values } => {
                    inputs.extend(match self.encoding {
                        Encoding::OneHot => encoding::one_hot(&feature.name, values),
                        Encoding::Ordinal => {
                            vec![encoding::ordinal(&feature.name, values, data.category(category))]
                        }
                    });
                    category += 1;
                }
            }
        }
        inputs
    }

    /// Refuses options that make no sense, alone or together.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |message: String| Err(Error::Options(message));
        if !(0.0..0.5).contains(&self.clip) {
            return refuse("clip must be 0 or more and less than one half".to_owned());
        }
        if self.knots > KNOTS_MAX {
            return refuse(format!("knots must be 0 to {KNOTS_MAX}"));
        }
        if !(0.0..=1.0).contains(&self.select_correlation) {
            return refuse("select_correlation must be 0 to 1".to_owned());
        }
        if self.missing == Missing::Keep && (self.clip > 0.0 || self.knots > 0) {
            return refuse("with clip or knots, missing must be mean, median or zero".to_owned());
        }
        Ok(())
    }
}

impl Prepared {
    /// The inputs of all customers, by the code that makes them in scoring.
    pub(crate) fn matrix(&self, data: &Dataset) -> Result<Matrix, Error> {
        let inputs = Inputs::new(&data.schema, &self.derived, &self.inputs)?;
        let values = inputs.matrix(data.rows(), &data.numbers, &data.codes);
        Ok(Matrix { rows: data.rows(), width: self.inputs.len(), values })
    }

    /// Only these inputs, and the derived numbers that they are made of.
    fn keep(&mut self, kept: &[usize]) {
        self.inputs = kept.iter().map(|&place| self.inputs[place].clone()).collect();
        let inputs = &self.inputs;
        self.derived.retain(|derived| inputs.iter().any(|input| input.feature == derived.name));
    }
}

#[cfg(test)]
mod tests {
    use scoring::{InputEncoding, MISSING};

    use super::{Encoding, Missing, Preparation};
    use crate::dataset::Dataset;
    use crate::labelled::{self, DataOptions};
    use crate::table::Table;

    fn data(text: &str) -> Dataset {
        let table = Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        labelled::read(&table, &DataOptions::default()).unwrap().dataset
    }

    #[test]
    fn numbers_are_imputed_and_categories_unfolded() {
        let data = data("tenure,Contract,Partner,Churn\n2,One year,Yes,No\n,,No,Yes\n4,Two year,Yes,Yes\n");
        assert_eq!(data.codes, [1, 1, MISSING, 0, 2, 1]);
        let prepared = Preparation::default().fit(&data).unwrap();
        let names: Vec<&str> = prepared.inputs.iter().map(|input| input.name.as_str()).collect();
        let contracts = ["Contract=Month-to-month", "Contract=One year", "Contract=Two year"];
        assert_eq!(names, [&["tenure"], &contracts[..], &["Partner=No", "Partner=Yes"]].concat());
        assert_eq!(prepared.inputs[0].encoding, InputEncoding::Number { missing: Some(3.0) });
        let matrix = prepared.matrix(&data).unwrap();
        assert_eq!(matrix.row(0), [2.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(matrix.row(1), [3.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(matrix.column(5).collect::<Vec<_>>(), [1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_gap_is_filled_as_was_asked_for_and_flagged() {
        let data = data("tenure,Age,Churn\n1,5,No\n,6,Yes\n2,7,Yes\n9,8,Yes\n");
        for (missing, wanted) in [
            (Missing::Mean, Some(4.0)),
            (Missing::Median, Some(2.0)),
            (Missing::Zero, Some(0.0)),
            (Missing::Keep, None),
        ] {
            let prepared = Preparation { missing, flag_missing: true, ..Preparation::default() };
            let prepared = prepared.fit(&data).unwrap();
            assert_eq!(prepared.inputs[0].encoding, InputEncoding::Number { missing: wanted });
            assert_eq!(prepared.inputs.len(), 3, "Age has no gaps to flag");
            let matrix = prepared.matrix(&data).unwrap();
            assert_eq!(matrix.column(1).collect::<Vec<_>>(), [0.0, 1.0, 0.0, 0.0]);
            assert_eq!(matrix.row(1)[0].is_nan(), wanted.is_none());
        }
    }

    #[test]
    fn outliers_are_moved_to_the_quantiles_of_the_customers_at_hand() {
        let mut text = "Age,Plan,Churn\n".to_owned();
        (0..=100).for_each(|row| text += &format!("{},{},{}\n", 2 * row, row % 3, ["Yes", "No"][row % 2]));
        let data = data(&text);
        let prepared = Preparation { clip: 0.05, ..Preparation::default() }.fit(&data).unwrap();
        let ages: Vec<f64> = prepared.matrix(&data).unwrap().column(0).collect();
        assert_eq!([ages[0], ages[5], ages[50], ages[95], ages[100]], [10.0, 10.0, 100.0, 190.0, 190.0]);
    }

    #[test]
    fn ranks_follow_the_vocabulary_or_how_many_have_the_value() {
        let text = "Contract,Plan,Churn\nTwo year,b,No\nOne year,c,No\n,c,Yes\nMonth-to-month,a,Yes\nTwo year,c,No\nTwo year,,No\nTwo year,b,Yes\n";
        let data = data(text);
        let prepared = Preparation { encoding: Encoding::Ordinal, ..Preparation::default() };
        let matrix = prepared.fit(&data).unwrap().matrix(&data).unwrap();
        assert_eq!(matrix.width, 2);
        assert_eq!(matrix.column(0).collect::<Vec<_>>(), [2.0, 1.0, -1.0, 0.0, 2.0, 2.0, 2.0]);
        assert_eq!(matrix.column(1).collect::<Vec<_>>(), [1.0, 0.0, 0.0, 2.0, 0.0, -1.0, 1.0]);
    }

    #[test]
    fn a_spline_and_derived_numbers_are_clipped_as_numbers_are() {
        let mut text = "tenure,TotalCharges,Churn\n".to_owned();
        (0..=100).for_each(|row| text += &format!("{},{},{}\n", row, row * row, ["Yes", "No"][row % 2]));
        let data = data(&text);
        let options = Preparation { clip: 0.05, knots: 3, derive: true, ..Preparation::default() };
        let prepared = options.fit(&data).unwrap();
        assert_eq!(prepared.derived.len(), 1);
        // The number and seven functions, for each of three numbers.
        assert_eq!(prepared.inputs.len(), 24);
        let matrix = prepared.matrix(&data).unwrap();
        assert_eq!(matrix.row(1)[..16], matrix.row(3)[..16]);
        assert_eq!(matrix.row(96)[..16], matrix.row(100)[..16]);
        assert_ne!(matrix.row(50)[..8], matrix.row(51)[..8]);
    }

    #[test]
    fn what_is_selected_is_all_that_a_model_needs() {
        let mut text = "tenure,Months,Age,TotalCharges,Churn\n".to_owned();
        for row in 0..200 {
            let label = if ((row * 7) % 100 < 40) != (row % 9 == 0) { "Yes" } else { "No" };
            text += &format!("{},{},{},{},{label}\n", (row * 7) % 100, (row * 7) % 100 * 2, row % 3, row);
        }
        let data = data(&text);
        let names = |options: Preparation| {
            let prepared = options.fit(&data).unwrap();
            assert!(prepared.matrix(&data).is_ok());
            let names = prepared.inputs.iter().map(|input| input.name.clone());
            (names.collect::<Vec<_>>(), prepared.derived.len())
        };
        let options = Preparation { select_correlation: 0.99, ..Preparation::default() };
        assert_eq!(names(options).0, ["tenure", "Age", "TotalCharges"]);
        let options = Preparation { select_importance: 1, derive: true, ..Preparation::default() };
        assert_eq!(names(options), (vec!["tenure".to_owned()], 0));
    }

    #[test]
    fn a_column_without_a_number_and_a_constant_are_no_trouble() {
        let data = data("tenure,Age,Churn\n,5,No\n,5,Yes\n,5,Yes\n,6,Yes\n").select(&[0, 1, 2]);
        for missing in [Missing::Mean, Missing::Median] {
            let all = Preparation {
                missing,
                flag_missing: true,
                clip: 0.1,
                knots: 4,
                derive: true,
                ..Preparation::default()
            };
            let matrix = all.fit(&data).unwrap().matrix(&data).unwrap();
            assert!(matrix.values.iter().all(|value| value.is_finite()), "{matrix:?}");
        }
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        for clip in [-0.1, 0.5, f64::NAN] {
            assert!(Preparation { clip, ..Preparation::default() }.check().is_err());
        }
        let keep = Preparation { missing: Missing::Keep, ..Preparation::default() };
        assert!(keep.check().is_ok());
        assert!(Preparation { clip: 0.01, ..keep }.check().is_err());
        assert!(Preparation { knots: 5, ..keep }.check().is_err());
        assert!(Preparation { knots: 51, ..Preparation::default() }.check().is_err());
        assert!(Preparation { select_correlation: 1.1, ..Preparation::default() }.check().is_err());
        assert!(serde_json::from_str::<Preparation>(r#"{"misssing":"zero"}"#).is_err());
        let read: Preparation = serde_json::from_str(r#"{"missing":"zero","encoding":"ordinal"}"#).unwrap();
        assert_eq!((read.missing, read.encoding), (Missing::Zero, Encoding::Ordinal));
    }
}
