//! Erasing labelled customers: on demand, when they expire, and when they belong to nothing. What a model and
//! its report say holds no customer, and stays with the version.

use super::{TrainingStatus, db};
use crate::audit_log::{self, Event};
use crate::erasures::Reason;
use crate::{Access, Error, Platform, TenantId, TenantTx, TrainingId, ids, jobs};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use sqlx::PgConnection;
use std::collections::HashSet;

/// A file without a training is left alone this long: its upload may be under way.
const ORPHAN_AGE_MIN: TimeDelta = TimeDelta::hours(2);

/// How many listed files are compared with the trainings at a time.
const LISTED_AT_ONCE: usize = 1000;

/// How many trainings are erased in one look.
const ERASED_MAX: i64 = 200;

/// Erases the file of a finished training, and what was said of its customers, everywhere. The version that it
/// made stays.
///
/// # Errors
/// `training_not_finished` while it is queued or running.
pub async fn delete(platform: &Platform, access: &Access, id: TrainingId) -> Result<(), Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let training =
        db::select(tx.connection(), writer.tenant(), id).await?.ok_or(Error::NotFound("training"))?;
    if matches!(training.status, TrainingStatus::Queued | TrainingStatus::Running) {
        return Err(Error::conflict("training_not_finished", "the training is queued or running"));
    }
    if training.erased {
        return Ok(());
    }
    db::mark_erased(tx.connection(), &[id], Reason::Deleted).await?;
    let event = Event {
        action: "training.deleted",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(id.0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(tx.connection(), event).await?;
    tx.commit().await?;
    erase_marked(platform, &[id]).await;
    Ok(())
}

/// Erases a closed account's trainings, models and their history's words: what is left are ids, amounts, times and
/// hashes. The files follow.
pub(crate) async fn erase_account(connection: &mut PgConnection, tenant: TenantId) -> Result<(), Error> {
    db::mark_account_erased(connection, tenant).await?;
    db::scrub_account(connection, tenant).await
}

/// Deletes the files of a closed account's trainings, models included; the sweeper finishes.
pub(crate) async fn erase_closed(platform: &Platform, tenant: TenantId) {
    let erasing = async {
        let mut connection = platform.system.acquire().await?;
        db::select_erasing(&mut connection, Some(tenant), ERASED_MAX).await
    };
    match erasing.await {
        Ok(ids) => erase_marked(platform, &ids).await,
        Err(error) => {
            tracing::warn!(%error, "could not erase a closed account's trainings; the sweeper will")
        }
    }
}

/// Erases what has expired, and finishes what was begun.
pub(crate) async fn erase_expired(platform: &Platform) -> Result<(), Error> {
    let unfinished = {
        let mut connection = platform.system.acquire().await?;
        let expired = db::select_expired(&mut connection, ERASED_MAX).await?;
        db::mark_erased(&mut connection, &expired, Reason::Expired).await?;
        db::select_erasing(&mut connection, None, ERASED_MAX).await?
    };
    erase_marked(platform, &unfinished).await;
    Ok(())
}

/// Deletes the files of trainings that are marked as erased; the sweeper tries again what fails.
async fn erase_marked(platform: &Platform, ids: &[TrainingId]) {
    for &id in ids {
        // One that cannot be erased now must not keep the others.
        if let Err(error) = erase_files(platform, id).await {
            tracing::warn!(%error, training_id = %id, "could not erase a training's files; trying again later");
        }
    }
}

/// Deletes files without a training, which refused uploads and killed processes leave, and what a worker that
/// was thought dead has written for a training that was erased meanwhile.
pub(crate) async fn erase_orphans(platform: &Platform) -> Result<(), Error> {
    let mut transaction = platform.system.begin().await?;
    if !jobs::db::try_lock(&mut transaction, "augur orphaned trainings").await? {
        return Ok(());
    }
    let oldest = Utc::now() - ORPHAN_AGE_MIN;
    let mut listed = platform.objects.list_trainings().try_chunks(LISTED_AT_ONCE);
    while let Some(some) = listed.next().await {
        let some = some.map_err(|error| error.1)?;
        let is_old = |(id, modified): &(TrainingId, _)| ids::time_of(id.0) < oldest && *modified < oldest;
        let old: HashSet<TrainingId> = some.iter().filter(|one| is_old(one)).map(|(id, _)| *id).collect();
        let old: Vec<TrainingId> = old.into_iter().collect();
        let mut connection = platform.system.acquire().await?;
        let unknown = db::select_unknown(&mut connection, &old).await?;
        drop(connection);
        for id in unknown {
            if let Err(error) = platform.objects.delete_training(id).await {
                tracing::warn!(%error, training_id = %id, "could not remove orphaned files; trying again later");
            }
        }
    }
    Ok(())
}

async fn erase_files(platform: &Platform, id: TrainingId) -> Result<(), Error> {
    let reason = {
        let mut connection = platform.system.acquire().await?;
        db::select_erase_reason(&mut connection, id).await?
    };
    // With the account goes the model, too.
    match reason.as_deref() == Some(Reason::AccountClosed.as_str()) {
        true => platform.objects.delete_training(id).await?,
        false => platform.objects.delete_training_customers(id).await?,
    }
    let mut connection = platform.system.acquire().await?;
    db::complete_erasure(&mut connection, id).await
}
