//! Begins what was set off: checks what it costs, gathers the customers, and orders the training.

use super::db::{self, Claimed};
use super::gather::db as sources;
use super::gather::{Customers, Wanted, gather};
use super::policy::db as policies;
use super::weave::{KEY, LEFT, TARGET};
use super::{Policy, RetrainingStart, RunStatus, SkipReason};
use crate::audit_log::{self, Event};
use crate::orders::Order;
use crate::tenancy::Writer;
use crate::trainings::{self, Offer, Pay, TrainRequest, TrainingUpload};
use crate::{
    Access, Credential, Error, ModelVersionId, Platform, RetrainingRunId, StandingOrder, TrainingId, in_time,
    models,
};
use learning::algorithm_word;
use scoring::Manifest;
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::time::Duration;
use tokio_util::io::ReaderStream;

/// How often a process says that it is still at a run.
const RENEWED_EVERY: Duration = Duration::from_secs(15);
/// What the file is called: nobody has uploaded it.
const FILE_NAME: &str = "retraining.csv";

/// What is agreed before anybody is gathered.
struct Terms {
    policy: Policy,
    offer: Offer,
    request: TrainRequest,
    champion: ModelVersionId,
    manifest: Manifest,
    made: sources::Made,
}

/// Why a run does not go on.
enum Halt {
    /// It never will.
    Skip(SkipReason, Value),
    /// It may later, or somebody else was quicker.
    Later(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Later(error)
    }
}

impl From<SkipReason> for Halt {
    fn from(reason: SkipReason) -> Halt {
        Halt::Skip(reason, json!({ "reason": reason }))
    }
}

/// Begins every run that nobody is at.
pub(super) async fn start_runs(platform: &Platform) -> Result<(), Error> {
    loop {
        let claimed = {
            let mut connection = platform.system.acquire().await?;
            in_time(db::claim(&mut connection)).await?
        };
        let Some(run) = claimed else { return Ok(()) };
        match tokio::select! {
            started = start(platform, run) => started,
            lost = keep(platform, run.id) => Err(Halt::Later(lost)),
        } {
            Ok(()) => {}
            Err(Halt::Skip(reason, detail)) => skip(platform, run, reason, &detail).await?,
            // The lease runs out, and it is tried again.
            Err(Halt::Later(error)) => tracing::warn!(%error, run_id = %run.id, "a retraining waits"),
        }
    }
}

/// Renews the lease for as long as that works.
async fn keep(platform: &Platform, run: RetrainingRunId) -> Error {
    loop {
        tokio::time::sleep(RENEWED_EVERY).await;
        let renewed = in_time(async {
            let mut connection = platform.system.acquire().await?;
            db::renew(&mut connection, run).await
        });
        if let Err(error) = renewed.await {
            return error;
        }
    }
}

async fn skip(platform: &Platform, run: Claimed, reason: SkipReason, detail: &Value) -> Result<(), Error> {
    in_time(async {
        let mut transaction = platform.system.begin().await?;
        if db::skip(&mut transaction, run.id, reason).await? {
            db::insert_line(&mut transaction, run.tenant, run.id, RunStatus::Skipped, detail).await?;
        }
        Ok(transaction.commit().await?)
    })
    .await
}

async fn start(platform: &Platform, run: Claimed) -> Result<(), Halt> {
    let terms = in_time(async { Ok(agree(platform, run).await) }).await??;
    let wanted = Wanted {
        tenant: run.tenant,
        model: run.model,
        manifest: terms.manifest.clone(),
        rows_max: terms.offer.rows_max,
    };
    let customers = match gather(platform, wanted, &terms.made).await {
        Err(Error::Input(_)) => return Err(SkipReason::CannotTrain.into()),
        gathered => gathered?,
    };
    if !customers.are_enough() {
        let detail = json!({
            "reason": SkipReason::NoData, "rows_new": customers.counts.rows_new,
            "leavers_new": customers.leavers_new, "rows_again": customers.counts.rows_again,
        });
        return Err(Halt::Skip(SkipReason::NoData, detail));
    }
    order(platform, run, terms, customers).await
}

/// Checks everything that can be known before the customers are gathered.
async fn agree(platform: &Platform, run: Claimed) -> Result<Terms, Halt> {
    let mut connection = platform.system.acquire().await.map_err(Error::from)?;
    let policy = policies::select_policy(&mut connection, run.tenant, run.model).await?;
    let policy = policy.filter(|policy| policy.terms.is_active || run.actor.is_some());
    let policy = policy.ok_or(SkipReason::PolicyOff)?;
    let champion = policies::select_champion(&mut connection, run.tenant, run.model).await?;
    let champion = champion.ok_or(SkipReason::NoProduction)?;
    let made = sources::select_made(&mut connection, champion).await?.ok_or(SkipReason::NoProduction)?;
    let version = models::select_version(&mut connection, champion).await?;
    let version = version.ok_or(Error::NotFound("model version"))?;
    let manifest: Manifest = serde_json::from_value(version.manifest).map_err(Error::internal)?;
    let request = request(&made.parameters, &manifest, policy.terms.hold_out)?;
    let algorithm = algorithm_word(request.algorithm);
    let offer = trainings::select_offer(&mut connection, policy.terms.service).await?;
    let offer = offer.filter(|offer| offer.active && offer.algorithms.iter().any(|one| one == algorithm));
    let offer = offer.ok_or(SkipReason::ServiceGone)?;
    afford(&mut connection, run, &policy, &offer).await?;
    Ok(Terms { policy, offer, request, champion, manifest, made })
}

