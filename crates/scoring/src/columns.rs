//! Which column of a file is which feature of a model.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::manifest::Schema;
use crate::names;
use crate::problem::{InputError, Problem, code};
use crate::records::column_name;

/// One column of a file and what it is to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMatch {
    /// The column's name in the file.
    pub name: String,
    /// The model's name of the feature; nothing for a column that only passes through.
    pub matched_to: Option<String>,
}

/// Finds each feature among the columns: by name or alias, compared by [`names::key`], in any order.
/// Outcomes and columns that the model does not know pass through.
pub fn match_columns(header: &[String], schema: &Schema) -> Result<Vec<ColumnMatch>, InputError> {
    let features = find_features(header, schema)?;
    let mut matches: Vec<ColumnMatch> =
        header.iter().map(|name| ColumnMatch { name: name.clone(), matched_to: None }).collect();
    for (feature, column) in schema.features.iter().zip(features) {
        matches[column].matched_to = Some(feature.name.clone());
    }
    Ok(matches)
}

/// The column of each feature of the schema.
pub(crate) fn find_features(header: &[String], schema: &Schema) -> Result<Vec<usize>, InputError> {
    let mut found: Vec<Option<usize>> = vec![None; schema.features.len()];
    let known = feature_keys(schema);
    let mut seen = HashSet::new();
    for (column, name) in header.iter().enumerate() {
        // Files of spreadsheets often end in columns without a name.
        if !name.is_empty() && !seen.insert(name.as_str()) {
            return Err(duplicate(header, column, format!("there is another column {name:?}")));
        }
        let Some(&feature) = known.get(&names::key(name)) else { continue };
        if let Some(first) = found[feature].replace(column) {
            let (first, feature) = (&header[first], &schema.features[feature].name);
            return Err(duplicate(header, column, format!("it means {feature} as {first:?} does")));
        }
    }
    let missing: Vec<String> = schema
        .features
        .iter()
        .zip(&found)
        .filter(|(_, column)| column.is_none())
        .map(|(feature, _)| feature.name.clone())
        .collect();
    if missing.is_empty() { Ok(found.into_iter().flatten().collect()) } else { Err(missing_columns(missing)) }
}

/// The error for features that are not there.
pub(crate) fn missing_columns(missing: Vec<String>) -> InputError {
    let message = format!("Columns that the model needs are missing: {}.", missing.join(", "));
    InputError { missing, ..InputError::new(code::MISSING_COLUMNS, message) }
}

/// Every key that means a feature, with the feature's position. Outcomes mean none.
pub(crate) fn feature_keys(schema: &Schema) -> HashMap<String, usize> {
    let outcomes: HashSet<String> = schema.outcomes.iter().map(|name| names::key(name)).collect();
    let mut keys = HashMap::new();
    for (position, feature) in schema.features.iter().enumerate() {
        for name in [&feature.name].into_iter().chain(&feature.aliases) {
            keys.insert(names::key(name), position);
        }
    }
    keys.retain(|key, _| !outcomes.contains(key));
    keys
}

fn duplicate(header: &[String], column: usize, message: String) -> InputError {
    let problem = Problem { line: 1, column: column_name(header, column), message };
    InputError::at(code::DUPLICATE_COLUMNS, problem)
}

#[cfg(test)]
mod tests {
    use super::match_columns;
    use crate::manifest::{Feature, FeatureKind, Schema};
    use crate::problem::code;

    fn schema() -> Schema {
        let number = |name: &str, alias: &str| Feature {
            name: name.to_owned(),
            aliases: vec![alias.to_owned()],
            kind: FeatureKind::Number,
        };
        Schema {
            features: vec![number("tenure", "Tenure Months"), number("MonthlyCharges", "MonthlySpending")],
            outcomes: vec!["Churn".to_owned()],
        }
    }

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn columns_match_in_any_order_and_spelling() {
        let matches =
            match_columns(&header(&["monthly_spending", "id", "TENURE months", "Churn", "", ""]), &schema());
        let matches: Vec<_> = matches.expect("matched").into_iter().map(|column| column.matched_to).collect();
        let (charges, tenure) = (Some("MonthlyCharges".to_owned()), Some("tenure".to_owned()));
        assert_eq!(matches, [charges, None, tenure, None, None, None]);
    }

    #[test]
    fn missing_columns_are_listed_under_the_models_names() {
        let error = match_columns(&header(&["id", "Churn"]), &schema()).expect_err("nothing there");
        assert_eq!(
            (error.code, error.missing),
            (code::MISSING_COLUMNS, header(&["tenure", "MonthlyCharges"]))
        );
    }

    #[test]
    fn two_columns_of_one_name_or_meaning_are_refused() {
        for names in [["tenure", "Tenure Months", "MonthlyCharges"], ["tenure", "MonthlyCharges", "tenure"]] {
            let error = match_columns(&header(&names), &schema()).expect_err("twice");
            assert_eq!(error.code, code::DUPLICATE_COLUMNS);
        }
        let error = match_columns(&header(&["tenure", "MonthlyCharges", "id", "id"]), &schema());
        assert_eq!(error.expect_err("twice").code, code::DUPLICATE_COLUMNS);
    }
}
