//! The ledger's SQL. Nothing outside this crate writes to `accounts` or `transactions`.

use crate::{AccountId, Credits, Error, Kind, Money, Moved, OrderId, Position, Transaction, TransactionId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::ops::Range;
use uuid::Uuid;

/// A row of `transactions` as the database gives it, checked when it becomes a [`Transaction`].
struct Row {
    id: Uuid,
    sequence: i64,
    kind: String,
    amount: i64,
    balance_after: i64,
    order_id: Option<Uuid>,
    note: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Transaction {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let kind = match row.kind.as_str() {
            "deposit" => Kind::Deposit,
            "debit" => Kind::Debit,
            "refund" => Kind::Refund,
            other => return Err(Error::Database(sqlx::Error::Decode(other.to_owned().into()))),
        };
        Ok(Transaction {
            id: TransactionId(row.id),
            sequence: row.sequence,
            kind,
            amount: Money::from_minor_units(row.amount)?,
            balance_after: Money::from_minor_units(row.balance_after)?,
            order_id: row.order_id.map(OrderId),
            note: row.note,
            created_at: row.created_at,
        })
    }
}

pub(crate) async fn insert_account(connection: &mut PgConnection, account: AccountId) -> Result<(), Error> {
    sqlx::query!("INSERT INTO accounts (tenant_id) VALUES ($1)", account.0).execute(connection).await?;
    Ok(())
}

pub(crate) async fn select_balance(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Option<Money>, Error> {
    sqlx::query_scalar!("SELECT balance FROM accounts WHERE tenant_id = $1", account.0)
        .fetch_optional(connection)
        .await?
        .map(Money::from_minor_units)
        .transpose()
}

pub(crate) async fn select_balance_for_update(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Option<Money>, Error> {
    sqlx::query_scalar!("SELECT balance FROM accounts WHERE tenant_id = $1 FOR UPDATE", account.0)
        .fetch_optional(connection)
        .await?
        .map(Money::from_minor_units)
        .transpose()
}

/// Whether all deposits of the account, with this one, fit 64 bits.
pub(crate) async fn deposits_have_room(
    connection: &mut PgConnection,
    account: AccountId,
    amount: Money,
) -> Result<bool, Error> {
    let room = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount), 0) + $2::bigint <= 9223372036854775807 AS "room!"
           FROM transactions WHERE tenant_id = $1 AND kind = 'deposit'"#,
        account.0,
        amount.minor_units(),
    )
    .fetch_one(connection)
    .await?;
    Ok(room)
}

pub(crate) async fn insert_deposit(
    connection: &mut PgConnection,
    account: AccountId,
    transaction: TransactionId,
    amount: Money,
) -> Result<Option<Transaction>, Error> {
    sqlx::query_as!(
        Row,
        r#"WITH account AS (
               UPDATE accounts SET balance = balance + $3, sequence = sequence + 1
               WHERE tenant_id = $1 RETURNING tenant_id, balance, sequence)
           INSERT INTO transactions (id, tenant_id, sequence, kind, amount, balance_after)
           SELECT $2, tenant_id, sequence, 'deposit', $3, balance FROM account
           RETURNING id, sequence, kind, amount, balance_after, order_id, NULL::text AS note, created_at"#,
        account.0,
        transaction.0,
        amount.minor_units(),
    )
    .fetch_optional(connection)
    .await?
    .map(Transaction::try_from)
    .transpose()
}

/// None where the account is unknown or its balance is too small: the guard is in the update.
pub(crate) async fn insert_debit(
    connection: &mut PgConnection,
    account: AccountId,
    order: OrderId,
    transaction: TransactionId,
    amount: Money,
) -> Result<Option<Transaction>, Error> {
    sqlx::query_as!(
        Row,
        r#"WITH account AS (
               UPDATE accounts SET balance = balance - $3, sequence = sequence + 1
               WHERE tenant_id = $1 AND balance >= $3 RETURNING tenant_id, balance, sequence)
           INSERT INTO transactions (id, tenant_id, sequence, kind, amount, balance_after, order_id)
           SELECT $2, tenant_id, sequence, 'debit', $3, balance, $4 FROM account
           RETURNING id, sequence, kind, amount, balance_after, order_id, NULL::text AS note, created_at"#,
        account.0,
        transaction.0,
        amount.minor_units(),
        order.0,
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| on_order_taken(error, Error::AlreadyDebited))?
    .map(Transaction::try_from)
    .transpose()
}

