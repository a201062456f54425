//! The models that are built into the program, and what their services cost at first.

use anyhow::{Context, Result};
use platform::models::ShippedModel;
use scoring::Model;

/// A shipped model under its name.
pub struct Shipped {
    /// The name by which the command line finds it.
    pub name: &'static str,
    /// What the platform registers.
    pub model: ShippedModel,
}

/// The shipped models, cheapest first.
pub const SHIPPED: &[Shipped] = &[];

/// Loads a shipped model, checked against its manifest.
pub fn load(shipped: &Shipped) -> Result<Model> {
    Model::from_parts(shipped.model.manifest_json, shipped.model.model_file)
        .with_context(|| format!("the shipped model {} cannot be used", shipped.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_model_loads_under_its_name() {
        for shipped in SHIPPED {
            assert_eq!(load(shipped).unwrap().manifest().name, shipped.name);
            assert!(shipped.model.model_file.len() < 2 << 20, "{}", shipped.name);
        }
    }
}
