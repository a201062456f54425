//! The worker's side: what to send, and what came of it. Every step is fenced by the claim's attempt.

use super::announcing::is_told_while_disabled;
use super::deliveries::db::{Ended, Tried};
use super::endpoints::SECRET_PURPOSE;
use super::secret::Secret;
use super::{Attempt, DisabledReason, EventType, db, deliveries};
use crate::audit_log;
use crate::jobs::{self, Claim};
use crate::{Error, Platform, TenantId, WebhookDeliveryId, WebhookId};
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

/// 410 Gone: the receiver wants nothing more, ever.
const GONE: u16 = 410;

/// By how much a delay is made longer or shorter at random, so that what failed together does not come
/// again together.
const JITTER_SHARE: f64 = 0.2;

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Work {
    /// The delivery.
    pub delivery: WebhookDeliveryId,
    /// The event's id, the same in every attempt and every replay.
    pub event: Uuid,
    /// Where to.
    pub url: String,
    /// The body.
    pub body: String,
    /// What signs it: one secret, or two while one is being changed for the other.
    pub secrets: Vec<Secret>,
}

/// What came of one attempt.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: u32,
    /// The status of the reply, where there was one.
    pub status: Option<u16>,
    /// A stable word for why there was no reply, or none to the end: `timed_out`, `address_refused`, ...
    pub error: Option<&'static str>,
    /// The beginning of the reply, as text.
    pub reply: String,
}

/// What becomes of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The receiver has it.
    Delivered,
    /// It failed for good.
    Failed,
    /// It is tried again later.
    Postponed,
    /// Somebody else has the delivery, or it is gone.
    Lost,
}

impl Attempted {
    fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    fn log(&self) -> Attempt {
        Attempt {
            at: self.at,
            duration_ms: self.duration_ms,
            status: self.status,
            error: self.error.map(str::to_owned),
        }
    }
}

/// What the claimed delivery is to send; none where there is nothing to be sent, and the job has ended.
///
/// # Errors
/// [`Error::Configuration`] where the endpoint's secret does not open.
pub async fn work(platform: &Platform, claim: &Claim) -> Result<Option<Work>, Error> {
    let mut transaction = platform.system.begin().await?;
    let due = deliveries::db::select_due(&mut transaction, WebhookDeliveryId(claim.subject)).await?;
    let Some(due) = due else {
        // Endpoint and delivery were deleted meanwhile.
        jobs::db::finish(&mut transaction, claim, false).await?;
        transaction.commit().await?;
        return Ok(None);
    };
    if due.is_disabled && !is_told_while_disabled(&due.kind) {
        fail(&mut transaction, claim, "webhook_disabled").await?;
        transaction.commit().await?;
        return Ok(None);
    }
    drop(transaction);
    let sealed = [Some(due.secret), due.previous_secret];
    let mut secrets = Vec::new();
    for sealed in sealed.into_iter().flatten() {
        let opened = platform.encryption.open(SECRET_PURPOSE, due.endpoint.0, &sealed)?;
        let secret = Secret::of_bytes(&opened);
        secrets.push(secret.ok_or_else(|| Error::Internal("a webhook's secret has 32 bytes".to_owned()))?);
    }
    let delivery = WebhookDeliveryId(claim.subject);
    Ok(Some(Work { delivery, event: due.event, url: due.url, body: due.payload, secrets }))
}

/// Keeps what came of an attempt, and has the delivery tried again where that may help. Trying again after
/// an unknown commit is safe.
pub async fn settle(platform: &Platform, claim: &Claim, attempted: &Attempted) -> Result<Settled, Error> {
    let mut transaction = platform.system.begin().await?;
    let settled = settle_in(platform, &mut transaction, claim, attempted).await?;
    transaction.commit().await?;
    let outcome = match settled {
        Settled::Delivered => "delivered",
        Settled::Failed => "failed",
        Settled::Postponed => "postponed",
        Settled::Lost => "lost",
    };
    metrics::counter!("augur_webhook_attempts_total", "outcome" => outcome).increment(1);
    Ok(settled)
}

async fn settle_in(
    platform: &Platform,
    connection: &mut PgConnection,
    claim: &Claim,
    attempted: &Attempted,
) -> Result<Settled, Error> {
    let id = WebhookDeliveryId(claim.subject);
    let Some(tried) = deliveries::db::lock(connection, id).await? else { return Ok(Settled::Lost) };
    let plan = plan(&platform.webhooks.retry_delays, &tried, attempted);
    let is_mine = match plan {
        Plan::Finish { succeeded } => jobs::db::finish(connection, claim, succeeded).await?,
        Plan::TryAgain { delay } => {
            let delay_ms = u32::try_from(delay.num_milliseconds()).unwrap_or(u32::MAX);
            jobs::db::give_back(connection, claim, delay_ms, 0).await?.is_some()
        }
    };
    if !is_mine {
        return Ok(Settled::Lost);
    }
    let ended = match plan {
        Plan::Finish { succeeded: true } => Ended::Succeeded,
        Plan::Finish { succeeded: false } => Ended::Failed,
        Plan::TryAgain { delay } => Ended::Not { delay },
    };
    deliveries::db::keep_attempt(connection, id, &attempted.log(), &attempted.reply, ended).await?;
    judge(connection, claim.tenant, &tried, attempted, plan).await?;
    Ok(match ended {
        Ended::Succeeded => Settled::Delivered,
        Ended::Failed => Settled::Failed,
        Ended::Not { .. } => Settled::Postponed,
    })
}

