//! Settling, and trying again while the database is away: the lease is renewed meanwhile.

use std::time::Duration;

use platform::Error;
use platform::predictions::Settled;
use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::job::{Ended, Jobs};

/// How long a settlement is tried at a stop while the database is away.
const LAST_SETTLE_TIME_MAX: Duration = Duration::from_secs(5);
/// How often a settlement is tried that fails for another reason than an outage.
const SETTLE_FAULTS_MAX: u32 = 3;

/// Whether the attempt counts is the settlement's answer alone. The keeper's is not enough: after a commit whose
/// answer was lost, the lease is gone because the job has ended well.
pub(crate) async fn settle<F>(jobs: &Jobs, mut attempt: impl FnMut() -> F) -> Result<Settled, Ended>
where
    F: Future<Output = Result<Settled, Error>>,
{
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));
    let (mut tries, mut faults) = (0_u32, 0_u32);
    let mut abandoned_at = None;
    loop {
        let error = match attempt().await {
            Ok(settled) => return Ok(settled),
            Err(error) => error,
        };
        faults += u32::from(!error.is_outage());
        if faults == SETTLE_FAULTS_MAX {
            return Err(error.into());
        }
        tries += 1;
        if tries == 1 {
            tracing::warn!(%error, "The settlement failed; trying again until the database answers");
        }
        if jobs.abandon.is_cancelled() {
            let abandoned_at = abandoned_at.get_or_insert_with(Instant::now);
            if abandoned_at.elapsed() > LAST_SETTLE_TIME_MAX {
                return Err(Ended::Released);
            }
        }
        sleep(backoff.delay()).await;
    }
}
