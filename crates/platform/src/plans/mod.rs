//! Plans of whom to contact: which customers of a result, what that is expected to earn, and what it has earned.
//!
//! The mathematics are [`scoring::campaign`]'s. A plan holds no customer: it says how many customers of which order
//! are on its list and how they are divided, and the list is made anew from the result as long as that is kept.
//! Planning is free of charge.

pub(crate) mod db;
mod effect;
mod list;
mod terms;

pub use effect::{OutcomesRequest, measure, measure_by_known};
pub use list::{PlanList, list_file};
pub use terms::{CustomerValue, MoneyTerms, PlanRequest, Terms};

use crate::idempotency::{self, Idempotency, Replayable};
use crate::predictions::{self, RankedResult};
use crate::{Access, Error, List, Page, PlanId, Platform, PredictionId, TenantTx};
use chrono::{DateTime, Utc};
use scoring::campaign::{Arm, Effect, Planner};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

/// How many plans a prediction may have.
const PLANS_MAX: i64 = 100;

/// How many plans and lists are made at a time in a process.
pub(crate) const MAKING_MAX: usize = 4;

/// A plan of whom to contact.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// The prediction whose customers it is about.
    pub prediction: PredictionId,
    /// What was asked for.
    pub terms: Terms,
    /// The column that says what a customer is worth, while its name is kept.
    pub value_column: Option<String>,
    /// What is expected.
    pub figures: Figures,
    /// What was measured, once outcomes are known.
    pub measured: Option<(PlanEffect, DateTime<Utc>)>,
    /// Whether its list can be made: the result is kept.
    pub has_list: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What a plan is expected to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The figures of the campaign.
    #[serde(flatten)]
    pub plan: scoring::campaign::Plan,
    /// Scored customers who were left out because their value could not be read.
    pub unvalued: u64,
}

/// What a plan was measured to have done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanEffect {
    /// Those who were contacted and whose outcome is known.
    pub contact: Arm,
    /// Those who were held out and whose outcome is known.
    pub control: Arm,
    /// The comparison; none while one group has nobody.
    pub effect: Option<Effect>,
    /// How many of the list have no known outcome, contacted and held out.
    pub unknown: [u64; 2],
    /// How many of the list share their key with another, or have two outcomes that contradict each other.
    pub ambiguous: u64,
    /// Outcomes of customers who are not on the list.
    pub unlisted: u64,
}

/// What an idempotency key remembers: the plan, which is shown as it is then.
#[derive(Serialize, Deserialize)]
struct Answer {
    plan: PlanId,
}

/// Plans whom to contact among the customers of a prediction.
///
/// # Errors
/// Those of [`predictions::result`]; [`Error::Invalid`] on what was asked for; [`Error::Busy`] where too many are
/// planned at a time; `too_many_plans`; the idempotency errors.
pub async fn create(
    platform: &Platform,
    access: &Access,
    prediction: PredictionId,
    request: PlanRequest,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Plan>, Error> {
    let id = PlanId::new();
    {
        let mut tx = TenantTx::begin(platform, access).await?;
        let scope = tx.writer()?.tenant().0;
        // A replay is answered whatever has become of the result since.
        if let Some(answer) = replay(&mut tx, scope, idempotency).await? {
            return Ok(Replayable::replayed(answer));
        }
    }
    // What is wrong with the request is said whoever's prediction it names, which tells nothing of that.
    let (terms, value_column) = request.checked(id)?;
    let ranked = predictions::ranking(platform, access, prediction).await?;
    let figures = figures(platform, access, &ranked, &terms, value_column.as_deref()).await?;
    let mut tx = TenantTx::begin(platform, access).await?;
    let made =
        record(&mut tx, (id, prediction), (&terms, value_column.as_deref()), &figures, idempotency).await;
    tx.finish(made).await
}

/// One plan of the caller's tenant.
pub async fn get(platform: &Platform, access: &Access, id: PlanId) -> Result<Plan, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("plan"))
}

/// The plans of a prediction of the caller's tenant, newest first.
pub async fn list(
    platform: &Platform,
    access: &Access,
    prediction: PredictionId,
    page: &Page,
) -> Result<List<Plan>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let before = page.before_id("plans")?;
    if predictions::db::select(tx.connection(), tenant, prediction).await?.is_none() {
        return Err(Error::NotFound("prediction"));
    }
    let plans = db::select_page(tx.connection(), tenant, Some(prediction), before, page.rows()).await?;
    Ok(page.cut("plans", plans, |plan| *plan.id.0.as_bytes()))
}

/// A place among those who plan, or [`Error::Busy`].
fn permit(platform: &Platform) -> Result<OwnedSemaphorePermit, Error> {
    platform.planning.clone().try_acquire_owned().map_err(|_| Error::Busy)
}

async fn replay(
    tx: &mut TenantTx,
    scope: uuid::Uuid,
    idempotency: Option<&Idempotency>,
) -> Result<Option<Plan>, Error> {
    let tenant = tx.caller().tenant;
    let Some(answer) = idempotency::take::<Answer>(tx.connection(), scope, idempotency).await? else {
        return Ok(None);
    };
    let plan = db::select(tx.connection(), tenant, answer.plan).await?;
    plan.ok_or(Error::NotFound("plan")).map(Some)
}

/// Adds the figures up, on a blocking thread.
async fn figures(
    platform: &Platform,
    access: &Access,
    ranked: &RankedResult,
    terms: &Terms,
    value_column: Option<&str>,
) -> Result<Figures, Error> {
    let permit = permit(platform)?;
    let order = list::order(platform, access, ranked, terms, value_column).await?;
    let (economics, limit, control) = (terms.economics, terms.limit, terms.control);
    let planned = spawn_blocking(move || {
        let _permit = permit;
        let mut planner = Planner::new(economics, limit, control, order.customers());
        order.visit(|candidate| {
            planner.take(candidate);
            Ok(true)
        })?;
        Ok(Figures { plan: planner.finish(), unvalued: order.unvalued() })
    });
    planned.await.map_err(Error::internal)?.map_err(list::unreadable)
}

async fn record(
    tx: &mut TenantTx,
    (id, prediction): (PlanId, PredictionId),
    (terms, value_column): (&Terms, Option<&str>),
    figures: &Figures,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Plan>, Error> {
    let writer = tx.writer()?;
    let scope = writer.tenant().0;
    if let Some(answer) = replay(tx, scope, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    if db::count(tx.connection(), writer.tenant(), prediction).await? >= PLANS_MAX {
        let message = format!("a prediction has at most {PLANS_MAX} plans");
        return Err(Error::conflict("too_many_plans", message));
    }
    // Nothing where the prediction was erased since: a name out of its file must not come after that.
    if !db::insert(tx.connection(), writer, (id, prediction), (terms, value_column), figures).await? {
        return Err(Error::Gone("the result has expired or was deleted"));
    }
    idempotency::keep(tx.connection(), scope, idempotency, &Answer { plan: id }).await?;
    let plan = db::select(tx.connection(), writer.tenant(), id).await?.ok_or(Error::NotFound("plan"))?;
    Ok(Replayable::first(plan))
}

/// Places for those who plan.
pub(crate) fn places() -> Arc<tokio::sync::Semaphore> {
    Arc::new(tokio::sync::Semaphore::new(MAKING_MAX))
}
