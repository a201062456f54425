//! Counts in Redis, shared by all processes of an installation.
//!
//! A call that fails or takes longer than 50 ms has no answer, and then each process counts for itself.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use platform::results::Cache;
use redis::Script;
use redis::aio::ConnectionManager;
use tokio_util::sync::CancellationToken;

/// A lease outlives a killed process by this much; it is renewed three times within.
const LEASE: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// How often it is tried again to give back what Redis has not heard of.
const RELEASE_EVERY: Duration = Duration::from_secs(1);
/// Leases to give back that are remembered; any more run out by themselves.
const RELEASES_MAX: usize = 10_000;

/// Takes one place in each set, or in none. Answers 0, or the number of the first set that is full.
static ACQUIRE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZCARD', key) >= tonumber(ARGV[2 + i]) then return i end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', key, 2 * ARGV[2])
end
return 0",
    )
});

/// Prolongs a lease that is still there, or takes it again after a FLUSHALL.
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', key, 2 * ARGV[2])
end
return 0",
    )
});

static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new("for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end return 0")
});

/// Counts one more within a window. Answers -1, or the milliseconds to wait where the count is full.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if count <= tonumber(ARGV[1]) then return -1 end
redis.call('DECR', KEYS[1])
return math.max(redis.call('PTTL', KEYS[1]), 0)",
    )
});

static UNCOUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
return 0",
    )
});

/// Counts in Redis. Every method answers `None` where Redis cannot be asked.
pub struct Shared {
    cache: Cache,
    leases: Mutex<Leases>,
}

/// Leases by their names, with the sets that they are in.
#[derive(Default)]
struct Leases {
    /// Those of requests in flight.
    held: HashMap<String, Vec<String>>,
    /// Those of requests that have ended, which Redis may still count.
    ended: HashMap<String, Vec<String>>,
}

impl Shared {
    /// Counts in the Redis of this installation, if there is one.
    pub fn new(cache: &Cache, stop: CancellationToken) -> Option<Arc<Shared>> {
        if !cache.is_configured() {
            return None;
        }
        let shared = Arc::new(Shared { cache: cache.clone(), leases: Mutex::default() });
        tokio::spawn(keep_leases(Arc::clone(&shared), stop));
        Some(shared)
    }

    /// Takes a place in each of `sets` (with what each holds at most), or tells which of them is full.
    pub async fn acquire(&self, member: &str, sets: &[(String, u32)]) -> Option<Result<(), usize>> {
        let keys: Vec<String> = sets.iter().map(|(key, _)| key.clone()).collect();
        let mut arguments = vec![member.to_owned(), milliseconds(LEASE)];
        arguments.extend(sets.iter().map(|(_, maximum)| maximum.to_string()));
        let Some(answer) = self.run(&ACQUIRE, keys.clone(), arguments).await else {
            // It may have been taken without our hearing of it.
            self.leases().end(member.to_owned(), keys);
            return None;
        };
        match usize::try_from(answer).unwrap_or(0) {
            0 => {
                self.leases().held.insert(member.to_owned(), keys);
                Some(Ok(()))
            }
            number => Some(Err(number - 1)),
        }
    }

    /// Gives a lease back, at once or as soon as Redis can hear of it.
    pub async fn release(&self, member: &str) {
        let Some(keys) = self.leases().held.remove(member) else { return };
        if self.run(&RELEASE, keys.clone(), vec![member.to_owned()]).await.is_none() {
            self.leases().end(member.to_owned(), keys);
        }
    }

    /// Counts one more under `key`; the refusal says how long to wait.
    pub async fn count(&self, key: &str, maximum: u32, window: Duration) -> Option<Result<(), Duration>> {
        let arguments = vec![maximum.to_string(), milliseconds(window)];
        let answer = self.run(&COUNT, vec![key.to_owned()], arguments).await?;
        Some(u64::try_from(answer).map_or(Ok(()), |wait_ms| Err(Duration::from_millis(wait_ms))))
    }

    /// Takes a count back.
    pub async fn uncount(&self, key: &str) {
        self.run(&UNCOUNT, vec![key.to_owned()], Vec::new()).await;
    }

    async fn renew_held(&self) {
        let held = self.leases().held.clone();
        for (member, keys) in held {
            let arguments = vec![member.clone(), milliseconds(LEASE)];
            if self.run(&RENEW, keys.clone(), arguments).await.is_none() {
                return;
            }
            let mut leases = self.leases();
            if !leases.held.contains_key(&member) {
                // It was given back while it was being prolonged.
                leases.end(member, keys);
            }
        }
    }

    async fn release_ended(&self) {
        let ended = self.leases().ended.clone();
        for (member, keys) in ended {
            if self.run(&RELEASE, keys, vec![member.clone()]).await.is_none() {
                return;
            }
            self.leases().ended.remove(&member);
        }
    }

    async fn run(&self, script: &'static Script, keys: Vec<String>, arguments: Vec<String>) -> Option<i64> {
        let call = async move |mut redis: ConnectionManager| {
            let mut call = script.prepare_invoke();
            for key in keys {
                call.key(key);
            }
            for argument in arguments {
                call.arg(argument);
            }
            call.invoke_async(&mut redis).await
        };
        self.cache.call(call).await
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leases {
    fn end(&mut self, member: String, keys: Vec<String>) {
        if self.ended.len() < RELEASES_MAX {
            self.ended.insert(member, keys);
        }
    }
}

async fn keep_leases(shared: Arc<Shared>, stop: CancellationToken) {
    let mut renewals = tokio::time::interval(RENEW_EVERY);
    let mut releases = tokio::time::interval(RELEASE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = renewals.tick() => shared.renew_held().await,
            _ = releases.tick() => shared.release_ended().await,
        }
    }
}

fn milliseconds(duration: Duration) -> String {
    duration.as_millis().to_string()
}
