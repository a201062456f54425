//! Whether the dependencies answer.

use crate::{Error, Platform};
use std::time::Duration;

/// A dependency and how it is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Its name: `database`, `object_store`, `redis`.
    pub name: &'static str,
    /// Whether nothing works without it.
    pub required: bool,
    /// What it says where it is not well.
    pub problem: Option<String>,
}

/// Asks every dependency of the platform, each for at most two seconds.
pub async fn check(platform: &Platform) -> Vec<Health> {
    let database = async {
        let mut connection = platform.system.acquire().await?;
        sqlx::Connection::ping(&mut *connection).await?;
        Ok(())
    };
    let (database, objects, redis) =
        tokio::join!(bounded(database), bounded(platform.objects.probe()), bounded(platform.cache.probe()));
    let mut found = vec![
        Health { name: "database", required: true, problem: database },
        Health { name: "object_store", required: true, problem: objects },
    ];
    if platform.cache.is_configured() {
        found.push(Health { name: "redis", required: false, problem: redis });
    }
    found
}

async fn bounded(probe: impl Future<Output = Result<(), Error>>) -> Option<String> {
    match tokio::time::timeout(Duration::from_secs(2), probe).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("no answer within two seconds".to_owned()),
    }
}
