//! From features to the numbers that an algorithm calculates with: imputed numbers and one-hot columns.

use scoring::{FeatureKind, Input, InputEncoding};

use crate::dataset::Dataset;

/// A dense matrix, row after row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) values: Vec<f64>,
}

impl Matrix {
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..][..self.width]
    }

    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        self.values.iter().skip(column).step_by(self.width.max(1)).copied()
    }
}

/// The inputs that a model trained on these customers has: each number with its mean for a missing one,
/// each value of a category as a column of its own. A value that is unknown or missing is none of them.
pub(crate) fn fit(data: &Dataset) -> Vec<Input> {
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
                        values: (0..values.len()).map(|other| f64::from(u8::from(other == code))).collect(),
                        unknown: 0.0,
                        missing: 0.0,
                    },
                }));
            }
        }
    }
    inputs
}

/// The inputs of all customers, as [`fit`] made them.
pub(crate) fn matrix(data: &Dataset) -> Matrix {
    let inputs = fit(data);
    let (numbers, categories) = (data.numbers.len() / data.rows(), data.codes.len() / data.rows());
    let mut values = Vec::with_capacity(data.rows() * inputs.len());
    for row in 0..data.rows() {
        let mut numbers = data.numbers[row * numbers..][..numbers].iter();
        let mut codes = data.codes[row * categories..][..categories].iter();
        let mut rest = inputs.as_slice();
        while let [first, ..] = rest {
            match &first.encoding {
                InputEncoding::Number { missing } => {
                    let number = numbers.next().copied().unwrap_or(f64::NAN);
                    values.push(if number.is_nan() { missing.unwrap_or(f64::NAN) } else { number });
                    rest = &rest[1..];
                }
                InputEncoding::Category { values: one_hot, .. } => {
                    let code = codes.next().copied().unwrap_or(u32::MAX);
                    let count = one_hot.len() as u32;
                    values.extend((0..count).map(|value| f64::from(u8::from(value == code))));
                    rest = &rest[one_hot.len()..];
                }
            }
        }
    }
    Matrix { rows: data.rows(), width: inputs.len(), values }
}

#[cfg(test)]
mod tests {
    use scoring::{InputEncoding, MISSING};

    use super::{fit, matrix};
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
        let inputs = fit(&data);
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        let contracts = ["Contract=Month-to-month", "Contract=One year", "Contract=Two year"];
        assert_eq!(names, [&["tenure"], &contracts[..], &["Partner=No", "Partner=Yes"]].concat());
        assert_eq!(inputs[0].encoding, InputEncoding::Number { missing: Some(3.0) });
        let matrix = matrix(&data);
        assert_eq!(matrix.row(0), [2.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(matrix.row(1), [3.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(matrix.column(5).collect::<Vec<_>>(), [1.0, 0.0, 1.0]);
    }
}
