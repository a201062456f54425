//! SQL of the queue's overview. All times are the database's clock.

use super::{Finished, Running, Waiting, WaitingTenant, Worker};
use crate::{Error, PredictionId, TenantId};
use sqlx::PgConnection;
use uuid::Uuid;

/// What ended lately.
pub(super) struct Ended {
    pub(super) last_hour: Finished,
    pub(super) last_day: Finished,
    /// Rows scored within [`LATELY_SECONDS`] by predictions that have ended.
    pub(super) rows_lately: f64,
}

/// Over how long the rows per second are measured.
pub(super) const LATELY_SECONDS: f64 = 300.0;

/// What waits, and how many run.
pub(super) async fn select_waiting(connection: &mut PgConnection) -> Result<(Waiting, i64), Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE j.state = 'queued') AS "queued!",
                  count(*) FILTER (WHERE j.state = 'queued' AND j.dispatched_at IS NOT NULL) AS "dispatched!",
                  coalesce(sum(p.rows_total) FILTER (WHERE j.state = 'queued'), 0)::bigint AS "rows!",
                  min(j.created_at) FILTER (WHERE j.state = 'queued') AS oldest_since,
                  count(*) FILTER (WHERE j.state = 'running') AS "running!"
           FROM jobs j LEFT JOIN predictions p ON p.id = j.subject_id
           WHERE j.state IN ('queued', 'running')
             -- What was not taken outside waits for its time, and not for a worker.
             AND (j.kind NOT IN ('webhook', 'export') OR j.not_before <= now())"#
    )
    .fetch_one(connection)
    .await?;
    let waiting = Waiting {
        jobs: row.queued,
        dispatched: row.dispatched,
        rows: row.rows,
        oldest_since: row.oldest_since,
    };
    Ok((waiting, row.running))
}

pub(super) async fn select_running(connection: &mut PgConnection, most: i64) -> Result<Vec<Running>, Error> {
    let rows = sqlx::query!(
        r#"SELECT p.id, p.tenant_id, p.file_name, j.lease_owner, j.attempt, j.failures,
                  coalesce(j.lease_until < now(), false) AS "lost!", p.rows_done, p.rows_total, p.started_at
           FROM jobs j JOIN predictions p ON p.id = j.subject_id
           WHERE j.state = 'running' ORDER BY p.started_at, p.id LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Running {
            prediction: PredictionId(row.id),
            tenant: TenantId(row.tenant_id),
            file_name: row.file_name,
            worker: row.lease_owner.unwrap_or_default(),
            attempt: row.attempt,
            failures: row.failures,
            lost: row.lost,
            rows_done: row.rows_done.unsigned_abs(),
            rows_total: row.rows_total.unsigned_abs(),
            since: row.started_at,
        })
        .collect())
}

pub(super) async fn select_waiting_by_tenant(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<WaitingTenant>, Error> {
    let rows = sqlx::query!(
        r#"SELECT j.tenant_id, count(*) AS "jobs!", coalesce(sum(p.rows_total), 0)::bigint AS "rows!",
                  min(j.created_at) AS "oldest_since!"
           FROM jobs j LEFT JOIN predictions p ON p.id = j.subject_id
           WHERE j.state = 'queued' AND (j.kind NOT IN ('webhook', 'export') OR j.not_before <= now())
           GROUP BY j.tenant_id ORDER BY count(*) DESC, j.tenant_id LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| WaitingTenant {
            tenant: TenantId(row.tenant_id),
            jobs: row.jobs,
            rows: row.rows,
            oldest_since: row.oldest_since,
        })
        .collect())
}

/// A worker that the relay no longer counts on is lost.
pub(super) async fn select_workers(connection: &mut PgConnection, most: i64) -> Result<Vec<Worker>, Error> {
    Ok(sqlx::query_as!(
        Worker,
        r#"SELECT w.id, w.concurrency, w.seen_at, w.seen_at <= now() - interval '15 seconds' AS "lost!",
                  (SELECT count(*) FROM jobs j WHERE j.state = 'running' AND j.lease_owner = w.id) AS "running!"
           FROM workers w WHERE w.seen_at > now() - interval '10 minutes' ORDER BY w.id LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?)
}

/// What ended within the last hour and day among predictions from this id on. A prediction that was at work
/// before the last minutes counts there with the share of its time that lies in them.
pub(super) async fn select_ended(connection: &mut PgConnection, eldest: Uuid) -> Result<Ended, Error> {
    let row = sqlx::query!(
        r#"WITH ended AS (
               SELECT status = 'succeeded' AS succeeded, rows_done, started_at, finished_at,
                      finished_at > now() - interval '1 hour' AS within_hour
               FROM predictions WHERE id >= $1 AND finished_at > now() - interval '1 day')
           SELECT count(*) FILTER (WHERE succeeded) AS "day_succeeded!",
                  count(*) FILTER (WHERE NOT succeeded) AS "day_failed!",
                  coalesce(sum(rows_done) FILTER (WHERE succeeded), 0)::bigint AS "day_rows!",
                  count(*) FILTER (WHERE succeeded AND within_hour) AS "hour_succeeded!",
                  count(*) FILTER (WHERE NOT succeeded AND within_hour) AS "hour_failed!",
                  coalesce(sum(rows_done) FILTER (WHERE succeeded AND within_hour), 0)::bigint AS "hour_rows!",
                  coalesce(sum(rows_done * least(1,
                      extract(epoch FROM finished_at - (now() - $2::float8 * interval '1 second'))
                      / greatest(extract(epoch FROM finished_at - started_at), 0.001)))
                      FILTER (WHERE succeeded AND finished_at > now() - $2::float8 * interval '1 second'),
                      0)::float8 AS "rows_lately!"
           FROM ended"#,
        eldest,
        LATELY_SECONDS
    )
    .fetch_one(connection)
    .await?;
    Ok(Ended {
        last_hour: Finished { succeeded: row.hour_succeeded, failed: row.hour_failed, rows: row.hour_rows },
        last_day: Finished { succeeded: row.day_succeeded, failed: row.day_failed, rows: row.day_rows },
        rows_lately: row.rows_lately,
    })
}

/// Rows that what is at work now has done within [`LATELY_SECONDS`], as far as the database knows.
pub(super) async fn select_rows_of_running(connection: &mut PgConnection) -> Result<f64, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(sum(p.rows_done * least(1, $1::float8
                      / greatest(extract(epoch FROM now() - p.started_at), 0.001))), 0)::float8 AS "rows!"
           FROM jobs j JOIN predictions p ON p.id = j.subject_id WHERE j.state = 'running'"#,
        LATELY_SECONDS
    )
    .fetch_one(connection)
    .await?)
}
