//! Models and their versions: registering the shipped ones, loading any by its SHA-256.

mod db;

use crate::{Access, AdminTx, Error, ModelVersionId, Platform, ServiceId, objects};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use scoring::{Manifest, Model};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

pub use db::ModelVersion;

/// A model that comes with the program.
#[derive(Clone, Copy)]
pub struct ShippedModel {
    /// Its manifest, as JSON.
    pub manifest_json: &'static [u8],
    /// Its file.
    pub model_file: &'static [u8],
    /// The id of its line on the price list, the same in every installation, so that examples work
    /// as they stand.
    pub service_id: ServiceId,
    /// What an order costs at first, in minor units.
    pub price: i64,
    /// What reasons cost on top at first, in minor units.
    pub explain_price: i64,
    /// What the price list calls it.
    pub service_name: &'static str,
    /// What the price list says of it.
    pub service_description: &'static str,
}

/// A version as the list of models shows it.
#[derive(Clone, Debug)]
pub struct ListedVersion {
    /// The version.
    pub version: ModelVersion,
    /// Whether new orders get it.
    pub current: bool,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
}

/// How many versions the list of models shows.
const LISTED_VERSIONS_MAX: i64 = 100;

/// The shared models' versions, by model and newest first, for administrators.
pub async fn list(platform: &Platform, access: &Access) -> Result<Vec<ListedVersion>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    db::select_shared_versions(tx.connection(), LISTED_VERSIONS_MAX).await
}

/// How many rows a seeded service scores at most.
const SEEDED_ROWS_MAX: i64 = 10_000_000;

/// Models that were loaded, by their version: two versions may have the same file and another threshold or
/// calibration. A handful is served at a time.
#[derive(Default)]
pub(crate) struct LoadedModels(Mutex<HashMap<ModelVersionId, Arc<Model>>>);

/// More than this many loaded models are forgotten and loaded anew when asked for.
const LOADED_MAX: usize = 32;

/// Registers the shipped models and, at the first start, their price list. Their files go to the
/// object store, so that a version pinned by a prediction outlives the program that shipped it.
pub async fn register_shipped(platform: &Platform, shipped: &[ShippedModel]) -> Result<(), Error> {
    for model in shipped {
        let manifest: Manifest = serde_json::from_slice(model.manifest_json)
            .map_err(|error| Error::ModelUnavailable(error.to_string()))?;
        // Loading it proves that the file is the manifest's.
        Model::from_parts(model.manifest_json, model.model_file)
            .map_err(|error| Error::ModelUnavailable(error.to_string()))?;
        let artifact = objects::model_path(&manifest.sha256);
        platform.objects.put(&artifact, Bytes::from_static(model.model_file)).await?;
        let mut transaction = platform.system.begin().await?;
        let document = serde_json::from_slice(model.manifest_json).map_err(Error::internal)?;
        let version = db::upsert_shipped(&mut transaction, &manifest, &document, artifact.as_ref()).await?;
        db::insert_service_if_none(&mut transaction, version.model, model, SEEDED_ROWS_MAX).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// The model of a version, from memory or from the object store, checked against its SHA-256.
///
/// # Errors
/// [`Error::ModelUnavailable`] where the file is not the one that was registered;
/// [`Error::Unavailable`] where the store does not answer or does not have it.
pub async fn load(platform: &Platform, id: ModelVersionId) -> Result<Arc<Model>, Error> {
    let version = {
        let mut connection = platform.system.acquire().await?;
        select_version(&mut connection, id).await?.ok_or(Error::NotFound("model version"))?
    };
    load_version(platform, &version).await
}

pub(crate) async fn load_version(platform: &Platform, version: &ModelVersion) -> Result<Arc<Model>, Error> {
    let loaded = &platform.loaded_models.0;
    if let Some(model) = loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&version.id) {
        return Ok(model.clone());
    }
    // Registered files are never deleted: one that is missing means a store that is not the right one,
    // or not there yet, and the work waits for it.
    let file =
        platform.objects.get(&version.artifact.as_str().into()).await.map_err(|error| match error {
            Error::NotFound(_) => Error::Unavailable {
                dependency: "object store",
                detail: format!("the file of model version {} is missing", version.id),
            },
            other => other,
        })?;
    let manifest = serde_json::to_vec(&version.manifest).map_err(Error::internal)?;
    let model = tokio::task::spawn_blocking(move || Model::from_parts(&manifest, &file))
        .await
        .map_err(Error::internal)?
        .map_err(|error| Error::ModelUnavailable(error.to_string()))?;
    let model = Arc::new(model);
    let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
    if loaded.len() >= LOADED_MAX {
        loaded.clear();
    }
    loaded.insert(version.id, model.clone());
    Ok(model)
}

pub(crate) use db::select_version;
