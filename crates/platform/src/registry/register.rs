//! A training's version enters the registry, in the settlement's own transaction.

use super::{Action, Stage, db};
use crate::jobs::Claim;
use crate::objects::{MODEL_NAME, training_result_path};
use crate::{Error, ModelId, ModelVersionId, TrainingId};
use scoring::Manifest;
use sqlx::PgConnection;

/// Makes the model where it is new, and the version in development.
pub(crate) async fn register(
    connection: &mut PgConnection,
    claim: &Claim,
    training: TrainingId,
    manifest: &Manifest,
) -> Result<(ModelId, ModelVersionId), Error> {
    let model = db::upsert_model(connection, claim.tenant, &manifest.name).await?;
    let artifact = training_result_path(training, claim.attempt, MODEL_NAME);
    let version = db::insert_version(connection, claim.tenant, model, manifest, artifact.as_ref()).await?;
    let entry = db::NewEntry {
        tenant: claim.tenant,
        model,
        version,
        action: Action::Registered,
        from_stage: None,
        to_stage: Some(Stage::Development),
        champion: None,
        actor: None,
        is_forced: false,
        gate: None,
        reason: None,
    };
    db::insert_entry(connection, &entry).await?;
    Ok((model, version))
}
