//! Decides which columns of a file are features, and of which kind.
//!
//! Columns of the known vocabularies are what they are known to be. Any other is a number where all its
//! cells are, a category where its values are few, and left out where it is an id, an outcome, or the
//! same for everybody.

use std::collections::BTreeMap;

use scoring::{CategoryValue, Feature, FeatureKind, Schema, names, vocabulary};

use crate::error::Error;
use crate::table::Table;

/// Text with more values than this is taken for names or ids.
const VALUES_MAX: usize = 50;

/// A column that is no feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name in the file.
    pub column: String,
    /// Why.
    pub reason: LeftOutReason,
}

/// Why a column is no feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOutReason {
    /// It tells who has left, or was computed from it.
    Outcome,
    /// Its values name customers or places rather than describe them.
    Id,
    /// It has one value for everybody, or none.
    Constant,
}

impl std::fmt::Display for LeftOutReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            LeftOutReason::Outcome => "tells the outcome",
            LeftOutReason::Id => "names customers rather than describes them",
            LeftOutReason::Constant => "is the same for everybody",
        })
    }
}

/// The schema that a model trained on this file has, and the columns that are not in it.
pub(crate) fn find(table: &Table) -> Result<(Schema, Vec<LeftOut>), Error> {
    let mut schema = Schema { features: Vec::new(), outcomes: vocabulary::outcomes() };
    let mut left_out = Vec::new();
    for (column, name) in table.header.iter().enumerate() {
        match judge(table, column, name) {
            Ok(feature) if schema.features.iter().any(|other| shares_name(other, &feature)) => {
                return Err(Error::Data(format!("two columns of the file mean {}", feature.name)));
            }
            Ok(feature) => schema.features.push(feature),
            Err(reason) => left_out.push(LeftOut { column: name.clone(), reason }),
        }
    }
    if schema.features.is_empty() {
        return Err(Error::Data("the file has no column to learn from".to_owned()));
    }
    Ok((schema, left_out))
}

fn judge(table: &Table, column: usize, name: &str) -> Result<Feature, LeftOutReason> {
    if name.is_empty() {
        return Err(LeftOutReason::Id);
    }
    if vocabulary::is_outcome(name) {
        return Err(LeftOutReason::Outcome);
    }
    // By key, so that two spellings are one value; the first spelling is kept.
    let mut spellings: BTreeMap<String, &str> = BTreeMap::new();
    for cell in table.cells(column).filter(|cell| !cell.is_empty()) {
        spellings.entry(names::key(cell)).or_insert(cell);
    }
    if let Some(mut feature) = vocabulary::known_feature(name) {
        if let FeatureKind::Category { values } = &mut feature.kind {
            add_new_values(values, &spellings);
        }
        return Ok(feature);
    }
    if spellings.len() < 2 {
        return Err(LeftOutReason::Constant);
    }
    let numbers: Option<Vec<f64>> = table.cells(column).map(|cell| table.number(cell)).collect();
    let kind = match numbers {
        Some(numbers) if is_running_number(name, &numbers) => return Err(LeftOutReason::Id),
        Some(_) => FeatureKind::Number,
        None if spellings.len() > VALUES_MAX => return Err(LeftOutReason::Id),
        None => vocabulary::category(&spellings.values().collect::<Vec<_>>()),
    };
    Ok(Feature { name: name.to_owned(), aliases: Vec::new(), kind })
}

/// Values that a vocabulary does not know follow the known ones, unless there are too many to be values.
fn add_new_values(values: &mut Vec<CategoryValue>, spellings: &BTreeMap<String, &str>) {
    let is_known = |key: &String| {
        values.iter().any(|known| {
            [&known.value].into_iter().chain(&known.aliases).any(|spelling| names::key(spelling) == *key)
        })
    };
    let new: Vec<CategoryValue> = spellings
        .iter()
        .filter(|(key, _)| !is_known(key))
        .map(|(_, spelling)| CategoryValue { value: (*spelling).to_owned(), aliases: Vec::new() })
        .collect();
    if new.len() <= VALUES_MAX {
        values.extend(new);
    }
}

/// Whole numbers, each once, in a column whose name says that it is an id.
fn is_running_number(name: &str, numbers: &[f64]) -> bool {
    let key = names::key(name);
    let is_named_id = key == "id" || key.ends_with("id") || key.ends_with("number") || key.ends_with("code");
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    is_named_id
        && sorted.iter().all(|number| number.fract() == 0.0)
        && sorted.windows(2).all(|pair| pair[0] != pair[1])
}

fn shares_name(left: &Feature, right: &Feature) -> bool {
    let keys = |feature: &Feature| {
        let names = [&feature.name].into_iter().chain(&feature.aliases);
        names.map(|name| names::key(name)).collect::<Vec<_>>()
    };
    let right = keys(right);
    keys(left).iter().any(|key| right.contains(key))
}

#[cfg(test)]
mod tests {
    use scoring::FeatureKind;

    use super::{LeftOutReason, find};
    use crate::table::Table;

    fn table(text: &str) -> Table {
        Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap()
    }

    #[test]
    fn columns_are_judged_by_name_and_cells() {
        let mut text = "CustomerID,account id,tenure,Region,Age,Plan,Count,Churn,Churn Reason\n".to_owned();
        for row in 0..60 {
            let plan = ["gold", "silver", "Gold"][row % 3];
            text += &format!("C{row},{row},{row},town {row},{}.5,{plan},1,No,none\n", row % 7);
        }
        let (schema, left_out) = find(&table(&text)).unwrap();
        let names: Vec<&str> = schema.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, ["tenure", "Age", "Plan"]);
        assert!(schema.features[0].aliases.contains(&"ClientPeriod".to_owned()));
        let FeatureKind::Category { values } = &schema.features[2].kind else { panic!("a category") };
        assert_eq!(values.iter().map(|value| value.value.as_str()).collect::<Vec<_>>(), ["gold", "silver"]);
        let reasons: Vec<_> = left_out.iter().map(|left| (left.column.as_str(), left.reason)).collect();
        assert_eq!(
            reasons,
            [
                ("CustomerID", LeftOutReason::Id),
                ("account id", LeftOutReason::Id),
                ("Region", LeftOutReason::Id),
                ("Count", LeftOutReason::Constant),
                ("Churn", LeftOutReason::Outcome),
                ("Churn Reason", LeftOutReason::Outcome)
            ]
        );
    }

    #[test]
    fn a_known_category_keeps_its_order_and_gains_new_values() {
        let (schema, _) = find(&table("PaymentMethod,Churn\nCrypto,No\nMailed check,Yes\n")).unwrap();
        let FeatureKind::Category { values } = &schema.features[0].kind else { panic!("a category") };
        assert_eq!((values.len(), values[0].value.as_str()), (5, "Electronic check"));
        assert_eq!(values[4].value, "Crypto");
    }

    #[test]
    fn two_columns_of_one_meaning_are_refused() {
        assert!(find(&table("tenure,ClientPeriod\n1,2\n3,4\n")).is_err());
        assert!(find(&table("Churn,Count\nYes,1\nNo,1\n")).is_err());
    }
}
