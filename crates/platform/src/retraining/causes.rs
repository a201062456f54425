//! Looking for causes of a run, and beginning one for each, once.

use super::db::{self, NewRun};
use super::policy::db::{self as policies, Standing};
use super::{Policy, RunStatus, SkipReason, Trigger};
use crate::monitoring::outcomes::{KnownPrediction, known};
use crate::{Error, ModelId, ModelVersionId, Platform, RetrainingRunId, TenantId};
use chrono::{TimeDelta, Utc};
use scoring::Metrics;
use scoring::monitoring::Judged;
use serde_json::{Value, json};
use sqlx::PgConnection;

/// How many policies are looked at in one turn.
const POLICIES_MAX: i64 = 200;
/// A version is judged by the outcomes of its predictions of so many days, up to the newest one with any.
const JUDGED_DAYS: i64 = 90;
/// Fewer customers with outcomes than this say nothing of a version.
const JUDGED_ROWS_MIN: u64 = 100;
/// A run that was skipped for another reason than time is tried again after so long, if its cause lasts.
const TRIED_AGAIN_AFTER: TimeDelta = TimeDelta::hours(24);

/// What is known when a policy is looked at.
struct Now<'a> {
    policy: &'a Policy,
    champion: Option<ModelVersionId>,
    known: Vec<KnownPrediction>,
    standing: Standing,
}

/// Looks at every policy for which something is new, or whose time has come.
pub(super) async fn look(platform: &Platform) -> Result<(), Error> {
    let due = {
        let mut connection = platform.system.acquire().await?;
        policies::select_due(&mut connection, POLICIES_MAX).await?
    };
    for (tenant, model) in due {
        // One policy that cannot be looked at must not keep the others.
        if let Err(error) = crate::in_time(look_at(platform, tenant, model)).await {
            if error.is_outage() {
                return Err(error);
            }
            tracing::error!(%error, model_id = %model, "a retraining policy could not be looked at");
        }
    }
    Ok(())
}

