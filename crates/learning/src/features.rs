//! Decides which columns of a file are features, and of which kind.
//!
//! Columns of the known vocabularies are what they are known to be. Any other is a number where all its
//! cells are, a category where its values are few, and left out where it is an id, an outcome, or the
//! same for everybody.

use std::collections::BTreeMap;

use scoring::{CategoryValue, Feature, FeatureKind, Schema, names, vocabulary};
use serde::Serialize;

use crate::column_names::{is_named_id, is_post_outcome};
use crate::error::Error;
use crate::labelled::{DataOptions, is_in};
use crate::table::Table;
use crate::target;

/// Text with more values than this is taken for names or ids.
const VALUES_MAX: usize = 50;
/// The most values of a category that was asked for.
const KEPT_VALUES_MAX: usize = 1_000;
/// A column of fewer rows that counts up may do so by chance.
const COUNTING_MIN: usize = 50;
/// The share of different values from which whole numbers under an id's name are ids, and from which numbers
/// that count up are.
const NAMED_ID_SHARE: f64 = 0.5;
const COUNTING_SHARE: f64 = 0.9;
/// Dates may have a few cells among them that are none.
const DATES_SHARE: f64 = 0.9;

/// A column that is no feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOut {
    /// Its name in the file.
    pub column: String,
    /// Why.
    #[serde(flatten)]
    pub reason: LeftOutReason,
}

/// Why a column is no feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum LeftOutReason {
    /// It tells who has left, or was computed from it.
    Outcome,
    /// By its name it was written down after the customer had left.
    PostOutcome,
    /// It alone nearly decides who has left.
    Leak {
        /// The area under the ROC curve that it reaches alone, by cross-validation.
        auc: f64,
    },
    /// Its values name customers or places rather than describe them.
    Id,
    /// Its values are days, of which new customers have others.
    Date,
    /// It says what another column says.
    Duplicate {
        /// The other column.
        of: String,
    },
    /// It has one value for everybody, or none.
    Constant,
    /// It has one value for nearly everybody.
    NearlyConstant,
    /// The options say so.
    Dropped,
}

impl std::fmt::Display for LeftOutReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            LeftOutReason::Outcome => "tells the outcome",
            LeftOutReason::PostOutcome => "is known only after the outcome, by its name",
            LeftOutReason::Leak { auc } => {
                return write!(formatter, "nearly decides the outcome alone (ROC AUC {auc:.3})");
            }
            LeftOutReason::Id => "names customers rather than describes them",
            LeftOutReason::Date => "has dates",
            LeftOutReason::Duplicate { of } => return write!(formatter, "says the same as {of}"),
            LeftOutReason::Constant => "is the same for everybody",
            LeftOutReason::NearlyConstant => "is the same for nearly everybody",
            LeftOutReason::Dropped => "was to be dropped",
        })
    }
}

/// The schema that a model trained on this file has, and the columns that are not in it. `target` is the
/// column that tells who left.
pub(crate) fn find(
    table: &Table,
    target: usize,
    options: &DataOptions,
) -> Result<(Schema, Vec<LeftOut>), Error> {
    let mut schema = Schema { features: Vec::new(), outcomes: outcomes(&table.header[target], options) };
    let mut left_out = Vec::new();
    for (column, name) in table.header.iter().enumerate() {
        let judged = match reason_by_name(name, column == target, options) {
            Some(reason) => Err(reason),
            None => judge(table, column, name, is_in(&options.keep, name)),
        };
        match judged {
            Ok(feature) if schema.features.iter().any(|other| shares_name(other, &feature)) => {
                return Err(Error::Data(format!("two columns of the file mean {}", feature.name)));
            }
            Ok(feature) => schema.features.push(feature),
            Err(reason) => left_out.push(LeftOut { column: name.clone(), reason }),
        }
    }
    if schema.features.is_empty() {
        let why: Vec<String> =
            left_out.iter().map(|left| format!("{} {}", left.column, left.reason)).collect();
        return Err(Error::Data(format!("the file has no column to learn from: {}", why.join("; "))));
    }
    Ok((schema, left_out))
}

/// Whether two names, one of them a feature's own, mean one feature.
pub(crate) fn means(column: &str, feature: &str) -> bool {
    names::key(column) == names::key(feature)
        || vocabulary::known_feature(column).is_some_and(|known| known.name == feature)
}

/// Names that pass through a model: the vocabulary's and the target's, but for what is kept.
fn outcomes(target: &str, options: &DataOptions) -> Vec<String> {
    let mut outcomes = vocabulary::outcomes();
    if !is_in(&outcomes, target) {
        outcomes.push(target.to_owned());
    }
    outcomes.retain(|name| !is_in(&options.keep, name));
    outcomes
}

