//! Scoring one customer as they are and as they would be, for nothing.

use super::db;
use crate::models::ModelVersion;
use crate::{Access, Error, Platform, PredictionId, ServiceId, TenantTx, models, services};
use scoring::{Language, WhatIf};
use serde_json::{Map, Value};

/// Whose model is asked.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    /// The version that an order of this line of the price list gets now.
    Service(ServiceId),
    /// The version that scored this prediction of the caller's tenant.
    Prediction(PredictionId),
}

/// Scores a customer as they are and with other values of features that a company can move.
///
/// # Errors
/// [`Error::Input`] where the customer cannot be scored or a change is none that can be tried.
pub async fn what_if(
    platform: &Platform,
    access: &Access,
    asked: Asked,
    (customer, changes): (Map<String, Value>, Map<String, Value>),
    language: Language,
) -> Result<WhatIf, Error> {
    let version = {
        let mut tx = TenantTx::begin(platform, access).await?;
        // Nothing is written, and nobody is to score for others' keys that may only read.
        tx.writer()?;
        version(&mut tx, asked).await?
    };
    let model = models::load_version(platform, &version).await?;
    let tried =
        tokio::task::spawn_blocking(move || scoring::what_if(&model, &customer, &changes, language)).await;
    Ok(tried.map_err(Error::internal)??)
}

/// What the model says of itself that [`what_if`] would ask.
pub async fn asked_manifest(
    platform: &Platform,
    access: &Access,
    asked: Asked,
) -> Result<scoring::Manifest, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let version = version(&mut tx, asked).await?;
    serde_json::from_value(version.manifest).map_err(Error::internal)
}

async fn version(tx: &mut TenantTx, asked: Asked) -> Result<ModelVersion, Error> {
    let id = match asked {
        Asked::Service(service) => {
            let service = services::db::select(tx.connection(), service).await?;
            service.filter(|service| service.active).ok_or(Error::NotFound("service"))?.model_version
        }
        Asked::Prediction(prediction) => {
            let tenant = tx.caller().tenant;
            let version = db::select_model_version(tx.connection(), tenant, prediction).await?;
            version.ok_or(Error::NotFound("prediction"))?
        }
    };
    models::select_version(tx.connection(), id).await?.ok_or(Error::NotFound("model version"))
}
