//! Moving versions: through the gate into production, back again, and between the other stages. What is measured is
//! measured before the transaction that acts on it; that one holds the model locked and begins by looking whether
//! production is still what was measured against.

use super::gate::{self, Gate};
use super::{Action, Model, Stage, Version, db};
use crate::audit_log::{self, Event};
use crate::retraining::{self, Judged};
use crate::tenancy::Writer;
use crate::webhooks::{self, VersionPromoted};
use crate::{Access, Error, ModelId, ModelVersionId, Platform, RetrainingRunId, TenantTx, failpoints};
use serde_json::json;
use sqlx::PgConnection;

/// The longest reason.
const REASON_CHARACTERS_MAX: usize = 500;

/// Where a version is to go, and why.
#[derive(Clone, Debug)]
pub struct Promotion {
    /// Where to.
    pub stage: Stage,
    /// Why; needed where the gate is overridden.
    pub reason: Option<String>,
    /// Into production even where the gate says no.
    pub force: bool,
    /// The retraining that made the version, which is told in the same transaction.
    pub retraining: Option<RetrainingRunId>,
}

/// What a rollback did.
#[derive(Clone, Debug)]
pub struct RolledBack {
    /// In production again.
    pub version: Version,
    /// Out of production.
    pub replaced: ModelVersionId,
}

/// Moves a version of a tenant's own model, and answers with it as it is then.
///
/// # Errors
/// `gate_refused` where the version is not better than the one in production, which the history keeps;
/// `already_there`; `in_production` for taking a version out of production without another; `production_changed`
/// where somebody else was quicker; [`Error::Invalid`] on `reason`.
pub async fn promote(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    version: ModelVersionId,
    promotion: Promotion,
) -> Result<(Version, Option<Gate>), Error> {
    let reason = checked_reason(promotion.reason.as_deref())?;
    if promotion.force && reason.is_none() {
        return Err(Error::invalid("reason", "going past the gate needs a reason"));
    }
    let (challenger, champion) = sides(platform, access, model, version).await?;
    if challenger.stage == promotion.stage {
        return Err(Error::conflict(
            "already_there",
            format!("the version is in {} already", promotion.stage.as_str()),
        ));
    }
    if challenger.stage == Stage::Production {
        let message = "the version serves; put another one into production, or roll back";
        return Err(Error::conflict("in_production", message));
    }
    let moved = Move { model, reason, actor: None };
    if promotion.stage != Stage::Production {
        return move_aside(platform, access, &challenger, promotion.stage, moved).await;
    }
    let gate = gate::judge(platform, &challenger, champion.as_ref()).await?;
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let is_forced = promotion.force && !gate.verdict.is_passed();
    let is_refused = !gate.verdict.is_passed() && !promotion.force;
    let done = async {
        let connection = tx.connection();
        lock(connection, model, champion.as_ref()).await?;
        let moved = Move { actor: Some(writer), ..moved };
        if let Some(run) = promotion.retraining {
            let judged = Judged { run, version: &challenger, gate: &gate, is_promoted: !is_refused };
            retraining::judged(connection, writer.tenant(), &judged).await?;
        }
        if is_refused {
            return record(
                connection,
                &challenger,
                champion.as_ref(),
                Action::Refused,
                &moved,
                Some(&gate),
                false,
            )
            .await;
        }
        serve(connection, writer, &challenger, champion.as_ref()).await?;
        record(connection, &challenger, champion.as_ref(), Action::Promoted, &moved, Some(&gate), is_forced)
            .await?;
        tell(connection, writer, &challenger, champion.as_ref(), false).await?;
        let detail =
            json!({ "forced": is_forced, "replaced": champion.as_ref().map(|champion| champion.id) });
        audit(connection, access, writer, "model_version.promoted", challenger.id, detail).await
    };
    let done = done.await;
    failpoints::at("promotion.written").await;
    tx.finish(done).await?;
    if is_refused {
        return Err(Error::conflict("gate_refused", gate.verdict.sentence()));
    }
    Ok((super::version(platform, access, model, version).await?, Some(gate)))
}

/// What the gate says now, without moving anything.
pub async fn judge(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    version: ModelVersionId,
) -> Result<Gate, Error> {
    let (challenger, champion) = sides(platform, access, model, version).await?;
    gate::judge(platform, &challenger, champion.as_ref()).await
}

/// Puts the version back that was in production before the one that is.
///
/// # Errors
/// `nothing_to_roll_back_to`.
pub async fn rollback(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    reason: Option<&str>,
) -> Result<RolledBack, Error> {
    let reason = checked_reason(reason)?;
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let rolled = async {
        let connection = tx.connection();
        own_model(connection, model).await?;
        let current = db::lock_production(connection, model).await?;
        let nothing = || Error::conflict("nothing_to_roll_back_to", "no version was in production before");
        let current = current.ok_or_else(nothing)?;
        let current = db::select_version(connection, model, current).await?.ok_or_else(nothing)?;
        let before = db::select_predecessor(connection, model, current.id).await?.ok_or_else(nothing)?;
        let before = db::select_version(connection, model, before).await?.ok_or_else(nothing)?;
        serve(connection, writer, &before, Some(&current)).await?;
        let moved = Move { model, reason, actor: Some(writer) };
        record(connection, &before, Some(&current), Action::RolledBack, &moved, None, false).await?;
        tell(connection, writer, &before, Some(&current), true).await?;
        let detail = json!({ "replaced": current.id });
        audit(connection, access, writer, "model_version.rolled_back", before.id, detail).await?;
        Ok((before.id, current.id))
    };
    let rolled = rolled.await;
    let (version, replaced) = tx.finish(rolled).await?;
    Ok(RolledBack { version: super::version(platform, access, model, version).await?, replaced })
}

