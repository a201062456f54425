//! Administration: money, users, the price list, and everything that happened, over all tenants.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ledger::Money;
use platform::money::{Deposit, Recipient};
use platform::orders::OrderFilter;
use platform::predictions::PredictionFilter;
use platform::services::{NewService, ServiceChange};
use platform::{
    Error, OrderId, ServiceId, TenantId, UserId, administration, audit_log, closing, invariants, money,
    orders, predictions, services,
};

use super::accounts::Role;
use super::admin_shapes::{
    AuditEntry, ClosingQuery, DepositRequest, LedgerCheck, RefundRequest, ServiceChangeRequest,
    ServiceRequest, UserAccount, UserChangeRequest,
};
use super::money::Transaction;
use super::orders::Order;
use super::services::Service;
use super::{IdempotencyHeader, Listed, PredictionShape as Prediction, Replayed};
use crate::extract::{Administrator, Id, JsonBody, KeyedJson, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// Top up a balance
#[utoipa::path(
    post, path = "/api/v1/admin/deposits", tag = "Administration", operation_id = "make_deposit",
    params(IdempotencyHeader),
    request_body = DepositRequest,
    responses(
        (status = 201, description = "The deposit", body = Transaction),
        (status = 409, description = "`idempotency_key_in_flight`, `account_closed`"),
    ),
)]
pub async fn deposit(
    State(api): State<Api>,
    Administrator(access): Administrator,
    KeyedJson { body, key }: KeyedJson<DepositRequest>,
) -> Result<Replayed<Transaction>, Problem> {
    let recipient = match (body.email, body.tenant_id) {
        (Some(email), None) => Recipient::Email(email),
        (None, Some(tenant)) => Recipient::Tenant(TenantId(tenant)),
        _ => return Err(Problem::invalid_field("email", "Give either email or tenant_id.")),
    };
    let deposit = Deposit { recipient, amount: amount("amount", body.amount)?, note: body.note };
    let made = money::deposit(&api.platform, &access, deposit, key.as_ref()).await?;
    let transaction = Transaction::new(made.value, &api.platform.currency);
    Ok(Replayed { status: StatusCode::CREATED, body: transaction, replayed: made.replayed })
}

/// List users
#[utoipa::path(
    get, path = "/api/v1/admin/users", tag = "Administration", operation_id = "list_users",
    params(PageQuery),
    responses((status = 200, description = "All users with their balances", body = Listed<UserAccount>)),
)]
pub async fn users(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<UserAccount>>, Problem> {
    let users = administration::users(&api.platform, &access, None, &query.page()?).await?;
    let currency = &api.platform.currency;
    Ok(Json(Listed::new(users, |user| UserAccount::new(user, currency))))
}

/// Change a user
///
/// Disabling a user ends every login at once.
#[utoipa::path(
    patch, path = "/api/v1/admin/users/{id}", tag = "Administration", operation_id = "update_user",
    params(("id" = Uuid, Path, description = "The user's id")),
    request_body = UserChangeRequest,
    responses(
        (status = 200, description = "The user", body = UserAccount),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`own_account`: administrators cannot lock themselves out; `account_closed`"),
    ),
)]
pub async fn update_user(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Id(id): Id<UserId>,
    JsonBody(body): JsonBody<UserChangeRequest>,
) -> Result<Json<UserAccount>, Problem> {
    let change = administration::UserChange {
        is_admin: body.role.map(|role| role == Role::Admin),
        disabled: body.disabled,
    };
    let user = administration::update_user(&api.platform, &access, id, change).await?;
    Ok(Json(UserAccount::new(user, &api.platform.currency)))
}

/// Close a user's account
///
/// Erases everything personal, as the user can do by `DELETE /me`. An account that is closed already stays so.
#[utoipa::path(
    delete, path = "/api/v1/admin/users/{id}", tag = "Administration", operation_id = "close_user",
    params(("id" = Uuid, Path, description = "The user's id"), ClosingQuery),
    responses(
        (status = 204, description = "Closed"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`prediction_not_finished`; `balance_not_zero` without `forfeit_balance`; \
            `own_account`"),
    ),
)]
pub async fn close_user(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Id(id): Id<UserId>,
    Query(query): Query<ClosingQuery>,
) -> Result<StatusCode, Problem> {
    let forfeit_balance = query.forfeit_balance.unwrap_or(false);
    closing::close(&api.platform, &access, id, forfeit_balance).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Add a service
#[utoipa::path(
    post, path = "/api/v1/admin/services", tag = "Administration", operation_id = "create_service",
    request_body = ServiceRequest,
    responses(
        (status = 201, description = "The service", body = Service),
        (status = 409, description = "`name_taken`"),
    ),
)]
pub async fn create_service(
    State(api): State<Api>,
    Administrator(access): Administrator,
    JsonBody(body): JsonBody<ServiceRequest>,
) -> Result<(StatusCode, Json<Service>), Problem> {
    let new = NewService {
        name: body.name,
        model: body.model,
        description: body.description,
        price: amount("price", body.price)?,
        explain_price: body.explain_price.map(|price| amount("explain_price", price)).transpose()?,
        rows_max: body.max_rows,
        active: body.active,
    };
    let service = services::create(&api.platform, &access, new).await?;
    Ok((StatusCode::CREATED, Json(Service::new(service, &api.platform.currency))))
}

