//! Looking at runs, and asking for one.

use super::db::{self, NewRun};
use super::{Run, RunStatus, Trigger};
use crate::audit_log::{self, Event};
use crate::idempotency::{self, Idempotency, Replayable};
use crate::{Access, Error, List, ModelId, Page, Platform, RetrainingRunId, TenantTx, registry};
use serde_json::json;
use uuid::Uuid;

/// The runs of a model of the tenant's own, newest first, each with what happened.
pub async fn list(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    page: &Page,
) -> Result<List<Run>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    registry::own_model(tx.connection(), model).await?;
    let before = page.before_id("retraining_runs")?;
    let runs = db::select_runs(tx.connection(), tenant, Some(model), None, before, page.rows()).await?;
    Ok(page.cut("retraining_runs", runs, |run| *run.id.0.as_bytes()))
}

/// Asks for a run now, whatever the policy waits for; its prices hold.
///
/// # Errors
/// `no_retraining_policy`; `retraining_running`; the idempotency errors.
pub async fn retrain(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Run>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let asked = ask(&mut tx, access, model, idempotency).await;
    tx.finish(asked).await
}

async fn ask(
    tx: &mut TenantTx,
    access: &Access,
    model: ModelId,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Run>, Error> {
    let writer = tx.writer()?;
    let tenant = writer.tenant();
    let connection = tx.connection();
    let select = async |connection: &mut _, id: RetrainingRunId| {
        let run = db::select_runs(connection, tenant, None, Some(id), Uuid::max(), 1).await?.pop();
        run.ok_or(Error::NotFound("retraining run"))
    };
    if let Some(answer) = idempotency::take(connection, tenant.0, idempotency).await? {
        return Ok(Replayable::replayed(select(connection, answer).await?));
    }
    registry::own_model(connection, model).await?;
    let message = "write a policy first: it names the training's line of the price list and what it may cost";
    super::policy::db::lock_policy(connection, tenant, model)
        .await?
        .ok_or_else(|| Error::conflict("no_retraining_policy", message))?;
    let id = RetrainingRunId::new();
    let run = NewRun {
        id,
        tenant,
        model,
        trigger: Trigger::Hand,
        source: &id.to_string(),
        round: 0,
        actor: Some(writer.user()),
        skipped: None,
        outcomes_known: super::causes::known_rows(connection, tenant, model).await?,
    };
    if !db::insert_run(connection, &run).await? {
        return Err(Error::conflict("retraining_running", "a run of this model is at work"));
    }
    db::insert_line(connection, tenant, id, RunStatus::Triggered, &json!({ "trigger": Trigger::Hand }))
        .await?;
    let event = Event {
        action: "retraining.requested",
        actor: Some(writer.user()),
        tenant: Some(tenant),
        subject: Some(id.0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(connection, event).await?;
    idempotency::keep(connection, tenant.0, idempotency, &id).await?;
    Ok(Replayable::first(select(connection, id).await?))
}