/// Whether the training may cost what it costs, and there is money for it.
async fn afford(
    connection: &mut PgConnection,
    run: Claimed,
    policy: &Policy,
    offer: &Offer,
) -> Result<(), Halt> {
    let price = offer.price;
    if price > policy.terms.price_max {
        let detail = json!({
            "reason": SkipReason::TooExpensive, "price": price, "price_max": policy.terms.price_max,
        });
        return Err(Halt::Skip(SkipReason::TooExpensive, detail));
    }
    let spent = db::select_spent(connection, run.tenant, run.model).await?;
    let after = spent.minor_units().saturating_add(price.minor_units());
    if after > policy.terms.month_price_max.minor_units() {
        let detail = json!({
            "reason": SkipReason::MonthSpent, "spent": spent, "price": price,
            "month_price_max": policy.terms.month_price_max,
        });
        return Err(Halt::Skip(SkipReason::MonthSpent, detail));
    }
    let balance = ledger::balance(connection, run.tenant.account()).await.map_err(Error::from)?;
    match price.shortfall(balance) {
        Some(missing) => {
            let detail = json!({ "reason": SkipReason::NoBalance, "price": price, "missing": missing });
            Err(Halt::Skip(SkipReason::NoBalance, detail))
        }
        None => Ok(()),
    }
}

/// What is asked for: what was asked for the version in production, of the file that is gathered. The features are
/// those of that version, whatever their cells look like now.
fn request(parameters: &Value, manifest: &Manifest, hold_out: f64) -> Result<TrainRequest, Error> {
    let before: TrainRequest = serde_json::from_value(parameters.clone()).map_err(Error::internal)?;
    let features: Vec<String> = manifest.schema.features.iter().map(|feature| feature.name.clone()).collect();
    let is_there =
        |name: &String| features.iter().any(|one| scoring::names::key(one) == scoring::names::key(name));
    let group = before.group.iter().filter(|name| is_there(name)).cloned().collect();
    Ok(TrainRequest {
        target: Some(TARGET.to_owned()),
        positive: Some(LEFT.to_owned()),
        keep: features,
        drop: vec![KEY.to_owned()],
        group,
        hold_out,
        ..before
    })
}

/// Orders the training in the name of whoever asked, or wrote the policy.
async fn order(platform: &Platform, run: Claimed, terms: Terms, customers: Customers) -> Result<(), Halt> {
    let user = run.actor.unwrap_or(terms.policy.author);
    let access = access(user, run);
    let start = RetrainingStart {
        run: run.id,
        model: run.model,
        champion: terms.champion,
        gathered: customers.counts,
    };
    let upload = TrainingUpload {
        pay: Pay::Service(terms.offer.id),
        model_name: Some(terms.manifest.name.clone()),
        request: terms.request,
        file_name: FILE_NAME.to_owned(),
        idempotency: None,
        retraining: Some(start),
    };
    let file = tokio::fs::File::from_std(customers.file);
    let stream = futures::StreamExt::map(ReaderStream::with_capacity(file, 256 << 10), |piece| {
        piece.map_err(|error| Error::Unavailable { dependency: "temporary files", detail: error.to_string() })
    });
    match trainings::accept(platform, &access, upload, stream).await {
        Ok(_) => Ok(()),
        Err(Error::Unauthenticated | Error::Forbidden(_)) => Err(SkipReason::NoAuthor.into()),
        Err(Error::InsufficientFunds { missing }) => {
            let detail = json!({ "reason": SkipReason::NoBalance, "missing": missing });
            Err(Halt::Skip(SkipReason::NoBalance, detail))
        }
        // What is said of the file may quote it.
        Err(Error::Input(_) | Error::Invalid(_) | Error::BadUpload { .. }) => {
            Err(SkipReason::CannotTrain.into())
        }
        Err(error) => Err(Halt::Later(error)),
    }
}

/// The access of whoever a run is done for.
pub(super) fn access(user: crate::UserId, run: Claimed) -> Access {
    let credential = Credential::Standing(StandingOrder::of(user, run.tenant));
    Access { credential, request_id: format!("retraining-{}", run.id) }
}

/// Puts a run's training to work, in the transaction that pays for it: whoever comes second pays nothing.
///
/// # Errors
/// `retraining_begun` where the run no longer waits; `retraining_too_expensive` where the policy has changed.
pub(crate) async fn begin(
    connection: &mut PgConnection,
    access: &Access,
    writer: Writer,
    start: &RetrainingStart,
    training: TrainingId,
    order: &Order,
) -> Result<(), Error> {
    if !db::start(connection, start, training).await? {
        return Err(Error::conflict("retraining_begun", "the run does not wait for a training any more"));
    }
    let policy = policies::select_policy(connection, writer.tenant(), start.model).await?;
    let spent = db::select_spent(connection, writer.tenant(), start.model).await?;
    let may = policy
        .is_some_and(|policy| order.price <= policy.terms.price_max && spent <= policy.terms.month_price_max);
    if !may {
        let message = "the policy does not allow what the training costs";
        return Err(Error::conflict("retraining_too_expensive", message));
    }
    let line = json!({
        "training_id": training, "order_id": order.id, "price": order.price,
        "champion_id": start.champion, "rows_new": start.gathered.rows_new,
        "rows_again": start.gathered.rows_again, "rows_before": start.gathered.rows_before,
    });
    db::insert_line(connection, writer.tenant(), start.run, RunStatus::Training, &line).await?;
    let event = Event {
        action: "retraining.started",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(start.run.0),
        detail: json!({ "training_id": training, "order_id": order.id, "price": order.price }),
        request_id: Some(&access.request_id),
    };
    audit_log::write(connection, event).await
}
