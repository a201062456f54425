//! Erasing inputs and results: on demand, when they expire, and when they belong to nothing. The
//! money trail stays.

use super::{PredictionStatus, db};
use crate::audit_log::{self, Event};
use crate::erasures::{self, Reason};
use crate::{Access, Error, Platform, PredictionId, TenantTx, ids, jobs, monitoring};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use std::collections::HashSet;

/// A file without a prediction is left alone this long: its upload may be under way.
const ORPHAN_AGE_MIN: TimeDelta = TimeDelta::hours(2);

/// How many listed files are compared with the predictions at a time.
const LISTED_AT_ONCE: usize = 1000;

/// How many predictions are erased in one look.
const ERASED_MAX: i64 = 200;

/// Erases the input and the result of a finished prediction everywhere. From the commit on nothing
/// can be read; what the object store still holds then is deleted at once or by the sweeper.
///
/// # Errors
/// `prediction_not_finished` while it is queued or running.
pub async fn delete(platform: &Platform, access: &Access, id: PredictionId) -> Result<(), Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let prediction =
        db::select(tx.connection(), writer.tenant(), id).await?.ok_or(Error::NotFound("prediction"))?;
    if matches!(prediction.status, PredictionStatus::Queued | PredictionStatus::Running) {
        return Err(Error::conflict("prediction_not_finished", "the prediction is queued or running"));
    }
    if prediction.erased {
        return Ok(());
    }
    erasures::mark(tx.connection(), &[id], Reason::Deleted).await?;
    monitoring::erase_of(tx.connection(), &[id]).await?;
    let event = Event {
        action: "prediction.deleted",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(id.0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(tx.connection(), event).await?;
    tx.commit().await?;
    if let Err(error) = erase_files(platform, id).await {
        tracing::warn!(%error, prediction_id = %id, "could not erase a prediction's files; the sweeper will");
    }
    Ok(())
}

/// Erases what has expired, and finishes what was begun.
pub(crate) async fn erase_expired(platform: &Platform) -> Result<(), Error> {
    let unfinished = {
        let mut connection = platform.system.acquire().await?;
        let expired = db::select_expired(&mut connection, ERASED_MAX).await?;
        erasures::mark(&mut connection, &expired, Reason::Expired).await?;
        db::select_erasing(&mut connection, ERASED_MAX).await?
    };
    erase_marked(platform, &unfinished).await;
    Ok(())
}

/// Deletes the files of predictions that are marked as erased; the sweeper tries again what fails.
pub(crate) async fn erase_marked(platform: &Platform, ids: &[PredictionId]) {
    for &id in ids {
        // One that cannot be erased now must not keep the others.
        if let Err(error) = erase_files(platform, id).await {
            tracing::warn!(%error, prediction_id = %id, "could not erase a prediction's files; trying again later");
        }
    }
}

/// Deletes files without a prediction, which refused uploads and killed processes leave, and what a
/// worker that was thought dead has written for a prediction that was erased meanwhile.
pub(crate) async fn erase_orphans(platform: &Platform) -> Result<(), Error> {
    let mut transaction = platform.system.begin().await?;
    if !jobs::db::try_lock(&mut transaction, "augur orphans").await? {
        return Ok(());
    }
    let oldest = Utc::now() - ORPHAN_AGE_MIN;
    let mut listed = platform.objects.list_predictions().try_chunks(LISTED_AT_ONCE);
    while let Some(some) = listed.next().await {
        let some = some.map_err(|error| error.1)?;
        let is_old = |(id, modified): &(PredictionId, _)| ids::time_of(id.0) < oldest && *modified < oldest;
        let old: HashSet<PredictionId> = some.iter().filter(|one| is_old(one)).map(|(id, _)| *id).collect();
        let listed: HashSet<PredictionId> = some.iter().map(|(id, _)| *id).collect();
        let listed: Vec<PredictionId> = listed.into_iter().collect();
        // Not in the lock's own transaction, which PostgreSQL ends where deleting takes long.
        let mut connection = platform.system.acquire().await?;
        let ownerless = db::select_ownerless(&mut connection, &listed).await?;
        drop(connection);
        let unknown = ownerless.unknown.into_iter().filter(|id| old.contains(id));
        for id in unknown.chain(ownerless.erased) {
            if let Err(error) = platform.objects.erase_prediction(id).await {
                tracing::warn!(%error, prediction_id = %id, "could not remove orphaned files; trying again later");
            }
        }
    }
    drop(transaction);
    platform.objects.remove_staged_files(ORPHAN_AGE_MIN).await
}

async fn erase_files(platform: &Platform, id: PredictionId) -> Result<(), Error> {
    platform.rankings.forget(id);
    let attempt = {
        let mut connection = platform.system.acquire().await?;
        db::select_result_attempt(&mut connection, id).await?
    };
    platform.objects.erase_prediction(id).await?;
    if !platform.cache.forget(id, attempt).await {
        // Nobody is shown what Redis still holds, but it counts as erased only once it is gone.
        return Err(Error::Unavailable {
            dependency: "redis",
            detail: "it did not forget a result".to_owned(),
        });
    }
    let mut connection = platform.system.acquire().await?;
    erasures::db::complete(&mut connection, id).await
}
