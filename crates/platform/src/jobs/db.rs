//! SQL of the jobs. All times are the database's clock.

use super::{Claim, JobKind, Message, Places, Statistics};
use crate::{Error, JobId, TenantId};
use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

/// A claim, and how often its job has failed.
pub(super) struct Claimed {
    pub(super) claim: Claim,
    pub(super) failures: i32,
}

/// A job that the sweeper must end.
pub(super) struct Overdue {
    pub(super) claim: Claim,
    pub(super) exhausted: bool,
}

struct Row {
    id: Uuid,
    kind: String,
    subject_id: Uuid,
    tenant_id: Uuid,
    attempt: i32,
    request_id: Option<String>,
    failures: i32,
}

impl Row {
    fn into_claimed(self) -> Result<Claimed, Error> {
        let kind = JobKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.kind)
            .ok_or_else(|| Error::Internal(format!("there is no job of kind {}", self.kind)))?;
        let claim = Claim {
            job: JobId(self.id),
            kind,
            subject: self.subject_id,
            tenant: TenantId(self.tenant_id),
            attempt: self.attempt,
            request_id: self.request_id,
        };
        Ok(Claimed { claim, failures: self.failures })
    }
}

pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: TenantId,
    kind: JobKind,
    subject: Uuid,
    deadline: TimeDelta,
    request_id: &str,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO jobs (id, tenant_id, kind, subject_id, deadline_at, request_id)
           VALUES ($1, $2, $3, $4, now() + $5::float8 * interval '1 second', $6)"#,
        JobId::new().0,
        tenant.0,
        kind.as_str(),
        subject,
        deadline.as_seconds_f64(),
        request_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many jobs that somebody paid for wait or run, of one tenant or of all, counted up to `count_max`.
pub(super) async fn count_open(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    count_max: u32,
) -> Result<u32, Error> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM jobs WHERE state IN ('queued', 'running') AND kind NOT IN ('webhook', 'export')
                 AND ($1::uuid IS NULL OR tenant_id = $1)
               LIMIT $2) open"#,
        tenant.map(|tenant| tenant.0),
        i64::from(count_max)
    )
    .fetch_one(connection)
    .await?;
    u32::try_from(count).map_err(Error::internal)
}

/// What the jobs in a state that is not the last one are about, at most so many.
pub(crate) async fn select_open_subjects(
    connection: &mut PgConnection,
    state: &str,
    most: i64,
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT subject_id FROM jobs WHERE state IN ('queued', 'running') AND state = $1 LIMIT $2",
        state,
        most
    )
    .fetch_all(connection)
    .await?)
}

/// Waits for the row instead of skipping it: a message must not be forgotten because somebody else
/// looks at its job. A claim over a lease that ran out counts a failure.
pub(super) async fn claim(
    connection: &mut PgConnection,
    job: JobId,
    owner: &str,
) -> Result<Option<Claimed>, Error> {
    sqlx::query_as!(
        Row,
        r#"UPDATE jobs SET state = 'running', attempt = attempt + 1,
                  failures = failures + (state = 'running')::integer,
                  lease_until = now() + interval '10 seconds', lease_owner = $2
           WHERE id = $1 AND deadline_at > now() AND not_before <= now()
             AND (state = 'queued' OR (state = 'running' AND lease_until < now()))
           RETURNING id, kind, subject_id, tenant_id, attempt, request_id, failures"#,
        job.0,
        owner
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_claimed)
    .transpose()
}

pub(super) async fn renew(connection: &mut PgConnection, claim: &Claim) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE jobs SET lease_until = now() + interval '10 seconds'
           WHERE id = $1 AND attempt = $2 AND state = 'running'"#,
        claim.job.0,
        claim.attempt
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The job's failures now, or none where it is no longer the claimer's.
pub(crate) async fn give_back(
    connection: &mut PgConnection,
    claim: &Claim,
    delay_ms: u32,
    failures: i32,
) -> Result<Option<i32>, Error> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE jobs SET state = 'queued', failures = failures + $3, lease_until = NULL,
                  lease_owner = NULL, dispatched_at = NULL,
                  not_before = now() + $4::float8 * interval '1 millisecond'
           WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING failures"#,
        claim.job.0,
        claim.attempt,
        failures,
        f64::from(delay_ms)
    )
    .fetch_optional(connection)
    .await?)
}

