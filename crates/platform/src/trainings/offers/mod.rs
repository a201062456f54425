//! What trainings cost: lines of the price list that make a model instead of using one.

pub(crate) mod db;

use crate::audit_log::{self, Event};
use crate::services::{checked_description, checked_name, checked_price, checked_rows_max};
use crate::{Access, AdminTx, Error, List, Page, Platform, ServiceId, TenantTx};
use learning::algorithm_word;
use ledger::Money;
use scoring::Algorithm;
use serde_json::json;

/// How many rows a training takes where nothing is said: they lie in memory several times over.
const ROWS_MAX_DEFAULT: u64 = 500_000;

/// Every algorithm that can be offered.
const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::Logistic,
    Algorithm::Svm,
    Algorithm::RandomForest,
    Algorithm::DecisionTree,
    Algorithm::Catboost,
    Algorithm::Xgboost,
    Algorithm::Mlp,
];

/// A line of the price list that sells trainings.
#[derive(Clone, Debug)]
pub struct TrainingService {
    /// Its id.
    pub id: ServiceId,
    /// What it is called.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// The algorithms that can be chosen.
    pub algorithms: Vec<String>,
    /// What one training costs.
    pub price: Money,
    /// What a prediction costs with a model that was trained so.
    pub prediction_price: Money,
    /// How many rows a file may have.
    pub rows_max: u64,
    /// Whether it can be ordered.
    pub active: bool,
}

/// The part of a line that an order and a training need.
pub(crate) type Offer = TrainingService;

/// What an administrator says of a new line.
#[derive(Clone, Debug)]
pub struct NewTrainingService {
    /// What it is called; unique.
    pub name: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// The algorithms that can be chosen.
    pub algorithms: Vec<String>,
    /// What one training costs.
    pub price: Money,
    /// What a prediction costs with a model that was trained so.
    pub prediction_price: Money,
    /// How many rows a file may have.
    pub rows_max: Option<u64>,
    /// Whether it can be ordered at once; it can where not said.
    pub active: Option<bool>,
}

/// What an administrator changes of a line; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct TrainingServiceChange {
    /// A new name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other algorithms.
    pub algorithms: Option<Vec<String>>,
    /// Another price, for orders from now on.
    pub price: Option<Money>,
    /// Another price of predictions, for models trained from now on.
    pub prediction_price: Option<Money>,
    /// Another limit.
    pub rows_max: Option<u64>,
    /// Whether it can be ordered.
    pub active: Option<bool>,
}

/// The trainings that can be ordered, cheapest first.
pub async fn list_services(
    platform: &Platform,
    access: &Access,
    page: &Page,
) -> Result<List<TrainingService>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let services = db::select_services(tx.connection()).await?;
    // The list is short and its order is by price; the cursor holds how many came before.
    let start = page.before_number("training_services")?.unwrap_or(0);
    let skipped = usize::try_from(start).map_err(|_| Error::BadCursor)?;
    let rest = services.into_iter().filter(|service| service.active).skip(skipped).collect();
    let following = start.saturating_add(i64::from(page.limit));
    Ok(page.cut("training_services", rest, |_| crate::page::position_of_number(following)))
}

/// One line that can be ordered.
pub async fn get_service(
    platform: &Platform,
    access: &Access,
    id: ServiceId,
) -> Result<TrainingService, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let service = db::select_service(tx.connection(), id).await?;
    service.filter(|service| service.active).ok_or(Error::NotFound("training service"))
}

/// Every line, with what cannot be ordered, for administrators.
pub async fn list_all_services(platform: &Platform, access: &Access) -> Result<Vec<TrainingService>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    db::select_services(tx.connection()).await
}

/// Adds a line, as an administrator.
pub async fn create_service(
    platform: &Platform,
    access: &Access,
    new: NewTrainingService,
) -> Result<TrainingService, Error> {
    let mut tx = AdminTx::begin_writing(platform, access).await?;
    let service = TrainingService {
        id: ServiceId::new(),
        name: new.name,
        description: new.description.unwrap_or_default(),
        algorithms: new.algorithms,
        price: new.price,
        prediction_price: new.prediction_price,
        rows_max: new.rows_max.unwrap_or(ROWS_MAX_DEFAULT),
        active: new.active.unwrap_or(true),
    };
    let service = checked(service)?;
    db::insert_service(tx.connection(), &service).await?;
    finish(tx, access, service, "training_service.created").await
}

/// Changes a line, as an administrator. Orders placed before keep their price.
pub async fn update_service(
    platform: &Platform,
    access: &Access,
    id: ServiceId,
    change: TrainingServiceChange,
) -> Result<TrainingService, Error> {
    let mut tx = AdminTx::begin_writing(platform, access).await?;
    db::lock_service(tx.connection(), id).await?;
    let now = db::select_service(tx.connection(), id).await?.ok_or(Error::NotFound("training service"))?;
    let service = checked(TrainingService {
        id,
        name: change.name.unwrap_or(now.name),
        description: change.description.unwrap_or(now.description),
        algorithms: change.algorithms.unwrap_or(now.algorithms),
        price: change.price.unwrap_or(now.price),
        prediction_price: change.prediction_price.unwrap_or(now.prediction_price),
        rows_max: change.rows_max.unwrap_or(now.rows_max),
        active: change.active.unwrap_or(now.active),
    })?;
    db::update_service(tx.connection(), &service).await?;
    finish(tx, access, service, "training_service.changed").await
}

async fn finish(
    mut tx: AdminTx,
    access: &Access,
    service: TrainingService,
    action: &'static str,
) -> Result<TrainingService, Error> {
    let event = Event {
        action,
        actor: Some(tx.administrator().user()),
        subject: Some(service.id.0),
        detail: json!({
            "algorithms": service.algorithms,
            "price": service.price,
            "prediction_price": service.prediction_price,
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

fn checked(service: TrainingService) -> Result<TrainingService, Error> {
    checked_description(&service.description)?;
    checked_price(service.price)?;
    if service.prediction_price == Money::ZERO {
        return Err(Error::invalid("prediction_price", "a price must be positive"));
    }
    checked_rows_max(service.rows_max)?;
    let mut algorithms: Vec<String> = Vec::new();
    for name in &service.algorithms {
        if !ALGORITHMS.iter().any(|known| algorithm_word(*known) == name) {
            return Err(Error::invalid("algorithms", format!("there is no algorithm {name:?}")));
        }
        if !algorithms.contains(name) {
            algorithms.push(name.clone());
        }
    }
    if algorithms.is_empty() {
        return Err(Error::invalid("algorithms", "name at least one algorithm"));
    }
    let name = checked_name(&service.name)?.to_owned();
    Ok(TrainingService { name, algorithms, ..service })
}
