//! Training a model again: the policy, runs and what was decided, and a run by hand.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::retraining::{self, Gathered, Line, Policy, PolicyChange, Run, RunStatus, SkipReason, Trigger};
use platform::{ModelId, ServiceId, ledger::Money};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::replayed::Replayed;
use super::shapes::{IdempotencyHeader, Listed};
use crate::extract::{Caller, Id, JsonBody, KeyedEmpty, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

const QUIET_HOURS_DEFAULT: u32 = 24;
const HOLD_OUT_DEFAULT: f64 = 0.5;

/// What is to hold for a model from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrainingBody {
    /// Whether anything sets a run off by itself; a run by hand can be asked for all the same.
    #[schema(default = true)]
    active: Option<bool>,
    /// The line of the price list that the trainings are bought from.
    training_service_id: Uuid,
    /// The most that a run may cost, in minor units.
    #[schema(minimum = 1, example = 10_000)]
    price_max: i64,
    /// The most that a calendar month's runs (UTC) may cost together, in minor units.
    #[schema(minimum = 1, example = 40_000)]
    month_price_max: i64,
    /// Drift that is raised for the version in production sets a run off.
    #[schema(default = true)]
    on_drift: Option<bool>,
    /// An area under the ROC curve below this does, by at least 100 outcomes.
    #[schema(minimum = 0, maximum = 1, example = 0.75)]
    auc_min: Option<f64>,
    /// An area below that of the training by more than this does.
    #[schema(minimum = 0, maximum = 1, example = 0.05)]
    auc_loss_max: Option<f64>,
    /// So many outcomes that were not known at the last run do.
    #[schema(minimum = 1, example = 5_000)]
    outcomes_min: Option<u64>,
    /// Every so many hours one does.
    #[schema(minimum = 1, maximum = 8784, example = 720)]
    every_hours: Option<u32>,
    /// So many hours after a training nothing but a hand sets another one off.
    #[schema(minimum = 0, maximum = 8784, default = 24)]
    quiet_hours: Option<u32>,
    /// The share of the new customers who are held out for the gate.
    #[schema(minimum = 0.1, maximum = 0.5, default = 0.5)]
    hold_out: Option<f64>,
    /// Whether a version that passes the gate goes into production by itself.
    #[schema(default = false)]
    auto_promote: Option<bool>,
}

