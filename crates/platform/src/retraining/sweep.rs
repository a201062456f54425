//! The sweeper's turn at retraining: causes, runs that wait, runs whose training has ended. Any number of processes
//! may take it.

use super::causes::look;
use super::conclude::conclude_runs;
use super::start::start_runs;
use crate::{Error, Platform};
use std::time::Duration;

/// How often it is taken.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long one of its parts may last.
const TIME_MAX: Duration = Duration::from_secs(900);

/// Takes turns until it is dropped.
pub(crate) async fn sweep(platform: &Platform) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        tell("look for causes", tokio::time::timeout(TIME_MAX, look(platform)).await);
        tell("begin", tokio::time::timeout(TIME_MAX, start_runs(platform)).await);
        tell("conclude", tokio::time::timeout(TIME_MAX, conclude_runs(platform)).await);
    }
}

fn tell(part: &'static str, done: Result<Result<(), Error>, tokio::time::error::Elapsed>) {
    match done {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, part, "retraining could not go on; it will try again"),
        Err(_) => tracing::warn!(part, "retraining was not done in time; it will try again"),
    }
}
