//! From features to the numbers that an algorithm calculates with. Everything is fitted on the customers
//! at hand, so that inside a fold nothing is known of those outside.

use scoring::{Derived, FeatureKind, Input, InputEncoding, Inputs};
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::samples::Matrix;

/// How customers are prepared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Preparation {}

/// A preparation that is fitted: what a manifest says of it.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) derived: Vec<Derived>,
    pub(crate) inputs: Vec<Input>,
}

impl Preparation {
    /// The inputs that a model trained on these customers has: each number with its mean for a missing one,
    /// each value of a category as a column of its own. A value that is unknown or missing is none of them.
    pub(crate) fn fit(&self, data: &Dataset) -> Prepared {
        let numbers = data.numbers.len() / data.rows().max(1);
        let mut number = 0;
        let mut inputs = Vec::new();
        for feature in &data.schema.features {
            match &feature.kind {
                FeatureKind::Number => {
                    let cells = data.numbers.iter().skip(number).step_by(numbers);
                    let present: Vec<f64> = cells.copied().filter(|cell| !cell.is_nan()).collect();
                    let mean = present.iter().sum::<f64>() / present.len().max(1) as f64;
                    number += 1;
                    inputs.push(Input {
                        name: feature.name.clone(),
                        feature: feature.name.clone(),
                        encoding: InputEncoding::Number { missing: Some(mean) },
                    });
                }
                FeatureKind::Category { values } => {
                    inputs.extend(values.iter().enumerate().map(|(code, value)| Input {
                        name: format!("{}={}", feature.name, value.value),
                        feature: feature.name.clone(),
                        encoding: InputEncoding::Category {
                            values:
                                (0..values.len()).map(|other| f64::from(u8::from(other == code))).collect(),
                            unknown: 0.0,
                            missing: 0.0,
                        },
                    }));
                }
            }
        }
        Prepared { derived: Vec::new(), inputs }
    }
}

impl Prepared {
    /// The inputs of all customers, by the code that makes them in scoring.
    pub(crate) fn matrix(&self, data: &Dataset) -> Result<Matrix, Error> {
        let inputs = Inputs::new(&data.schema, &self.derived, &self.inputs)?;
        let values = inputs.matrix(data.rows(), &data.numbers, &data.codes);
        Ok(Matrix { rows: data.rows(), width: self.inputs.len(), values })
    }
}

#[cfg(test)]
mod tests {
    use scoring::{InputEncoding, MISSING};

    use super::Preparation;
    use crate::dataset::Dataset;
    use crate::features;
    use crate::table::Table;

    #[test]
    fn numbers_are_imputed_and_categories_unfolded() {
        let text = "tenure,Contract,Partner,Churn\n2,One year,Yes,No\n,,No,Yes\n4,Two year,Yes,Yes\n";
        let table = Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        let (schema, _) = features::find(&table).unwrap();
        let data = Dataset::read(&table, &schema).unwrap();
        assert_eq!(data.codes, [1, 1, MISSING, 0, 2, 1]);
        let prepared = Preparation::default().fit(&data);
        let names: Vec<&str> = prepared.inputs.iter().map(|input| input.name.as_str()).collect();
        let contracts = ["Contract=Month-to-month", "Contract=One year", "Contract=Two year"];
        assert_eq!(names, [&["tenure"], &contracts[..], &["Partner=No", "Partner=Yes"]].concat());
        assert_eq!(prepared.inputs[0].encoding, InputEncoding::Number { missing: Some(3.0) });
        let matrix = prepared.matrix(&data).unwrap();
        assert_eq!(matrix.row(0), [2.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(matrix.row(1), [3.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(matrix.column(5).collect::<Vec<_>>(), [1.0, 0.0, 1.0]);
    }
}
