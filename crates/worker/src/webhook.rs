//! One attempt at a delivery: what is to be sent, the request, and what came of it.

use std::time::Duration;

use platform::jobs::Claim;
use platform::webhooks::{self, Attempted, Settled};
use platform::{Error, in_time};
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::job::{Ended, Jobs};
use crate::webhook_sender::not_sent;

/// How often a settlement is tried while the database is away. What is lost with it is sent again when
/// the lease has run out, under the same id.
const SETTLE_TRIES_MAX: u32 = 10;

/// Sends once, and settles.
pub(crate) async fn run(jobs: &Jobs, claim: &Claim) -> Ended {
    let attempted = match in_time(webhooks::work(&jobs.platform, claim)).await {
        Ok(None) => return Ended::Lost,
        Ok(Some(work)) => tokio::select! {
            attempted = jobs.sender.send(&work) => attempted,
            () = jobs.abandon.cancelled() => return Ended::Released,
        },
        // Whoever runs this has days to put the secret right before the delivery is given up.
        Err(Error::Configuration(detail)) => {
            tracing::error!(detail, "A webhook cannot be signed");
            not_sent("secret_unreadable")
        }
        Err(error) => return error.into(),
    };
    settle(jobs, claim, &attempted).await
}

async fn settle(jobs: &Jobs, claim: &Claim, attempted: &Attempted) -> Ended {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));
    let mut tries = 0;
    loop {
        tries += 1;
        match in_time(webhooks::settle(&jobs.platform, claim, attempted)).await {
            Ok(Settled::Delivered) => return Ended::Succeeded,
            Ok(Settled::Failed) => return Ended::Failed,
            Ok(Settled::Postponed) => return Ended::Rescheduled,
            Ok(Settled::Lost) => return Ended::Lost,
            Err(error) if error.is_outage() && tries < SETTLE_TRIES_MAX && !jobs.abandon.is_cancelled() => {
                sleep(backoff.delay()).await;
            }
            Err(error) => return error.into(),
        }
    }
}
