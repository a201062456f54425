//! Money over time: what each movement was for, the balance day by day, statements.

use super::db;
use crate::orders::OrderStatus;
use crate::page::position_of_number;
use crate::predictions::PredictionError;
use crate::{Access, Error, List, Page, Platform, PredictionId, TenantTx};
use chrono::{DateTime, Utc};
use ledger::{Money, Position, Transaction};
use std::ops::Range;
use uuid::Uuid;

/// How many movements of a statement are read at a time.
const STATEMENT_ROWS: i64 = 1000;

/// A movement of money and what it was for.
#[derive(Clone, Debug)]
pub struct Movement {
    /// The movement.
    pub transaction: Transaction,
    /// What its order bought; none for a deposit.
    pub purpose: Option<Purpose>,
}

/// What an order bought.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// The service's name now.
    pub service: String,
    /// Its model's name; empty for a training, which makes one.
    pub model: String,
    /// Where the order is in its life.
    pub status: OrderStatus,
    /// The prediction that used the order.
    pub used_for: Option<UsedFor>,
}

/// The prediction that used an order.
#[derive(Clone, Debug)]
pub struct UsedFor {
    /// Its id.
    pub prediction: PredictionId,
    /// What the customer calls the file; empty once it was erased.
    pub file_name: String,
    /// Why it failed, where it did.
    pub error: Option<PredictionError>,
}

/// What happened to a tenant's money over a time.
#[derive(Clone, Debug)]
pub struct Course {
    /// The balance just before each of the moments that were asked for.
    pub balances: Vec<Money>,
    /// All deposits.
    pub paid_in: Money,
    /// All debits.
    pub spent: Money,
    /// All refunds.
    pub refunded: Money,
    /// When money moved for the first time, if ever.
    pub began_at: Option<DateTime<Utc>>,
}

/// A part of a tenant's history, as it was when it was opened.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Before its first movement.
    pub opening: Position,
    /// After its last.
    pub closing: Position,
}

/// What moved on the caller's tenant's account and what it was for, newest first.
pub async fn movements(platform: &Platform, access: &Access, page: &Page) -> Result<List<Movement>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let account = tx.caller().tenant.account();
    let before = page.before_number("transactions")?;
    let transactions = ledger::transactions(tx.connection(), account, before, page.rows()).await?;
    let List { data, next_cursor } =
        page.cut("transactions", transactions, |transaction| position_of_number(transaction.sequence));
    Ok(List { data: with_purposes(&mut tx, data).await?, next_cursor })
}

/// The balance of the caller's tenant just before each of these moments, which ascend, and what moved from
/// the first to before the last.
pub async fn course(
    platform: &Platform,
    access: &Access,
    moments: &[DateTime<Utc>],
) -> Result<Course, Error> {
    let mut tx = TenantTx::begin_snapshot(platform, access).await?;
    let account = tx.caller().tenant.account();
    let positions = ledger::positions(tx.connection(), account, moments).await?;
    let ends = (moments.first(), moments.last(), positions.first(), positions.last());
    let (Some(from), Some(to), Some(opening), Some(closing)) = ends else {
        return Err(Error::Internal("a course has two ends".to_owned()));
    };
    let credits = ledger::credits(tx.connection(), account, *from..*to).await?;
    let first = ledger::transactions_between(tx.connection(), account, 0, 1, 1).await?;
    let [opening, closing, paid_in, refunded] =
        [opening.balance, closing.balance, credits.paid_in, credits.refunded]
            .map(|money| i128::from(money.minor_units()));
    let spent = (opening + paid_in + refunded - closing).clamp(0, i64::MAX.into());
    Ok(Course {
        balances: positions.iter().map(|position| position.balance).collect(),
        paid_in: credits.paid_in,
        spent: Money::from_minor_units(i64::try_from(spent).map_err(Error::internal)?)?,
        refunded: credits.refunded,
        began_at: first.first().map(|transaction| transaction.created_at),
    })
}

impl Statement {
    /// The statement of what moved on the caller's tenant's account over a time.
    pub async fn open(
        platform: &Platform,
        access: &Access,
        period: Range<DateTime<Utc>>,
    ) -> Result<Statement, Error> {
        let mut tx = TenantTx::begin(platform, access).await?;
        let account = tx.caller().tenant.account();
        let positions = ledger::positions(tx.connection(), account, &[period.start, period.end]).await?;
        match positions[..] {
            [opening, closing] => Ok(Statement { opening, closing }),
            _ => Err(Error::Internal("a statement has two ends".to_owned())),
        }
    }

    /// The next movements after this one, or the first; none are left where there are none.
    pub async fn movements(
        &self,
        platform: &Platform,
        access: &Access,
        after: Option<&Movement>,
    ) -> Result<Vec<Movement>, Error> {
        let mut tx = TenantTx::begin(platform, access).await?;
        let account = tx.caller().tenant.account();
        let above = after.map_or(self.opening.sequence, |movement| movement.transaction.sequence);
        let up_to = self.closing.sequence;
        let transactions =
            ledger::transactions_between(tx.connection(), account, above, up_to, STATEMENT_ROWS).await?;
        with_purposes(&mut tx, transactions).await
    }
}

async fn with_purposes(tx: &mut TenantTx, transactions: Vec<Transaction>) -> Result<Vec<Movement>, Error> {
    let tenant = tx.caller().tenant;
    let orders: Vec<Uuid> = transactions.iter().filter_map(|one| one.order_id).map(|order| order.0).collect();
    let purposes = db::select_purposes(tx.connection(), tenant, &orders).await?;
    let movement = |transaction: Transaction| {
        // An order is debited and refunded: its purpose may be told twice.
        let purpose = transaction.order_id.and_then(|order| purposes.get(&order)).cloned();
        Movement { transaction, purpose }
    };
    Ok(transactions.into_iter().map(movement).collect())
}
