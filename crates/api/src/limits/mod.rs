//! Limits per tenant and per login: counted in this process always, and in Redis too where several processes
//! share an installation. A Redis that is down or slow never opens a limit: the count of this process still holds.

mod failed_logins;
mod in_flight;
mod network;
mod shared;
mod tries;

pub use failed_logins::FailedLogins;
pub use in_flight::{InFlight, Kind, Permit};
pub use network::network_of;
pub use shared::Shared;
pub use tries::{Tries, WHAT_IF_POLICY};

use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};

use crate::problem::Problem;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The limit on predictions of one tenant that wait.
pub const QUEUED_POLICY: &str = "queued-predictions";

/// A limit was reached.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The limit's name in the `RateLimit` headers.
    pub policy: &'static str,
    /// How much it allows.
    pub quota: u32,
    /// In what time; none for a limit on what is in flight.
    pub window: Option<Duration>,
    /// When to try again.
    pub retry_after: Duration,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let seconds = refused.retry_after.as_secs().max(1);
        let (code, detail) = match (refused.window, refused.policy) {
            (Some(_), WHAT_IF_POLICY) => (
                "too_many_tries",
                "So many customers were tried that no more are taken for now. Try again later.",
            ),
            (Some(_), _) => ("too_many_failed_logins", "Too many failed logins. Try again later."),
            (None, QUEUED_POLICY) => (
                "too_many_queued",
                "So many predictions of yours are waiting that no more are taken. Nothing was charged; wait for one to end.",
            ),
            (None, _) => ("too_many_requests", "Too many requests are in flight. Wait for one to end."),
        };
        let window = refused.window.map(|window| format!(";w={}", window.as_secs())).unwrap_or_default();
        let policy = format!("\"{}\";q={}{window}", refused.policy, refused.quota);
        let state = format!("\"{}\";r=0;t={seconds}", refused.policy);
        let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
            .header(RETRY_AFTER, HeaderValue::from(seconds));
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
            // A policy's name is a word of ours and the rest are numbers, so that the value is always valid.
            if let Ok(value) = HeaderValue::from_str(&value) {
                problem = problem.header(name, value);
            }
        }
        problem
    }
}