/// Ends a job at the attempt that was claimed, or that the sweeper holds locked. False where it has
/// ended before or another attempt has it.
pub(crate) async fn finish(
    connection: &mut PgConnection,
    claim: &Claim,
    succeeded: bool,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE jobs SET state = CASE WHEN $3 THEN 'succeeded' ELSE 'failed' END, finished_at = now(),
                  lease_until = NULL, lease_owner = NULL
           WHERE id = $1 AND attempt = $2 AND (state = 'running' OR (state = 'queued' AND NOT $3))"#,
        claim.job.0,
        claim.attempt,
        succeeded
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How the job ended, if it ended at this attempt.
pub(crate) async fn select_outcome(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Option<bool>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT state = 'succeeded' AS "succeeded!" FROM jobs
           WHERE id = $1 AND attempt = $2 AND finished_at IS NOT NULL"#,
        claim.job.0,
        claim.attempt
    )
    .fetch_optional(connection)
    .await?)
}

/// Also clears the marks of what waits: a queue inside the process was lost with it, and to publish
/// something twice does no harm.
pub(super) async fn release_owner(connection: &mut PgConnection, owner: &str) -> Result<u64, Error> {
    let done = sqlx::query!(
        r#"UPDATE jobs SET state = 'queued', failures = failures + (state = 'running')::integer,
                  lease_until = NULL, lease_owner = NULL, dispatched_at = NULL
           WHERE (state = 'running' AND lease_owner = $1)
              OR (state = 'queued' AND dispatched_at IS NOT NULL)"#,
        owner
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"UPDATE predictions SET status = 'queued', rows_done = 0 FROM jobs
           WHERE jobs.kind = 'prediction' AND jobs.subject_id = predictions.id AND jobs.state = 'queued'
             AND predictions.status = 'running'"#
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"UPDATE trainings SET status = 'queued', fits_done = 0 FROM jobs
           WHERE jobs.kind = 'training' AND jobs.subject_id = trainings.id AND jobs.state = 'queued'
             AND trainings.status = 'running'"#
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"UPDATE intakes SET status = 'queued' FROM jobs
           WHERE jobs.kind = 'intake' AND jobs.subject_id = intakes.id AND jobs.state = 'queued'
             AND intakes.status = 'running'"#
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Marks the next jobs as dispatched. Of each kind: tenant by tenant in turn, counting what each has under
/// way, and no more than twice of what the workers take at a time is ahead of them.
pub(super) async fn take_undispatched(
    connection: &mut PgConnection,
) -> Result<Vec<(JobKind, Message)>, Error> {
    let rows = sqlx::query!(
        r#"WITH ahead AS (
               SELECT kind, tenant_id, count(*) AS jobs FROM jobs
               WHERE state IN ('queued', 'running') AND dispatched_at IS NOT NULL GROUP BY kind, tenant_id),
           capacity AS (
               SELECT place.kind, sum(place.places) AS places FROM workers, LATERAL (VALUES
                   ('prediction', concurrency), ('training', training_places), ('webhook', webhook_places),
                   ('export', export_places), ('intake', intake_places))
                   AS place (kind, places)
               WHERE seen_at > now() - interval '15 seconds' GROUP BY place.kind),
           room AS (
               SELECT kinds.kind, greatest(2 * greatest(coalesce(
                   (SELECT places FROM capacity WHERE capacity.kind = kinds.kind), 0), 1)
                   - coalesce((SELECT sum(jobs) FROM ahead WHERE ahead.kind = kinds.kind), 0), 0)::bigint AS jobs
               FROM (VALUES ('prediction'), ('training'), ('webhook'), ('export'), ('intake')) AS kinds (kind)),
           waiting AS (
               SELECT jobs.id, jobs.kind, coalesce(ahead.jobs, 0) + row_number() OVER (
                   PARTITION BY jobs.kind, jobs.tenant_id ORDER BY priority DESC, jobs.id) AS turn
               FROM jobs LEFT JOIN ahead ON ahead.tenant_id = jobs.tenant_id AND ahead.kind = jobs.kind
               WHERE dispatched_at IS NULL AND not_before <= now() AND deadline_at > now()
                 AND (state = 'queued' OR (state = 'running' AND lease_until < now()))),
           ranked AS (
               SELECT id, kind, row_number() OVER (PARTITION BY kind ORDER BY turn, id) AS place FROM waiting),
           chosen AS (
               SELECT id FROM jobs WHERE id IN (
                   SELECT ranked.id FROM ranked JOIN room ON room.kind = ranked.kind
                   WHERE ranked.place <= room.jobs)
               FOR UPDATE SKIP LOCKED)
           UPDATE jobs SET dispatched_at = now() FROM chosen WHERE jobs.id = chosen.id
           RETURNING jobs.id, jobs.kind, jobs.request_id"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let kind = JobKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind)?;
            Some((kind, Message { v: 1, job_id: JobId(row.id), request_id: row.request_id }))
        })
        .collect())
}

