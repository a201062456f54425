//! Labelled customers as numbers and codes, in the order in which a schema lists its features.

use std::collections::{HashMap, HashSet};

use scoring::{FeatureKind, MISSING, Schema, UNKNOWN, match_columns, names};

use crate::error::Error;
use crate::table::Table;

/// Customers with their outcome. Rows lie one after the other, as scoring takes them.
#[derive(Debug, Clone)]
pub(crate) struct Dataset {
    pub(crate) schema: Schema,
    /// One per number of the schema for each row; NaN is missing.
    pub(crate) numbers: Vec<f64>,
    /// One per category of the schema for each row.
    pub(crate) codes: Vec<u32>,
    /// Whether the customer has left.
    pub(crate) labels: Vec<bool>,
}

impl Dataset {
    /// Reads a file as a schema says; `labels` tell for each row whether the customer has left.
    pub(crate) fn read(table: &Table, schema: &Schema, labels: Vec<bool>) -> Result<Dataset, Error> {
        let matches = match_columns(&table.header, schema)?;
        let (mut numbers, mut codes) = (Vec::new(), Vec::new());
        for feature in &schema.features {
            let is_feature = |matched: &Option<String>| matched.as_ref() == Some(&feature.name);
            let column = matches
                .iter()
                .position(|column| is_feature(&column.matched_to))
                .ok_or_else(|| Error::Data(format!("the file has no column {}", feature.name)))?;
            match &feature.kind {
                FeatureKind::Number => numbers.push(read_numbers(table, column)?),
                FeatureKind::Category { values } => {
                    let spellings = (0..).zip(values).flat_map(|(code, value)| {
                        let all = [&value.value].into_iter().chain(&value.aliases);
                        all.map(move |spelling| (names::key(spelling), code))
                    });
                    codes.push(read_codes(table, column, &spellings.collect()));
                }
            }
        }
        let (numbers, codes) = (by_row(&numbers, table.rows()), by_row(&codes, table.rows()));
        Ok(Dataset { schema: schema.clone(), numbers, codes, labels })
    }

    pub(crate) fn rows(&self) -> usize {
        self.labels.len()
    }

    /// How many have left.
    pub(crate) fn positives(&self) -> usize {
        self.labels.iter().filter(|&&label| label).count()
    }

    /// The same customers without these features.
    pub(crate) fn without(&self, gone: &HashSet<&str>) -> Dataset {
        let (mut numbers, mut codes) = (Vec::new(), Vec::new());
        let (mut number, mut category) = (0, 0);
        let mut schema = self.schema.clone();
        schema.features.retain(|feature| {
            let stays = !gone.contains(feature.name.as_str());
            match &feature.kind {
                FeatureKind::Number => {
                    numbers.extend(stays.then(|| self.number(number).collect::<Vec<f64>>()));
                    number += 1;
                }
                FeatureKind::Category { .. } => {
                    codes.extend(stays.then(|| self.category(category).collect::<Vec<u32>>()));
                    category += 1;
                }
            }
            stays
        });
        let (numbers, codes) = (by_row(&numbers, self.rows()), by_row(&codes, self.rows()));
        Dataset { schema, numbers, codes, labels: self.labels.clone() }
    }

    /// A number of all customers, by its place among the numbers of the schema.
    pub(crate) fn number(&self, place: usize) -> impl Iterator<Item = f64> {
        let width = self.numbers.len() / self.rows().max(1);
        self.numbers.iter().skip(place).step_by(width.max(1)).copied()
    }

    /// The codes of a category, by its place among the categories of the schema.
    pub(crate) fn category(&self, place: usize) -> impl Iterator<Item = u32> {
        let width = self.codes.len() / self.rows().max(1);
        self.codes.iter().skip(place).step_by(width.max(1)).copied()
    }

    /// The same customers, but only these rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Dataset {
        let (numbers, codes) = (self.numbers.len() / self.rows(), self.codes.len() / self.rows());
        let numbers_of = |&row: &usize| &self.numbers[row * numbers..][..numbers];
        let codes_of = |&row: &usize| &self.codes[row * codes..][..codes];
        Dataset {
            schema: self.schema.clone(),
            numbers: rows.iter().flat_map(numbers_of).copied().collect(),
            codes: rows.iter().flat_map(codes_of).copied().collect(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
        }
    }
}

fn read_numbers(table: &Table, column: usize) -> Result<Vec<f64>, Error> {
    let numbers = table.cells(column).enumerate().map(|(row, cell)| {
        let error = || table.cell_error(row, column, format!("{cell:?} is not a number"));
        table.number(cell).ok_or_else(error)
    });
    numbers.collect()
}

fn read_codes(table: &Table, column: usize, spellings: &HashMap<String, u32>) -> Vec<u32> {
    let code = |cell: &str| match names::key(cell) {
        key if key.is_empty() => MISSING,
        key => spellings.get(&key).copied().unwrap_or(UNKNOWN),
    };
    table.cells(column).map(code).collect()
}

fn by_row<T: Copy>(columns: &[Vec<T>], rows: usize) -> Vec<T> {
    (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use scoring::{MISSING, UNKNOWN};

    use super::Dataset;
    use crate::error::Error;
    use crate::labelled::{self, DataOptions};
    use crate::table::Table;

    fn table(text: &str) -> Table {
        Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap()
    }

    fn learned(text: &str) -> Result<Dataset, Error> {
        Ok(labelled::read(&table(text), &DataOptions::default())?.dataset)
    }

    #[test]
    fn any_vocabulary_gives_the_same_numbers_and_codes() {
        let first =
            learned("SeniorCitizen,tenure,Contract,Churn\n0,1.5,One year,No\n1,,Two year,Yes\n").unwrap();
        let judged = table(
            "Churn Value,HasContractPhone,Tenure Months,Senior Citizen\n1,Ten years,7,\n0,one year,8,Yes\n",
        );
        assert!(first.numbers[0] == 1.5 && first.numbers[1].is_nan());
        let second = Dataset::read(&judged, &first.schema, vec![true, false]).unwrap();
        assert_eq!((first.codes, first.labels), (vec![0, 1, 1, 2], vec![false, true]));
        assert_eq!(second.codes, [MISSING, UNKNOWN, 1, 1]);
        let selected = second.select(&[1]);
        assert_eq!((selected.numbers, selected.codes, selected.labels), (vec![8.0], vec![1, 1], vec![false]));
    }

    #[test]
    fn a_feature_is_taken_away_with_its_cells() {
        let data = learned("Age,Plan,tenure,Land,Churn\n1,a,5,x,No\n2,b,6,y,Yes\n").unwrap();
        let less = data.without(&HashSet::from(["Age", "Land"]));
        assert_eq!((less.numbers, less.codes), (vec![5.0, 6.0], vec![0, 1]));
        assert_eq!(less.schema.features.len(), 2);
        assert_eq!((less.schema.features[0].name.as_str(), less.labels), ("Plan", data.labels));
    }

    #[test]
    fn a_word_among_numbers_is_named() {
        match learned("tenure,Churn\n1,No\nmany,Yes\n") {
            Err(Error::Cell { line: 3, column, .. }) => assert_eq!(column, "tenure"),
            other => panic!("{other:?}"),
        }
    }
}
