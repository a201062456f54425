//! Money, users and the last 24 hours at a glance.

mod db;

use crate::ids::first_id_at;
use crate::{Access, AdminTx, Error, Platform, TransactionId};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use ledger::{Money, Moved};
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// How the platform does.
#[derive(Clone, Debug)]
pub struct Totals {
    /// The sum of all balances.
    pub balances: Money,
    /// What moved since midnight, UTC.
    pub today: Moved,
    /// What moved within the 30 days before today, and today.
    pub last_month: Moved,
    /// Users, and what they are.
    pub users: UserCounts,
    /// The last 24 hours, the present one last.
    pub hours: Vec<Hour>,
}

/// How many users there are, without closed accounts.
#[derive(Clone, Copy, Debug)]
pub struct UserCounts {
    /// All.
    pub all: i64,
    /// Administrators among them.
    pub administrators: i64,
    /// Those who may sign in no more.
    pub disabled: i64,
    /// Those who registered within the last 30 days.
    pub new: i64,
}

/// What was ordered and scored in an hour.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hour {
    /// When it began.
    pub start: DateTime<Utc>,
    /// Orders placed.
    pub orders: i64,
    /// Predictions that failed.
    pub failed: i64,
    /// Rows scored from files.
    pub rows: i64,
}

const HOURS: i32 = 24;

/// What moved on days that are over, which never changes: added up once a day.
#[derive(Default)]
pub(crate) struct PastDays(Mutex<Option<(DateTime<Utc>, Moved)>>);

/// When everything is committed whose id was made before midnight.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(10);

impl PastDays {
    /// What moved within the 30 days before midnight.
    async fn moved(
        &self,
        connection: &mut PgConnection,
        midnight: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Moved, Error> {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, moved)) = known.filter(|(until, _)| *until == midnight) {
            return Ok(moved);
        }
        let [from, until] = [midnight - TimeDelta::days(30), midnight].map(first_id_at).map(TransactionId);
        let moved = ledger::moved(connection, from..until).await?;
        if now - midnight > SETTLED_AFTER {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((midnight, moved));
        }
        Ok(moved)
    }
}

/// Looks at money, users and the last 24 hours, for an administrator.
pub async fn totals(platform: &Platform, access: &Access) -> Result<Totals, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let now = Utc::now();
    let midnight = now.duration_trunc(TimeDelta::days(1)).unwrap_or(now);
    let balances = ledger::total_balance(tx.connection()).await?;
    let ids = TransactionId(first_id_at(midnight))..TransactionId(Uuid::max());
    let today = ledger::moved(tx.connection(), ids).await?;
    let last_month = platform.past_days.moved(tx.connection(), midnight, now).await?.and(today);
    let users = db::select_user_counts(tx.connection()).await?;
    let this_hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let first_hour = this_hour - TimeDelta::hours(i64::from(HOURS) - 1);
    let orders = db::select_orders_by_hour(tx.connection(), first_id_at(first_hour)).await?;
    // Every prediction ends by its deadline: none older than that ended since.
    let eldest = first_id_at(first_hour - platform.limits.deadline);
    let ended = db::select_ended_by_hour(tx.connection(), eldest, first_hour).await?;
    Ok(Totals { balances, today, last_month, users, hours: joined(first_hour, &orders, &ended) })
}

fn joined(
    first_hour: DateTime<Utc>,
    orders: &HashMap<DateTime<Utc>, i64>,
    ended: &HashMap<DateTime<Utc>, (i64, i64)>,
) -> Vec<Hour> {
    (0..HOURS)
        .map(|hour| {
            let start = first_hour + TimeDelta::hours(i64::from(hour));
            let (failed, rows) = ended.get(&start).copied().unwrap_or_default();
            Hour { start, orders: orders.get(&start).copied().unwrap_or(0), failed, rows }
        })
        .collect()
}
