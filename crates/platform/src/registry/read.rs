//! Looking at models, their versions, their cards and their history.

use super::{HistoryEntry, Model, Version, db};
use crate::objects::{QUALITY_NAME, training_result_path};
use crate::{Access, Error, List, ModelId, ModelVersionId, Page, Platform, TenantTx};
use learning::quality::{Card, Quality};
use uuid::Uuid;

/// How many versions of a model are shown.
const VERSIONS_MAX: i64 = 200;

/// The caller's tenant's models, newest first, and then the shared ones by name.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<Model>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let before = page.before_id("models")?;
    let models = db::select_models(tx.connection(), None, before, page.rows()).await?;
    Ok(page.cut("models", models, |model| *model.id.0.as_bytes()))
}

/// One model, the caller's tenant's own or a shared one.
pub async fn get(platform: &Platform, access: &Access, id: ModelId) -> Result<Model, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    db::select_model(tx.connection(), id).await?.ok_or(Error::NotFound("model"))
}

/// The versions of a model, newest first, without the long parts of their manifests: profile, reference, effects.
pub async fn versions(platform: &Platform, access: &Access, model: ModelId) -> Result<Vec<Version>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    db::select_model(tx.connection(), model).await?.ok_or(Error::NotFound("model"))?;
    db::select_versions(tx.connection(), Some(model), None, Uuid::max(), VERSIONS_MAX).await
}

/// One version of a model.
pub async fn version(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    id: ModelVersionId,
) -> Result<Version, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    db::select_version(tx.connection(), model, id).await?.ok_or(Error::NotFound("model version"))
}

/// A version of a model; where none is named, the one in production, else the newest.
pub async fn version_or_serving(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    id: Option<ModelVersionId>,
) -> Result<Version, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let found = db::select_model(tx.connection(), model).await?.ok_or(Error::NotFound("model"))?;
    let id = match id.or(found.production) {
        Some(id) => id,
        None => {
            let newest = db::select_versions(tx.connection(), Some(model), None, Uuid::max(), 1).await?;
            newest.first().ok_or(Error::NotFound("model version"))?.id
        }
    };
    db::select_version(tx.connection(), model, id).await?.ok_or(Error::NotFound("model version"))
}

/// What a version of a tenant's own says of itself in words: what it learned from, what it reads, where it should
/// not be used.
///
/// # Errors
/// [`Error::NotFound`] for a shared model too, whose card comes with the program.
pub async fn card(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    id: ModelVersionId,
) -> Result<Card, Error> {
    let made = {
        let mut tx = TenantTx::begin(platform, access).await?;
        db::select_version(tx.connection(), model, id).await?.ok_or(Error::NotFound("model version"))?;
        db::select_made(tx.connection(), id).await?.ok_or(Error::NotFound("model card"))?
    };
    let path = training_result_path(made.training, made.attempt, QUALITY_NAME);
    let quality = Quality::read(&platform.objects.get(&path).await?).map_err(Error::internal)?;
    Ok(quality.card)
}

/// What happened to a model's versions, newest first.
pub async fn history(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    page: &Page,
) -> Result<List<HistoryEntry>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    db::select_model(tx.connection(), model).await?.ok_or(Error::NotFound("model"))?;
    let before = page.before_id("model_history")?;
    let entries = db::select_history(tx.connection(), Some(model), before, page.rows()).await?;
    Ok(page.cut("model_history", entries, |entry| *entry.id.as_bytes()))
}
