//! Webhooks: a tenant's endpoints are told what has happened, after Standard Webhooks 1.0
//! (<https://www.standardwebhooks.com>).
//!
//! Whoever does something that is worth telling calls [`announce`] in the transaction that does it: it
//! writes one delivery and one job for each endpoint that listens. So an event is told exactly when it
//! has happened, and once; what is sent may arrive more than once, under the same id. The worker sends,
//! and [`settle`] keeps what came of it.

mod addresses;
mod announcing;
pub(crate) mod db;
mod deliver;
pub mod deliveries;
mod endpoints;
mod event;
mod housekeeping;
mod public_addresses;
mod secret;
mod settings;
mod target;

pub use addresses::is_public;
pub use announcing::announce;
pub(crate) use deliver::fail;
pub use deliver::{Attempted, Settled, Work, settle, work};
pub use deliveries::{Attempt, Delivery, DeliveryStatus};
pub use endpoints::{
    DisabledReason, Endpoint, EndpointChange, NewEndpoint, WithSecret, create, delete, get, list,
    rotate_secret, test, update,
};
pub use event::{
    BalanceLow, DriftDetected, Event, EventType, PredictionFailed, PredictionSucceeded, ResultExpiring,
    TestEvent, TrainingFailed, TrainingSucceeded, VersionPromoted,
};
pub(crate) use housekeeping::{announce_expiring, forget_old};
pub use public_addresses::PublicAddresses;
pub use secret::{Secret, signatures};
pub use settings::{Settings, change_settings, settings};
pub(crate) use settings::{announce_low_balance, watched_threshold};
pub use target::parse_target;