/// How many outcomes of a model's predictions are known.
pub(super) async fn known_rows(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<u64, Error> {
    Ok(rows_of(&known(connection, tenant, model).await?))
}

fn rows_of(known: &[KnownPrediction]) -> u64 {
    known.iter().map(|one| one.judged.rows()).sum()
}

/// Looks at one policy, in one transaction that holds it locked: what was looked at and what it set off are known
/// together or not at all.
async fn look_at(platform: &Platform, tenant: TenantId, model: ModelId) -> Result<(), Error> {
    let mut transaction = platform.system.begin().await?;
    let connection = &mut *transaction;
    let Some(policy) = policies::lock_policy(connection, tenant, model).await? else { return Ok(()) };
    if !policy.terms.is_active {
        return Ok(());
    }
    let now = Now {
        policy: &policy,
        champion: policies::select_champion(connection, tenant, model).await?,
        known: known(connection, tenant, model).await?,
        standing: policies::select_standing(connection, tenant, model).await?,
    };
    for (trigger, source, detail) in causes(connection, &now).await? {
        fire(connection, &now, trigger, &source, &detail).await?;
    }
    policies::mark_looked(connection, &policy, &now.standing).await?;
    Ok(transaction.commit().await?)
}

/// Everything that sets a run off at this moment, with what exactly does.
async fn causes(
    connection: &mut PgConnection,
    now: &Now<'_>,
) -> Result<Vec<(Trigger, String, Value)>, Error> {
    let (terms, mut causes) = (&now.policy.terms, Vec::new());
    if terms.on_drift
        && let Some(champion) = now.champion
    {
        let Policy { tenant, model, .. } = *now.policy;
        for (event, kind) in policies::select_drift(connection, tenant, model, champion).await? {
            causes.push((Trigger::Drift, event.to_string(), json!({ "drift_id": event, "kind": kind })));
        }
    }
    let upload = now.standing.upload;
    if let Some((source, detail)) = upload.zip(lost(connection, now).await?) {
        causes.push((Trigger::Performance, source.to_string(), detail));
    }
    let new = rows_of(&now.known).saturating_sub(now.standing.outcomes_at_last);
    if let (Some(min), Some(source)) = (terms.outcomes_min, upload)
        && new >= min
    {
        causes.push((Trigger::Outcomes, source.to_string(), json!({ "new": new, "outcomes_min": min })));
    }
    if let Some(due) = now.policy.due_at.filter(|due| *due <= Utc::now()) {
        causes.push((Trigger::Schedule, due.timestamp_millis().to_string(), json!({ "due_at": due })));
    }
    Ok(causes)
}

/// Whether outcomes say that the version in production has become too bad, and by which figures.
async fn lost(connection: &mut PgConnection, now: &Now<'_>) -> Result<Option<Value>, Error> {
    let terms = &now.policy.terms;
    let Some(champion) = now.champion else { return Ok(None) };
    if terms.auc_min.is_none() && terms.auc_loss_max.is_none() {
        return Ok(None);
    }
    let judged = judged(&now.known, champion);
    let Some(auc) = judged.auc().filter(|_| judged.rows() >= JUDGED_ROWS_MIN) else { return Ok(None) };
    let training: Metrics = policies::select_metrics(connection, champion).await?;
    let is_below = terms.auc_min.is_some_and(|min| auc.area < min);
    let loss = training.auc.map(|at_training| at_training - auc.area);
    let has_lost = terms.auc_loss_max.zip(loss).is_some_and(|(most, loss)| loss > most);
    Ok((is_below || has_lost).then(|| {
        json!({
            "auc": auc.area, "rows": judged.rows(), "auc_at_training": training.auc, "auc_min": terms.auc_min,
            "auc_loss_max": terms.auc_loss_max,
        })
    }))
}

/// What outcomes say of a version's latest predictions.
fn judged(known: &[KnownPrediction], version: ModelVersionId) -> Judged {
    let of_version = || known.iter().filter(|one| one.version == version);
    let mut judged = Judged::default();
    let Some(newest) = of_version().map(|one| one.predicted_at).max() else { return judged };
    let is_late = |one: &&KnownPrediction| one.predicted_at >= newest - TimeDelta::days(JUDGED_DAYS);
    of_version().filter(is_late).for_each(|one| judged.merge(&one.judged));
    judged
}

/// Begins a run for a cause, unless it has had one. One that was skipped is tried again when what was in its way
/// may have gone.
async fn fire(
    connection: &mut PgConnection,
    now: &Now<'_>,
    trigger: Trigger,
    source: &str,
    detail: &Value,
) -> Result<(), Error> {
    let Policy { tenant, model, .. } = *now.policy;
    let last = db::select_last_of(connection, tenant, model, trigger, source).await?;
    let is_open = db::has_open_run(connection, tenant, model).await?;
    let is_quiet = now
        .standing
        .last_started_at
        .is_some_and(|at| Utc::now() < at + TimeDelta::hours(i64::from(now.policy.terms.quiet_hours)));
    let round = match &last {
        None => 0,
        Some(last) => {
            let may_go_on = match last.reason {
                None => false,
                Some(SkipReason::AlreadyRunning) => !is_open,
                Some(SkipReason::QuietTime) => !is_open && !is_quiet,
                Some(SkipReason::NoData) => rows_of(&now.known) != last.outcomes_known,
                Some(_) => {
                    now.policy.updated_at > last.created_at
                        || Utc::now() > last.created_at + TRIED_AGAIN_AFTER
                }
            };
            if !may_go_on {
                return Ok(());
            }
            last.round + 1
        }
    };
    let skipped = match (is_open, is_quiet) {
        (true, _) => Some(SkipReason::AlreadyRunning),
        (_, true) => Some(SkipReason::QuietTime),
        _ => None,
    };
    let id = RetrainingRunId::new();
    let outcomes_known = rows_of(&now.known);
    let run = NewRun { id, tenant, model, trigger, source, round, actor: None, skipped, outcomes_known };
    if !db::insert_run(connection, &run).await? {
        return Ok(());
    }
    metrics::counter!("augur_retraining_triggers_total", "trigger" => trigger.as_str()).increment(1);
    let mut told = json!({ "trigger": trigger });
    if let (Some(told), Some(detail)) = (told.as_object_mut(), detail.as_object()) {
        told.extend(detail.clone());
    }
    db::insert_line(connection, tenant, id, RunStatus::Triggered, &told).await?;
    if let Some(reason) = skipped {
        db::insert_line(connection, tenant, id, RunStatus::Skipped, &json!({ "reason": reason })).await?;
    }
    Ok(())
}