/// None where the account has no debit of that order. The amount is the debit's own, so that a
/// refund can be neither more nor less.
pub(crate) async fn insert_refund(
    connection: &mut PgConnection,
    account: AccountId,
    order: OrderId,
    transaction: TransactionId,
) -> Result<Option<Transaction>, Error> {
    sqlx::query_as!(
        Row,
        r#"WITH debit AS (
               SELECT tenant_id, amount FROM transactions
               WHERE order_id = $3 AND tenant_id = $1 AND kind = 'debit'),
           account AS (
               UPDATE accounts SET balance = balance + debit.amount, sequence = sequence + 1
               FROM debit WHERE accounts.tenant_id = debit.tenant_id
               RETURNING accounts.tenant_id, balance, sequence, debit.amount)
           INSERT INTO transactions (id, tenant_id, sequence, kind, amount, balance_after, order_id)
           SELECT $2, tenant_id, sequence, 'refund', amount, balance, $3 FROM account
           RETURNING id, sequence, kind, amount, balance_after, order_id, NULL::text AS note, created_at"#,
        account.0,
        transaction.0,
        order.0,
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| on_order_taken(error, Error::AlreadyRefunded))?
    .map(Transaction::try_from)
    .transpose()
}

pub(crate) async fn insert_note(
    connection: &mut PgConnection,
    account: AccountId,
    transaction: TransactionId,
    note: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO transaction_notes (transaction_id, tenant_id, note) VALUES ($1, $2, $3)",
        transaction.0,
        account.0,
        note,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn select_transactions(
    connection: &mut PgConnection,
    account: AccountId,
    before: i64,
    limit: i64,
) -> Result<Vec<Transaction>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT t.id, t.sequence, t.kind, t.amount, t.balance_after, t.order_id, n.note AS "note?",
                  t.created_at
           FROM transactions t LEFT JOIN transaction_notes n ON n.transaction_id = t.id
           WHERE t.tenant_id = $1 AND t.sequence < $2 ORDER BY t.sequence DESC LIMIT $3"#,
        account.0,
        before,
        limit,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Transaction::try_from)
    .collect()
}

pub(crate) async fn select_transactions_between(
    connection: &mut PgConnection,
    account: AccountId,
    above: i64,
    up_to: i64,
    limit: i64,
) -> Result<Vec<Transaction>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT t.id, t.sequence, t.kind, t.amount, t.balance_after, t.order_id, n.note AS "note?",
                  t.created_at
           FROM transactions t LEFT JOIN transaction_notes n ON n.transaction_id = t.id
           WHERE t.tenant_id = $1 AND t.sequence > $2 AND t.sequence <= $3 ORDER BY t.sequence LIMIT $4"#,
        account.0,
        above,
        up_to,
        limit,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Transaction::try_from)
    .collect()
}

/// One look into the index for each moment, however long the history.
pub(crate) async fn select_positions(
    connection: &mut PgConnection,
    account: AccountId,
    moments: &[DateTime<Utc>],
) -> Result<Vec<Position>, Error> {
    let rows = sqlx::query!(
        r#"SELECT coalesce(last.sequence, 0) AS "sequence!", coalesce(last.balance_after, 0) AS "balance!"
           FROM unnest($2::timestamptz[]) WITH ORDINALITY AS wanted (moment, number)
           LEFT JOIN LATERAL (
               SELECT sequence, balance_after FROM transactions
               WHERE tenant_id = $1 AND created_at < wanted.moment
               ORDER BY created_at DESC, sequence DESC LIMIT 1) last ON true
           ORDER BY wanted.number"#,
        account.0,
        moments,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Position { sequence: row.sequence, balance: Money::from_minor_units(row.balance)? }))
        .collect()
}

/// All deposits fit 64 bits. What was refunded may be more, where the same money was spent often.
pub(crate) async fn select_credits(
    connection: &mut PgConnection,
    account: AccountId,
    period: Range<DateTime<Utc>>,
) -> Result<Credits, Error> {
    let row = sqlx::query!(
        r#"SELECT coalesce(sum(amount) FILTER (WHERE kind = 'deposit'), 0)::bigint AS "paid_in!",
                  least(coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0),
                        9223372036854775807)::bigint AS "refunded!"
           FROM transactions
           WHERE tenant_id = $1 AND kind <> 'debit' AND created_at >= $2 AND created_at < $3"#,
        account.0,
        period.start,
        period.end,
    )
    .fetch_one(connection)
    .await?;
    Ok(Credits {
        paid_in: Money::from_minor_units(row.paid_in)?,
        refunded: Money::from_minor_units(row.refunded)?,
    })
}

