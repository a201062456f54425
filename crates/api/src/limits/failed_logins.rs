//! Failed logins, counted for an e-mail address and a network together: guessing from one place is stopped, and
//! an attacker elsewhere cannot lock the owner out.
//!
//! A login is counted before its password is looked at and taken back when it succeeds, so that parallel guesses
//! cannot slip past the count.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::{Refused, Shared, network_of};
use crate::config::Limits;

/// Windows remembered at most; beyond, those that have ended are forgotten.
const WINDOWS_MAX: usize = 100_000;

/// Counts failed logins.
pub struct FailedLogins {
    maximum: u32,
    window: Duration,
    windows: Mutex<HashMap<[u8; 32], Window>>,
    shared: Option<Arc<Shared>>,
}

/// A login whose outcome is not known yet and which counts as failed until then.
pub struct Attempt {
    failed_logins: Arc<FailedLogins>,
    key: [u8; 32],
    is_shared: bool,
}

/// A login that is not tried, because too many have failed.
pub struct RefusedLogin {
    /// The limit that was reached.
    pub refused: Refused,
    /// Whether it is the first one refused in its window, so that the event is told once.
    pub is_first: bool,
}

struct Window {
    failures: u32,
    ends_at: Instant,
    /// Whether it was told that the limit was reached.
    is_told: bool,
}

impl Window {
    fn of(lasting: Duration) -> Window {
        Window { failures: 0, ends_at: Instant::now() + lasting, is_told: false }
    }
}

impl FailedLogins {
    /// Counts in this process, and in Redis where it is shared.
    pub fn new(limits: &Limits, shared: Option<Arc<Shared>>) -> Arc<FailedLogins> {
        Arc::new(FailedLogins {
            maximum: limits.failed_logins_max,
            window: limits.failed_login_window,
            windows: Mutex::default(),
            shared,
        })
    }

    /// Counts a login that is about to be tried, or refuses it.
    pub async fn begin(self: &Arc<Self>, email: &str, address: IpAddr) -> Result<Attempt, RefusedLogin> {
        let key = key_of(email, address);
        self.count(key).map_err(|wait| self.refusal(key, wait))?;
        let mut attempt = Attempt { failed_logins: Arc::clone(self), key, is_shared: false };
        let Some(shared) = &self.shared else { return Ok(attempt) };
        match shared.count(&shared_name(&key), self.maximum, self.window).await {
            Some(Err(wait)) => {
                // Refused without looking at the password, so this is no failure of its own.
                self.uncount(&key);
                Err(self.refusal(key, wait))
            }
            answer => {
                attempt.is_shared = answer.is_some();
                Ok(attempt)
            }
        }
    }

    /// Counts one more, or tells how long to wait.
    fn count(&self, key: [u8; 32]) -> Result<(), Duration> {
        let now = Instant::now();
        let mut windows = self.windows();
        if windows.len() >= WINDOWS_MAX {
            windows.retain(|_, window| window.ends_at > now);
        }
        let window = windows.entry(key).or_insert_with(|| Window::of(self.window));
        if window.ends_at <= now {
            *window = Window::of(self.window);
        }
        if window.failures >= self.maximum {
            return Err(window.ends_at - now);
        }
        window.failures += 1;
        Ok(())
    }

    fn uncount(&self, key: &[u8; 32]) {
        let mut windows = self.windows();
        let Some(window) = windows.get_mut(key) else { return };
        window.failures = window.failures.saturating_sub(1);
        if window.failures == 0 && !window.is_told {
            windows.remove(key);
        }
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<[u8; 32], Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusal(&self, key: [u8; 32], wait: Duration) -> RefusedLogin {
        let mut windows = self.windows();
        let window = windows.entry(key).or_insert_with(|| Window::of(self.window));
        let is_first = !std::mem::replace(&mut window.is_told, true);
        let refused = Refused {
            policy: "failed-logins",
            quota: self.maximum,
            window: Some(self.window),
            retry_after: wait,
        };
        RefusedLogin { refused, is_first }
    }
}

impl Attempt {
    /// The login was not a failure: it succeeded, or its password was never looked at.
    pub async fn take_back(self) {
        self.failed_logins.uncount(&self.key);
        if let (true, Some(shared)) = (self.is_shared, &self.failed_logins.shared) {
            shared.uncount(&shared_name(&self.key)).await;
        }
    }
}

/// A hash, so that neither memory nor Redis lists who tried to sign in.
fn key_of(email: &str, address: IpAddr) -> [u8; 32] {
    let email = email.trim().to_lowercase();
    let network = network_of(address);
    Sha256::new().chain_update(network).chain_update([0]).chain_update(email).finalize().into()
}

fn shared_name(key: &[u8; 32]) -> String {
    format!("augur:failed-logins:{}", hex::encode(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: &str = "ann@example.org";

    fn failed_logins() -> Arc<FailedLogins> {
        FailedLogins::new(&Limits::default(), None)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn the_eleventh_failure_from_one_network_is_refused_however_the_address_is_typed() {
        let failed_logins = failed_logins();
        for host in 1..=10 {
            let from = address(&format!("203.0.113.{host}"));
            failed_logins.begin(EMAIL, from).await.ok().unwrap();
        }
        let refused = failed_logins.begin(" ANN@example.org", address("203.0.113.77")).await.err().unwrap();
        assert!(refused.refused.retry_after > Duration::from_secs(14 * 60));
        assert!(refused.is_first);
        let again = failed_logins.begin(EMAIL, address("203.0.113.77")).await.err().unwrap();
        assert!(!again.is_first);
        failed_logins.begin(EMAIL, address("198.51.100.1")).await.ok().unwrap();
        failed_logins.begin("bob@example.org", address("203.0.113.1")).await.ok().unwrap();
    }

    #[tokio::test]
    async fn successes_do_not_count() {
        let failed_logins = failed_logins();
        for _ in 0..50 {
            let attempt = failed_logins.begin(EMAIL, address("203.0.113.1")).await.ok().unwrap();
            attempt.take_back().await;
        }
        assert!(failed_logins.windows().is_empty());
    }
}