/// What is said of a move.
struct Move {
    model: ModelId,
    reason: Option<String>,
    actor: Option<Writer>,
}

/// The version that is to move, and the one in production. The caller must be allowed to move it.
async fn sides(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    version: ModelVersionId,
) -> Result<(Version, Option<Version>), Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    tx.writer()?;
    let connection = tx.connection();
    let of = own_model(connection, model).await?;
    let challenger =
        db::select_version(connection, model, version).await?.ok_or(Error::NotFound("model version"))?;
    let champion = match of.production {
        Some(champion) => db::select_version(connection, model, champion).await?,
        None => None,
    };
    Ok((challenger, champion))
}

/// A model that the caller's tenant may move; a shared one is only looked at.
pub(crate) async fn own_model(connection: &mut PgConnection, model: ModelId) -> Result<Model, Error> {
    let model = db::select_model(connection, model).await?.ok_or(Error::NotFound("model"))?;
    if model.is_shared {
        return Err(Error::Forbidden("a shared model is not yours to move"));
    }
    Ok(model)
}

/// Locks the model, and proves that production is what was measured against.
async fn lock(
    connection: &mut PgConnection,
    model: ModelId,
    champion: Option<&Version>,
) -> Result<(), Error> {
    let production = db::lock_production(connection, model).await?;
    if production != champion.map(|champion| champion.id) {
        let message = "another version went into production meanwhile; look again";
        return Err(Error::conflict("production_changed", message));
    }
    Ok(())
}

/// Has new orders get a version, at its own price.
async fn serve(
    connection: &mut PgConnection,
    writer: Writer,
    version: &Version,
    champion: Option<&Version>,
) -> Result<(), Error> {
    if let Some(champion) = champion {
        db::set_stage(connection, champion.id, Stage::Archived).await?;
    }
    db::set_stage(connection, version.id, Stage::Production).await?;
    db::set_production(connection, version.model, version.id).await?;
    let price =
        version.prediction_price.ok_or_else(|| Error::Internal("a version without a price".to_owned()))?;
    db::upsert_service(connection, writer.tenant(), version, price).await
}

async fn move_aside(
    platform: &Platform,
    access: &Access,
    version: &Version,
    stage: Stage,
    moved: Move,
) -> Result<(Version, Option<Gate>), Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let model = moved.model;
    let done = async {
        let connection = tx.connection();
        db::lock_production(connection, model).await?;
        // It may have gone into production since it was looked at.
        let now = db::select_version(connection, model, version.id)
            .await?
            .ok_or(Error::NotFound("model version"))?;
        if now.stage != version.stage {
            return Err(Error::conflict(
                "production_changed",
                "somebody else moved it meanwhile; look again",
            ));
        }
        db::set_stage(connection, version.id, stage).await?;
        let entry = db::NewEntry {
            tenant: writer.tenant(),
            model,
            version: version.id,
            action: Action::Moved,
            from_stage: Some(version.stage),
            to_stage: Some(stage),
            champion: None,
            actor: Some(writer.user()),
            is_forced: false,
            gate: None,
            reason: moved.reason.as_deref(),
        };
        db::insert_entry(connection, &entry).await
    };
    let done = done.await;
    tx.finish(done).await?;
    Ok((super::version(platform, access, model, version.id).await?, None))
}

async fn record(
    connection: &mut PgConnection,
    version: &Version,
    champion: Option<&Version>,
    action: Action,
    moved: &Move,
    gate: Option<&Gate>,
    is_forced: bool,
) -> Result<(), Error> {
    let Some(writer) = moved.actor else { return Err(Error::Internal("nobody moves it".to_owned())) };
    let entry = db::NewEntry {
        tenant: writer.tenant(),
        model: moved.model,
        version: version.id,
        action,
        from_stage: Some(version.stage),
        to_stage: Some(Stage::Production),
        champion: champion.map(|champion| champion.id),
        actor: Some(writer.user()),
        is_forced,
        gate,
        reason: moved.reason.as_deref(),
    };
    db::insert_entry(connection, &entry).await
}

/// Tells the tenant's endpoints that a version is in production.
async fn tell(
    connection: &mut PgConnection,
    writer: Writer,
    version: &Version,
    replaced: Option<&Version>,
    is_rollback: bool,
) -> Result<(), Error> {
    let event = webhooks::Event::VersionPromoted(VersionPromoted {
        model_id: version.model.0,
        model_version_id: version.id.0,
        version: version.label.clone(),
        stage: Stage::Production.as_str().to_owned(),
        previous_model_version_id: replaced.map(|replaced| replaced.id.0),
        is_rollback,
    });
    webhooks::announce(connection, writer.tenant(), &event).await
}

async fn audit(
    connection: &mut PgConnection,
    access: &Access,
    writer: Writer,
    action: &'static str,
    version: ModelVersionId,
    detail: serde_json::Value,
) -> Result<(), Error> {
    let event = Event {
        action,
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(version.0),
        detail,
        request_id: Some(&access.request_id),
    };
    audit_log::write(connection, event).await
}

fn checked_reason(reason: Option<&str>) -> Result<Option<String>, Error> {
    let Some(reason) = reason.map(str::trim).filter(|reason| !reason.is_empty()) else { return Ok(None) };
    if reason.chars().count() > REASON_CHARACTERS_MAX || reason.contains('\0') {
        return Err(Error::invalid("reason", "a reason has at most 500 characters"));
    }
    Ok(Some(reason.to_owned()))
}