fn reason_by_name(name: &str, is_target: bool, options: &DataOptions) -> Option<LeftOutReason> {
    match () {
        () if is_target => Some(LeftOutReason::Outcome),
        () if is_in(&options.drop, name) => Some(LeftOutReason::Dropped),
        () if is_in(&options.keep, name) => None,
        () if vocabulary::is_outcome(name) || target::is_outcome(name) => Some(LeftOutReason::Outcome),
        () if is_post_outcome(name) => Some(LeftOutReason::PostOutcome),
        () => None,
    }
}

fn judge(table: &Table, column: usize, name: &str, is_kept: bool) -> Result<Feature, LeftOutReason> {
    if name.is_empty() {
        return Err(LeftOutReason::Id);
    }
    // By key, so that two spellings are one value; the first spelling is kept.
    let mut spellings: BTreeMap<String, &str> = BTreeMap::new();
    let mut has_gaps = false;
    for cell in table.cells(column) {
        if cell.is_empty() {
            has_gaps = true;
        } else {
            spellings.entry(names::key(cell)).or_insert(cell);
        }
    }
    if let Some(mut feature) = vocabulary::known_feature(name) {
        if let FeatureKind::Category { values } = &mut feature.kind {
            add_new_values(values, &spellings);
        }
        return Ok(feature);
    }
    // That a cell is empty tells something where others have a value.
    if spellings.is_empty() || (spellings.len() == 1 && !has_gaps) {
        return Err(LeftOutReason::Constant);
    }
    let numbers: Option<Vec<f64>> = table.cells(column).map(|cell| table.number(cell)).collect();
    let values_max = if is_kept { KEPT_VALUES_MAX } else { VALUES_MAX };
    let kind = match numbers {
        Some(numbers) if !is_kept && is_running_number(name, &numbers) => return Err(LeftOutReason::Id),
        Some(_) if spellings.len() > 1 => FeatureKind::Number,
        None if !is_kept && has_dates(table, column) => return Err(LeftOutReason::Date),
        None if !is_kept && is_named_id(name) && is_all_different(table, column, spellings.len()) => {
            return Err(LeftOutReason::Id);
        }
        None if spellings.len() > values_max => return Err(LeftOutReason::Id),
        _ => vocabulary::category(&spellings.values().collect::<Vec<_>>()),
    };
    Ok(Feature { name: name.to_owned(), aliases: Vec::new(), kind })
}

/// Whether no value is there twice.
fn is_all_different(table: &Table, column: usize, values: usize) -> bool {
    values == table.cells(column).filter(|cell| !cell.is_empty()).count()
}

fn has_dates(table: &Table, column: usize) -> bool {
    let cells = || table.cells(column).filter(|cell| !cell.is_empty());
    cells().filter(|cell| is_date(cell)).count() as f64 >= DATES_SHARE * cells().count() as f64
}

