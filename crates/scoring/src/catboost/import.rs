//! A manifest for a model of the official library.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::ctr::counts_no_others;
use super::{CatBoostFile, CategoricalFeature, CtrElement, UNKNOWN_HASH, category_hash};
use crate::import::manifest;
use crate::manifest::{Algorithm, CategoryValue, FeatureKind, InputEncoding, Manifest};
use crate::model::ModelError;
use crate::names;

/// The most values that are listed for all categories together; beyond it each category lists only those
/// that the model asks for.
const VALUES_MAX: usize = 50_000;
/// The most values that are listed for all categories together where every one of them must be; a file of
/// more is refused.
const LISTED_MAX: usize = 1_000_000;

/// A manifest for a model that the official library exported as JSON: its columns are its feature names,
/// its probability is that of class 1, and its quality is not known.
///
/// An empty cell of a category is the empty string, as it is for the library's own reader of files.
/// Values are told apart as everywhere here, without case and spaces, so that a model whose own values
/// differ in nothing else is refused.
pub fn import(name: &str, file: &[u8]) -> Result<Manifest, ModelError> {
    let model = CatBoostFile::read(file)?;
    let strings = Strings::new(&model)?;
    strings.check_counts(&model)?;
    let info = &model.features_info;
    let mut features = BTreeMap::new();
    for float in &info.float_features {
        let name = name_of(&float.feature_id, float.flat_feature_index);
        let made = (name, FeatureKind::Number, InputEncoding::Number { missing: None });
        features.insert(float.flat_feature_index, made);
    }
    for category in &info.categorical_features {
        let name = name_of(&category.feature_id, category.flat_feature_index);
        let values = strings.values_of(&model, category, &name)?;
        let hashes = values.iter().map(|value| f64::from(category_hash(value))).collect();
        let missing = f64::from(category_hash(""));
        let encoding = InputEncoding::Category { values: hashes, unknown: UNKNOWN_HASH, missing };
        let listed = |value: &str| CategoryValue { value: value.to_owned(), aliases: Vec::new() };
        let kind = FeatureKind::Category { values: values.into_iter().map(listed).collect() };
        features.insert(category.flat_feature_index, (name, kind, encoding));
    }
    if !features.keys().copied().eq(0..info.float_features.len() + info.categorical_features.len()) {
        return Err(ModelError::Unsupported("its features are not numbers and categories alone".to_owned()));
    }
    let threshold = model.model_info.get("binclass_probability_threshold").and_then(Value::as_str);
    Ok(Manifest {
        description: format!("A model imported from CatBoost{}.", class(&model)),
        threshold: threshold.and_then(|number| number.parse().ok()).unwrap_or(0.5),
        ..manifest(name, Algorithm::Catboost, file, features.into_values())
    })
}

/// A feature without a name has its position for one.
fn name_of(id: &str, position: usize) -> String {
    if id.is_empty() { position.to_string() } else { id.to_owned() }
}

/// Which class the score is about, where the file tells it.
fn class(model: &CatBoostFile) -> String {
    let classes = model.model_info.get("class_params").map(|classes| match classes.as_str() {
        // Some versions of the library write them as a string of JSON.
        Some(text) => serde_json::from_str(text).unwrap_or_default(),
        None => classes.clone(),
    });
    let class = classes.as_ref().and_then(|classes| classes.get("class_names")?.get(1));
    class.map_or_else(String::new, |class| format!("; the probability of the class {class}"))
}

/// The strings of a file and the hashes that they stand behind.
struct Strings<'a> {
    by_hash: HashMap<i32, &'a str>,
    by_key: HashMap<String, BTreeSet<&'a str>>,
}

impl<'a> Strings<'a> {
    fn new(model: &'a CatBoostFile) -> Result<Strings<'a>, ModelError> {
        let mut strings = Strings { by_hash: HashMap::new(), by_key: HashMap::new() };
        for string in &model.features_info.cat_features_hash {
            let value = string.value.as_str();
            if category_hash(value) != string.hash {
                let message = format!("the hash of the value {value:?} is not {}", string.hash);
                return Err(ModelError::Invalid(message));
            }
            if let Some(other) = strings.by_hash.insert(string.hash.cast_signed(), value)
                && other != value
            {
                let message = format!("its values {other:?} and {value:?} have the same hash");
                return Err(ModelError::Unsupported(message));
            }
            strings.by_key.entry(names::key(value)).or_default().insert(value);
        }
        Ok(strings)
    }

    /// A model that was saved with a pool of other rows than it was trained on lacks strings.
    fn check_counts(&self, model: &CatBoostFile) -> Result<(), ModelError> {
        let hashes: Vec<i32> = self.by_hash.keys().copied().collect();
        for ctr in &model.features_info.ctrs {
            if !counts_no_others(model, ctr, &hashes)? {
                return Err(unknown_strings("a category"));
            }
        }
        Ok(())
    }

    /// The values to list for a category, in order. The file does not say which category a string is of,
    /// so that each category lists the strings of all: otherwise values that the model has met and never
    /// asks for would be reported as unknown.
    fn values_of(
        &self,
        model: &CatBoostFile,
        category: &CategoricalFeature,
        name: &str,
    ) -> Result<Vec<&'a str>, ModelError> {
        let info = &model.features_info;
        let is_counted = |element: &CtrElement| match element {
            CtrElement::CatFeatureValue { cat_feature_index }
            | CtrElement::CatFeatureExactValue { cat_feature_index, .. } => {
                *cat_feature_index == category.feature_index
            }
            CtrElement::FloatFeature { .. } => false,
        };
        let has_statistics = info.ctrs.iter().any(|ctr| ctr.elements.iter().any(is_counted));
        let mut asked = Vec::new();
        for hash in &category.values {
            asked.push(*self.by_hash.get(hash).ok_or_else(|| unknown_strings(&format!("{name:?}")))?);
        }
        if has_statistics && self.by_hash.is_empty() {
            return Err(unknown_strings(&format!("{name:?}")));
        }
        if has_statistics && self.by_hash.len() * info.categorical_features.len() > LISTED_MAX {
            return Err(ModelError::Unsupported("its categories have too many values".to_owned()));
        }
        let all = || self.by_key.values().flatten().copied().collect::<Vec<_>>();
        if has_statistics {
            asked = all();
        }
        if let Some(values) = asked.iter().find_map(|value| self.mistakable(value)) {
            return Err(ModelError::Unsupported(format!(
                "its values {values:?} differ only in case, spaces or underscores, which are not told apart here"
            )));
        }
        let are_few = self.by_hash.len() * info.categorical_features.len() <= VALUES_MAX;
        let mut values = if are_few || has_statistics { all() } else { asked };
        values.sort_unstable();
        // Values that are one here can be none that the model asks for: the first stands for them all.
        let mut keys = BTreeSet::new();
        values.retain(|value| !names::key(value).is_empty() && keys.insert(names::key(value)));
        Ok(values)
    }

    /// The values that cells of a file could not tell apart from this one.
    fn mistakable(&self, value: &str) -> Option<&BTreeSet<&'a str>> {
        let key = names::key(value);
        let same = self.by_key.get(&key)?;
        // An empty cell is the empty string and nothing else.
        (same.len() > 1 || (key.is_empty() && !value.is_empty())).then_some(same)
    }
}

fn unknown_strings(name: &str) -> ModelError {
    ModelError::Unsupported(format!(
        "it does not say which values {name} has; save it with save_model(..., format=\"json\", pool=...) and the training pool"
    ))
}