/// What follows from an attempt for its delivery.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plan {
    Finish { succeeded: bool },
    TryAgain { delay: TimeDelta },
}

fn plan(delays: &[TimeDelta], tried: &Tried, attempted: &Attempted) -> Plan {
    if attempted.is_taken() {
        return Plan::Finish { succeeded: true };
    }
    let is_last = attempted.status == Some(GONE) || is_told_while_disabled(&tried.kind);
    match delays.get(tried.attempts) {
        Some(delay) if !is_last => Plan::TryAgain { delay: jittered(*delay) },
        _ => Plan::Finish { succeeded: false },
    }
}

fn jittered(delay: TimeDelta) -> TimeDelta {
    let factor = rand::rng().random_range(1.0 - JITTER_SHARE..=1.0 + JITTER_SHARE);
    TimeDelta::milliseconds((delay.num_milliseconds() as f64 * factor) as i64)
}

/// What follows from an attempt for its endpoint. A test judges nobody.
async fn judge(
    connection: &mut PgConnection,
    tenant: TenantId,
    tried: &Tried,
    attempted: &Attempted,
    plan: Plan,
) -> Result<(), Error> {
    if tried.kind == EventType::Test.as_str() && !attempted.is_taken() {
        return Ok(());
    }
    db::note_attempt(connection, tried.endpoint, attempted.is_taken()).await?;
    let disabled = match plan {
        _ if attempted.status == Some(GONE) => {
            let reason = DisabledReason::Gone;
            db::disable(connection, tried.endpoint, reason, None).await?.then_some(reason)
        }
        // Where nothing was taken since this delivery was tried first, nothing has been for days.
        Plan::Finish { succeeded: false } => {
            let (reason, since) = (DisabledReason::Failing, tried.first_attempt_at.unwrap_or(Utc::now()));
            db::disable(connection, tried.endpoint, reason, Some(since)).await?.then_some(reason)
        }
        _ => None,
    };
    match disabled {
        Some(reason) => tell_of_disabling(connection, tenant, tried.endpoint, reason).await,
        None => Ok(()),
    }
}

async fn tell_of_disabling(
    connection: &mut PgConnection,
    tenant: TenantId,
    endpoint: WebhookId,
    reason: DisabledReason,
) -> Result<(), Error> {
    let event = audit_log::Event {
        action: "webhook.disabled",
        tenant: Some(tenant),
        subject: Some(endpoint.0),
        detail: json!({ "reason": reason.as_str() }),
        ..audit_log::Event::default()
    };
    audit_log::write(connection, event).await
}

/// Fails a job's delivery without an attempt. Does nothing where the job has ended before.
pub(crate) async fn fail(
    connection: &mut PgConnection,
    claim: &Claim,
    error: &'static str,
) -> Result<(), Error> {
    if !jobs::db::finish(connection, claim, false).await? {
        return Ok(());
    }
    deliveries::db::fail(connection, WebhookDeliveryId(claim.subject), error).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(attempts: usize, kind: EventType) -> Tried {
        Tried {
            endpoint: WebhookId(Uuid::nil()),
            kind: kind.as_str().to_owned(),
            attempts,
            first_attempt_at: None,
        }
    }

    fn attempted(status: Option<u16>) -> Attempted {
        Attempted { at: Utc::now(), duration_ms: 1, status, error: None, reply: String::new() }
    }

    #[test]
    fn what_is_not_taken_is_tried_again_until_the_delays_are_used_up() {
        let delays = [5, 20].map(TimeDelta::seconds);
        let kind = EventType::PredictionSucceeded;
        for status in [200, 204, 299] {
            let planned = plan(&delays, &tried(0, kind), &attempted(Some(status)));
            assert_eq!(planned, Plan::Finish { succeeded: true });
        }
        for status in [None, Some(301), Some(400), Some(500), Some(199)] {
            let Plan::TryAgain { delay } = plan(&delays, &tried(1, kind), &attempted(status)) else {
                panic!("{status:?} is tried again")
            };
            assert!((16_000..=24_000).contains(&delay.num_milliseconds()), "{delay}");
            let last = plan(&delays, &tried(2, kind), &attempted(status));
            assert_eq!(last, Plan::Finish { succeeded: false });
        }
    }

    #[test]
    fn who_is_gone_and_who_is_tested_is_asked_once() {
        let delays = [TimeDelta::seconds(5)];
        let failed = Plan::Finish { succeeded: false };
        let gone = plan(&delays, &tried(0, EventType::BalanceLow), &attempted(Some(GONE)));
        assert_eq!(gone, failed);
        assert_eq!(plan(&delays, &tried(0, EventType::Test), &attempted(Some(500))), failed);
    }
}
