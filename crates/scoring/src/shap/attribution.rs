//! Which features of the schema an input's contribution belongs to.

use crate::derived::{Derived, Formula};
use crate::manifest::{Manifest, Schema};

/// Of each input of the manifest: its features, by their place in the schema.
///
/// An input made of a derived number belongs in equal parts to the features that the number is made of, as
/// CatBoost shares the contribution of a combination out among its members.
#[derive(Debug, Clone)]
pub(crate) struct Attribution {
    inputs: Vec<Vec<usize>>,
}

impl Attribution {
    pub(crate) fn new(manifest: &Manifest) -> Attribution {
        let of = |name: &String| match place(&manifest.schema, name) {
            Some(feature) => vec![feature],
            None => {
                let derived = manifest.derived.iter().find(|derived| derived.name == *name);
                derived.map(|derived| members(&manifest.schema, derived)).unwrap_or_default()
            }
        };
        Attribution { inputs: manifest.inputs.iter().map(|input| of(&input.feature)).collect() }
    }

    /// The features that what these inputs do together is shared out among.
    pub(crate) fn shares(&self, inputs: &[usize]) -> Vec<(u16, f64)> {
        let mut shares: Vec<(u16, f64)> = Vec::new();
        for &input in inputs {
            let features = self.inputs.get(input).map(Vec::as_slice).unwrap_or_default();
            let share = 1.0 / (inputs.len() * features.len()) as f64;
            for &feature in features {
                // No schema has more features than a file has columns.
                let feature = feature as u16;
                match shares.iter_mut().find(|(other, _)| *other == feature) {
                    Some((_, sum)) => *sum += share,
                    None => shares.push((feature, share)),
                }
            }
        }
        shares
    }
}

/// The features that a derived number is made of, each once.
fn members(schema: &Schema, derived: &Derived) -> Vec<usize> {
    let names: Vec<&String> = match &derived.formula {
        Formula::Ratio { numerator: left, denominator: right }
        | Formula::Difference { left, right }
        | Formula::Product { left, right } => vec![left, right],
        Formula::Count { of } => of.iter().map(|(name, _)| name).collect(),
    };
    let mut members: Vec<usize> = names.into_iter().filter_map(|name| place(schema, name)).collect();
    members.sort_unstable();
    members.dedup();
    members
}

fn place(schema: &Schema, name: &str) -> Option<usize> {
    schema.features.iter().position(|feature| feature.name == name)
}