pub(crate) async fn select_total_balance(connection: &mut PgConnection) -> Result<Money, Error> {
    let total = sqlx::query_scalar!(
        r#"SELECT least(coalesce(sum(balance), 0), 9223372036854775807)::bigint AS "total!" FROM accounts"#
    )
    .fetch_one(connection)
    .await?;
    Money::from_minor_units(total)
}

pub(crate) async fn select_moved(
    connection: &mut PgConnection,
    ids: Range<TransactionId>,
) -> Result<Moved, Error> {
    let rows = sqlx::query!(
        r#"SELECT kind, least(sum(amount), 9223372036854775807)::bigint AS "amount!"
           FROM transactions WHERE id >= $1 AND id < $2 GROUP BY kind"#,
        ids.start.0,
        ids.end.0
    )
    .fetch_all(connection)
    .await?;
    let of = |kind: &str| {
        let amount = rows.iter().find(|row| row.kind == kind).map_or(0, |row| row.amount);
        Money::from_minor_units(amount)
    };
    Ok(Moved { deposits: of("deposit")?, debits: of("debit")?, refunds: of("refund")? })
}

pub(crate) async fn select_counts(connection: &mut PgConnection) -> Result<(i64, i64), Error> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM accounts) AS "accounts!",
                  (SELECT count(*) FROM transactions) AS "transactions!""#
    )
    .fetch_one(connection)
    .await?;
    Ok((row.accounts, row.transactions))
}

/// Accounts whose balance is not the sum of their transactions, or whose counter is not their last.
pub(crate) async fn select_wrong_balances(
    connection: &mut PgConnection,
) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT a.tenant_id, a.balance, a.sequence, coalesce(t.total, 0)::bigint AS "total!",
                  coalesce(t.last, 0) AS "last!"
           FROM accounts a LEFT JOIN (
               SELECT tenant_id, max(sequence) AS last,
                      sum(CASE kind WHEN 'debit' THEN -amount ELSE amount END) AS total
               FROM transactions GROUP BY tenant_id) t ON t.tenant_id = a.tenant_id
           WHERE a.balance <> coalesce(t.total, 0) OR a.sequence <> coalesce(t.last, 0) OR a.balance < 0"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let detail = format!(
                "balance {} and counter {}, but the transactions add up to {} and end at {}",
                row.balance, row.sequence, row.total, row.last
            );
            (row.tenant_id, detail)
        })
        .collect())
}

/// Transactions that do not follow from the one before them in their account.
pub(crate) async fn select_broken_chains(
    connection: &mut PgConnection,
) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, sequence, balance_after, previous_sequence AS "previous_sequence!",
                  expected AS "expected!"
           FROM (SELECT id, sequence, balance_after,
                        coalesce(lag(sequence) OVER history, 0) AS previous_sequence,
                        coalesce(lag(balance_after) OVER history, 0)
                            + CASE kind WHEN 'debit' THEN -amount ELSE amount END AS expected
                 FROM transactions WINDOW history AS (PARTITION BY tenant_id ORDER BY sequence)) chained
           WHERE sequence <> previous_sequence + 1 OR balance_after <> expected"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let detail = format!(
                "number {} after {}, balance_after {} where {} follows",
                row.sequence, row.previous_sequence, row.balance_after, row.expected
            );
            (row.id, detail)
        })
        .collect())
}

/// Orders without their one debit at their price, or with a refund of another amount.
pub(crate) async fn select_wrong_order_money(
    connection: &mut PgConnection,
) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT o.id, o.price, o.status, d.amount AS "debit?", r.amount AS "refund?"
           FROM orders o
           LEFT JOIN transactions d ON d.order_id = o.id AND d.kind = 'debit'
           LEFT JOIN transactions r ON r.order_id = o.id AND r.kind = 'refund'
           WHERE d.id IS DISTINCT FROM o.transaction_id OR d.amount IS DISTINCT FROM o.price
              OR d.tenant_id IS DISTINCT FROM o.tenant_id
              OR (r.id IS NOT NULL AND (r.amount <> o.price OR r.tenant_id <> o.tenant_id))
              OR (r.id IS NOT NULL) <> (o.status = 'refunded')"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let detail = format!(
                "{} at {}, debited {:?}, refunded {:?}",
                row.status, row.price, row.debit, row.refund
            );
            (row.id, detail)
        })
        .collect())
}

fn on_order_taken(error: sqlx::Error, refusal: Error) -> Error {
    let taken = error
        .as_database_error()
        .is_some_and(|database| database.constraint() == Some("transactions_order_kind_key"));
    if taken { refusal } else { error.into() }
}
