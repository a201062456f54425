//! Parameters as people write them: `depth=4`, `depth=3,4,6`, `learning_rate=0.01..0.2`.

use serde_json::Value;

use crate::error::Error;
use crate::search::{Range, Search};

/// The search over these choices: all combinations, or so many at random.
pub fn search(choices: &[(String, Range)], tries: Option<usize>) -> Result<Search, Error> {
    if choices.is_empty() {
        return Ok(Search::None);
    }
    if let Some(tries) = tries {
        return Ok(Search::Random { tries, space: choices.iter().cloned().collect() });
    }
    let list = |(name, range): &(String, Range)| match range {
        Range::OneOf(values) => Ok((name.clone(), values.clone())),
        _ => Err(Error::Options(format!(
            "try {name}: a range needs a number of tries; give a list of values to try them all"
        ))),
    };
    Ok(Search::Grid(choices.iter().map(list).collect::<Result<_, Error>>()?))
}

/// `NAME=VALUE`, the value as in JSON or else a text.
pub fn parse_setting(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    Ok((name.to_owned(), value_of(value)))
}

/// `NAME=A,B,C` or `NAME=LOW..HIGH`.
pub fn parse_choice(text: &str) -> Result<(String, Range), String> {
    let (name, values) = text.split_once('=').ok_or("it must be NAME=VALUES")?;
    let Some((low, high)) = values.split_once("..") else {
        return Ok((name.to_owned(), Range::OneOf(list_of(values))));
    };
    let range = match (value_of(low), value_of(high)) {
        (Value::Number(low), Value::Number(high)) => match (low.as_i64(), high.as_i64()) {
            (Some(low), Some(high)) if low <= high => Some(Range::Whole(low, high)),
            _ => low
                .as_f64()
                .zip(high.as_f64())
                .filter(|(low, high)| low <= high)
                .map(|(low, high)| Range::Between(low, high)),
        },
        _ => None,
    };
    Ok((name.to_owned(), range.ok_or("a range is LOW..HIGH, two numbers")?))
}

/// Values between commas; a comma inside of brackets parts nothing.
fn list_of(text: &str) -> Vec<Value> {
    let mut depth = 0;
    let parts = text.split(|letter| {
        depth += i32::from(letter == '[') - i32::from(letter == ']');
        letter == ',' && depth == 0
    });
    parts.map(value_of).collect()
}

fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{parse_choice, parse_setting, search};
    use crate::search::Range;

    #[test]
    fn settings_and_choices_are_read_as_people_write_them() {
        assert_eq!(parse_setting("depth=4"), Ok(("depth".to_owned(), json!(4))));
        assert_eq!(parse_setting("missing=zero"), Ok(("missing".to_owned(), json!("zero"))));
        let values = |text: &str| parse_choice(text).map(|(_, range)| range);
        assert_eq!(values("depth=3,4"), Ok(Range::OneOf(vec![json!(3), json!(4)])));
        assert_eq!(values("hidden=[32],[64,16]"), Ok(Range::OneOf(vec![json!([32]), json!([64, 16])])));
        assert_eq!(values("depth=2..6"), Ok(Range::Whole(2, 6)));
        assert_eq!(values("rate=0.01..0.2"), Ok(Range::Between(0.01, 0.2)));
        for text in ["depth", "depth=6..2", "depth=a..b"] {
            assert!(parse_choice(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_needs_random_tries() {
        let range = [("depth".to_owned(), Range::Whole(2, 6))];
        assert!(search(&range, None).is_err());
        assert!(search(&range, Some(3)).is_ok());
        let list = [("depth".to_owned(), Range::OneOf(vec![Value::from(1)]))];
        assert!(search(&list, None).is_ok());
    }
}
