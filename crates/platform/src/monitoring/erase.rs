//! The end of what the monitoring keeps: with the prediction that a tenant deletes, with the account, or when its
//! time is over.

use super::db;
use crate::{Error, Platform, PredictionId, TenantId};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use sqlx::PgConnection;
use std::collections::HashMap;

/// Objects of a prediction that is not settled are left alone this long: its worker may be at it.
const ORPHAN_AGE_MIN: TimeDelta = TimeDelta::hours(2);
/// How many listed objects are compared with the database at a time.
const LISTED_AT_ONCE: usize = 1000;
/// How many predictions' scores end in one look.
const ENDED_MAX: i64 = 200;

/// From the caller's commit on nothing of these predictions is kept; the sweeper deletes the objects.
pub(crate) async fn erase_of(connection: &mut PgConnection, ids: &[PredictionId]) -> Result<(), Error> {
    db::erase_of(connection, ids).await
}

/// From the caller's commit on nothing of the tenant is kept; the sweeper deletes the objects.
pub(crate) async fn erase_tenant(connection: &mut PgConnection, tenant: TenantId) -> Result<(), Error> {
    db::erase_tenant(connection, tenant).await
}

/// Deletes the objects of scores whose time is over or whose prediction was deleted.
pub(crate) async fn erase_expired(platform: &Platform) -> Result<(), Error> {
    let ended = {
        let mut connection = platform.system.acquire().await?;
        db::select_ended(&mut connection, ENDED_MAX).await?
    };
    for db::Ended { prediction } in ended {
        // One that cannot be deleted now must not keep the others.
        if let Err(error) = erase_objects(platform, prediction).await {
            tracing::warn!(%error, prediction_id = %prediction, "could not delete kept scores; trying again later");
        }
    }
    Ok(())
}

/// Deletes scores that a worker wrote and did not settle.
pub(crate) async fn erase_orphans(platform: &Platform) -> Result<(), Error> {
    let oldest = Utc::now() - ORPHAN_AGE_MIN;
    let mut listed = platform.objects.list_scores().try_chunks(LISTED_AT_ONCE);
    while let Some(some) = listed.next().await {
        let some = some.map_err(|error| error.1)?;
        let ids: Vec<_> = some.iter().map(|one| one.prediction.0).collect();
        let kept: HashMap<PredictionId, i32> = {
            let mut connection = platform.system.acquire().await?;
            db::select_kept(&mut connection, &ids).await?.into_iter().collect()
        };
        for one in some {
            if kept.get(&one.prediction) != Some(&one.attempt) && one.modified_at < oldest {
                platform.objects.delete(&super::scores_path(one.prediction, one.attempt)).await?;
            }
        }
    }
    Ok(())
}

async fn erase_objects(platform: &Platform, prediction: PredictionId) -> Result<(), Error> {
    platform.objects.delete_scores(prediction).await?;
    let mut connection = platform.system.acquire().await?;
    db::mark_gone(&mut connection, prediction).await
}
