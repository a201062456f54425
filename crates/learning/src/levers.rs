//! What a company can move with an offer, and what each feature has to do with the scores.

use scoring::{Algorithm, FeatureEffect, Manifest, Model, Schema, known_lever, names};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::learner::json;

/// So many customers, evenly from all, tell what a feature does; more would only take time.
const ROWS_MAX: usize = 5_000;
/// Of a network, whose contributions are sampled.
const NETWORK_ROWS_MAX: usize = 1_000;
/// Of so many features, the most important ones, values and ranges are kept; of the others their importance alone.
const DETAILED_MAX: usize = 40;
/// Figures are written with six decimals.
const MILLION: f64 = 1e6;

/// The features that a company can move: those that are named; where none is, those whose names are known.
pub(crate) fn declared(schema: &Schema, named: &[String]) -> Result<Vec<String>, Error> {
    if named.is_empty() {
        let features = schema.features.iter().map(|feature| &feature.name);
        return Ok(features.filter(|name| known_lever(name) == Some(true)).cloned().collect());
    }
    let mut levers: Vec<String> = Vec::new();
    for name in named {
        let key = names::key(name);
        let feature = schema.features.iter().find(|feature| {
            [&feature.name].into_iter().chain(&feature.aliases).any(|spelling| names::key(spelling) == key)
        });
        let Some(feature) = feature else {
            return Err(Error::Options(format!("lever: {name:?} is no feature of the model")));
        };
        if !levers.contains(&feature.name) {
            levers.push(feature.name.clone());
        }
    }
    Ok(levers)
}

/// What each feature has to do with the scores of the customers that a model learned from; nothing where the model
/// cannot be explained.
pub(crate) fn effects(manifest: &Manifest, file: &[u8], data: &Dataset) -> Result<Vec<FeatureEffect>, Error> {
    let model = Model::from_parts(&json(manifest)?, file)?;
    let rows_max = if manifest.algorithm == Algorithm::Mlp { NETWORK_ROWS_MAX } else { ROWS_MAX };
    let rows: Vec<usize> = (0..data.rows()).step_by(data.rows().div_ceil(rows_max).max(1)).collect();
    let data = data.select(&rows);
    let Ok(mut effects) = model.effects(data.rows(), &data.numbers, &data.codes) else {
        return Ok(Vec::new());
    };
    for (place, effect) in effects.iter_mut().enumerate() {
        if place >= DETAILED_MAX {
            effect.values.clear();
            effect.ranges.clear();
        }
        round(effect);
    }
    Ok(effects)
}

/// Short figures, the same at every level of the processor's instructions.
fn round(effect: &mut FeatureEffect) {
    let values = effect.values.iter_mut().map(|value| &mut value.mean);
    let ranges = effect.ranges.iter_mut().flat_map(|range| [&mut range.mean, &mut range.spread]);
    for figure in values.chain(ranges).chain([&mut effect.mean_absolute]) {
        *figure = (*figure * MILLION).round() / MILLION;
    }
}

#[cfg(test)]
mod tests {
    use scoring::{Feature, FeatureKind, Schema};

    use super::declared;

    #[test]
    fn levers_are_those_named_and_else_those_known() {
        let feature = |name: &str, alias: &str| Feature {
            name: name.to_owned(),
            aliases: vec![alias.to_owned()],
            kind: FeatureKind::Number,
        };
        let features = vec![
            feature("gender", "sex"),
            feature("MonthlyCharges", "monthly bill"),
            feature("Minutes", "m"),
        ];
        let schema = Schema { features, outcomes: Vec::new() };
        let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
        assert_eq!(declared(&schema, &[]).unwrap(), ["MonthlyCharges"]);
        let named = declared(&schema, &list(&["minutes", "Monthly_Bill", "Minutes"])).unwrap();
        assert_eq!(named, ["Minutes", "MonthlyCharges"]);
        assert!(declared(&schema, &list(&["Colour"])).unwrap_err().to_string().contains("Colour"));
    }
}
