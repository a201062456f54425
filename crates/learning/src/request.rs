//! What to train, as people ask for it in words: the names of `augur train`'s flags with their values. The
//! command line and the service take the same words, so that whatever the one can do the other can, too.

use std::collections::BTreeMap;

use scoring::{Algorithm, known_lever, names};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::calibration::CalibrationMethod;
use crate::error::Error;
use crate::labelled::DataOptions;
use crate::options::{TrainOptions, name_of};
use crate::parameters::{parse_choice, parse_setting, search};
use crate::quality::Costs;
use crate::target;
use crate::threshold::ThresholdAim;

/// More values than this of one name are no wish of anybody's.
const VALUES_MAX: usize = 200;

/// The names that can be said more than once.
const LISTS: [&str; 6] = ["keep", "drop", "lever", "group", "set", "try"];

/// How classes are evened out inside the training folds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// Not at all.
    #[default]
    None,
    /// New leavers between those that are alike.
    Smote,
    /// The same with whole categories.
    SmoteNc,
    /// Fewer stayers.
    Undersample,
    /// Without stayers that are nearest to a leaver.
    Tomek,
    /// New leavers, then without pairs of opposites.
    SmoteTomek,
}

impl Resampling {
    /// The parameter's value, where there is something to do.
    #[must_use]
    pub fn value(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Smote => Some("smote"),
            Self::SmoteNc => Some("smote_nc"),
            Self::Undersample => Some("undersample"),
            Self::Tomek => Some("tomek"),
            Self::SmoteTomek => Some("smote_tomek"),
        }
    }
}

/// A parameter that cannot be as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParameter {
    /// Its name; `parameters` where several together make no sense.
    pub name: &'static str,
    /// What is wrong, as a sentence.
    pub message: String,
}

/// Everything that can be asked of a training, under the names of `augur train`'s flags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainRequest {
    /// What to train.
    pub algorithm: Algorithm,
    /// The column that tells who left; found by its name where nothing is said.
    pub target: Option<String>,
    /// Its value for those who left; found by what it says where nothing is said.
    pub positive: Option<String>,
    /// Columns that are features although their name or cells speak against it.
    pub keep: Vec<String>,
    /// Columns that are no features.
    pub drop: Vec<String>,
    /// Parts of the cross-validation.
    pub folds: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// The share of customers that only judge what was chosen and fitted on the others; 0 for none.
    pub hold_out: f64,
    /// How scores become probabilities.
    pub calibration: CalibrationMethod,
    /// From this probability on a customer counts as leaving; a half where no aim is given.
    pub threshold: Option<f64>,
    /// The threshold with the highest F1.
    pub threshold_for_f1: bool,
    /// The highest threshold that finds this share of the leavers.
    pub threshold_for_recall: Option<f64>,
    /// What it costs to contact a customer; with the next two, the threshold is that of the highest profit.
    pub contact_cost: Option<f64>,
    /// What a leaver is worth who stays after all.
    pub retained_value: Option<f64>,
    /// The share of contacted leavers who stay after all.
    pub success_rate: Option<f64>,
    /// How classes are evened out inside the training folds.
    pub resample: Resampling,
    /// Whether leavers together weigh as much as stayers.
    pub class_weights: bool,
    /// Columns that a company can move with an offer; where none is named, those whose names are known.
    pub lever: Vec<String>,
    /// Columns by whose values the report tells whether customers are treated alike.
    pub group: Vec<String>,
    /// Parameters of the preparation or the algorithm, each as `depth=4`.
    pub set: Vec<String>,
    /// Values of parameters to choose from, each as `depth=3,4,6` or, with `tries`, `learning_rate=0.01..0.2`.
    #[serde(rename = "try")]
    pub choices: Vec<String>,
    /// Tries so many combinations at random instead of all.
    pub tries: Option<usize>,
}

impl Default for TrainRequest {
    fn default() -> Self {
        TrainRequest::new(Algorithm::Logistic)
    }
}

