//! Who has left: finds the column that tells it, and reads it.

use std::collections::BTreeMap;

use scoring::outcome_words::{KNOWN, LEFT, NAMES, NO, REVERSED, STATES, STAYED, YES};
use scoring::{Training, names};

use crate::error::Error;
use crate::table::Table;

/// An error names at most so many columns or values.
const LISTED_MAX: usize = 20;

/// The column that tells who left, read.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Its place in the file.
    pub(crate) column: usize,
    /// Its value for those who left, as the file spells it first.
    pub(crate) positive: String,
    /// For each row, whether the customer has left.
    pub(crate) labels: Vec<bool>,
}

/// Reads the target, where column and value are as named or, without names, found. An ambiguous one is an
/// error that lists what can be named.
pub(crate) fn find(table: &Table, name: Option<&str>, positive: Option<&str>) -> Result<Target, Error> {
    let column = match name {
        Some(name) => place(table, name).ok_or_else(|| {
            Error::Options(format!(
                "target: the file has no column {name:?}; it has {}",
                listed(&table.header)
            ))
        })?,
        None => detect(table)?,
    };
    read(table, column, positive)
}

/// The target that a model was trained on, or the one that is found where the file does not have it.
pub(crate) fn of_model(table: &Table, training: Option<&Training>) -> Result<Target, Error> {
    let name = training.and_then(|training| training.target.as_deref());
    let Some(column) = name.and_then(|name| place(table, name)) else { return find(table, None, None) };
    let positive = training.and_then(|training| training.positive.as_deref());
    // The same column may be spelled with other values in another file.
    let values = spellings(table, column);
    let positive = positive.filter(|value| values.contains_key(&names::key(value)));
    // Where nobody named a value, training counted every one that says so itself, and so does this.
    let is_named = training.is_some_and(|training| training.is_positive_named);
    let says_so = |value: &str| {
        meaning(table, column, &values).is_ok_and(|left| left.get(&names::key(value)) == Some(&true))
    };
    read(table, column, positive.filter(|value| is_named || !says_so(value)))
}

/// Whether a column's name says that it tells who left or stayed.
pub(crate) fn is_outcome(name: &str) -> bool {
    has(&KNOWN, &names::key(name)) || has(&NAMES, &names::key(name))
}

/// Whether a column's name allows that it is found to be the target, as far as a name can tell.
pub(crate) fn may_tell(name: &str) -> bool {
    let key = names::key(name);
    is_outcome(name) || key.contains("churn") || has(&STATES, &key)
}

fn place(table: &Table, name: &str) -> Option<usize> {
    let exact = table.header.iter().position(|other| other == name);
    exact.or_else(|| table.header.iter().position(|other| names::key(other) == names::key(name)))
}

fn has(list: &[&str], key: &str) -> bool {
    list.iter().any(|word| names::key(word) == key)
}

fn detect(table: &Table) -> Result<usize, Error> {
    if let Some(column) = KNOWN.iter().find_map(|name| place(table, name)) {
        return Ok(column);
    }
    let is_candidate = |&column: &usize| {
        let key = names::key(&table.header[column]);
        let values = spellings(table, column);
        let tells = |key: &String| has(&LEFT, key) || has(&STAYED, key);
        values.len() == 2
            && (has(&NAMES, &key)
                || key.contains("churn")
                || (has(&STATES, &key) && values.keys().any(tells)))
    };
    let candidates: Vec<usize> = (0..table.header.len()).filter(is_candidate).collect();
    let Some((&first, others)) = candidates.split_first() else { return Err(unknown(table)) };
    let same = |&other: &usize| match (read(table, first, None), read(table, other, None)) {
        (Ok(left), Ok(right)) => left.labels == right.labels,
        _ => false,
    };
    if others.iter().all(same) {
        return Ok(first);
    }
    let names: Vec<String> = candidates.iter().map(|&column| table.header[column].clone()).collect();
    Err(Error::Options(format!(
        "several columns may tell who left: {}; name one as the target",
        listed(&names)
    )))
}

fn unknown(table: &Table) -> Error {
    let mut message = "no column's name says that it tells who left; name one as the target".to_owned();
    let reversed = table.header.iter().find(|name| has(&REVERSED, &names::key(name)));
    if let Some(reversed) = reversed {
        message +=
            &format!(". {reversed} may be a prediction, and yes means staying there, so it must be named");
    }
    let has_two = |column: &usize| spellings(table, *column).len() == 2;
    let two: Vec<String> =
        (0..table.header.len()).filter(has_two).map(|column| table.header[column].clone()).collect();
    if !two.is_empty() {
        message += &format!(". Columns with two values are {}", listed(&two));
    }
    Error::Data(message)
}

