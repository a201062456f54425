//! What Redis holds: small results for a while, and progress. It may be emptied or hang at any
//! moment: calls end after 50 ms, and after a failure nobody asks for a second.

use crate::{Error, PredictionId};
use bytes::Bytes;
use redis::{
    AsyncCommands, RedisResult, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Results above this size are read from the object store alone.
pub const CACHED_RESULT_BYTES_MAX: usize = 1 << 20;

const CALL_TIMEOUT: Duration = Duration::from_millis(50);
const OPEN_MS: u64 = 1_000;
const RESULT_TTL_SECONDS: u64 = 3_600;
const PROGRESS_TTL_SECONDS: u64 = 600;
/// How long it is remembered that a prediction was erased: far longer than a worker can take from its
/// settlement to its last word here.
const ERASED_TTL_SECONDS: u64 = 86_400;

/// Keeps KEYS[1], unless KEYS[2] says that its prediction was erased.
static PUT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
         redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
         return 1",
    )
});

/// Remembers in KEYS[1] that a prediction was erased, and deletes the other keys.
static FORGET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('SET', KEYS[1], '', 'EX', ARGV[1])
         for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
         return 1",
    )
});

/// Redis behind a breaker; without Redis every call answers at once that there is nothing.
#[derive(Clone)]
pub struct Cache {
    connection: Option<ConnectionManager>,
    breaker: Arc<Breaker>,
}

/// Remembers until when Redis is left alone.
struct Breaker {
    start: Instant,
    open_until_ms: AtomicU64,
}

impl Cache {
    /// Redis at `url`, connected to when first needed, or none.
    pub fn open(url: Option<&SecretString>) -> Result<Cache, Error> {
        let breaker = Arc::new(Breaker { start: Instant::now(), open_until_ms: AtomicU64::new(0) });
        let Some(url) = url else { return Ok(Cache { connection: None, breaker }) };
        let client = redis::Client::open(url.expose_secret())
            .map_err(|error| Error::Configuration(format!("REDIS_URL: {error}")))?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(CALL_TIMEOUT))
            .set_max_delay(Duration::from_millis(500))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(client, config)
            .map_err(|error| Error::Configuration(format!("REDIS_URL: {error}")))?;
        Ok(Cache { connection: Some(connection), breaker })
    }

    /// Whether there is a Redis at all.
    pub fn is_configured(&self) -> bool {
        self.connection.is_some()
    }

    /// Runs a call against Redis, or answers none: not configured, left alone, failed or too slow.
    pub async fn call<T, Answer>(&self, run: impl FnOnce(ConnectionManager) -> Answer) -> Option<T>
    where
        Answer: Future<Output = RedisResult<T>>,
    {
        let connection = self.connection.clone()?;
        if self.breaker.is_open() {
            return None;
        }
        match tokio::time::timeout(CALL_TIMEOUT, run(connection)).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                self.breaker.open(&error.to_string());
                None
            }
            Err(_) => {
                self.breaker.open("no answer within 50 ms");
                None
            }
        }
    }

    /// Keeps a small result for an hour, unless it was erased since it was settled.
    pub async fn put_result(&self, prediction: PredictionId, attempt: i32, bytes: &[u8]) {
        if bytes.len() > CACHED_RESULT_BYTES_MAX {
            return;
        }
        self.put(prediction, result_key(prediction, attempt), bytes, RESULT_TTL_SECONDS).await;
    }

    /// A result that is still kept.
    pub async fn get_result(&self, prediction: PredictionId, attempt: i32) -> Option<Bytes> {
        let key = result_key(prediction, attempt);
        let found: Option<Vec<u8>> = self.call(|mut redis| async move { redis.get(key).await }).await?;
        found.map(Bytes::from)
    }

    /// Forgets a prediction's result and progress, and takes in nothing more of it. False where Redis
    /// did not confirm it.
    pub async fn forget(&self, prediction: PredictionId, attempt: Option<i32>) -> bool {
        if !self.is_configured() {
            return true;
        }
        let mut forget = FORGET.key(erased_key(prediction));
        forget.key(progress_key(prediction)).arg(ERASED_TTL_SECONDS);
        if let Some(attempt) = attempt {
            forget.key(result_key(prediction, attempt));
        }
        let forgotten = |mut redis| async move { forget.invoke_async::<i32>(&mut redis).await };
        self.call(forgotten).await.is_some()
    }

    /// Tells how many rows are done. False where Redis did not take it.
    pub async fn put_progress(&self, prediction: PredictionId, rows_done: u64) -> bool {
        self.put(prediction, progress_key(prediction), rows_done, PROGRESS_TTL_SECONDS).await
    }

    /// False where Redis did not answer.
    async fn put(
        &self,
        prediction: PredictionId,
        key: String,
        value: impl redis::ToRedisArgs,
        seconds: u64,
    ) -> bool {
        let mut put = PUT.key(key);
        put.key(erased_key(prediction)).arg(value).arg(seconds);
        let done = |mut redis| async move { put.invoke_async::<i32>(&mut redis).await };
        self.call(done).await.is_some()
    }

    /// How many rows are done, where Redis knows.
    pub async fn get_progress(&self, prediction: PredictionId) -> Option<u64> {
        let key = progress_key(prediction);
        self.call(|mut redis| async move { redis.get(key).await }).await?
    }

    /// Whether Redis answers, with more patience than a request has.
    pub async fn probe(&self) -> Result<(), Error> {
        let Some(mut connection) = self.connection.clone() else { return Ok(()) };
        let ping = async { redis::cmd("PING").query_async::<()>(&mut connection).await };
        match tokio::time::timeout(Duration::from_secs(2), ping).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::Unavailable { dependency: "redis", detail: error.to_string() }),
            Err(_) => Err(Error::Unavailable { dependency: "redis", detail: "no answer".to_owned() }),
        }
    }
}

