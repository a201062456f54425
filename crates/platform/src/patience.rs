//! How long the database is waited for. A connection whose other end has vanished without a word
//! answers nothing and fails nothing: only the clock tells.

use crate::Error;
use std::time::Duration;

/// Far longer than any transaction takes, and shorter than the patience of those who wait.
const DATABASE_TIME_MAX: Duration = Duration::from_secs(10);

/// The work's result, or an outage of the database where it takes too long. What was cut off may
/// have been committed: the caller must be one that can live with an unknown outcome.
///
/// # Errors
/// Those of the work, and [`Error::Unavailable`].
pub async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(DATABASE_TIME_MAX, work).await.unwrap_or_else(|_| {
        Err(Error::Unavailable {
            dependency: "database",
            detail: format!("no answer within {} s", DATABASE_TIME_MAX.as_secs()),
        })
    })
}
