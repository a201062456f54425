//! From a labelled file to the customers that a model learns from: which column tells who left, which
//! columns are features, which rows are there twice.

use std::collections::HashSet;

use scoring::names;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::duplicates::{self, Duplicates};
use crate::error::Error;
use crate::features::{self, LeftOut};
use crate::leakage;
use crate::table::Table;
use crate::target::{self, Target};

/// What is said of the columns of a labelled file; all else is found out. Names are compared as scoring
/// compares them: without case, spaces and underscores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataOptions {
    /// The column that tells who left.
    pub target: Option<String>,
    /// Its value for those who left; any other value means that they stayed.
    pub positive: Option<String>,
    /// Columns that are features although their name or cells speak against it.
    pub keep: Vec<String>,
    /// Columns that are no features.
    pub drop: Vec<String>,
}

/// What was made of a labelled file. Never a customer's row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataReport {
    /// Customers to learn from, without the rows that were dropped.
    pub rows: u64,
    /// Those who left.
    pub positives: u64,
    /// The column that tells it.
    pub target: String,
    /// Its value for those who left, as the file spells it first.
    pub positive: String,
    /// How many columns are features.
    pub features: u64,
    /// The others in the order of the file, each with the reason.
    pub left_out: Vec<LeftOut>,
    /// Rows that repeat others.
    pub duplicates: Duplicates,
}

/// Customers to learn from.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    pub(crate) dataset: Dataset,
    /// Which rows of the file they are.
    pub(crate) rows: Vec<usize>,
    pub(crate) report: DataReport,
}

/// Reads a labelled file. Refused are options that name columns or values which are not there, and files
/// whose target is missing, ambiguous or the same for everybody.
pub(crate) fn read(table: &Table, options: &DataOptions) -> Result<Labelled, Error> {
    check(table, options)?;
    let Target { column, positive, labels } =
        target::find(table, options.target.as_deref(), options.positive.as_deref())?;
    let (schema, mut left_out) = features::find(table, column, options)?;
    let dataset = Dataset::read(table, &schema, labels)?;
    let rows = duplicates::distinct_rows(table, &left_out);
    let dropped = table.rows() - rows.len();
    let dataset = if dropped == 0 { dataset } else { dataset.select(&rows) };
    let found = leakage::find(&dataset, &|name| is_in(&options.keep, name));
    let gone: HashSet<&str> = found.iter().map(|left| left.column.as_str()).collect();
    let dataset = dataset.without(&gone);
    if dataset.schema.features.is_empty() {
        return Err(nothing_left(left_out.into_iter().chain(found)));
    }
    left_out.extend(found.into_iter().map(|left| in_file(table, left)));
    left_out.sort_by_key(|left| table.header.iter().position(|name| *name == left.column));
    let report = DataReport {
        rows: dataset.rows() as u64,
        positives: dataset.positives() as u64,
        target: table.header[column].clone(),
        positive,
        features: dataset.schema.features.len() as u64,
        left_out,
        duplicates: duplicates::count(&dataset, dropped),
    };
    Ok(Labelled { dataset, rows, report })
}

/// Whether a list of names has this one.
pub(crate) fn is_in(list: &[String], name: &str) -> bool {
    let wanted = names::key(name);
    list.iter().any(|other| names::key(other) == wanted)
}

fn check(table: &Table, options: &DataOptions) -> Result<(), Error> {
    for (option, list) in [("keep", &options.keep), ("drop", &options.drop)] {
        for name in list {
            if !is_in(&table.header, name) {
                let columns = table.header.join(", ");
                let message = format!("{option}: the file has no column {name:?}; it has {columns}");
                return Err(Error::Options(message));
            }
            if options.target.as_ref().is_some_and(|target| names::key(target) == names::key(name)) {
                return Err(Error::Options(format!("{option}: {name:?} is the target")));
            }
        }
    }
    match options.keep.iter().find(|name| is_in(&options.drop, name)) {
        Some(name) => Err(Error::Options(format!("{name:?} cannot be kept and dropped"))),
        None => Ok(()),
    }
}

/// A feature's own name may differ from that of its column.
fn in_file(table: &Table, left: LeftOut) -> LeftOut {
    let column = table.header.iter().find(|name| features::means(name, &left.column));
    LeftOut { column: column.unwrap_or(&left.column).clone(), ..left }
}