impl Breaker {
    fn is_open(&self) -> bool {
        self.elapsed_ms() < self.open_until_ms.load(Ordering::Relaxed)
    }

    fn open(&self, reason: &str) {
        let now = self.elapsed_ms();
        let before = self.open_until_ms.swap(now + OPEN_MS, Ordering::Relaxed);
        metrics::counter!("augur_redis_failures_total").increment(1);
        // One line for a row of failures, not one for each.
        if before + OPEN_MS < now {
            tracing::warn!(reason, "Redis does not answer; going on without it");
        }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn result_key(prediction: PredictionId, attempt: i32) -> String {
    format!("augur:result:{prediction}:{attempt}")
}

fn erased_key(prediction: PredictionId) -> String {
    format!("augur:erased:{prediction}")
}

fn progress_key(prediction: PredictionId) -> String {
    format!("augur:progress:{prediction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Redis at TEST_REDIS_URL; without it these tests say so and pass.
    fn cache() -> Option<Cache> {
        let Ok(url) = std::env::var("TEST_REDIS_URL") else {
            eprintln!("skipped: TEST_REDIS_URL is not set");
            return None;
        };
        Some(Cache::open(Some(&SecretString::from(url))).unwrap())
    }

    #[tokio::test]
    async fn what_a_late_worker_says_of_an_erased_prediction_is_not_kept() {
        let Some(cache) = cache() else { return };
        cache.probe().await.unwrap();
        let (erased, kept) = (PredictionId::new(), PredictionId::new());
        for prediction in [erased, kept] {
            cache.put_result(prediction, 1, b"result").await;
            assert!(cache.put_progress(prediction, 7).await);
            assert_eq!(cache.get_result(prediction, 1).await.unwrap(), "result");
        }
        assert!(cache.forget(erased, Some(1)).await);
        // As a worker does that settled before the deletion and speaks after it.
        cache.put_result(erased, 1, b"result").await;
        cache.put_result(erased, 2, b"result").await;
        assert!(cache.put_progress(erased, 8).await, "Redis has taken notice");
        assert_eq!(cache.get_result(erased, 1).await, None);
        assert_eq!(cache.get_result(erased, 2).await, None);
        assert_eq!(cache.get_progress(erased).await, None);
        assert_eq!(cache.get_result(kept, 1).await.unwrap(), "result");
        assert_eq!(cache.get_progress(kept).await, Some(7));
        assert!(cache.forget(kept, None).await && cache.forget(kept, Some(1)).await);
    }
}