impl TrainRequest {
    /// The usual training of an algorithm.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> TrainRequest {
        let usual = TrainOptions::new(algorithm);
        TrainRequest {
            algorithm,
            target: None,
            positive: None,
            keep: Vec::new(),
            drop: Vec::new(),
            folds: usual.folds,
            seed: usual.seed,
            hold_out: usual.held_out,
            calibration: usual.calibration,
            threshold: None,
            threshold_for_f1: false,
            threshold_for_recall: None,
            contact_cost: None,
            retained_value: None,
            success_rate: None,
            resample: Resampling::None,
            class_weights: false,
            lever: Vec::new(),
            group: Vec::new(),
            set: Vec::new(),
            choices: Vec::new(),
            tries: None,
        }
    }

    /// Takes one name and its value, as in a query string. False where the name is none of a training's.
    ///
    /// # Errors
    /// [`BadParameter`] where it has no such value, or is said twice.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, BadParameter> {
        let Some(name) = NAMES.iter().copied().find(|known| *known == name) else { return Ok(false) };
        if value.contains('\0') {
            return Err(BadParameter { name, message: "no text has a NUL".to_owned() });
        }
        let own = || value.to_owned();
        match name {
            "algorithm" => self.algorithm = word(name, value)?,
            "target" => self.target = Some(own()),
            "positive" => self.positive = Some(own()),
            "folds" => self.folds = number(name, value)?,
            "seed" => self.seed = number(name, value)?,
            "hold_out" => self.hold_out = number(name, value)?,
            "calibration" => self.calibration = word(name, value)?,
            "threshold" => self.threshold = Some(number(name, value)?),
            "threshold_for_f1" => self.threshold_for_f1 = number(name, value)?,
            "threshold_for_recall" => self.threshold_for_recall = Some(number(name, value)?),
            "contact_cost" => self.contact_cost = Some(number(name, value)?),
            "retained_value" => self.retained_value = Some(number(name, value)?),
            "success_rate" => self.success_rate = Some(number(name, value)?),
            "resample" => self.resample = word(name, value)?,
            "class_weights" => self.class_weights = number(name, value)?,
            "tries" => self.tries = Some(number(name, value)?),
            _ => self.list(name).push(own()),
        }
        Ok(true)
    }

    /// Whether a name can be said more than once.
    #[must_use]
    pub fn is_list(name: &str) -> bool {
        LISTS.contains(&name)
    }

    fn list(&mut self, name: &str) -> &mut Vec<String> {
        match name {
            "keep" => &mut self.keep,
            "drop" => &mut self.drop,
            "lever" => &mut self.lever,
            "group" => &mut self.group,
            "set" => &mut self.set,
            _ => &mut self.choices,
        }
    }

    /// What [`crate::train`] takes, checked as far as it can be without the data.
    ///
    /// # Errors
    /// [`BadParameter`], by the name that was asked for.
    pub fn options(&self) -> Result<TrainOptions, BadParameter> {
        let mut options = TrainOptions::new(self.algorithm);
        options.data = DataOptions {
            target: self.target.clone(),
            positive: self.positive.clone(),
            keep: self.keep.clone(),
            drop: self.drop.clone(),
        };
        options.folds = self.folds;
        options.seed = self.seed;
        options.held_out = self.hold_out;
        options.calibration = self.calibration;
        options.threshold = self.aim()?;
        options.levers.clone_from(&self.lever);
        options.groups = Some(self.group.clone()).filter(|groups| !groups.is_empty());
        options.settings = self.settings()?;
        options.search = self.search()?;
        let refused = |error: Error| BadParameter { name: "parameters", message: error.to_string() };
        options.fits().map_err(refused)?;
        Ok(options)
    }

    /// Whether a header can be one of customers to learn from: the columns that are named must be there, and
    /// where the target is not named, one whose name says that it may be the target.
    ///
    /// # Errors
    /// [`BadParameter`] of the column that is not there.
    pub fn check_header(&self, header: &[String]) -> Result<(), BadParameter> {
        let has = |name: &str| header.iter().any(|column| names::key(column) == names::key(name));
        let columns = || header.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
        let named = self.keep.iter().map(|name| ("keep", name));
        let named = named.chain(self.drop.iter().map(|name| ("drop", name)));
        let named = named.chain(self.lever.iter().map(|name| ("lever", name)));
        let named = named.chain(self.group.iter().map(|name| ("group", name)));
        for (parameter, name) in self.target.iter().map(|name| ("target", name)).chain(named) {
            if !has(name) {
                let message = format!("the file has no column {name:?}; it has {}", columns());
                return Err(BadParameter { name: parameter, message });
            }
            if parameter == "lever" && known_lever(name) == Some(false) {
                let message = format!("{name:?} is nothing that a company can move with an offer");
                return Err(BadParameter { name: parameter, message });
            }
        }
        if self.target.is_none() && !header.iter().any(|column| target::may_tell(column)) {
            let message =
                format!("no column's name says that it tells who left; name it. The file has {}", columns());
            return Err(BadParameter { name: "target", message });
        }
        Ok(())
    }

    fn aim(&self) -> Result<ThresholdAim, BadParameter> {
        let costs = [self.contact_cost, self.retained_value, self.success_rate];
        let is_profit = costs.iter().any(Option::is_some);
        let is_recall = self.threshold_for_recall.is_some();
        let aims = [self.threshold.is_some(), self.threshold_for_f1, is_recall, is_profit];
        if aims.into_iter().filter(|is_asked| *is_asked).count() > 1 {
            let message = "give one of threshold, threshold_for_f1, threshold_for_recall and contact_cost";
            return Err(BadParameter { name: "threshold", message: message.to_owned() });
        }
        match costs {
            [Some(contact_cost), Some(retained_value), Some(success_rate)] => {
                return Ok(ThresholdAim::Profit(Costs { contact_cost, retained_value, success_rate }));
            }
            [None, None, None] => {}
            _ => {
                let message = "contact_cost, retained_value and success_rate go together";
                return Err(BadParameter { name: "contact_cost", message: message.to_owned() });
            }
        }
        Ok(match (self.threshold_for_f1, self.threshold_for_recall) {
            (true, _) => ThresholdAim::F1,
            (_, Some(share)) => ThresholdAim::Recall(share),
            _ => ThresholdAim::Fixed(self.threshold.unwrap_or(0.5)),
        })
    }

    fn settings(&self) -> Result<BTreeMap<String, Value>, BadParameter> {
        let mut settings = BTreeMap::new();
        for text in bounded("set", &self.set)? {
            let (name, value) = parse_setting(text)
                .map_err(|why| BadParameter { name: "set", message: format!("{text}: {why}") })?;
            settings.insert(name, value);
        }
        if let Some(resample) = self.resample.value() {
            settings.insert("resample".to_owned(), resample.into());
        }
        if self.class_weights {
            settings.insert("class_weights".to_owned(), true.into());
        }
        Ok(settings)
    }

    fn search(&self) -> Result<crate::Search, BadParameter> {
        let bad = |message: String| BadParameter { name: "try", message };
        let mut choices = Vec::new();
        for text in bounded("try", &self.choices)? {
            choices.push(parse_choice(text).map_err(|why| bad(format!("{text}: {why}")))?);
        }
        if choices.is_empty() && self.tries.is_some() {
            return Err(BadParameter { name: "tries", message: "tries needs something to try".to_owned() });
        }
        search(&choices, self.tries).map_err(|error| bad(error.to_string()))
    }
}