fn nothing_left(left_out: impl Iterator<Item = LeftOut>) -> Error {
    let why: Vec<String> = left_out.map(|left| format!("{} {}", left.column, left.reason)).collect();
    Error::Data(format!("the file has no column to learn from: {}", why.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::{DataOptions, Labelled, read};
    use crate::error::Error;
    use crate::features::LeftOutReason;
    use crate::random::Random;
    use crate::table::Table;

    fn from(text: &str, options: &DataOptions) -> Result<Labelled, Error> {
        read(&Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap(), options)
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// A bank's customers, invented: with ids, a leak, a copy, a date and a constant among the columns.
    fn bank() -> String {
        let mut random = Random::new(9);
        let mut text = "RowNumber,Geography,Land,Age,Balance,Joined,Last Poll,Note,Exited\n".to_owned();
        for row in 0..400 {
            let place = random.below(3);
            let has_left = random.chance(0.3);
            let survey = if has_left && row % 50 != 0 { "filled in" } else { "" };
            text += &format!(
                "{},{},{},{},{},{:02}.03.2021,{survey},{},{}\n",
                row + 1,
                ["France", "Spain", "Germany"][place],
                ["FR", "ES", "DE"][place],
                18 + random.below(60),
                random.below(90_000),
                1 + random.below(28),
                if row == 7 { "vip" } else { "none" },
                u8::from(has_left)
            );
        }
        text
    }

    #[test]
    fn any_file_is_understood_and_every_column_left_out_has_its_reason() {
        let Labelled { dataset, report, .. } = from(&bank(), &DataOptions::default()).unwrap();
        assert_eq!((report.target.as_str(), report.positive.as_str(), report.rows), ("Exited", "1", 400));
        assert_eq!(
            dataset.schema.features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["Geography", "Age", "Balance"]
        );
        assert!(dataset.schema.outcomes.contains(&"Exited".to_owned()));
        let left: Vec<(&str, &LeftOutReason)> =
            report.left_out.iter().map(|left| (left.column.as_str(), &left.reason)).collect();
        assert_eq!(left[0], ("RowNumber", &LeftOutReason::Id));
        assert_eq!(left[1], ("Land", &LeftOutReason::Duplicate { of: "Geography".to_owned() }));
        assert_eq!(left[2], ("Joined", &LeftOutReason::Date));
        assert!(matches!(left[3], ("Last Poll", LeftOutReason::Leak { auc }) if *auc > 0.98));
        assert_eq!(left[4], ("Note", &LeftOutReason::NearlyConstant));
        assert_eq!(left[5], ("Exited", &LeftOutReason::Outcome));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            json["left_out"][1],
            serde_json::json!({
                "column": "Land", "reason": "duplicate", "of": "Geography"
            })
        );
    }

    #[test]
    fn what_is_kept_stays_and_what_is_dropped_goes() {
        let options = DataOptions {
            keep: list(&["last poll", "Land", "RowNumber"]),
            drop: list(&["AGE"]),
            ..DataOptions::default()
        };
        let Labelled { dataset, report, .. } = from(&bank(), &options).unwrap();
        let names: Vec<&str> = dataset.schema.features.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["RowNumber", "Geography", "Land", "Balance", "Last Poll"]);
        assert!(
            report.left_out.iter().any(|left| left.column == "Age" && left.reason == LeftOutReason::Dropped)
        );
        for (keep, drop) in [(&["Agee"][..], &[][..]), (&[], &["Nobody"]), (&["Age"], &["age"])] {
            let options = DataOptions { keep: list(keep), drop: list(drop), ..DataOptions::default() };
            assert!(matches!(from(&bank(), &options), Err(Error::Options(_))), "{options:?}");
        }
        let target = Some("Exited".to_owned());
        let options = DataOptions { target, keep: list(&["Exited"]), ..DataOptions::default() };
        assert!(matches!(from(&bank(), &options), Err(Error::Options(_))));
    }

    #[test]
    fn a_customer_who_is_there_twice_counts_once() {
        let once = bank();
        let (header, rows) = once.split_once('\n').unwrap();
        let twice: String = rows.lines().take(20).map(|line| format!("{line}\n")).collect();
        let report = from(&format!("{header}\n{rows}{twice}"), &DataOptions::default()).unwrap().report;
        assert_eq!((report.rows, report.duplicates.dropped), (400, 20));
        // Without a number of their own, customers who are alike may be different people.
        let nameless = |text: &str| -> String {
            text.lines().map(|line| format!("{}\n", line.split_once(',').unwrap().1)).collect()
        };
        let report =
            from(&nameless(&format!("{header}\n{rows}{twice}")), &DataOptions::default()).unwrap().report;
        assert_eq!((report.rows, report.duplicates.dropped, report.duplicates.alike), (420, 0, 20));
    }

    #[test]
    fn a_file_without_features_tells_where_its_columns_went() {
        let error = from("id,Churn\n1,Yes\n2,No\n", &DataOptions::default()).unwrap_err();
        assert!(error.to_string().contains("id names customers"), "{error}");
    }
}
