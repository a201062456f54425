//! One attempt at an intake: the platform fetches, checks and orders; here it is stopped where it must be.

use std::sync::Arc;
use std::time::Duration;

use platform::jobs::Claim;
use platform::sources::{self, Taken};
use tokio::time::sleep;

use crate::attempt::Attempt;
use crate::job::{Ended, Jobs};

/// How often it is looked whether the lease is still held.
const LEASE_INTERVAL: Duration = Duration::from_millis(500);

/// Takes a file in, or says why not. Wherever it is stopped, nothing is paid, or what was ordered is written down.
pub(crate) async fn run(jobs: &Jobs, claim: &Claim, attempt: Arc<Attempt>) -> Ended {
    let taken = tokio::select! {
        taken = sources::take_in(&jobs.platform, claim) => taken,
        () = lost(&attempt) => return Ended::Lost,
        () = jobs.abandon.cancelled() => return Ended::Released,
    };
    match taken {
        Ok(Taken::Ordered) => Ended::Succeeded,
        Ok(Taken::Refused) => Ended::Failed,
        Ok(Taken::Lost) => Ended::Lost,
        Err(error) => error.into(),
    }
}

async fn lost(attempt: &Attempt) {
    while !attempt.is_lost() {
        sleep(LEASE_INTERVAL).await;
    }
}
