//! The models that are built into the program, and what their services cost at first.

use anyhow::{Context, Result};
use platform::ServiceId;
use platform::models::ShippedModel;
use scoring::Model;
use uuid::Uuid;

/// A shipped model under its name.
pub struct Shipped {
    /// The name by which the command line finds it.
    pub name: &'static str,
    /// What the platform registers.
    pub model: ShippedModel,
    /// What was measured of it.
    pub quality_json: &'static [u8],
}

/// The id of the cheapest shipped service; the others follow it.
const FIRST_SERVICE: u128 = 0x0198_0000_0000_7000_8000_0000_0000_0001;

/// Takes a model's two files into the program.
macro_rules! shipped {
    ($name:literal, $place:literal, $price:literal, $service_name:literal, $description:literal) => {
        Shipped {
            name: $name,
            model: ShippedModel {
                manifest_json: include_bytes!(concat!("../../../models/", $name, "/manifest.json")),
                model_file: include_bytes!(concat!("../../../models/", $name, "/model.json")),
                service_id: ServiceId(Uuid::from_u128(FIRST_SERVICE + $place)),
                price: $price,
                // Reasons are worth half a prediction.
                explain_price: $price / 2,
                service_name: $service_name,
                service_description: $description,
            },
            quality_json: include_bytes!(concat!("../../../models/", $name, "/quality.json")),
        }
    };
}

/// The shipped models, cheapest first.
pub const SHIPPED: &[Shipped] = &[
    shipped!(
        "logistic",
        0,
        1_000,
        "Logistic regression",
        "A linear model of the log-odds that bends with the numbers. The cheapest and the fastest."
    ),
    shipped!(
        "svm",
        1,
        5_000,
        "Support vector machine",
        "A linear support vector machine that bends with the numbers, with calibrated probabilities."
    ),
    shipped!(
        "random_forest",
        2,
        20_000,
        "Random forest",
        "Hundreds of trees that vote. Sees how features act together, and is hard to mislead."
    ),
    shipped!(
        "catboost",
        3,
        50_000,
        "CatBoost",
        "Gradient boosting of oblivious trees in CatBoost's format. Finds how features act together by itself."
    ),
];

/// Loads a shipped model, checked against its manifest.
pub fn load(shipped: &Shipped) -> Result<Model> {
    Model::from_parts(shipped.model.manifest_json, shipped.model.model_file)
        .with_context(|| format!("the shipped model {} cannot be used", shipped.name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use learning::quality::QUALITY_FILE;

    use super::*;

    #[test]
    fn every_shipped_model_loads_under_its_name() {
        assert_eq!(SHIPPED.len(), 4);
        for shipped in SHIPPED {
            assert_eq!(load(shipped).unwrap().manifest().name, shipped.name);
            assert!(shipped.model.model_file.len() < 2 << 20, "{}", shipped.name);
            // What lies beside a shipped model is built in with it.
            let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
            let quality_json = std::fs::read(models.join(shipped.name).join(QUALITY_FILE)).unwrap();
            assert_eq!(shipped.quality_json, quality_json, "{}", shipped.name);
        }
    }
}
