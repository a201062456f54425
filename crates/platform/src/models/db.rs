//! SQL of models and their versions.

use super::{ListedVersion, ShippedModel};
use crate::{Error, ModelId, ModelVersionId};
use scoring::Manifest;
use sqlx::PgConnection;

/// An immutable version of a model.
#[derive(Clone, Debug)]
pub struct ModelVersion {
    /// Its id, which predictions pin.
    pub id: ModelVersionId,
    /// Whose version it is.
    pub model: ModelId,
    /// The model's name.
    pub name: String,
    /// The version's label.
    pub version: String,
    /// The SHA-256 of the model file, in hexadecimal digits.
    pub sha256: String,
    /// The manifest.
    pub manifest: serde_json::Value,
    /// Where the file lies in the object store.
    pub artifact: String,
}

/// Finds or makes a shared model and its version, and makes that version current.
pub(super) async fn upsert_shipped(
    connection: &mut PgConnection,
    manifest: &Manifest,
    document: &serde_json::Value,
    artifact: &str,
) -> Result<ModelVersion, Error> {
    let model = sqlx::query_scalar!(
        r#"INSERT INTO models (id, name) VALUES ($1, $2)
           ON CONFLICT ON CONSTRAINT models_name_key DO UPDATE SET name = excluded.name RETURNING id"#,
        ModelId::new().0,
        manifest.name
    )
    .fetch_one(&mut *connection)
    .await?;
    let version = sqlx::query_scalar!(
        r#"INSERT INTO model_versions (id, model_id, version, sha256, manifest, artifact)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT ON CONSTRAINT model_versions_version_key DO UPDATE
               SET artifact = excluded.artifact, manifest = excluded.manifest
           RETURNING id"#,
        ModelVersionId::new().0,
        model,
        manifest.version,
        manifest.sha256,
        document,
        artifact
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE model_versions SET stage = 'archived' WHERE model_id = $1 AND id <> $2 AND stage <> 'archived'",
        model,
        version
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE model_versions SET stage = 'production' WHERE id = $1 AND stage <> 'production'",
        version
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("UPDATE models SET current_version_id = $2 WHERE id = $1", model, version)
        .execute(&mut *connection)
        .await?;
    select_version(connection, ModelVersionId(version)).await?.ok_or(Error::NotFound("model version"))
}

/// Puts a shipped model on the price list, unless it is there under whatever name and price.
pub(super) async fn insert_service_if_none(
    connection: &mut PgConnection,
    model: ModelId,
    shipped: &ShippedModel,
    rows_max: i64,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO services (id, name, model_id, description, price, max_rows, explain_price)
           SELECT $1, $2, $3, $4, $5, $6, $7
           WHERE NOT EXISTS (SELECT 1 FROM services WHERE model_id = $3)
           ON CONFLICT DO NOTHING"#,
        shipped.service_id.0,
        shipped.service_name,
        model.0,
        shipped.service_description,
        shipped.price,
        rows_max,
        shipped.explain_price
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn select_version(
    connection: &mut PgConnection,
    id: ModelVersionId,
) -> Result<Option<ModelVersion>, Error> {
    let row = sqlx::query!(
        r#"SELECT v.id, v.model_id, m.name, v.version, v.sha256, v.manifest, v.artifact
           FROM model_versions v JOIN models m ON m.id = v.model_id WHERE v.id = $1"#,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| ModelVersion {
        id: ModelVersionId(row.id),
        model: ModelId(row.model_id),
        name: row.name,
        version: row.version,
        sha256: row.sha256,
        manifest: row.manifest,
        artifact: row.artifact,
    }))
}

pub(super) async fn select_shared_versions(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<ListedVersion>, Error> {
    let rows = sqlx::query!(
        r#"SELECT v.id, v.model_id, m.name, v.version, v.sha256, v.manifest, v.artifact, v.created_at,
                  v.id = m.current_version_id AS "current!"
           FROM model_versions v JOIN models m ON m.id = v.model_id
           WHERE m.tenant_id IS NULL AND m.current_version_id IS NOT NULL
           ORDER BY m.name, v.created_at DESC, v.id DESC LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ListedVersion {
            version: ModelVersion {
                id: ModelVersionId(row.id),
                model: ModelId(row.model_id),
                name: row.name,
                version: row.version,
                sha256: row.sha256,
                manifest: row.manifest,
                artifact: row.artifact,
            },
            current: row.current,
            registered_at: row.created_at,
        })
        .collect())
}
