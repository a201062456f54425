//! Erasing inputs and results: on demand, when they expire, and when they belong to nothing. The
//! money trail stays.

use super::{PredictionStatus, accept::time_of, db};
use crate::audit_log::{self, Event};
use crate::{Access, Error, Platform, PredictionId, TenantTx, jobs};
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
    db::mark_erased(tx.connection(), id).await?;
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
        db::mark_expired(&mut connection, ERASED_MAX).await?;
        db::select_erasing(&mut connection, ERASED_MAX).await?
    };
    for id in unfinished {
        // One that cannot be erased now must not keep the others.
        if let Err(error) = erase_files(platform, id).await {
            tracing::warn!(%error, prediction_id = %id, "could not erase a prediction's files; trying again later");
        }
    }
    Ok(())
}

/// Deletes files without a prediction, which refused uploads and killed processes leave.
pub(crate) async fn erase_orphans(platform: &Platform) -> Result<(), Error> {
    let mut transaction = platform.system.begin().await?;
    if !jobs::db::try_lock(&mut transaction, "augur orphans").await? {
        return Ok(());
    }
    let oldest = Utc::now() - ORPHAN_AGE_MIN;
    let mut listed = platform.objects.list_predictions().try_chunks(LISTED_AT_ONCE);
    while let Some(some) = listed.next().await {
        let some = some.map_err(|error| error.1)?;
        let old: HashSet<PredictionId> = some
            .into_iter()
            .filter(|(id, modified)| time_of(*id) < oldest && *modified < oldest)
            .map(|(id, _)| id)
            .collect();
        let old: Vec<PredictionId> = old.into_iter().collect();
        let known = db::select_existing(&mut transaction, &old).await?;
        for id in old.iter().filter(|id| !known.contains(id)) {
            platform.objects.erase_prediction(*id).await?;
        }
    }
    platform.objects.remove_staged_files(ORPHAN_AGE_MIN).await?;
    Ok(transaction.commit().await?)
}

async fn erase_files(platform: &Platform, id: PredictionId) -> Result<(), Error> {
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
    db::mark_objects_gone(&mut connection, id).await
}
