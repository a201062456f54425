//! Lists over all tenants: orders, predictions, the audit log.

use super::db;
use super::people::{Meant, People};
use crate::audit_log::{self, Entry};
use crate::ids::first_id_at;
use crate::orders::{self, Order, OrderStatus};
use crate::predictions::{self, Prediction, PredictionStatus};
use crate::{Access, AdminTx, Error, List, Page, Platform, jobs};
use chrono::{DateTime, Utc};
use std::ops::Range;
use uuid::Uuid;

/// Which entries of a list are wanted; of what is none, all.
#[derive(Clone, Debug)]
pub struct Search<S> {
    /// Those in this state.
    pub status: Option<S>,
    /// Those of whoever has this in their address or name, or that have to do with this id.
    pub words: Option<String>,
    /// Those made at or after this moment.
    pub from: Option<DateTime<Utc>>,
    /// Those made before this moment.
    pub to: Option<DateTime<Utc>>,
}

/// Which events of the audit log are wanted; of what is none, all.
#[derive(Clone, Debug, Default)]
pub struct AuditSearch {
    /// Those of this action.
    pub action: Option<String>,
    /// Those of or about whoever has this in their address or name, or that have to do with this id.
    pub words: Option<String>,
    /// Those at or after this moment.
    pub from: Option<DateTime<Utc>>,
    /// Those before this moment.
    pub to: Option<DateTime<Utc>>,
}

/// A page of a list, and who is named in it.
#[derive(Clone, Debug)]
pub struct Attributed<T> {
    /// The entries.
    pub list: List<T>,
    /// Whose they are.
    pub people: People,
}

impl<S> Default for Search<S> {
    fn default() -> Self {
        Search { status: None, words: None, from: None, to: None }
    }
}

/// The orders of all tenants, newest first.
pub async fn orders(
    platform: &Platform,
    access: &Access,
    search: &Search<OrderStatus>,
    page: &Page,
) -> Result<Attributed<Order>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let range = ids(page.before_id("all_orders")?, search.from, search.to);
    let meant = Meant::by(tx.connection(), search.words.as_deref()).await?;
    let own = db::select_orders_meant(tx.connection(), meant.as_ref().and_then(|meant| meant.id)).await?;
    db::plan_for_what_is_asked(tx.connection()).await?;
    let tenants = meant.as_ref().map(|meant| meant.tenants.as_slice());
    let found =
        orders::db::select_page_of_all(tx.connection(), search.status, tenants, &own, range, page.rows())
            .await?;
    let list = page.cut("all_orders", found, |order| *order.id.0.as_bytes());
    let tenants = list.data.iter().map(|order| order.tenant.0);
    let people = People::of(tx.connection(), std::iter::empty(), tenants).await?;
    Ok(Attributed { list, people })
}

/// The predictions of all tenants, newest first.
pub async fn predictions(
    platform: &Platform,
    access: &Access,
    search: &Search<PredictionStatus>,
    page: &Page,
) -> Result<Attributed<Prediction>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let range = ids(page.before_id("all_predictions")?, search.from, search.to);
    let meant = Meant::by(tx.connection(), search.words.as_deref()).await?;
    db::plan_for_what_is_asked(tx.connection()).await?;
    let open = open_predictions(&mut tx, platform, search.status).await?;
    let found = predictions::db::select_page_of_all(
        tx.connection(),
        search.status,
        open.as_deref(),
        meant.as_ref().map(|meant| (meant.tenants.as_slice(), meant.id)),
        range,
        page.rows(),
    )
    .await?;
    let list = page.cut("all_predictions", found, |prediction| *prediction.id.0.as_bytes());
    let tenants = list.data.iter().map(|prediction| prediction.tenant.0);
    let people = People::of(tx.connection(), std::iter::empty(), tenants).await?;
    Ok(Attributed { list, people })
}

/// The few predictions that are waiting or running, where such are wanted: their jobs are found without a look
/// at all predictions there are.
async fn open_predictions(
    tx: &mut AdminTx,
    platform: &Platform,
    status: Option<PredictionStatus>,
) -> Result<Option<Vec<Uuid>>, Error> {
    let state = match status {
        Some(PredictionStatus::Queued) => "queued",
        Some(PredictionStatus::Running) => "running",
        _ => return Ok(None),
    };
    // Uploads under way at the same moment may go past the limit of what waits.
    let most = i64::from(platform.limits.jobs_queued_max) * 2;
    jobs::db::select_open_subjects(tx.connection(), state, most).await.map(Some)
}

/// The audit log over all tenants, newest first.
pub async fn audit_log(
    platform: &Platform,
    access: &Access,
    search: &AuditSearch,
    page: &Page,
) -> Result<Attributed<Entry>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let range = ids(page.before_id("audit_log")?, search.from, search.to);
    let meant = Meant::by(tx.connection(), search.words.as_deref()).await?;
    db::plan_for_what_is_asked(tx.connection()).await?;
    let found = audit_log::db::select_found(
        tx.connection(),
        search.action.as_deref(),
        meant.as_ref().map(|meant| (meant.users.as_slice(), meant.tenants.as_slice(), meant.id)),
        range,
        page.rows(),
    )
    .await?;
    let list = page.cut("audit_log", found, |entry| *entry.id.as_bytes());
    let named = list.data.iter().flat_map(|entry| [entry.actor_user_id, entry.subject_id]);
    let users: Vec<Uuid> = named.flatten().collect();
    let tenants = list.data.iter().filter_map(|entry| entry.tenant_id);
    let people = People::of(tx.connection(), users.into_iter(), tenants).await?;
    Ok(Attributed { list, people })
}

/// The ids below the cursor of what was made within a span of time.
fn ids(cursor: Uuid, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Range<Uuid> {
    let end = to.map_or(cursor, |to| cursor.min(first_id_at(to)));
    from.map_or(Uuid::nil(), first_id_at)..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_span_of_time_is_a_range_of_ids() {
        let now = Utc::now();
        let id = Uuid::now_v7();
        let day = ids(Uuid::max(), Some(now - TimeDelta::days(1)), Some(now + TimeDelta::days(1)));
        assert!(day.start <= id && id < day.end);
        let past = ids(Uuid::max(), None, Some(now - TimeDelta::days(1)));
        assert!(past.start <= id && id >= past.end);
        let cursor = first_id_at(now - TimeDelta::days(2));
        assert_eq!(ids(cursor, None, Some(now)).end, cursor);
    }
}