/// A model's policy.
#[derive(Serialize, ToSchema)]
pub struct RetrainingPolicy {
    active: bool,
    training_service_id: Uuid,
    price_max: i64,
    month_price_max: i64,
    on_drift: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    auc_min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auc_loss_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes_min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_hours: Option<u32>,
    quiet_hours: u32,
    hold_out: f64,
    auto_promote: bool,
    /// In whose name the runs are paid: whoever wrote it last.
    author_user_id: Uuid,
    /// When the schedule's next turn is.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

/// How a model is trained again.
#[derive(Serialize, ToSchema)]
pub struct Retraining {
    model_id: Uuid,
    /// None where nobody has written one.
    #[schema(required)]
    policy: Option<RetrainingPolicy>,
}

/// One time that a model was to be trained again.
#[derive(Serialize, ToSchema)]
pub struct RetrainingRun {
    id: Uuid,
    model_id: Uuid,
    /// What set it off: `drift`, `performance`, `outcomes`, `schedule` or `hand`.
    #[schema(value_type = String, example = "drift")]
    trigger: Trigger,
    /// Who asked; none where the policy did.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_user_id: Option<Uuid>,
    /// `triggered` and `training` go on; `skipped`, `failed`, `refused` (by the gate), `passed` (the gate, and
    /// somebody is to promote the version) and `promoted` are final.
    #[schema(value_type = String, example = "promoted")]
    status: RunStatus,
    /// Why nothing was trained: `already_running`, `quiet_time`, `no_balance`, `too_expensive`, `month_spent`,
    /// `no_data`, `no_production`, `service_gone`, `no_author`, `cannot_train`, `policy_off` or `account_closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<SkipReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    training_id: Option<Uuid>,
    /// The version in production that the new one is measured against.
    #[serde(skip_serializing_if = "Option::is_none")]
    champion_id: Option<Uuid>,
    /// Whom the training learned from.
    #[serde(skip_serializing_if = "Option::is_none")]
    customers: Option<RetrainingCustomers>,
    /// Each trigger and each decision with its figures, oldest first. Nobody can change them.
    lines: Vec<RetrainingLine>,
    created_at: DateTime<Utc>,
}

/// Whom a training learned from.
#[derive(Serialize, ToSchema)]
pub struct RetrainingCustomers {
    /// Customers with outcomes whom the version in production has not learned from; only of them anybody is held out.
    new: u64,
    /// Customers with outcomes whom it has learned from.
    again: u64,
    /// Customers of its own training.
    before: u64,
}

/// A trigger or a decision.
#[derive(Serialize, ToSchema)]
pub struct RetrainingLine {
    /// The status that the run got.
    #[schema(value_type = String, example = "refused")]
    kind: RunStatus,
    /// The figures behind it; of the gate's decisions with `gate`.
    #[schema(value_type = Object)]
    detail: Value,
    created_at: DateTime<Utc>,
}

impl RetrainingBody {
    fn change(self) -> Result<PolicyChange, Problem> {
        let money = |field: &str, minor_units: i64| {
            Money::from_minor_units(minor_units)
                .map_err(|_| Problem::invalid_field(field.to_owned(), "It is 1 or more."))
        };
        Ok(PolicyChange {
            is_active: self.active.unwrap_or(true),
            service: ServiceId(self.training_service_id),
            price_max: money("price_max", self.price_max)?,
            month_price_max: money("month_price_max", self.month_price_max)?,
            on_drift: self.on_drift.unwrap_or(true),
            auc_min: self.auc_min,
            auc_loss_max: self.auc_loss_max,
            outcomes_min: self.outcomes_min,
            every_hours: self.every_hours,
            quiet_hours: self.quiet_hours.unwrap_or(QUIET_HOURS_DEFAULT),
            hold_out: self.hold_out.unwrap_or(HOLD_OUT_DEFAULT),
            auto_promote: self.auto_promote.unwrap_or(false),
        })
    }
}

impl From<Policy> for RetrainingPolicy {
    fn from(policy: Policy) -> RetrainingPolicy {
        let terms = policy.terms;
        RetrainingPolicy {
            active: terms.is_active,
            training_service_id: terms.service.0,
            price_max: terms.price_max.minor_units(),
            month_price_max: terms.month_price_max.minor_units(),
            on_drift: terms.on_drift,
            auc_min: terms.auc_min,
            auc_loss_max: terms.auc_loss_max,
            outcomes_min: terms.outcomes_min,
            every_hours: terms.every_hours,
            quiet_hours: terms.quiet_hours,
            hold_out: terms.hold_out,
            auto_promote: terms.auto_promote,
            author_user_id: policy.author.0,
            due_at: policy.due_at,
            updated_at: policy.updated_at,
        }
    }
}

impl Retraining {
    /// A model's policy as it is on the wire.
    pub fn new(model: ModelId, policy: Option<Policy>) -> Retraining {
        Retraining { model_id: model.0, policy: policy.map(RetrainingPolicy::from) }
    }
}

impl From<Run> for RetrainingRun {
    fn from(run: Run) -> RetrainingRun {
        let customers = |gathered: Gathered| RetrainingCustomers {
            new: gathered.rows_new,
            again: gathered.rows_again,
            before: gathered.rows_before,
        };
        let line =
            |line: Line| RetrainingLine { kind: line.kind, detail: line.detail, created_at: line.created_at };
        RetrainingRun {
            id: run.id.0,
            model_id: run.model.0,
            trigger: run.trigger,
            actor_user_id: run.actor.map(|actor| actor.0),
            status: run.status,
            reason: run.reason,
            training_id: run.training.map(|training| training.0),
            champion_id: run.champion.map(|champion| champion.0),
            customers: run.gathered.map(customers),
            lines: run.lines.into_iter().map(line).collect(),
            created_at: run.created_at,
        }
    }
}

/// How a model is trained again
#[utoipa::path(
    get, path = "/api/v1/models/{id}/retraining", tag = "Retraining", operation_id = "get_retraining",
    params(("id" = Uuid, Path, description = "The id of a model of your own")),
    responses(
        (status = 200, description = "The policy, where there is one", body = Retraining),
        (status = 403, description = "`forbidden`: a shared model"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
) -> Result<Json<Retraining>, Problem> {
    Ok(Json(Retraining::new(id, retraining::policy(&api.platform, &access, id).await?)))
}

/// Say when a model is trained again
///
/// What sets a run off, what it may cost, and whether a version that passes the gate goes into production by itself.
/// A run learns from the customers whose outcomes are known and from those of the training before; the gate judges
/// its version on customers with outcomes whom neither version has learned from. Runs are ordinary trainings, paid
/// in the name of whoever wrote the policy last.
#[utoipa::path(
    put, path = "/api/v1/models/{id}/retraining", tag = "Retraining", operation_id = "change_retraining",
    params(("id" = Uuid, Path, description = "The id of a model of your own")),
    request_body = RetrainingBody,
    responses(
        (status = 200, description = "The policy as it is now", body = Retraining),
        (status = 403, description = "`forbidden`: a shared model"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn change(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
    JsonBody(body): JsonBody<RetrainingBody>,
) -> Result<Json<Retraining>, Problem> {
    let policy = retraining::update_policy(&api.platform, &access, id, body.change()?).await?;
    Ok(Json(Retraining::new(id, Some(policy))))
}

/// Train a model again now
///
/// Whatever its policy waits for; the policy's prices hold. The run begins within seconds.
#[utoipa::path(
    post, path = "/api/v1/models/{id}/retrain", tag = "Retraining", operation_id = "retrain_model",
    params(("id" = Uuid, Path, description = "The id of a model of your own"), IdempotencyHeader),
    responses(
        (status = 202, description = "The run", body = RetrainingRun),
        (status = 403, description = "`forbidden`: a shared model"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`no_retraining_policy`, `retraining_running`, `idempotency_key_in_flight`"),
    ),
)]
pub async fn retrain(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
    KeyedEmpty(key): KeyedEmpty,
) -> Result<Replayed<RetrainingRun>, Problem> {
    let run = retraining::retrain(&api.platform, &access, id, key.as_ref()).await?;
    Ok(Replayed { status: StatusCode::ACCEPTED, body: run.value.into(), replayed: run.replayed })
}

/// List a model's runs
///
/// What set each off, what was decided, and by which figures; newest first.
#[utoipa::path(
    get, path = "/api/v1/models/{id}/retraining/runs", tag = "Retraining", operation_id = "list_retraining_runs",
    params(("id" = Uuid, Path, description = "The id of a model of your own"), PageQuery),
    responses(
        (status = 200, description = "The runs", body = Listed<RetrainingRun>),
        (status = 403, description = "`forbidden`: a shared model"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn runs(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<ModelId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<RetrainingRun>>, Problem> {
    let runs = retraining::list(&api.platform, &access, id, &query.page()?).await?;
    Ok(Json(Listed::new(runs, RetrainingRun::from)))
}
