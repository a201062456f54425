//! Keeps the lease of a running job and tells how far it is. Losing the lease stops the scoring;
//! not reaching the database does not, because then nobody else can claim the job either.

use std::sync::Arc;
use std::time::Duration;

use platform::jobs::{self, Claim, JobKind};
use platform::{Platform, PredictionId};
use tokio::time::{Instant, sleep, timeout};

use crate::attempt::Attempt;

/// How often the rows done are looked at, and told to Redis where they have changed.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// How often the rows done are written to PostgreSQL where Redis does not take them.
const PROGRESS_INTERVAL_WITHOUT_REDIS: Duration = Duration::from_secs(1);
/// A third of the lease, so that two renewals may fail.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(3);
/// After a failed renewal: the sweeper must not find the lease expired when the database is back.
const RENEWAL_RETRY: Duration = Duration::from_millis(500);
/// How long one renewal may take.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(3);

/// Renews the lease until it is lost; ended by its caller when the attempt is over.
pub(crate) async fn keep(platform: Platform, claim: Claim, attempt: Arc<Attempt>) {
    let mut lease =
        Lease { platform, claim, attempt, told_rows: 0, renewed_at: Instant::now(), failing: false };
    loop {
        sleep(PROGRESS_INTERVAL).await;
        if !lease.tick().await {
            return;
        }
    }
}

struct Lease {
    platform: Platform,
    claim: Claim,
    attempt: Arc<Attempt>,
    /// The rows done that Redis or PostgreSQL knows of.
    told_rows: u64,
    renewed_at: Instant,
    /// Whether the last renewal did not reach the database.
    failing: bool,
}

impl Lease {
    /// False where the lease is lost.
    async fn tick(&mut self) -> bool {
        let rows_done = self.attempt.rows_done();
        if rows_done != self.told_rows && self.claim.kind == JobKind::Prediction {
            let prediction = PredictionId(self.claim.subject);
            if self.platform.cache.put_progress(prediction, rows_done).await {
                self.told_rows = rows_done;
            }
        }
        let interval = if self.failing {
            RENEWAL_RETRY
        } else if rows_done != self.told_rows {
            PROGRESS_INTERVAL_WITHOUT_REDIS
        } else {
            RENEWAL_INTERVAL
        };
        if self.renewed_at.elapsed() < interval {
            return true;
        }
        self.renew(rows_done).await
    }

    async fn renew(&mut self, rows_done: u64) -> bool {
        let renewal = timeout(RENEWAL_TIMEOUT, jobs::renew(&self.platform, &self.claim, rows_done)).await;
        self.renewed_at = Instant::now();
        match renewal {
            Ok(Ok(true)) => {
                self.told_rows = rows_done;
                self.failing = false;
                true
            }
            Ok(Ok(false)) => {
                self.attempt.lose();
                false
            }
            Ok(Err(error)) => {
                self.warn_once(&error.to_string());
                true
            }
            Err(_) => {
                self.warn_once("no answer in time");
                true
            }
        }
    }

    fn warn_once(&mut self, error: &str) {
        if !self.failing {
            tracing::warn!(error, "The lease was not renewed; trying again until the database answers");
        }
        self.failing = true;
    }
}
