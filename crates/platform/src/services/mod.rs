//! The price list.

pub(crate) mod db;

use crate::audit_log::{self, Event};
use crate::orders::OrderOptions;
use crate::{Access, AdminTx, Error, List, ModelId, ModelVersionId, Page, Platform, ServiceId, TenantTx};
use ledger::Money;
use scoring::Metrics;
use serde_json::json;

/// A line of the price list.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// What it is called.
    pub name: String,
    /// The model that does the work.
    pub model: ModelId,
    /// That model's name.
    pub model_name: String,
    /// The version of it that an order gets now.
    pub model_version: ModelVersionId,
    /// What it says of itself.
    pub description: String,
    /// What one order costs.
    pub price: Money,
    /// What reasons for each customer cost on top; nothing where they are not offered.
    pub explain_price: Option<Money>,
    /// How many rows one order may score.
    pub rows_max: u64,
    /// How good the version was measured to be, from its manifest.
    pub quality: Metrics,
    /// Whether it can be ordered.
    pub active: bool,
}

impl Service {
    /// What one order with these options costs.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `explain` where the service offers no reasons.
    pub fn price_with(&self, options: OrderOptions) -> Result<Money, Error> {
        price_with(self.price, self.explain_price, options)
    }
}

/// A price with the surcharges of what is bought beside the plain result.
pub(crate) fn price_with(
    price: Money,
    explain_price: Option<Money>,
    options: OrderOptions,
) -> Result<Money, Error> {
    if !options.explain {
        return Ok(price);
    }
    let surcharge =
        explain_price.ok_or_else(|| Error::invalid("explain", "this service does not offer reasons"))?;
    let sum = price.minor_units().checked_add(surcharge.minor_units());
    Ok(Money::from_minor_units(sum.ok_or_else(|| Error::invalid("explain", "the price is too large"))?)?)
}

/// What an administrator says of a new service.
#[derive(Clone, Debug)]
pub struct NewService {
    /// What it is called; unique.
    pub name: String,
    /// The name of a shared model.
    pub model: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// What one order costs.
    pub price: Money,
    /// What reasons cost on top; they are not offered where not said, or where it is 0.
    pub explain_price: Option<Money>,
    /// How many rows one order may score; 10,000,000 where not said.
    pub rows_max: Option<u64>,
    /// Whether it can be ordered at once; it can where not said.
    pub active: Option<bool>,
}

/// What an administrator changes of a service; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct ServiceChange {
    /// A new name.
    pub name: Option<String>,
    /// Another model.
    pub model: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another price, for orders from now on.
    pub price: Option<Money>,
    /// Another surcharge for reasons; 0 offers them no more.
    pub explain_price: Option<Money>,
    /// Another limit.
    pub rows_max: Option<u64>,
    /// Whether it can be ordered.
    pub active: Option<bool>,
}

/// The services that can be ordered, cheapest first.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<Service>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let services = db::select_active(tx.connection()).await?;
    let start = page.before_number("services")?.unwrap_or(0);
    // The list is short and its order is by price; the cursor holds how many came before.
    let skipped = usize::try_from(start).map_err(|_| Error::BadCursor)?;
    let rest: Vec<Service> = services.into_iter().skip(skipped).collect();
    let following = start.saturating_add(i64::from(page.limit));
    Ok(page.cut("services", rest, |_| crate::page::position_of_number(following)))
}

/// One service that can be ordered.
pub async fn get(platform: &Platform, access: &Access, id: ServiceId) -> Result<Service, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    db::select(tx.connection(), id).await?.filter(|service| service.active).ok_or(Error::NotFound("service"))
}

/// The whole price list, cheapest first, with what cannot be ordered, for administrators.
pub async fn list_all(platform: &Platform, access: &Access) -> Result<Vec<Service>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    db::select_all(tx.connection()).await
}

/// Adds a service, as an administrator.
pub async fn create(platform: &Platform, access: &Access, new: NewService) -> Result<Service, Error> {
    let mut tx = AdminTx::begin_writing(platform, access).await?;
    let model = shared_model(&mut tx, &new.model).await?;
    let id = ServiceId::new();
    let description = new.description.unwrap_or_default();
    let rows_max = checked_rows_max(new.rows_max.unwrap_or(10_000_000))?;
    db::insert(
        tx.connection(),
        db::ServiceRow {
            id,
            name: checked_name(&new.name)?,
            model,
            description: checked_description(&description)?,
            price: checked_price(new.price)?,
            explain_price: new.explain_price.filter(|price| *price != Money::ZERO),
            rows_max,
            active: new.active.unwrap_or(true),
        },
    )
    .await?;
    finish(tx, access, id, "service.created").await
}

/// Changes a service, as an administrator. Orders placed before keep their price.
pub async fn update(
    platform: &Platform,
    access: &Access,
    id: ServiceId,
    change: ServiceChange,
) -> Result<Service, Error> {
    let mut tx = AdminTx::begin_writing(platform, access).await?;
    let now = db::select_for_update(tx.connection(), id).await?.ok_or(Error::NotFound("service"))?;
    let model = match &change.model {
        Some(name) => shared_model(&mut tx, name).await?,
        None => now.model,
    };
    let name = change.name.unwrap_or(now.name);
    let description = change.description.unwrap_or(now.description);
    db::update(
        tx.connection(),
        db::ServiceRow {
            id,
            name: checked_name(&name)?,
            model,
            description: checked_description(&description)?,
            price: checked_price(change.price.unwrap_or(now.price))?,
            explain_price: change.explain_price.or(now.explain_price).filter(|price| *price != Money::ZERO),
            rows_max: checked_rows_max(change.rows_max.unwrap_or(now.rows_max))?,
            active: change.active.unwrap_or(now.active),
        },
    )
    .await?;
    finish(tx, access, id, "service.changed").await
}

async fn finish(
    mut tx: AdminTx,
    access: &Access,
    id: ServiceId,
    action: &'static str,
) -> Result<Service, Error> {
    let service = db::select(tx.connection(), id).await?.ok_or(Error::NotFound("service"))?;
    let event = Event {
        action,
        actor: Some(tx.administrator().user()),
        subject: Some(id.0),
        detail: json!({
            "model": service.model_name,
            "price": service.price,
            "explain_price": service.explain_price,
            "max_rows": service.rows_max,
            "active": service.active,
        }),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(tx.connection(), event).await?;
    tx.commit().await?;
    Ok(service)
}

async fn shared_model(tx: &mut AdminTx, name: &str) -> Result<ModelId, Error> {
    db::select_shared_model(tx.connection(), name)
        .await?
        .ok_or_else(|| Error::invalid("model", "there is no model of this name"))
}

pub(crate) fn checked_name(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a service's name has 1 to 100 characters"));
    }
    Ok(name)
}

pub(crate) fn checked_description(description: &str) -> Result<&str, Error> {
    if description.chars().count() > 2000 || description.contains('\0') {
        return Err(Error::invalid("description", "a description has at most 2000 characters"));
    }
    Ok(description)
}

pub(crate) fn checked_price(price: Money) -> Result<Money, Error> {
    if price == Money::ZERO { Err(Error::invalid("price", "a price must be positive")) } else { Ok(price) }
}

pub(crate) fn checked_rows_max(rows_max: u64) -> Result<i64, Error> {
    i64::try_from(rows_max)
        .ok()
        .filter(|rows| *rows > 0)
        .ok_or_else(|| Error::invalid("max_rows", "this must be between 1 and 2^63 - 1"))
}
