//! Orders: placed and debited in one transaction, cancelled or refunded in one.

pub(crate) mod db;

use crate::audit_log::{self, Event};
use crate::idempotency::{self, Idempotency, Replayable};
use crate::money::{checked_note, count_moved};
use crate::services::Service;
use crate::tenancy::Writer;
use crate::trainings::{self, Offer};
use crate::{
    Access, AdminTx, Error, List, OrderId, Page, Platform, PredictionId, ServiceId, TenantId, TenantTx,
    TrainingId, TransactionId, closing, failpoints, services, webhooks,
};
use chrono::{DateTime, Utc};
use ledger::Money;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

/// How many orders a page looks through for what its filter wants.
const SEARCHED_MAX: i64 = 25_000;

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl OrderStatus {
    /// The status as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            OrderStatus::Paid => "paid",
            OrderStatus::InUse => "in_use",
            OrderStatus::Provided => "provided",
            OrderStatus::Refunded => "refunded",
        }
    }
}

/// What is bought beside the plain result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderOptions {
    /// Reasons for each customer, at the service's surcharge.
    pub explain: bool,
}

/// What was bought, for how much, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Who bought it.
    pub tenant: TenantId,
    /// What was bought.
    pub service: OrderedService,
    /// What it cost when it was placed, options included.
    pub price: Money,
    /// What was bought beside the plain result.
    #[serde(default)]
    pub options: OrderOptions,
    /// Where it is in its life.
    pub status: OrderStatus,
    /// Its debit.
    pub transaction_id: TransactionId,
    /// The prediction that used it.
    pub prediction_id: Option<PredictionId>,
    /// The training that used it.
    #[serde(default)]
    pub training_id: Option<TrainingId>,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
}

/// What an order says of its service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderedService {
    /// The service's id.
    pub id: ServiceId,
    /// Its name now.
    pub name: String,
    /// Its model's name; empty for a training, which makes one.
    pub model: String,
}

/// What an order needs to know of a line of the price list, whatever it sells.
pub(crate) struct Ordered {
    pub(crate) id: ServiceId,
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) price: Money,
    /// What reasons cost on top.
    pub(crate) explain_price: Option<Money>,
}

impl From<&Service> for Ordered {
    fn from(service: &Service) -> Ordered {
        Ordered {
            id: service.id,
            name: service.name.clone(),
            model: service.model_name.clone(),
            price: service.price,
            explain_price: service.explain_price,
        }
    }
}

impl From<&Offer> for Ordered {
    fn from(offer: &Offer) -> Ordered {
        Ordered {
            id: offer.id,
            name: offer.name.clone(),
            model: String::new(),
            price: offer.price,
            explain_price: None,
        }
    }
}

/// Which orders are wanted; nothing set wants all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Those with this status.
    pub status: Option<OrderStatus>,
    /// Those of this service.
    pub service: Option<ServiceId>,
}

/// Orders a service and pays for it.
///
/// # Errors
/// [`Error::InsufficientFunds`]; [`Error::Invalid`] on `service_id` and `explain`; the idempotency errors.
pub async fn place(
    platform: &Platform,
    access: &Access,
    service: ServiceId,
    options: OrderOptions,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Order>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let placed = place_in(&mut tx, service, options, idempotency).await;
    failpoints::at("order.debited").await;
    let placed = tx.finish(placed).await?;
    failpoints::at("order.committed").await;
    if !placed.replayed {
        count_moved("debit", placed.value.price);
    }
    Ok(placed)
}

async fn place_in(
    tx: &mut TenantTx,
    service: ServiceId,
    options: OrderOptions,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Order>, Error> {
    let writer = tx.writer()?;
    let scope = writer.tenant().0;
    if let Some(answer) = idempotency::take(tx.connection(), scope, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    let service = orderable(tx.connection(), service)
        .await?
        .ok_or_else(|| Error::invalid("service_id", "there is no such service on the price list"))?;
    let order = begin(tx.connection(), writer, &service, options, OrderStatus::Paid).await?;
    idempotency::keep(tx.connection(), scope, idempotency, &order).await?;
    debit(tx.connection(), &order).await?;
    Ok(Replayable::first(order))
}

/// A line that can be ordered now: of a prediction, or of a training.
async fn orderable(connection: &mut PgConnection, id: ServiceId) -> Result<Option<Ordered>, Error> {
    if let Some(service) = services::db::select(connection, id).await? {
        return Ok(service.active.then(|| Ordered::from(&service)));
    }
    let offer = trainings::select_offer(connection, id).await?;
    Ok(offer.filter(|offer| offer.active).map(|offer| Ordered::from(&offer)))
}

/// One order of the caller's tenant.
pub async fn get(platform: &Platform, access: &Access, id: OrderId) -> Result<Order, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("order"))
}

/// The orders of the caller's tenant, newest first. With a filter, a page looks through a bounded part
/// of them: it can hold fewer than wanted, or none, and be continued nevertheless.
pub async fn list(
    platform: &Platform,
    access: &Access,
    filter: OrderFilter,
    page: &Page,
) -> Result<List<Order>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    list_in(tx.connection(), "orders", Some(tenant), filter, page).await
}

/// The orders of all tenants, for administrators; else as [`list`].
pub async fn list_all(
    platform: &Platform,
    access: &Access,
    filter: OrderFilter,
    page: &Page,
) -> Result<List<Order>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    list_in(tx.connection(), "all_orders", None, filter, page).await
}

