//! SQL of the plans.

use super::{Figures, Plan, PlanEffect, Terms};
use crate::{Error, PlanId, PredictionId, TenantId, tenancy::Writer};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

struct Row {
    id: Uuid,
    prediction_id: Uuid,
    terms: Value,
    value_column: Option<String>,
    figures: Value,
    effect: Option<Value>,
    measured_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    has_list: bool,
}

impl TryFrom<Row> for Plan {
    type Error = Error;

    fn try_from(row: Row) -> Result<Plan, Error> {
        let effect = row.effect.map(decoded::<PlanEffect>).transpose()?;
        Ok(Plan {
            id: PlanId(row.id),
            prediction: PredictionId(row.prediction_id),
            terms: decoded(row.terms)?,
            value_column: row.value_column,
            figures: decoded(row.figures)?,
            measured: effect.zip(row.measured_at),
            has_list: row.has_list,
            created_at: row.created_at,
        })
    }
}

/// Whether it was inserted: nothing is where the prediction was erased or has expired. Its row is locked against
/// that until the transaction's end.
pub(super) async fn insert(
    connection: &mut PgConnection,
    writer: Writer,
    (id, prediction): (PlanId, PredictionId),
    (terms, value_column): (&Terms, Option<&str>),
    figures: &Figures,
) -> Result<bool, Error> {
    let inserted = sqlx::query!(
        r#"INSERT INTO plans (id, tenant_id, prediction_id, terms, value_column, figures)
           SELECT $1, tenant_id, id, $4, $5, $6 FROM predictions
           WHERE id = $2 AND tenant_id = $3 AND erased_at IS NULL AND expires_at > now() FOR SHARE"#,
        id.0,
        prediction.0,
        writer.tenant().0,
        encoded(terms)?,
        value_column,
        encoded(figures)?
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: PlanId,
) -> Result<Option<Plan>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT l.id, l.prediction_id, l.terms, l.value_column, l.figures, l.effect, l.measured_at, l.created_at,
                  (p.erased_at IS NULL AND p.expires_at > now()) AS "has_list!"
           FROM plans l JOIN predictions p ON p.id = l.prediction_id
           WHERE l.tenant_id = $1 AND l.id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Plan::try_from)
    .transpose()
}

/// Plans of a tenant, of one prediction or of all, newest first.
pub(crate) async fn select_page(
    connection: &mut PgConnection,
    tenant: TenantId,
    prediction: Option<PredictionId>,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Plan>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT l.id, l.prediction_id, l.terms, l.value_column, l.figures, l.effect, l.measured_at, l.created_at,
                  (p.erased_at IS NULL AND p.expires_at > now()) AS "has_list!"
           FROM plans l JOIN predictions p ON p.id = l.prediction_id
           WHERE l.tenant_id = $1 AND ($2::uuid IS NULL OR l.prediction_id = $2) AND l.id < $3
           ORDER BY l.id DESC LIMIT $4"#,
        tenant.0,
        prediction.map(|prediction| prediction.0),
        before,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Plan::try_from)
    .collect()
}

pub(super) async fn count(
    connection: &mut PgConnection,
    tenant: TenantId,
    prediction: PredictionId,
) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM plans WHERE tenant_id = $1 AND prediction_id = $2"#,
        tenant.0,
        prediction.0
    )
    .fetch_one(connection)
    .await?)
}

pub(super) async fn update_effect(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: PlanId,
    effect: &PlanEffect,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE plans SET effect = $3, measured_at = now() WHERE tenant_id = $1 AND id = $2",
        tenant.0,
        id.0,
        encoded(effect)?
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn encoded(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(Error::internal)
}

fn decoded<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}
