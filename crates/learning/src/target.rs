//! Who has left: finds the column that tells it, and reads it.

use scoring::names;

use crate::error::Error;
use crate::table::Table;

/// The columns that tell it, the best first.
const TARGETS: [&str; 3] = ["Churn", "Churn Label", "Churn Value"];
const LEFT: [&str; 5] = ["yes", "1", "true", "y", "1.0"];
const STAYED: [&str; 5] = ["no", "0", "false", "n", "0.0"];

/// For each row, whether the customer has left.
pub(crate) fn labels(table: &Table) -> Result<Vec<bool>, Error> {
    let column = TARGETS
        .iter()
        .find_map(|target| table.header.iter().position(|name| names::key(name) == names::key(target)))
        .ok_or_else(|| Error::Data(format!("the file has no column {} that tells who left", TARGETS[0])))?;
    let mut labels = Vec::with_capacity(table.rows());
    for (row, cell) in table.cells(column).enumerate() {
        let value = names::key(cell);
        labels.push(if LEFT.contains(&value.as_str()) {
            true
        } else if STAYED.contains(&value.as_str()) {
            false
        } else {
            return Err(table.cell_error(row, column, format!("{cell:?} is neither Yes nor No")));
        });
    }
    match labels.iter().filter(|&&label| label).count() {
        0 => Err(Error::Data("no customer of the file has left".to_owned())),
        left if left == labels.len() => Err(Error::Data("every customer of the file has left".to_owned())),
        _ => Ok(labels),
    }
}

#[cfg(test)]
mod tests {
    use super::labels;
    use crate::error::Error;
    use crate::table::Table;

    fn read(text: &str) -> Result<Vec<bool>, Error> {
        labels(&Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap())
    }

    #[test]
    fn the_target_is_found_under_its_names() {
        for text in [
            "a,Churn\n1,Yes\n2,No\n",
            "churn_value,a\n1,3\n0,4\n",
            "Churn Value,Churn Label\n0,True\n0,false\n",
        ] {
            assert_eq!(read(text).unwrap(), [true, false], "{text}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_learned_from_is_refused() {
        for text in ["a,b\n1,2\n", "a,Churn\n1,Yes\n2,Yes\n", "a,Churn\n1,No\n"] {
            assert!(matches!(read(text), Err(Error::Data(_))), "{text}");
        }
        assert!(matches!(read("a,Churn\n1,Yes\n2,\n"), Err(Error::Cell { line: 3, .. })));
    }
}
