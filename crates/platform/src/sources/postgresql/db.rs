//! What a tenant's database is asked: one query, which can only read.

use bytes::Bytes;
use futures::stream::BoxStream;
use sqlx::{AssertSqlSafe, Executor, PgConnection, SqlSafeStr};

/// Begins a transaction that cannot write, and has the server read the query: it must be one statement. Only what is
/// one statement by itself can stand in the parentheses of a COPY without ending them.
pub(super) async fn begin(connection: &mut PgConnection, query: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '10s'; \
         SET LOCAL idle_in_transaction_session_timeout = '1min'",
    )
    .execute(&mut *connection)
    .await?;
    connection.prepare(AssertSqlSafe(query.to_owned()).into_sql_str()).await.map(|_| ())
}

pub(super) async fn copy_out<'c>(
    connection: &'c mut PgConnection,
    query: &str,
) -> Result<BoxStream<'c, Result<Bytes, sqlx::Error>>, sqlx::Error> {
    connection.copy_out_raw(&format!("COPY (\n{query}\n) TO STDOUT WITH (FORMAT csv, HEADER)")).await
}
