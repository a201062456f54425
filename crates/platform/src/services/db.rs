//! SQL of the price list.

use super::Service;
use crate::{Error, ModelId, ModelVersionId, ServiceId, error::violated_constraint};
use ledger::Money;
use scoring::Metrics;
use sqlx::PgConnection;
use uuid::Uuid;

/// A service's own columns, checked.
pub(super) struct ServiceRow<'a> {
    pub(super) id: ServiceId,
    pub(super) name: &'a str,
    pub(super) model: ModelId,
    pub(super) description: &'a str,
    pub(super) price: Money,
    pub(super) explain_price: Option<Money>,
    pub(super) rows_max: i64,
    pub(super) active: bool,
}

/// A service as the queries give it, joined with its model's current version.
struct Row {
    id: Uuid,
    name: String,
    model_id: Uuid,
    model_name: String,
    model_version: Uuid,
    description: String,
    price: i64,
    explain_price: Option<i64>,
    max_rows: i64,
    active: bool,
    metrics: serde_json::Value,
}

impl TryFrom<Row> for Service {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let quality: Metrics = serde_json::from_value(row.metrics).map_err(Error::internal)?;
        Ok(Service {
            id: ServiceId(row.id),
            name: row.name,
            model: ModelId(row.model_id),
            model_name: row.model_name,
            model_version: ModelVersionId(row.model_version),
            description: row.description,
            price: Money::from_minor_units(row.price)?,
            explain_price: row.explain_price.map(Money::from_minor_units).transpose()?,
            rows_max: row.max_rows.unsigned_abs(),
            quality,
            active: row.active,
        })
    }
}

pub(super) async fn select_active(connection: &mut PgConnection) -> Result<Vec<Service>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT s.id, s.name, m.id AS model_id, m.name AS model_name, v.id AS model_version, s.description,
                  s.price, s.explain_price, s.max_rows, s.active,
                  coalesce(v.manifest -> 'metrics', '{}') AS "metrics!"
           FROM services s JOIN models m ON m.id = s.model_id
           JOIN model_versions v ON v.id = m.current_version_id
           WHERE s.active ORDER BY s.price, s.id"#
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Service::try_from)
    .collect()
}

pub(super) async fn select_all(connection: &mut PgConnection) -> Result<Vec<Service>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT s.id, s.name, m.id AS model_id, m.name AS model_name, v.id AS model_version, s.description,
                  s.price, s.explain_price, s.max_rows, s.active,
                  coalesce(v.manifest -> 'metrics', '{}') AS "metrics!"
           FROM services s JOIN models m ON m.id = s.model_id
           JOIN model_versions v ON v.id = m.current_version_id
           WHERE s.tenant_id IS NULL ORDER BY s.active DESC, s.price, s.id"#
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Service::try_from)
    .collect()
}

pub(crate) async fn select(connection: &mut PgConnection, id: ServiceId) -> Result<Option<Service>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT s.id, s.name, m.id AS model_id, m.name AS model_name, v.id AS model_version, s.description,
                  s.price, s.explain_price, s.max_rows, s.active,
                  coalesce(v.manifest -> 'metrics', '{}') AS "metrics!"
           FROM services s JOIN models m ON m.id = s.model_id
           JOIN model_versions v ON v.id = m.current_version_id
           WHERE s.id = $1"#,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Service::try_from)
    .transpose()
}

/// A shared service; a tenant's own line follows its model. Locks it first, so that two changes at once do not undo each other.
pub(super) async fn select_for_update(
    connection: &mut PgConnection,
    id: ServiceId,
) -> Result<Option<Service>, Error> {
    let shared = sqlx::query!("SELECT id FROM services WHERE id = $1 AND tenant_id IS NULL FOR UPDATE", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    match shared {
        Some(_) => select(connection, id).await,
        None => Ok(None),
    }
}

pub(super) async fn select_shared_model(
    connection: &mut PgConnection,
    name: &str,
) -> Result<Option<ModelId>, Error> {
    let id = sqlx::query_scalar!(
        r#"SELECT id FROM models
           WHERE name = $1 AND tenant_id IS NULL AND current_version_id IS NOT NULL"#,
        name
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(ModelId))
}

pub(super) async fn insert(connection: &mut PgConnection, row: ServiceRow<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO services (id, name, model_id, description, price, max_rows, active, explain_price)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"#,
        row.id.0,
        row.name,
        row.model.0,
        row.description,
        row.price.minor_units(),
        row.rows_max,
        row.active,
        row.explain_price.map(Money::minor_units)
    )
    .execute(connection)
    .await
    .map_err(on_name_taken)?;
    Ok(())
}

pub(super) async fn update(connection: &mut PgConnection, row: ServiceRow<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE services SET name = $2, model_id = $3, description = $4, price = $5, max_rows = $6,
                  active = $7, explain_price = $8 WHERE id = $1"#,
        row.id.0,
        row.name,
        row.model.0,
        row.description,
        row.price.minor_units(),
        row.rows_max,
        row.active,
        row.explain_price.map(Money::minor_units)
    )
    .execute(connection)
    .await
    .map_err(on_name_taken)?;
    Ok(())
}

fn on_name_taken(error: sqlx::Error) -> Error {
    match violated_constraint(&error) {
        Some("services_name_key") => Error::conflict("name_taken", "there is a service of this name"),
        _ => error.into(),
    }
}