/// Every name, as they are said.
const NAMES: [&str; 22] = [
    "algorithm",
    "target",
    "positive",
    "keep",
    "drop",
    "folds",
    "seed",
    "hold_out",
    "calibration",
    "threshold",
    "threshold_for_f1",
    "threshold_for_recall",
    "contact_cost",
    "retained_value",
    "success_rate",
    "resample",
    "class_weights",
    "lever",
    "group",
    "set",
    "try",
    "tries",
];

/// The name that an algorithm has everywhere, such as `random_forest`.
#[must_use]
pub fn algorithm_word(algorithm: Algorithm) -> &'static str {
    name_of(algorithm)
}

fn bounded<'a>(name: &'static str, values: &'a [String]) -> Result<&'a [String], BadParameter> {
    if values.len() > VALUES_MAX {
        return Err(BadParameter { name, message: format!("this can be said {VALUES_MAX} times at most") });
    }
    Ok(values)
}

fn number<T: std::str::FromStr>(name: &'static str, value: &str) -> Result<T, BadParameter> {
    value.parse().map_err(|_| BadParameter { name, message: format!("{value:?} is no value of {name}") })
}

fn word<T: DeserializeOwned>(name: &'static str, value: &str) -> Result<T, BadParameter> {
    serde_json::from_value(Value::String(value.to_owned()))
        .map_err(|_| BadParameter { name, message: format!("{value:?} is no value of {name}") })
}

