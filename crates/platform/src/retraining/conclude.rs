//! Takes the version of a run to the gate, and tells what came of it.

use super::db::{self, Claimed, EndedRun};
use super::policy::db as policies;
use super::start::access;
use super::{Policy, RunStatus};
use crate::registry::{self, Gate, Promotion, Stage, Version};
use crate::{Error, ModelVersionId, Platform, RetrainingRunId, TenantId, in_time};
use serde_json::{Value, json};
use sqlx::PgConnection;

/// How many runs are concluded in one turn.
const RUNS_MAX: i64 = 100;

/// Concludes every run whose training has ended.
pub(super) async fn conclude_runs(platform: &Platform) -> Result<(), Error> {
    let ended = {
        let mut connection = platform.system.acquire().await?;
        in_time(db::select_ended(&mut connection, RUNS_MAX)).await?
    };
    for run in ended {
        let id = run.id;
        // One whose customers cannot be read now must not keep the others.
        if let Err(error) = conclude(platform, run).await {
            tracing::warn!(%error, run_id = %id, "a retraining could not be concluded; trying again");
        }
    }
    Ok(())
}

async fn conclude(platform: &Platform, run: EndedRun) -> Result<(), Error> {
    let Some(version) = run.version else {
        let detail = json!({ "error_code": run.error_code });
        return end(platform, &run, RunStatus::Failed, &detail).await;
    };
    let policy = {
        let mut connection = platform.system.acquire().await?;
        policies::select_policy(&mut connection, run.tenant, run.model).await?
    };
    let no_author = json!({ "reason": "no_author", "model_version_id": version });
    let Some(policy) = policy else { return end(platform, &run, RunStatus::Failed, &no_author).await };
    match decide(platform, &run, version, &policy).await {
        // Nobody is left in whose name it could be moved.
        Err(Error::Unauthenticated | Error::Forbidden(_)) => {
            end(platform, &run, RunStatus::Failed, &no_author).await
        }
        decided => decided,
    }
}

/// Asks the gate, and promotes where the policy says so. What the gate refuses is refused.
async fn decide(
    platform: &Platform,
    run: &EndedRun,
    version: ModelVersionId,
    policy: &Policy,
) -> Result<(), Error> {
    let claimed = Claimed { id: run.id, tenant: run.tenant, model: run.model, actor: run.actor };
    let access = access(run.actor.unwrap_or(policy.author), claimed);
    if !policy.terms.auto_promote {
        let gate = registry::judge(platform, &access, run.model, version).await?;
        let status = if gate.verdict.is_passed() { RunStatus::Passed } else { RunStatus::Refused };
        return end(platform, run, status, &detail(version, None, &gate)).await;
    }
    let promotion = Promotion {
        stage: Stage::Production,
        reason: Some(format!("retraining ({})", run.trigger.as_str())),
        force: false,
        retraining: Some(run.id),
    };
    match registry::promote(platform, &access, run.model, version, promotion).await {
        Ok(_) => Ok(()),
        // Told in the transaction that refused it.
        Err(Error::Conflict { code: "gate_refused", .. }) => Ok(()),
        Err(Error::Conflict { code: "already_there" | "in_production", .. }) => {
            let detail = json!({ "model_version_id": version, "by_hand": true });
            end(platform, run, RunStatus::Promoted, &detail).await
        }
        Err(error) => Err(error),
    }
}

async fn end(platform: &Platform, run: &EndedRun, status: RunStatus, detail: &Value) -> Result<(), Error> {
    in_time(async {
        let mut transaction = platform.system.begin().await?;
        if db::conclude(&mut transaction, run.id, status).await? {
            db::insert_line(&mut transaction, run.tenant, run.id, status, detail).await?;
        }
        Ok(transaction.commit().await?)
    })
    .await
}

/// What the gate decided about a run's version.
pub(crate) struct Judged<'a> {
    pub(crate) run: RetrainingRunId,
    pub(crate) version: &'a Version,
    pub(crate) gate: &'a Gate,
    pub(crate) is_promoted: bool,
}

/// Tells a run what became of its version, in the transaction that moved or refused it.
///
/// # Errors
/// `retraining_concluded` where it was told before: then nothing is moved.
pub(crate) async fn judged(
    connection: &mut PgConnection,
    tenant: TenantId,
    judged: &Judged<'_>,
) -> Result<(), Error> {
    let status = if judged.is_promoted { RunStatus::Promoted } else { RunStatus::Refused };
    if !db::conclude(connection, judged.run, status).await? {
        return Err(Error::conflict("retraining_concluded", "the run was concluded before"));
    }
    let detail = detail(judged.version.id, Some(&judged.version.label), judged.gate);
    db::insert_line(connection, tenant, judged.run, status, &detail).await
}

fn detail(version: ModelVersionId, label: Option<&str>, gate: &Gate) -> Value {
    json!({ "model_version_id": version, "version": label, "gate": gate })
}
