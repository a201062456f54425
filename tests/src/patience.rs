//! Waiting for something to become true: often looked at, never longer than a bound.

use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(20);

/// Waits until `look` finds something, and returns it. Panics with `what` after `limit`.
#[track_caller]
pub fn eventually<T, Looking>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Looking,
) -> impl Future<Output = T>
where
    Looking: Future<Output = Option<T>>,
{
    let caller = std::panic::Location::caller();
    async move {
        let started = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(started.elapsed() < limit, "{what}: not within {limit:?} (waited for at {caller})");
            tokio::time::sleep(INTERVAL).await;
        }
    }
}