pub(super) async fn clear_mark(connection: &mut PgConnection, job: JobId) -> Result<(), Error> {
    sqlx::query!("UPDATE jobs SET dispatched_at = NULL WHERE id = $1 AND state = 'queued'", job.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Lets the relay publish again what seems lost: marked and still queued after 15 seconds, or
/// running on a lease that ran out. One that somebody holds locked must not keep the others.
pub(super) async fn clear_stale_marks(connection: &mut PgConnection) -> Result<u64, Error> {
    let done = sqlx::query!(
        r#"UPDATE jobs SET dispatched_at = NULL FROM (
               SELECT id FROM jobs
               WHERE dispatched_at IS NOT NULL
                 AND ((state = 'queued' AND dispatched_at < now() - interval '15 seconds')
                   OR (state = 'running' AND lease_until < now()
                       AND (dispatched_at < lease_until OR dispatched_at < now() - interval '15 seconds')))
               FOR UPDATE SKIP LOCKED) stale
           WHERE jobs.id = stale.id"#
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// A job past its deadline or out of attempts, locked; none of those that are to be left alone.
pub(super) async fn lock_overdue(
    connection: &mut PgConnection,
    left_alone: &[Uuid],
) -> Result<Option<Overdue>, Error> {
    let row = sqlx::query!(
        r#"SELECT id, kind, subject_id, tenant_id, attempt, request_id, failures,
                  deadline_at > now() AS "exhausted!"
           FROM jobs
           WHERE state IN ('queued', 'running') AND id <> ALL($1)
             AND (deadline_at <= now() OR (state = 'queued' AND failures >= 3)
               OR (state = 'running' AND lease_until < now() AND failures >= 2))
           ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"#,
        left_alone
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let claimed = Row {
        id: row.id,
        kind: row.kind,
        subject_id: row.subject_id,
        tenant_id: row.tenant_id,
        attempt: row.attempt,
        request_id: row.request_id,
        failures: row.failures,
    }
    .into_claimed()?;
    Ok(Some(Overdue { claim: claimed.claim, exhausted: row.exhausted }))
}

pub(crate) async fn notify(connection: &mut PgConnection, channel: &str, payload: &str) -> Result<(), Error> {
    sqlx::query!(r#"SELECT pg_notify($1, $2) AS "notified""#, channel, payload).fetch_one(connection).await?;
    Ok(())
}

/// A lock that lasts until the transaction's end and that one process at a time gets.
pub(crate) async fn try_lock(connection: &mut PgConnection, name: &str) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 1)) AS "locked!""#, name)
        .fetch_one(connection)
        .await?)
}

pub(super) async fn upsert_worker(
    connection: &mut PgConnection,
    worker: &str,
    places: Places,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO workers (id, concurrency, training_places, webhook_places, export_places,
                                intake_places)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (id) DO UPDATE SET concurrency = excluded.concurrency,
               training_places = excluded.training_places, webhook_places = excluded.webhook_places,
               export_places = excluded.export_places, intake_places = excluded.intake_places,
               seen_at = now()"#,
        worker,
        i32::from(places.predictions),
        i32::from(places.trainings),
        i32::from(places.webhooks),
        i32::from(places.exports),
        i32::from(places.intakes)
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn delete_worker(connection: &mut PgConnection, worker: &str) -> Result<(), Error> {
    sqlx::query!("DELETE FROM workers WHERE id = $1", worker).execute(connection).await?;
    Ok(())
}

pub(super) async fn delete_lost_workers(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("DELETE FROM workers WHERE seen_at < now() - interval '1 hour'").execute(connection).await?;
    Ok(())
}

pub(super) async fn select_statistics(connection: &mut PgConnection) -> Result<Statistics, Error> {
    Ok(sqlx::query_as!(
        Statistics,
        r#"SELECT count(*) FILTER (WHERE state = 'queued') AS "queued!",
                  count(*) FILTER (WHERE state = 'running') AS "running!",
                  coalesce(extract(epoch FROM now() - min(greatest(created_at, not_before))
                      FILTER (WHERE state = 'queued' AND not_before <= now())), 0)::float8 AS "lag_seconds!",
                  (SELECT count(*) FROM workers WHERE seen_at > now() - interval '15 seconds') AS "workers!"
           FROM jobs WHERE state IN ('queued', 'running')"#
    )
    .fetch_one(connection)
    .await?)
}