/// The values of a column by key, each as it is spelled first.
fn spellings(table: &Table, column: usize) -> BTreeMap<String, &str> {
    let mut spellings = BTreeMap::new();
    for cell in table.cells(column).filter(|cell| !cell.is_empty()) {
        spellings.entry(names::key(cell)).or_insert(cell);
    }
    spellings
}

fn read(table: &Table, column: usize, positive: Option<&str>) -> Result<Target, Error> {
    let values = spellings(table, column);
    let meaning = match positive {
        Some(positive) => named_meaning(table, column, &values, positive)?,
        None => meaning(table, column, &values)?,
    };
    let mut labels = Vec::with_capacity(table.rows());
    for (row, cell) in table.cells(column).enumerate() {
        let label = meaning.get(&names::key(cell)).copied().ok_or_else(|| {
            let message = match cell.is_empty() {
                true => "there is nothing that tells whether the customer left".to_owned(),
                false => format!("{cell:?} tells neither that the customer left nor stayed"),
            };
            table.cell_error(row, column, message)
        });
        labels.push(label?);
    }
    match labels.iter().filter(|&&label| label).count() {
        0 => return Err(Error::Data("no customer of the file has left".to_owned())),
        left if left == labels.len() => {
            return Err(Error::Data("every customer of the file has left".to_owned()));
        }
        _ => {}
    }
    let first = table.cells(column).zip(&labels).find(|(_, left)| **left);
    let positive = first.map_or(String::new(), |(cell, _)| cell.to_owned());
    Ok(Target { column, positive, labels })
}

/// For each value by key, whether it means that a customer left.
type Meaning = BTreeMap<String, bool>;

fn named_meaning(
    table: &Table,
    column: usize,
    values: &BTreeMap<String, &str>,
    positive: &str,
) -> Result<Meaning, Error> {
    let wanted = names::key(positive);
    if !values.contains_key(&wanted) {
        let there: Vec<String> = values.values().map(|&value| value.to_owned()).collect();
        let message = format!("positive: no cell of {} is {positive:?}; there are ", table.header[column]);
        return Err(Error::Options(message + &listed(&there)));
    }
    Ok(values.keys().map(|key| (key.clone(), *key == wanted)).collect())
}

/// What the values mean by themselves. Of two values one may be a word that is not known.
fn meaning(table: &Table, column: usize, values: &BTreeMap<String, &str>) -> Result<Meaning, Error> {
    let is_reversed = has(&REVERSED, &names::key(&table.header[column]));
    let mut meaning = Meaning::new();
    for key in values.keys() {
        let by_word = has(&LEFT, key).then_some(true).or(has(&STAYED, key).then_some(false));
        let by_answer = has(&YES, key).then_some(true).or(has(&NO, key).then_some(false));
        let left = by_word.or(by_answer.map(|is_yes| is_yes != is_reversed));
        meaning.extend(left.map(|left| (key.clone(), left)));
    }
    let other = values.keys().find(|key| !meaning.contains_key(*key));
    match other.cloned() {
        // Whoever is not Churned has stayed, whatever that is called; but what is not Yes may be anything.
        Some(other)
            if values.len() == 2 && meaning.keys().any(|key| has(&LEFT, key) || has(&STAYED, key)) =>
        {
            let known = meaning.values().all(|&left| left);
            meaning.insert(other, !known);
            Ok(meaning)
        }
        Some(_) if values.len() == 2 => {
            let both: Vec<String> = values.values().map(|&value| value.to_owned()).collect();
            let (name, both) = (&table.header[column], both.join(" or "));
            Err(Error::Options(format!("which value of {name} means that a customer left, {both}? name it")))
        }
        _ => Ok(meaning),
    }
}

fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(LISTED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED_MAX {
        text += &format!(" and {} more", names.len() - LISTED_MAX);
    }
    text
}

#[cfg(test)]
mod tests {
    use scoring::Training;

    use super::{find, of_model};
    use crate::error::Error;
    use crate::table::Table;