/// Change a service
///
/// What is left out stays. Orders placed before keep their price.
#[utoipa::path(
    patch, path = "/api/v1/admin/services/{id}", tag = "Administration", operation_id = "update_service",
    params(("id" = Uuid, Path, description = "The service's id")),
    request_body = ServiceChangeRequest,
    responses(
        (status = 200, description = "The service", body = Service),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`name_taken`"),
    ),
)]
pub async fn update_service(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Id(id): Id<ServiceId>,
    JsonBody(body): JsonBody<ServiceChangeRequest>,
) -> Result<Json<Service>, Problem> {
    let change = ServiceChange {
        name: body.name,
        model: body.model,
        description: body.description,
        price: body.price.map(|price| amount("price", price)).transpose()?,
        explain_price: body.explain_price.map(|price| amount("explain_price", price)).transpose()?,
        rows_max: body.max_rows,
        active: body.active,
    };
    let service = services::update(&api.platform, &access, id, change).await?;
    Ok(Json(Service::new(service, &api.platform.currency)))
}

/// List all orders
#[utoipa::path(
    get, path = "/api/v1/admin/orders", tag = "Administration", operation_id = "list_all_orders",
    params(PageQuery),
    responses((status = 200, description = "The orders of all tenants", body = Listed<Order>)),
)]
pub async fn orders(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Order>>, Problem> {
    let orders = orders::list_all(&api.platform, &access, OrderFilter::default(), &query.page()?).await?;
    let currency = &api.platform.currency;
    Ok(Json(Listed::new(orders, |order| Order::new(order, currency))))
}

/// Refund an order
///
/// From `paid` or `provided`.
#[utoipa::path(
    post, path = "/api/v1/admin/orders/{id}/refund", tag = "Administration", operation_id = "refund_order",
    params(("id" = Uuid, Path, description = "The order's id"), IdempotencyHeader),
    request_body = RefundRequest,
    responses(
        (status = 200, description = "The order, refunded", body = Order),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`order_in_use`, `order_already_refunded`, `account_closed`, \
            `idempotency_key_in_flight`"),
    ),
)]
pub async fn refund(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Id(id): Id<OrderId>,
    KeyedJson { body, key }: KeyedJson<RefundRequest>,
) -> Result<Replayed<Order>, Problem> {
    let refunded = orders::refund(&api.platform, &access, id, &body.note, key.as_ref()).await?;
    let order = Order::new(refunded.value, &api.platform.currency);
    Ok(Replayed { status: StatusCode::OK, body: order, replayed: refunded.replayed })
}

/// List all predictions
#[utoipa::path(
    get, path = "/api/v1/admin/predictions", tag = "Administration", operation_id = "list_all_predictions",
    params(PageQuery),
    responses((status = 200, description = "The predictions of all tenants", body = Listed<Prediction>)),
)]
pub async fn predictions(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Prediction>>, Problem> {
    let all = PredictionFilter::default();
    let predictions = predictions::list_all(&api.platform, &access, &all, &query.page()?).await?;
    Ok(Json(Listed::new(predictions, Prediction::from)))
}

/// Audit log
///
/// Every administrator's and security event. It is never changed.
#[utoipa::path(
    get, path = "/api/v1/admin/audit-log", tag = "Administration", operation_id = "list_audit_log",
    params(PageQuery),
    responses((status = 200, description = "What happened, newest first", body = Listed<AuditEntry>)),
)]
pub async fn audit_log(
    State(api): State<Api>,
    Administrator(access): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<AuditEntry>>, Problem> {
    let entries = audit_log::list(&api.platform, &access, &query.page()?).await?;
    Ok(Json(Listed::new(entries, AuditEntry::from)))
}

/// Check the ledger
///
/// Looks at every account, transaction and order, and lists what does not hold.
#[utoipa::path(
    get, path = "/api/v1/admin/ledger/check", tag = "Administration", operation_id = "check_ledger",
    responses((status = 200, description = "What was found", body = LedgerCheck)),
)]
pub async fn check_ledger(
    State(api): State<Api>,
    Administrator(access): Administrator,
) -> Result<Json<LedgerCheck>, Problem> {
    Ok(Json(invariants::check_for_administrator(&api.platform, &access).await?.into()))
}

/// An amount of money that is more than nothing.
/// An amount above 0 of a field.
pub fn amount(field: &'static str, minor_units: i64) -> Result<Money, Error> {
    Money::from_minor_units(minor_units)
        .ok()
        .filter(|amount| *amount > Money::ZERO)
        .ok_or_else(|| Error::invalid(field, "an amount is a whole number of minor units above 0"))
}
