//! Groups of customers, by what a column of the file says of them.
//!
//! The column need not be a feature: a model that was not told a customer's sex can still treat the sexes
//! differently.

use std::collections::BTreeMap;

use scoring::{FeatureKind, names, vocabulary};

use crate::error::Error;
use crate::table::Table;

/// Columns that are looked at where a file has them, under any of their names.
const USUAL: [&str; 2] = ["gender", "SeniorCitizen"];
/// More groups than this say nothing of any of them.
const GROUPS_MAX: usize = 12;
const MISSING: &str = "(missing)";

/// The groups of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Groups {
    pub(crate) column: String,
    pub(crate) values: Vec<String>,
    /// For each customer, the position in `values`.
    pub(crate) group_of: Vec<usize>,
}

impl Groups {
    /// The groups of these rows: by the columns wanted, else by sex and senior citizens where the file tells
    /// them. A column in which all are alike makes no groups.
    pub(crate) fn find(
        table: &Table,
        rows: &[usize],
        wanted: Option<&[String]>,
    ) -> Result<Vec<Groups>, Error> {
        let mut found = Vec::new();
        match wanted {
            Some(columns) => {
                for name in columns {
                    let column = position(table, name)
                        .ok_or_else(|| Error::Options(format!("the file has no column {name} for groups")))?;
                    found.push(Groups::read(table, rows, column)?);
                }
            }
            None => {
                // Nobody asked for them, so a column with too many values is no fault.
                let columns = USUAL.iter().filter_map(|name| position(table, name));
                found.extend(columns.filter_map(|column| Groups::read(table, rows, column).ok()));
            }
        }
        found.retain(|groups| groups.values.len() > 1);
        Ok(found)
    }

    fn read(table: &Table, rows: &[usize], column: usize) -> Result<Groups, Error> {
        let name = &table.header[column];
        let cells: Vec<&str> = table.cells(column).collect();
        let spellings = known_spellings(name);
        let shown = |cell: &str| match names::key(cell) {
            key if key.is_empty() => MISSING.to_owned(),
            key => spellings.get(&key).cloned().unwrap_or_else(|| cell.to_owned()),
        };
        // By key, so that two spellings are one group; the first spelling is kept.
        let mut groups: BTreeMap<String, String> = BTreeMap::new();
        for &row in rows {
            let value = shown(cells[row]);
            groups.entry(names::key(&value)).or_insert(value);
        }
        if groups.len() > GROUPS_MAX {
            let message =
                format!("column {name} has {} values; groups need at most {GROUPS_MAX}", groups.len());
            return Err(Error::Options(message));
        }
        let places: BTreeMap<&String, usize> = groups.keys().zip(0..).collect();
        let group_of = rows.iter().map(|&row| places[&names::key(&shown(cells[row]))]).collect();
        Ok(Groups { column: name.clone(), values: groups.values().cloned().collect(), group_of })
    }
}

/// The column with this name, or with another name of the same feature.
fn position(table: &Table, wanted: &str) -> Option<usize> {
    let is_named = |name: &String| names::key(name) == names::key(wanted);
    let known = |name: &str| vocabulary::known_feature(name).map(|feature| feature.name);
    let means_it = |name: &String| known(name).is_some_and(|name| known(wanted) == Some(name));
    table.header.iter().position(is_named).or_else(|| table.header.iter().position(means_it))
}

/// The vocabulary's spelling for each key of a value that it knows.
fn known_spellings(column: &str) -> BTreeMap<String, String> {
    let Some(FeatureKind::Category { values }) = vocabulary::known_feature(column).map(|known| known.kind)
    else {
        return BTreeMap::new();
    };
    let spell = |value: &scoring::CategoryValue| {
        let all: Vec<&String> = [&value.value].into_iter().chain(&value.aliases).collect();
        all.into_iter().map(|spelling| (names::key(spelling), value.value.clone())).collect::<Vec<_>>()
    };
    values.iter().flat_map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::Groups;
    use crate::error::Error;
    use crate::table::Table;

    fn table() -> Table {
        let text = "Sex,Senior Citizen,Region,Same,Churn\nmale,0,North,1,No\nFEMALE,Yes,,1,Yes\n\
                    Male,1,north,1,No\nfemale,No,South,1,Yes\n";
        Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap()
    }

    #[test]
    fn sex_and_senior_citizens_are_found_in_any_vocabulary() {
        let found = Groups::find(&table(), &[0, 1, 3], None).unwrap();
        let columns: Vec<&str> = found.iter().map(|groups| groups.column.as_str()).collect();
        assert_eq!(columns, ["Sex", "Senior Citizen"]);
        assert_eq!(
            (&found[0].values[..], &found[0].group_of[..]),
            (&["Female".to_owned(), "Male".to_owned()][..], &[1, 0, 0][..])
        );
        assert_eq!(
            (&found[1].values[..], &found[1].group_of[..]),
            (&["No".to_owned(), "Yes".to_owned()][..], &[0, 1, 0][..])
        );
    }

    #[test]
    fn columns_can_be_named_and_need_not_be_known() {
        let wanted = ["region".to_owned(), "Same".to_owned()];
        let found = Groups::find(&table(), &[0, 1, 2, 3], Some(&wanted)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].values, ["(missing)", "North", "South"]);
        assert_eq!(found[0].group_of, [1, 0, 1, 2]);
        let nowhere = ["Planet".to_owned()];
        assert!(matches!(Groups::find(&table(), &[0], Some(&nowhere)), Err(Error::Options(_))));
    }

    #[test]
    fn too_many_groups_are_refused() {
        let rows: String = (0..20).map(|row| format!("{row},{}\n", ["Yes", "No"][row % 2])).collect();
        let text = format!("Age,Churn\n{rows}");
        let read = |text: &str| Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        let all: Vec<usize> = (0..20).collect();
        let wanted = ["Age".to_owned()];
        assert!(matches!(Groups::find(&read(&text), &all, Some(&wanted)), Err(Error::Options(_))));
        // But nobody is refused because of a column that only happens to be there.
        assert_eq!(Groups::find(&read(&text.replace("Age", "gender")), &all, None).unwrap(), []);
    }
}