    fn read_as(text: &str, name: Option<&str>, positive: Option<&str>) -> Result<Vec<bool>, Error> {
        let table = Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        find(&table, name, positive).map(|target| target.labels)
    }

    fn read(text: &str) -> Result<Vec<bool>, Error> {
        read_as(text, None, None)
    }

    #[test]
    fn the_target_is_found_under_its_names() {
        for text in [
            "a,Churn\n1,Yes\n2,No\n",
            "churn_value,a\n1,3\n0,4\n",
            "Churn Value,Churn Label\n0,True\n0,false\n",
            "Age,Exited\n40,1\n41,0\n",
            "Attrition_Flag,Age\nAttrited Customer,40\nExisting Customer,41\n",
            "left,salary\n1,low\n0,high\n",
            "Возраст;Отток\n40;Да\n41;Нет\n",
            "Возраст;Статус клиента\n40;ушёл\n41;Обслуживается\n",
            "Customer Status,Age\nChurned,40\nStayed,41\n",
            "will churn soon,Age\nT,40\nF,41\n",
            "churned,Exited\nyes,1\nno,0\n",
        ] {
            assert_eq!(read(text).unwrap(), [true, false], "{text}");
        }
    }

    #[test]
    fn the_target_is_what_was_named() {
        let text = "Churn,Gone,Plan\nNo,y,basic\nYes,n,free\n";
        assert_eq!(read_as(text, Some("gone"), None).unwrap(), [true, false]);
        assert_eq!(read_as(text, Some("Plan"), Some("Free")).unwrap(), [false, true]);
        for (name, positive) in [("Plan", None), ("Plam", None), ("Plan", Some("gold"))] {
            let error = read_as(text, Some(name), positive).unwrap_err();
            assert!(
                matches!(error, Error::Options(_)) && error.to_string().contains("asic") | (name == "Plam")
            );
        }
        let many = "State\nleft us\njoined\nstayed\n";
        assert_eq!(read_as(many, Some("State"), Some("left us")).unwrap(), [true, false, false]);
        assert!(matches!(read_as(many, Some("State"), None), Err(Error::Cell { line: 2, .. })));
    }

    #[test]
    fn a_model_counts_the_leavers_that_its_training_counted() {
        let text = "Churn,Age\nYes,1\n1,2\nNo,3\n";
        let table = Table::from_bytes("customers.csv".to_owned(), text.as_bytes()).unwrap();
        let training = |is_positive_named| Training {
            file_name: String::new(),
            sha256: String::new(),
            rows: 3,
            positives: 2,
            target: Some("Churn".to_owned()),
            positive: Some("Yes".to_owned()),
            is_positive_named,
            folds: 2,
            seed: 1,
            parameters: serde_json::Value::Null,
        };
        assert_eq!(of_model(&table, Some(&training(false))).unwrap().labels, [true, true, false]);
        assert_eq!(of_model(&table, Some(&training(true))).unwrap().labels, [true, false, false]);
    }

    #[test]
    fn yes_means_staying_where_the_name_says_so() {
        let text = "Age,stays\n1,Yes\n2,No\n";
        assert_eq!(read_as(text, Some("stays"), None).unwrap(), [false, true]);
        assert_eq!(read_as("Retained\n0\n1\n", Some("Retained"), None).unwrap(), [true, false]);
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("stays may be a prediction"), "{error}");
    }

    #[test]
    fn what_is_ambiguous_is_asked_for() {
        let error = read("Exited,left\n1,0\n0,1\n").unwrap_err().to_string();
        assert!(error.contains("Exited, left"), "{error}");
        let error = read("Exited,Age\n1,40\n2,41\n").unwrap_err().to_string();
        assert!(error.contains("1 or 2"), "{error}");
        let error = read("VIP,Age,Calls\nyes,40,3\nno,41,3\nno,42,3\n").unwrap_err().to_string();
        assert!(error.contains("two values are VIP"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_learned_from_is_refused() {
        for text in ["a,b\n1,2\n", "a,Churn\n1,Yes\n2,Yes\n", "a,Churn\n1,No\n"] {
            assert!(matches!(read(text), Err(Error::Data(_))), "{text}");
        }
        assert!(matches!(read("a,Churn\n1,Yes\n2,\n"), Err(Error::Cell { line: 3, .. })));
        assert!(matches!(read("a,Churn\n1,Yes\n2,No\n3,perhaps\n"), Err(Error::Cell { line: 4, .. })));
    }
}
