//! What costs nothing and may be tried so often only: counted for a tenant in windows of time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Refused, Shared};

/// The limit on customers that are tried in a what-if.
pub const WHAT_IF_POLICY: &str = "what-if";
/// A person who moves levers by hand stays below it, and whoever wants to score a file by it does not get far.
const TRIES_MAX: u32 = 300;
const WINDOW: Duration = Duration::from_secs(60 * 60);
/// Windows remembered at most; beyond, those that have ended are forgotten.
const WINDOWS_MAX: usize = 100_000;

/// Counts tries of each tenant, in this process and in Redis where it is shared.
pub struct Tries {
    windows: Mutex<HashMap<Uuid, Window>>,
    shared: Option<Arc<Shared>>,
}

struct Window {
    tries: u32,
    ends_at: Instant,
}

impl Tries {
    /// Nobody has tried anything.
    pub fn new(shared: Option<Arc<Shared>>) -> Tries {
        Tries { windows: Mutex::default(), shared }
    }

    /// Counts one more, or tells when to come back.
    pub async fn count(&self, tenant: Uuid) -> Result<(), Refused> {
        self.count_here(tenant, Instant::now()).map_err(refused)?;
        let Some(shared) = &self.shared else { return Ok(()) };
        let name = format!("augur:what-if:{tenant}");
        match shared.count(&name, TRIES_MAX, WINDOW).await {
            Some(Err(wait)) => Err(refused(wait)),
            _ => Ok(()),
        }
    }

    fn count_here(&self, tenant: Uuid, now: Instant) -> Result<(), Duration> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= WINDOWS_MAX {
            windows.retain(|_, window| window.ends_at > now);
        }
        let window = windows.entry(tenant).or_insert(Window { tries: 0, ends_at: now + WINDOW });
        if window.ends_at <= now {
            *window = Window { tries: 0, ends_at: now + WINDOW };
        }
        if window.tries >= TRIES_MAX {
            return Err(window.ends_at - now);
        }
        window.tries += 1;
        Ok(())
    }
}

fn refused(retry_after: Duration) -> Refused {
    Refused { policy: WHAT_IF_POLICY, quota: TRIES_MAX, window: Some(WINDOW), retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_full_for_its_tenant_until_it_ends() {
        let (tries, now) = (Tries::new(None), Instant::now());
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        for _ in 0..TRIES_MAX {
            tries.count_here(one, now).unwrap();
        }
        assert_eq!(tries.count_here(one, now).unwrap_err(), WINDOW);
        tries.count_here(other, now).unwrap();
        tries.count_here(one, now + WINDOW).unwrap();
    }
}
