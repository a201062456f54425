//! The handlers, by subject. Each takes what it needs out of the request, calls one operation of the platform and
//! maps its answer; the shapes that it reads and writes are beside it.

#![allow(unused_qualifications, reason = "`utoipa::path` expands to qualified names")]

pub mod accounts;
pub mod admin;
pub mod api_keys;
pub mod auth;
pub mod erasures;
pub mod export;
pub mod files;
pub mod money;
pub mod operation;
pub mod orders;
pub mod predict;
pub mod predictions;
pub mod services;

mod admin_shapes;
mod prediction_shape;
mod replayed;
pub mod result_body;
mod shapes;

pub use accounts::User as UserShape;
pub use admin_shapes::AuditEntry as AuditEntryShape;
pub use api_keys::ApiKey as ApiKeyShape;
pub use money::Transaction as TransactionShape;
pub use orders::Order as OrderShape;
pub use prediction_shape::Prediction as PredictionShape;
pub use replayed::Replayed;
pub use shapes::{IdempotencyHeader, Listed};
