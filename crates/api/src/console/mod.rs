//! The console: pages for people, over the same operations as the API. No SQL, no rule of the business, no script or
//! style inside a page.

mod assets;
mod charts;
mod cookies;
mod errors;
mod fields;
mod forgery;
mod format;
mod language;
mod movement;
mod pages;
mod seal;
mod session;
mod shell;
mod snippets;
mod statement;
mod text;
mod theme;
mod visitor;

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use crate::state::Api;
pub use errors::show_errors;
pub use format::{english_money, minor_units_of};
pub use seal::Seals;

use pages::acting::{effect, plan, risk_tiers};
use pages::{
    account, admin, api_keys, check, models, money, monitoring, orders, outcomes, predict, prediction,
    predictions, reasons, retraining, sources, train, trainings, webhooks, what_if,
};

/// The one list of pages: what is asked for, and the function that answers.
fn listed_pages() -> Vec<(&'static str, MethodRouter<Api>)> {
    vec![
        ("/", get(account::home)),
        ("/sign-in", get(account::sign_in).post(account::signed_in)),
        ("/sign-up", get(account::sign_up).post(account::signed_up)),
        ("/sign-out", post(account::signed_out)),
        ("/account", get(account::show)),
        ("/account/password", post(account::password_changed)),
        ("/account/export", get(account::export)),
        ("/account/close", post(account::closed)),
        ("/preferences", get(account::prefer)),
        ("/predict", get(predict::show)),
        ("/predict/check", post(check::check)),
        ("/predict/pay", post(predict::pay)),
        ("/sample-customers.csv", get(predict::sample_customers)),
        ("/template.csv", get(predict::template)),
        ("/predictions/{id}", get(prediction::show)),
        ("/predictions/{id}/progress", get(prediction::progress)),
        ("/predictions/{id}/riskiest", get(prediction::riskiest)),
        ("/predictions/{id}/result.csv", get(prediction::result)),
        ("/predictions/{id}/delete", post(prediction::delete)),
        ("/predictions/{id}/plans", post(plan::made)),
        ("/plans/{id}", get(plan::show)),
        ("/plans/{id}/list.csv", get(plan::list)),
        ("/plans/{id}/outcomes", post(effect::measured)),
        ("/plans/{id}/measure", post(effect::measured_by_known)),
        ("/risk-tiers", get(risk_tiers::show).post(risk_tiers::changed)),
        ("/predictions", get(predictions::list)),
        ("/models", get(models::list)),
        ("/models/{id}", get(models::show)),
        ("/models/{id}/reasons", get(reasons::show)),
        ("/what-if", get(what_if::show).post(what_if::tried_again)),
        ("/models/{id}/versions/{version_id}/promote", post(models::promoted)),
        ("/models/{id}/rollback", post(models::rolled_back)),
        ("/train", get(train::show).post(train::pay)),
        ("/labelled-customers.csv", get(train::sample)),
        ("/trainings", get(trainings::list)),
        ("/trainings/{id}", get(trainings::show)),
        ("/trainings/{id}/progress", get(trainings::progress)),
        ("/trainings/{id}/report", get(trainings::report)),
        ("/trainings/{id}/delete", post(trainings::delete)),
        ("/models/{id}/monitoring", get(monitoring::show).post(monitoring::changed)),
        ("/models/{id}/retraining", get(retraining::show).post(retraining::changed)),
        ("/models/{id}/retrain", post(retraining::asked)),
        ("/outcomes", get(outcomes::show)),
        ("/outcomes/send", post(outcomes::sent)),
        ("/outcomes/template.csv", get(outcomes::template)),
        ("/orders", get(orders::list)),
        ("/orders/{id}/cancel", post(orders::cancelled)),
        ("/money", get(money::show)),
        ("/money/statement.csv", get(money::statement)),
        ("/api-keys", get(api_keys::list).post(api_keys::made)),
        ("/api-keys/{id}/revoke", post(api_keys::revoked)),
        ("/sources", get(sources::list).post(sources::created)),
        ("/sources/new", get(sources::new)),
        ("/sources/{id}", get(sources::show)),
        ("/sources/{id}/test", post(sources::tested)),
        ("/sources/{id}/run", post(sources::ran)),
        ("/sources/{id}/schedule", post(sources::scheduled)),
        ("/sources/{id}/unschedule", post(sources::unscheduled)),
        ("/sources/{id}/delete", post(sources::deleted)),
        ("/webhooks", get(webhooks::list).post(webhooks::created)),
        ("/webhooks/new", get(webhooks::new)),
        ("/webhooks/low-balance", post(webhooks::threshold_set)),
        ("/webhooks/{id}", get(webhooks::show).post(webhooks::changed)),
        ("/webhooks/{id}/test", post(webhooks::tested)),
        ("/webhooks/{id}/switch", post(webhooks::switched)),
        ("/webhooks/{id}/rotate", post(webhooks::rotated)),
        ("/webhooks/{id}/delete", post(webhooks::deleted)),
        ("/webhook-deliveries/{id}/replay", post(webhooks::replayed)),
        ("/admin", get(admin::overview::show)),
        ("/admin/queue", get(admin::queue::fragment)),
        ("/admin/users", get(admin::users::list)),
        ("/admin/users/{id}", get(admin::users::show)),
        ("/admin/users/{id}/top-up", post(admin::users::topped_up)),
        ("/admin/users/{id}/role", post(admin::users::role_changed)),
        ("/admin/users/{id}/access", post(admin::users::access_changed)),
        ("/admin/services", get(admin::services::list).post(admin::services::created)),
        ("/admin/services/{id}", post(admin::services::changed)),
        ("/admin/training-services", get(admin::trainings::list)),
        ("/admin/training-services/{id}", post(admin::trainings::changed)),
        ("/admin/orders", get(admin::orders::list)),
        ("/admin/orders/{id}", get(admin::orders::show)),
        ("/admin/orders/{id}/refund", post(admin::orders::refunded)),
        ("/admin/predictions", get(admin::predictions::list)),
        ("/admin/ledger", get(admin::ledger::show)),
        ("/admin/audit-log", get(admin::audit_log::list)),
    ]
}

/// Pages and what they load.
pub fn router() -> Router<Api> {
    let pages =
        listed_pages().into_iter().fold(Router::new(), |router, (path, page)| router.route(path, page));
    pages.route("/assets/{hash}/{name}", get(assets::serve))
}