#[cfg(test)]
mod tests {
    use scoring::Algorithm;
    use serde_json::json;

    use super::{NAMES, TrainRequest};
    use crate::{CalibrationMethod, Search, ThresholdAim};

    fn asked(pairs: &[(&str, &str)]) -> Result<TrainRequest, String> {
        let mut request = TrainRequest::default();
        for (name, value) in pairs {
            match request.take(name, value) {
                Ok(true) => {}
                Ok(false) => return Err(format!("{name} is unknown")),
                Err(bad) => return Err(bad.name.to_owned()),
            }
        }
        Ok(request)
    }

    #[test]
    fn every_name_is_taken_and_comes_back_as_json() {
        let request = asked(&[
            ("algorithm", "catboost"),
            ("target", "Gone"),
            ("positive", "yes"),
            ("keep", "a"),
            ("keep", "b,c"),
            ("drop", "d"),
            ("folds", "3"),
            ("seed", "9"),
            ("hold_out", "0.25"),
            ("calibration", "platt"),
            ("threshold_for_recall", "0.8"),
            ("resample", "smote_nc"),
            ("class_weights", "true"),
            ("lever", "l"),
            ("group", "g"),
            ("set", "trees=20"),
            ("try", "depth=2,3"),
        ])
        .unwrap();
        assert_eq!(request.keep, ["a", "b,c"]);
        let options = request.options().unwrap();
        assert_eq!((options.algorithm, options.folds, options.seed), (Algorithm::Catboost, 3, 9));
        assert_eq!(options.calibration, CalibrationMethod::Platt);
        assert_eq!(options.threshold, ThresholdAim::Recall(0.8));
        assert_eq!(options.settings["resample"], json!("smote_nc"));
        assert!(matches!(options.search, Search::Grid(_)));
        let again: TrainRequest = serde_json::from_value(serde_json::to_value(&request).unwrap()).unwrap();
        assert_eq!(again, request);
        let json = serde_json::to_value(TrainRequest::default()).unwrap();
        for name in NAMES {
            assert!(json.get(name).is_some(), "{name} is not in what is kept");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        for (name, value) in [
            ("algorithm", "guesswork"),
            ("folds", "many"),
            ("folds", "-1"),
            ("calibration", "none"),
            ("class_weights", "1"),
            ("seed", "1.5"),
        ] {
            assert_eq!(asked(&[(name, value)]).unwrap_err(), name);
        }
        assert_eq!(asked(&[("flods", "3")]).unwrap_err(), "flods is unknown");
        for (pairs, name) in [
            (&[("folds", "1")][..], "parameters"),
            (&[("hold_out", "0.9")], "parameters"),
            (&[("set", "depth")], "set"),
            (&[("set", "no_such=1")], "parameters"),
            (&[("try", "penalty=0.1..9")], "try"),
            (&[("tries", "3")], "tries"),
            (&[("threshold", "0.3"), ("threshold_for_f1", "true")], "threshold"),
            (&[("contact_cost", "3")], "contact_cost"),
            (&[("threshold", "1.5")], "parameters"),
        ] {
            assert_eq!(asked(pairs).unwrap().options().unwrap_err().name, name, "{pairs:?}");
        }
    }

    #[test]
    fn a_header_without_what_was_named_is_refused_before_the_rest_is_read() {
        let header = ["customer_id", "Tenure", "Churn"].map(str::to_owned);
        let check =
            |pairs: &[(&str, &str)]| asked(pairs).unwrap().check_header(&header).map_err(|bad| bad.name);
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[("target", "tenure"), ("keep", "CustomerID")]), Ok(()));
        assert_eq!(check(&[("target", "Left")]), Err("target"));
        assert_eq!(check(&[("drop", "Age")]), Err("drop"));
        assert_eq!(check(&[("group", "Sex")]), Err("group"));
        assert_eq!(check(&[("lever", "customer_id")]), Ok(()));
        assert_eq!(check(&[("lever", "tenure")]), Err("lever"));
        let nobody_left = ["a", "b"].map(str::to_owned);
        assert_eq!(TrainRequest::default().check_header(&nobody_left).unwrap_err().name, "target");
    }
}
