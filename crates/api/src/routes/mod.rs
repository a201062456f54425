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
pub mod models;
pub mod money;
pub mod monitoring;
pub mod operation;
pub mod orders;
pub mod outcomes;
pub mod plans;
pub mod predict;
pub mod predictions;
pub mod reasons;
pub mod retraining;
pub mod risk_tiers;
pub mod services;
pub mod sources;
pub mod training_services;
pub mod trainings;
pub mod webhooks;

mod admin_shapes;
mod drift_shapes;
mod effect_shape;
mod intake_shapes;
mod model_shapes;
mod performance_shapes;
mod plan_shape;
mod prediction_shape;
mod replayed;
pub mod result_body;
mod shapes;
mod source_shapes;
mod training_shape;
mod webhook_shapes;

pub use accounts::User as UserShape;
pub use admin_shapes::AuditEntry as AuditEntryShape;
pub use api_keys::ApiKey as ApiKeyShape;
pub use drift_shapes::Drift as DriftShape;
pub use intake_shapes::Intake as IntakeShape;
pub use model_shapes::{HistoryEntry as HistoryEntryShape, ModelVersion as ModelVersionShape, VersionPath};
pub use money::Transaction as TransactionShape;
pub use monitoring::ModelMonitoring as ModelMonitoringShape;
pub use orders::Order as OrderShape;
pub use outcomes::Outcomes as OutcomesShape;
pub use performance_shapes::Performance as PerformanceShape;
pub use plan_shape::Plan as PlanShape;
pub use plans::ListQuery;
pub use prediction_shape::Prediction as PredictionShape;
pub use replayed::Replayed;
pub use retraining::{Retraining as RetrainingShape, RetrainingRun as RetrainingRunShape};
pub use risk_tiers::RiskTiers as RiskTiersShape;
pub use shapes::{IdempotencyHeader, Listed};
pub use source_shapes::Source as SourceShape;
pub use training_shape::Training as TrainingShape;
pub use webhook_shapes::{Delivery as WebhookDeliveryShape, Webhook as WebhookShape};
