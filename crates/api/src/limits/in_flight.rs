//! How many requests of one tenant are in flight at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::{Refused, Shared};
use crate::config::Limits;

/// What a request counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any request but an event stream.
    Request,
    /// An upload, which is a request too.
    Upload,
    /// An event stream, which is long and idle and therefore counted apart.
    EventStream,
}

/// Counts what is in flight.
pub struct InFlight {
    maxima: [(Kind, u32); 3],
    counts: Mutex<HashMap<(Uuid, Kind), u32>>,
    shared: Option<Arc<Shared>>,
}

/// A place among the requests in flight, given back when dropped.
pub struct Permit {
    in_flight: Arc<InFlight>,
    tenant: Uuid,
    kinds: &'static [Kind],
    /// The lease's name in Redis, where there is one.
    lease: Option<String>,
}

impl InFlight {
    /// Counts in this process, and in Redis where it is shared.
    pub fn new(limits: &Limits, shared: Option<Arc<Shared>>) -> Arc<InFlight> {
        let maxima = [
            (Kind::Request, limits.requests_in_flight_max),
            (Kind::Upload, limits.uploads_in_flight_max),
            (Kind::EventStream, limits.event_streams_max),
        ];
        Arc::new(InFlight { maxima, counts: Mutex::default(), shared })
    }

    /// Takes a place for one more request of a tenant.
    pub async fn enter(self: &Arc<Self>, tenant: Uuid, kind: Kind) -> Result<Permit, Refused> {
        let kinds: &'static [Kind] = match kind {
            Kind::Request => &[Kind::Request],
            Kind::Upload => &[Kind::Request, Kind::Upload],
            Kind::EventStream => &[Kind::EventStream],
        };
        self.count(tenant, kinds)?;
        let mut permit = Permit { in_flight: Arc::clone(self), tenant, kinds, lease: None };
        let Some(shared) = &self.shared else { return Ok(permit) };
        let lease = Uuid::now_v7().to_string();
        let sets: Vec<_> = kinds.iter().map(|kind| (set_name(tenant, *kind), self.maximum(*kind))).collect();
        // Where this request is abandoned while it waits, a lease already taken runs out by itself.
        match shared.acquire(&lease, &sets).await {
            Some(Ok(())) => permit.lease = Some(lease),
            Some(Err(full)) => return Err(self.refusal(kinds.get(full).copied().unwrap_or(kind))),
            None => {}
        }
        Ok(permit)
    }

    fn count(&self, tenant: Uuid, kinds: &[Kind]) -> Result<(), Refused> {
        let mut counts = self.counts();
        for kind in kinds {
            if counts.get(&(tenant, *kind)).copied().unwrap_or(0) >= self.maximum(*kind) {
                return Err(self.refusal(*kind));
            }
        }
        for kind in kinds {
            *counts.entry((tenant, *kind)).or_default() += 1;
        }
        Ok(())
    }

    fn uncount(&self, tenant: Uuid, kinds: &[Kind]) {
        let mut counts = self.counts();
        for kind in kinds {
            let Some(count) = counts.get_mut(&(tenant, *kind)) else { continue };
            *count -= 1;
            if *count == 0 {
                counts.remove(&(tenant, *kind));
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<(Uuid, Kind), u32>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn maximum(&self, wanted: Kind) -> u32 {
        self.maxima.iter().find(|(kind, _)| *kind == wanted).map_or(0, |(_, maximum)| *maximum)
    }

    fn refusal(&self, kind: Kind) -> Refused {
        let quota = self.maximum(kind);
        Refused { policy: name(kind), quota, window: None, retry_after: Duration::from_secs(1) }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.in_flight.uncount(self.tenant, self.kinds);
        let (Some(lease), Some(shared)) = (self.lease.take(), self.in_flight.shared.clone()) else { return };
        // Outside a runtime the process is ending, and the lease runs out by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { shared.release(&lease).await });
        }
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Request => "requests",
        Kind::Upload => "uploads",
        Kind::EventStream => "event-streams",
    }
}

/// The tenant in braces keeps a tenant's sets in one slot of a Redis cluster, which the script needs.
fn set_name(tenant: Uuid, kind: Kind) -> String {
    format!("augur:in-flight:{{{tenant}}}:{}", name(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_flight() -> Arc<InFlight> {
        let limits = Limits {
            requests_in_flight_max: 3,
            uploads_in_flight_max: 2,
            event_streams_max: 1,
            ..Limits::default()
        };
        InFlight::new(&limits, None)
    }

    #[tokio::test]
    async fn a_place_is_free_again_once_its_request_has_ended() {
        let in_flight = in_flight();
        let tenant = Uuid::now_v7();
        let mut permits = Vec::new();
        for _ in 0..3 {
            permits.push(in_flight.enter(tenant, Kind::Request).await.unwrap());
        }
        assert_eq!(in_flight.enter(tenant, Kind::Request).await.err().unwrap().quota, 3);
        permits.pop();
        in_flight.enter(tenant, Kind::Request).await.unwrap();
        drop(permits);
        assert!(in_flight.counts().is_empty());
    }

    #[tokio::test]
    async fn uploads_are_requests_too_and_a_refused_one_counts_as_neither() {
        let in_flight = in_flight();
        let tenant = Uuid::now_v7();
        let _first = in_flight.enter(tenant, Kind::Upload).await.unwrap();
        let _second = in_flight.enter(tenant, Kind::Upload).await.unwrap();
        assert_eq!(in_flight.enter(tenant, Kind::Upload).await.err().unwrap().policy, "uploads");
        let _third = in_flight.enter(tenant, Kind::Request).await.unwrap();
        assert_eq!(in_flight.enter(tenant, Kind::Upload).await.err().unwrap().policy, "requests");
    }

    #[tokio::test]
    async fn event_streams_and_other_tenants_are_counted_apart() {
        let in_flight = in_flight();
        let tenant = Uuid::now_v7();
        let _stream = in_flight.enter(tenant, Kind::EventStream).await.unwrap();
        assert!(in_flight.enter(tenant, Kind::EventStream).await.is_err());
        let _request = in_flight.enter(tenant, Kind::Request).await.unwrap();
        let _other = in_flight.enter(Uuid::now_v7(), Kind::EventStream).await.unwrap();
    }
}
