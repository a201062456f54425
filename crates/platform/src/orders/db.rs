//! SQL of the orders.

use super::{Order, OrderFilter, OrderStatus, OrderedService};
use crate::{Error, OrderId, PredictionId, ServiceId, TenantId, TrainingId, TransactionId, tenancy::Writer};
use chrono::{DateTime, Utc};
use ledger::Money;
use sqlx::PgConnection;
use std::ops::Range;
use uuid::Uuid;

struct Row {
    id: Uuid,
    tenant_id: Uuid,
    service_id: Uuid,
    service_name: String,
    model_name: String,
    price: i64,
    options: serde_json::Value,
    status: String,
    transaction_id: Uuid,
    prediction_id: Option<Uuid>,
    training_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Order {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Order {
            id: OrderId(row.id),
            tenant: TenantId(row.tenant_id),
            service: OrderedService {
                id: ServiceId(row.service_id),
                name: row.service_name,
                model: row.model_name,
            },
            price: Money::from_minor_units(row.price)?,
            options: serde_json::from_value(row.options).map_err(Error::internal)?,
            status: status_of(&row.status)?,
            transaction_id: TransactionId(row.transaction_id),
            prediction_id: row.prediction_id.map(PredictionId),
            training_id: row.training_id.map(TrainingId),
            created_at: row.created_at,
        })
    }
}

pub(crate) async fn insert(
    connection: &mut PgConnection,
    writer: Writer,
    order: &Order,
) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO orders (id, tenant_id, user_id, service_id, price, status, transaction_id, options)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING created_at"#,
        order.id.0,
        writer.tenant().0,
        writer.user().0,
        order.service.id.0,
        order.price.minor_units(),
        order.status.as_str(),
        order.transaction_id.0,
        serde_json::to_value(order.options).map_err(Error::internal)?
    )
    .fetch_one(connection)
    .await?)
}

pub(crate) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: OrderId,
) -> Result<Option<Order>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT o.id, o.tenant_id, o.service_id, s.name AS service_name, coalesce(m.name, '') AS "model_name!", o.price,
                  o.options, o.status, o.transaction_id, p.id AS "prediction_id?", t.id AS "training_id?", o.created_at
           FROM orders o JOIN services s ON s.id = o.service_id LEFT JOIN models m ON m.id = s.model_id
           LEFT JOIN predictions p ON p.order_id = o.id LEFT JOIN trainings t ON t.order_id = o.id
           WHERE o.tenant_id = $1 AND o.id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Order::try_from)
    .transpose()
}

/// Orders of one tenant, or of all where none is named, newest first, whose ids are in the range.
pub(crate) async fn select_page(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    ids: Range<Uuid>,
    filter: OrderFilter,
    rows: i64,
) -> Result<Vec<Order>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT o.id, o.tenant_id, o.service_id, s.name AS service_name, coalesce(m.name, '') AS "model_name!", o.price,
                  o.options, o.status, o.transaction_id, p.id AS "prediction_id?", t.id AS "training_id?", o.created_at
           FROM orders o JOIN services s ON s.id = o.service_id LEFT JOIN models m ON m.id = s.model_id
           LEFT JOIN predictions p ON p.order_id = o.id LEFT JOIN trainings t ON t.order_id = o.id
           WHERE ($1::uuid IS NULL OR o.tenant_id = $1) AND o.id < $2 AND o.id >= $3
             AND ($4::text IS NULL OR o.status = $4) AND ($5::uuid IS NULL OR o.service_id = $5)
           ORDER BY o.id DESC LIMIT $6"#,
        tenant.map(|tenant| tenant.0),
        ids.end,
        ids.start,
        filter.status.map(OrderStatus::as_str),
        filter.service.map(|service| service.0),
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Order::try_from)
    .collect()
}

/// The order at which a search stops that looks at so many orders from `before` on; none where there are
/// fewer.
pub(super) async fn select_floor(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    before: Uuid,
    searched: i64,
) -> Result<Option<Uuid>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id FROM orders WHERE ($1::uuid IS NULL OR tenant_id = $1) AND id < $2
           ORDER BY id DESC OFFSET $3 LIMIT 1"#,
        tenant.map(|tenant| tenant.0),
        before,
        searched - 1
    )
    .fetch_optional(connection)
    .await?)
}

/// Orders of all tenants within a range of ids: those in the status, and of the tenants or with the ids,
/// where these are given.
pub(crate) async fn select_page_of_all(
    connection: &mut PgConnection,
    status: Option<OrderStatus>,
    tenants: Option<&[Uuid]>,
    ids: &[Uuid],
    range: Range<Uuid>,
    rows: i64,
) -> Result<Vec<Order>, Error> {
    sqlx::query_as!(
        Row,
        r#"WITH found AS MATERIALIZED (
               SELECT id FROM orders
               WHERE id >= $1 AND id < $2 AND ($3::text IS NULL OR status = $3)
                 AND ($4::uuid[] IS NULL OR tenant_id = ANY($4) OR id = ANY($5))
               ORDER BY id DESC LIMIT $6)
           SELECT o.id, o.tenant_id, o.service_id, s.name AS service_name, coalesce(m.name, '') AS "model_name!", o.price,
                  o.options, o.status, o.transaction_id, p.id AS "prediction_id?", t.id AS "training_id?", o.created_at
           FROM found JOIN orders o ON o.id = found.id
           JOIN services s ON s.id = o.service_id LEFT JOIN models m ON m.id = s.model_id
           LEFT JOIN predictions p ON p.order_id = o.id LEFT JOIN trainings t ON t.order_id = o.id
           ORDER BY o.id DESC"#,
        range.start,
        range.end,
        status.map(OrderStatus::as_str),
        tenants as Option<&[Uuid]>,
        ids,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Order::try_from)
    .collect()
}

/// Moves an order from one status to another, if it is in the one. Whoever comes second waits for
/// the row and then finds it moved.
pub(crate) async fn move_status(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: OrderId,
    from: OrderStatus,
    to: OrderStatus,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE orders SET status = $4 WHERE tenant_id = $1 AND id = $2 AND status = $3",
        tenant.0,
        id.0,
        from.as_str(),
        to.as_str()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn select_tenant(
    connection: &mut PgConnection,
    id: OrderId,
) -> Result<Option<TenantId>, Error> {
    Ok(sqlx::query_scalar!("SELECT tenant_id FROM orders WHERE id = $1", id.0)
        .fetch_optional(connection)
        .await?
        .map(TenantId))
}

/// Keeps an order as it is until the transaction's end.
pub(super) async fn lock(connection: &mut PgConnection, id: OrderId) -> Result<(), Error> {
    sqlx::query_scalar!("SELECT id FROM orders WHERE id = $1 FOR UPDATE", id.0)
        .fetch_optional(connection)
        .await?;
    Ok(())
}

pub(crate) fn status_of(text: &str) -> Result<OrderStatus, Error> {
    [OrderStatus::Paid, OrderStatus::InUse, OrderStatus::Provided, OrderStatus::Refunded]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| Error::Internal(format!("an order cannot be {text}")))
}
