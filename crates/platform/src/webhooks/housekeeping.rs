//! What the sweeper does for webhooks: it tells of results about to expire, and forgets old deliveries.

use super::{Event, ResultExpiring, announce, db, deliveries};
use crate::{Error, Platform};
use chrono::TimeDelta;

/// How long before it is erased a result is told of, where results are kept for long enough.
const NOTICE: TimeDelta = TimeDelta::hours(24);

/// How many results are told of, and how many deliveries forgotten, in one look.
const SOME: i64 = 500;

/// Tells of results that are erased within a day, or within the last quarter of the time that results are
/// kept where that is less. Each endpoint is told of a result once, whoever else sweeps.
pub(crate) async fn announce_expiring(platform: &Platform) -> Result<(), Error> {
    let notice = NOTICE.min(platform.limits.retention / 4);
    let expiring = {
        let mut connection = platform.system.acquire().await?;
        db::select_expiring(&mut connection, notice, SOME).await?
    };
    for (prediction, tenant, expires_at) in expiring {
        let event = Event::ResultExpiring(ResultExpiring { prediction_id: prediction.0, expires_at });
        let mut transaction = platform.system.begin().await?;
        announce(&mut transaction, tenant, &event).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Forgets deliveries that ended long ago.
pub(crate) async fn forget_old(platform: &Platform) -> Result<(), Error> {
    let mut connection = platform.system.acquire().await?;
    deliveries::db::delete_old(&mut connection, platform.webhooks.delivery_retention, SOME).await
}
