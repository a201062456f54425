//! Placing orders, looking at them, cancelling them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::orders::{self, OrderFilter, OrderOptions};
use platform::{OrderId, ServiceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{IdempotencyHeader, Listed, Replayed};
use crate::extract::{Caller, Id, KeyedEmpty, KeyedJson, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// What is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// A line of the price list, of predictions or of trainings.
    #[schema(value_type = Uuid, example = "01980000-0000-7000-8000-000000000001")]
    service_id: ServiceId,
    /// Reasons for each customer, at the service's `explain_price` on top.
    explain: Option<bool>,
}

/// What was bought, for how much, and what became of it.
#[derive(Serialize, ToSchema)]
pub struct Order {
    id: Uuid,
    service: OrderedService,
    /// What it cost when it was placed, in minor units, reasons included.
    #[schema(example = 1000)]
    price: i64,
    #[schema(example = "RUB")]
    currency: String,
    /// Whether reasons for each customer were bought.
    explain: bool,
    status: OrderStatus,
    /// Whether its result was delivered.
    is_provided: bool,
    /// Its debit.
    transaction_id: Uuid,
    /// The prediction that used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction_id: Option<Uuid>,
    /// The training that used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    training_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

/// What an order says of its service.
#[derive(Serialize, ToSchema)]
pub struct OrderedService {
    id: Uuid,
    name: String,
    /// None for a training, which makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "logistic")]
    model: Option<String>,
}

/// Where an order is in its life.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Debited and not used: it can be cancelled.
    Paid,
    /// A prediction is at work for it.
    InUse,
    /// Its result was delivered.
    Provided,
    /// Its debit was given back.
    Refunded,
}

impl Order {
    /// An order as it is on the wire.
    pub fn new(order: orders::Order, currency: &str) -> Order {
        let status = match order.status {
            orders::OrderStatus::Paid => OrderStatus::Paid,
            orders::OrderStatus::InUse => OrderStatus::InUse,
            orders::OrderStatus::Provided => OrderStatus::Provided,
            orders::OrderStatus::Refunded => OrderStatus::Refunded,
        };
        Order {
            id: order.id.0,
            service: OrderedService {
                id: order.service.id.0,
                name: order.service.name,
                model: Some(order.service.model).filter(|model| !model.is_empty()),
            },
            price: order.price.minor_units(),
            currency: currency.to_owned(),
            explain: order.options.explain,
            is_provided: order.status == orders::OrderStatus::Provided,
            status,
            transaction_id: order.transaction_id.0,
            prediction_id: order.prediction_id.map(|prediction| prediction.0),
            training_id: order.training_id.map(|training| training.0),
            created_at: order.created_at,
        }
    }
}

/// Place an order
///
/// Debits the price in the same transaction. The order is good for one file.
#[utoipa::path(
    post, path = "/api/v1/orders", tag = "Orders", operation_id = "place_order",
    params(IdempotencyHeader),
    request_body = OrderRequest,
    responses(
        (status = 201, description = "The order, paid", body = Order),
        (status = 402, description = "`insufficient_funds`, with `missing` in minor units"),
        (status = 409, description = "`idempotency_key_in_flight`"),
        (status = 422, description = "`invalid_request` on `explain` where the service offers no reasons"),
    ),
)]
pub async fn place(
    State(api): State<Api>,
    Caller(access): Caller,
    KeyedJson { body, key }: KeyedJson<OrderRequest>,
) -> Result<Replayed<Order>, Problem> {
    let options = OrderOptions { explain: body.explain.unwrap_or(false) };
    let placed = orders::place(&api.platform, &access, body.service_id, options, key.as_ref()).await?;
    let order = Order::new(placed.value, &api.platform.currency);
    Ok(Replayed { status: StatusCode::CREATED, body: order, replayed: placed.replayed })
}

/// List orders
#[utoipa::path(
    get, path = "/api/v1/orders", tag = "Orders", operation_id = "list_orders",
    params(PageQuery),
    responses((status = 200, description = "The tenant's orders, newest first", body = Listed<Order>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Order>>, Problem> {
    let orders = orders::list(&api.platform, &access, OrderFilter::default(), &query.page()?).await?;
    let currency = &api.platform.currency;
    Ok(Json(Listed::new(orders, |order| Order::new(order, currency))))
}

/// One order
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", tag = "Orders", operation_id = "get_order",
    params(("id" = Uuid, Path, description = "The order's id")),
    responses((status = 200, description = "The order", body = Order), (status = 404, description = "`not_found`")),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<OrderId>,
) -> Result<Json<Order>, Problem> {
    let order = orders::get(&api.platform, &access, id).await?;
    Ok(Json(Order::new(order, &api.platform.currency)))
}

/// Cancel an order
///
/// Gives the money back, as long as the order was not used.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/cancel", tag = "Orders", operation_id = "cancel_order",
    params(("id" = Uuid, Path, description = "The order's id"), IdempotencyHeader),
    responses(
        (status = 200, description = "The order, refunded", body = Order),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`order_already_used`, `idempotency_key_in_flight`"),
    ),
)]
pub async fn cancel(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<OrderId>,
    KeyedEmpty(key): KeyedEmpty,
) -> Result<Replayed<Order>, Problem> {
    let cancelled = orders::cancel(&api.platform, &access, id, key.as_ref()).await?;
    let order = Order::new(cancelled.value, &api.platform.currency);
    Ok(Replayed { status: StatusCode::OK, body: order, replayed: cancelled.replayed })
}