async fn list_in(
    connection: &mut PgConnection,
    name: &'static str,
    tenant: Option<TenantId>,
    filter: OrderFilter,
    page: &Page,
) -> Result<List<Order>, Error> {
    let before = page.before_id(name)?;
    let floor = match filter == OrderFilter::default() {
        true => None,
        false => db::select_floor(connection, tenant, before, SEARCHED_MAX).await?,
    };
    let ids = floor.unwrap_or(Uuid::nil())..before;
    let orders = db::select_page(connection, tenant, ids, filter, page.rows()).await?;
    Ok(page.cut_searched(name, orders, |order| *order.id.0.as_bytes(), floor))
}

/// Cancels an order that was not used, and gives its debit back.
///
/// # Errors
/// `order_already_used` where it was used, cancelled or refunded.
pub async fn cancel(
    platform: &Platform,
    access: &Access,
    id: OrderId,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Order>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let cancelled = cancel_in(&mut tx, id, idempotency).await;
    failpoints::at("cancel.written").await;
    let cancelled = tx.finish(cancelled).await?;
    failpoints::at("cancel.committed").await;
    if !cancelled.replayed {
        count_moved("refund", cancelled.value.price);
    }
    Ok(cancelled)
}

async fn cancel_in(
    tx: &mut TenantTx,
    id: OrderId,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Order>, Error> {
    let writer = tx.writer()?;
    let scope = writer.tenant().0;
    if let Some(answer) = idempotency::take(tx.connection(), scope, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    let tenant = writer.tenant();
    if !db::move_status(tx.connection(), tenant, id, OrderStatus::Paid, OrderStatus::Refunded).await? {
        let order = db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("order"))?;
        return Err(already_used(order.status));
    }
    ledger::refund(tx.connection(), tenant.account(), id, TransactionId::new(), None).await?;
    let order = db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("order"))?;
    idempotency::keep(tx.connection(), scope, idempotency, &order).await?;
    Ok(Replayable::first(order))
}

/// Gives the debit of an order back, as an administrator, from `paid` or `provided`.
///
/// # Errors
/// `order_in_use` while a prediction is at work for it; `order_already_refunded`; `account_closed`.
pub async fn refund(
    platform: &Platform,
    access: &Access,
    id: OrderId,
    note: &str,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Order>, Error> {
    let note = checked_note(Some(note))?.ok_or_else(|| Error::invalid("note", "a refund says why"))?;
    let mut tx = AdminTx::begin_writing(platform, access).await?;
    let refunded = refund_in(&mut tx, access, id, note, idempotency).await;
    let refunded = tx.finish(refunded).await?;
    if !refunded.replayed {
        count_moved("refund", refunded.value.price);
    }
    Ok(refunded)
}

async fn refund_in(
    tx: &mut AdminTx,
    access: &Access,
    id: OrderId,
    note: &str,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Order>, Error> {
    let administrator = tx.administrator();
    let scope = administrator.user().0;
    if let Some(answer) = idempotency::take(tx.connection(), scope, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    let tenant = db::select_tenant(tx.connection(), id).await?.ok_or(Error::NotFound("order"))?;
    // Locked before the order, as closing the account does.
    if closing::db::is_closed(tx.connection(), tenant).await? != Some(false) {
        return Err(Error::conflict("account_closed", "the account is closed for good"));
    }
    db::lock(tx.connection(), id).await?;
    let order = db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("order"))?;
    match order.status {
        OrderStatus::Paid | OrderStatus::Provided => {}
        OrderStatus::InUse => {
            return Err(Error::conflict(
                "order_in_use",
                "a prediction or a training is at work for this order",
            ));
        }
        OrderStatus::Refunded => {
            return Err(Error::conflict("order_already_refunded", "the order was refunded before"));
        }
    }
    db::move_status(tx.connection(), tenant, id, order.status, OrderStatus::Refunded).await?;
    let event = Event {
        action: "order.refunded",
        actor: Some(administrator.user()),
        tenant: Some(tenant),
        subject: Some(id.0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(tx.connection(), event).await?;
    ledger::refund(tx.connection(), tenant.account(), id, TransactionId::new(), Some(note)).await?;
    let order = db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("order"))?;
    idempotency::keep(tx.connection(), scope, idempotency, &order).await?;
    Ok(Replayable::first(order))
}

/// Writes an order that [`debit`] completes later in the same transaction.
pub(crate) async fn begin(
    connection: &mut PgConnection,
    writer: Writer,
    service: &Ordered,
    options: OrderOptions,
    status: OrderStatus,
) -> Result<Order, Error> {
    let mut order = Order {
        id: OrderId::new(),
        tenant: writer.tenant(),
        service: OrderedService { id: service.id, name: service.name.clone(), model: service.model.clone() },
        price: services::price_with(service.price, service.explain_price, options)?,
        options,
        status,
        transaction_id: TransactionId::new(),
        prediction_id: None,
        training_id: None,
        created_at: DateTime::UNIX_EPOCH,
    };
    order.created_at = db::insert(connection, writer, &order).await?;
    Ok(order)
}

/// Takes the order's price: the last statement before the commit, but where the balance falls below the
/// tenant's threshold and somebody wants to be told.
pub(crate) async fn debit(connection: &mut PgConnection, order: &Order) -> Result<(), Error> {
    // Read before the account is locked; what follows the debit is next to nothing, but where it is told.
    let threshold = webhooks::watched_threshold(connection, order.tenant).await?;
    let account = order.tenant.account();
    let debit = ledger::debit(connection, account, order.id, order.transaction_id, order.price).await?;
    webhooks::announce_low_balance(connection, order.tenant, &debit, threshold).await
}

pub(crate) fn already_used(status: OrderStatus) -> Error {
    let message = match status {
        OrderStatus::Refunded => "the order was cancelled or refunded",
        _ => "the order was used",
    };
    Error::conflict("order_already_used", message)
}