/// A day as 2024-03-31, 31.03.2024 or 3/31/24, or a month as 2024-03, with or without a time behind it.
fn is_date(cell: &str) -> bool {
    let day = cell.split([' ', 'T']).next().unwrap_or(cell);
    let Some(separator) = day.chars().find(|letter| !letter.is_ascii_digit()) else { return false };
    let parts: Vec<&str> = day.split(separator).collect();
    let is_digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let years = parts.iter().filter(|part| part.len() == 4).count();
    let small = parts.iter().filter(|part| part.len() <= 2);
    let small: Vec<u32> = small.filter_map(|part| part.parse().ok()).collect();
    let is_plausible = match (parts.len(), years, small.len()) {
        (3, 1, 2) | (3, 0, 3) => separator != ',',
        (2, 1, 1) => separator == '-' || separator == '/',
        _ => false,
    };
    is_plausible && "-/.".contains(separator) && parts.iter().all(is_digits) && {
        let days = if years == 1 { small } else { small[..2].to_vec() };
        days.iter().all(|&part| (1..=31).contains(&part)) && days.iter().any(|&part| part <= 12)
    }
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

/// Whole numbers that hardly ever repeat, in a column whose name says that it is an id, or that count up
/// without a gap. A few customers may be there twice.
fn is_running_number(name: &str, numbers: &[f64]) -> bool {
    // A gap is no number and tells nothing.
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    let present = sorted.len().max(1);
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    if sorted.iter().any(|number| number.fract() != 0.0) {
        return false;
    }
    let share = sorted.len() as f64 / present as f64;
    let span = sorted.last().zip(sorted.first()).map_or(0.0, |(last, first)| last - first);
    let counts_up = sorted.len() >= COUNTING_MIN && span == (sorted.len() - 1) as f64;
    (is_named_id(name) && share > NAMED_ID_SHARE) || (counts_up && share > COUNTING_SHARE)
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
    use scoring::{FeatureKind, Schema};

    use super::{LeftOut, LeftOutReason, is_date};
    use crate::error::Error;
    use crate::labelled::DataOptions;
    use crate::table::Table;

    /// The last column is the target.
    fn find(text: &str) -> Result<(Schema, Vec<LeftOut>), Error> {
        let table = Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        super::find(&table, table.header.len() - 1, &DataOptions::default())
    }

    #[test]
    fn columns_are_judged_by_name_and_cells() {
        let mut text =
            "CustomerID,account id,tenure,Region,Age,Plan,Count,Gift,Row,CLTV,Cancel Reason,Churn\n"
                .to_owned();
        for row in 0..60 {
            let plan = ["gold", "silver", "Gold"][row % 3];
            let gift = if row % 2 == 0 { "7" } else { "" };
            text += &format!(
                "C{row},{},{row},town {row},{}.5,{plan},1,{gift},{},3,none,No\n",
                row * 3,
                row % 7,
                row + 9
            );
        }
        let (schema, left_out) = find(&text).unwrap();
        let names: Vec<&str> = schema.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, ["tenure", "Age", "Plan", "Gift"]);
        assert!(schema.features[0].aliases.contains(&"ClientPeriod".to_owned()));
        let FeatureKind::Category { values } = &schema.features[2].kind else { panic!("a category") };
        assert_eq!(values.iter().map(|value| value.value.as_str()).collect::<Vec<_>>(), ["gold", "silver"]);
        assert!(matches!(&schema.features[3].kind, FeatureKind::Category { values } if values.len() == 1));
        let reasons: Vec<_> =
            left_out.iter().map(|left| (left.column.as_str(), left.reason.clone())).collect();
        assert_eq!(
            reasons,
            [
                ("CustomerID", LeftOutReason::Id),
                ("account id", LeftOutReason::Id),
                ("Region", LeftOutReason::Id),
                ("Count", LeftOutReason::Constant),
                ("Row", LeftOutReason::Id),
                ("CLTV", LeftOutReason::Outcome),
                ("Cancel Reason", LeftOutReason::PostOutcome),
                ("Churn", LeftOutReason::Outcome)
            ]
        );
    }

    #[test]
    fn an_id_with_a_gap_or_of_letters_in_a_small_file_is_an_id() {
        let mut text = "account id,client id,Age,Churn\n".to_owned();
        for row in 0..40 {
            let number = if row == 7 { String::new() } else { (row * 31).to_string() };
            text += &format!("{number},K-{row}x,{},{}\n", row % 9, ["Yes", "No"][row % 2]);
        }
        let (schema, left_out) = find(&text).unwrap();
        assert_eq!(schema.features.iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>(), ["Age"]);
        assert!(left_out[..2].iter().all(|left| left.reason == LeftOutReason::Id), "{left_out:?}");
    }

    #[test]
    fn a_known_category_keeps_its_order_and_gains_new_values() {
        let (schema, _) = find("PaymentMethod,Churn\nCrypto,No\nMailed check,Yes\n").unwrap();
        let FeatureKind::Category { values } = &schema.features[0].kind else { panic!("a category") };
        assert_eq!((values.len(), values[0].value.as_str()), (5, "Electronic check"));
        assert_eq!(values[4].value, "Crypto");
    }

    #[test]
    fn two_columns_of_one_meaning_are_refused() {
        assert!(find("tenure,ClientPeriod,Churn\n1,2,Yes\n3,4,No\n").is_err());
        assert!(find("Count,Churn\n1,Yes\n1,No\n").is_err());
    }

    #[test]
    fn a_named_target_is_no_feature_and_other_outcomes_are_none_either() {
        let (schema, left_out) =
            find("Churn,Age,Exited,Contract\nYes,1,0,One year\nNo,2,1,Two year\n").unwrap();
        assert_eq!(schema.features.iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>(), ["Age"]);
        assert!(left_out.iter().all(|left| left.reason == LeftOutReason::Outcome));
        assert!(schema.outcomes.contains(&"Contract".to_owned()));
    }

    #[test]
    fn dates_are_told_from_other_text() {
        for date in
            ["2024-03-31", "31.03.2024", "3/31/24", "2024-03-31 10:15", "2024-03-31T10:15:00Z", "2024-03"]
        {
            assert!(is_date(date), "{date}");
        }
        for other in ["40.50.2024", "1-2", "10.5", "382-4657", "a-b-c", "2024", "10.0.0.1", "", "7,8,2020"] {
            assert!(!is_date(other), "{other}");
        }
    }
}
