//! The HTTP API and the console: requests in, operations of the platform called, answers out. No SQL, no rule of
//! the business.
//!
//! `router.rs` holds the one list of routes; from there path, module and function can be read off.

pub mod config;
pub mod measurement;

mod console;
mod error;
mod export;
mod extract;
mod file_names;
mod health;
mod limits;
mod login;
mod middleware;
mod openapi;
mod openapi_webhooks;
mod problem;
mod router;
mod routes;
mod server;
mod spooled_file;
mod state;
mod tenants;
mod tokens;
mod trusted_proxies;
mod watch;
mod write_timeout;

pub use config::{Config, Limits};
pub use console::english_money;
pub use health::HealthProbe;
pub use openapi::openapi;
pub use router::{listed_operations, metrics_router, router};
pub use server::serve;
pub use state::{Api, Operation};
pub use trusted_proxies::{BadProxies, TrustedProxies};
