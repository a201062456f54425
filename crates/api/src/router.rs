//! Every route, and what is around all of them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::PathItem;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use crate::console;
use crate::middleware::{
    add_security_headers, admit, answer_in_time, drain_unread_body, observe, problem_of_panic,
};
use crate::openapi;
use crate::problem::Problem;
use crate::routes::{
    accounts, admin, api_keys, auth, erasures, export, files, models, money, monitoring, operation, orders,
    outcomes, plans, predict, predictions, reasons, retraining, risk_tiers, services, sources,
    training_services, trainings, webhooks,
};
use crate::state::Api;

const DOCUMENT_PATH: &str = "/api/openapi.json";

/// The one list of routes: what is asked for, and the function that answers.
fn listed_routes() -> Vec<(&'static str, UtoipaMethodRouter<Api>)> {
    vec![
        ("POST /api/v1/auth/register", routes!(accounts::register)),
        ("POST /api/v1/auth/token", routes!(auth::token)),
        ("POST /api/v1/auth/logout", routes!(auth::logout)),
        ("GET /api/v1/me", routes!(accounts::me)),
        ("DELETE /api/v1/me", routes!(accounts::close)),
        ("POST /api/v1/me/password", routes!(accounts::change_password)),
        ("GET /api/v1/export", routes!(export::export)),
        ("GET /api/v1/api-keys", routes!(api_keys::list)),
        ("POST /api/v1/api-keys", routes!(api_keys::create)),
        ("DELETE /api/v1/api-keys/{id}", routes!(api_keys::revoke)),
        ("GET /api/v1/balance", routes!(money::balance)),
        ("GET /api/v1/transactions", routes!(money::transactions)),
        ("GET /api/v1/services", routes!(services::list)),
        ("GET /api/v1/services/{id}", routes!(services::get)),
        ("POST /api/v1/orders", routes!(orders::place)),
        ("GET /api/v1/orders", routes!(orders::list)),
        ("GET /api/v1/orders/{id}", routes!(orders::get)),
        ("POST /api/v1/orders/{id}/cancel", routes!(orders::cancel)),
        ("POST /api/v1/files/check", routes!(files::check)),
        ("POST /api/v1/predictions", routes!(predictions::create)),
        ("GET /api/v1/predictions", routes!(predictions::list)),
        ("GET /api/v1/predictions/{id}", routes!(predictions::get)),
        ("GET /api/v1/predictions/{id}/events", routes!(predictions::events)),
        ("GET /api/v1/predictions/{id}/result", routes!(predictions::result)),
        ("DELETE /api/v1/predictions/{id}", routes!(predictions::delete)),
        ("GET /api/v1/predictions/{id}/erasure", routes!(erasures::get)),
        ("GET /api/v1/predictions/{id}/drift", routes!(monitoring::drift)),
        ("GET /api/v1/models/{id}/drift", routes!(monitoring::history)),
        ("GET /api/v1/models/{id}/monitoring", routes!(monitoring::settings)),
        ("PUT /api/v1/models/{id}/monitoring", routes!(monitoring::update_settings)),
        ("GET /api/v1/models/{id}/performance", routes!(monitoring::performance)),
        ("GET /api/v1/models/{id}/importance", routes!(reasons::importance)),
        ("POST /api/v1/outcomes", routes!(outcomes::send)),
        ("GET /api/v1/outcomes", routes!(outcomes::list)),
        ("GET /api/v1/outcomes/{id}", routes!(outcomes::get)),
        ("POST /api/v1/predict", routes!(predict::predict)),
        ("POST /api/v1/what-if", routes!(reasons::what_if)),
        ("GET /api/v1/sources", routes!(sources::list)),
        ("POST /api/v1/sources", routes!(sources::create)),
        ("GET /api/v1/sources/{id}", routes!(sources::get)),
        ("PATCH /api/v1/sources/{id}", routes!(sources::update)),
        ("DELETE /api/v1/sources/{id}", routes!(sources::delete)),
        ("POST /api/v1/sources/{id}/test", routes!(sources::test)),
        ("PUT /api/v1/sources/{id}/schedule", routes!(sources::schedule)),
        ("DELETE /api/v1/sources/{id}/schedule", routes!(sources::unschedule)),
        ("POST /api/v1/sources/{id}/intakes", routes!(sources::start)),
        ("GET /api/v1/intakes", routes!(sources::intakes)),
        ("GET /api/v1/intakes/{id}", routes!(sources::intake)),
        ("GET /api/v1/training-services", routes!(training_services::list)),
        ("POST /api/v1/trainings", routes!(trainings::create)),
        ("GET /api/v1/trainings", routes!(trainings::list)),
        ("GET /api/v1/trainings/{id}", routes!(trainings::get)),
        ("GET /api/v1/trainings/{id}/events", routes!(trainings::events)),
        ("GET /api/v1/trainings/{id}/report", routes!(trainings::report)),
        ("DELETE /api/v1/trainings/{id}", routes!(trainings::delete)),
        ("GET /api/v1/models", routes!(models::list)),
        ("GET /api/v1/models/{id}", routes!(models::get)),
        ("GET /api/v1/models/{id}/versions", routes!(models::versions)),
        ("GET /api/v1/models/{id}/versions/{version_id}", routes!(models::version)),
        ("GET /api/v1/models/{id}/versions/{version_id}/card", routes!(models::card)),
        ("GET /api/v1/models/{id}/versions/{version_id}/gate", routes!(models::gate)),
        ("POST /api/v1/models/{id}/versions/{version_id}/promote", routes!(models::promote)),
        ("POST /api/v1/models/{id}/rollback", routes!(models::rollback)),
        ("GET /api/v1/models/{id}/history", routes!(models::history)),
        ("GET /api/v1/models/{id}/experiments", routes!(models::experiments)),
        ("GET /api/v1/models/{id}/retraining", routes!(retraining::get)),
        ("PUT /api/v1/models/{id}/retraining", routes!(retraining::change)),
        ("POST /api/v1/models/{id}/retrain", routes!(retraining::retrain)),
        ("GET /api/v1/models/{id}/retraining/runs", routes!(retraining::runs)),
        ("GET /api/v1/risk-tiers", routes!(risk_tiers::get)),
        ("PUT /api/v1/risk-tiers", routes!(risk_tiers::change)),
        ("POST /api/v1/predictions/{id}/plans", routes!(plans::create)),
        ("GET /api/v1/predictions/{id}/plans", routes!(plans::list)),
        ("GET /api/v1/plans/{id}", routes!(plans::get)),
        ("GET /api/v1/plans/{id}/list", routes!(plans::download)),
        ("POST /api/v1/plans/{id}/outcomes", routes!(plans::measure)),
        ("POST /api/v1/plans/{id}/effect", routes!(plans::measure_by_known)),
        ("GET /api/v1/plans/{id}/effect", routes!(plans::effect)),
        ("GET /api/v1/webhooks", routes!(webhooks::list)),
        ("POST /api/v1/webhooks", routes!(webhooks::create)),
        ("GET /api/v1/webhooks/{id}", routes!(webhooks::get)),
        ("PATCH /api/v1/webhooks/{id}", routes!(webhooks::update)),
        ("DELETE /api/v1/webhooks/{id}", routes!(webhooks::delete)),
        ("POST /api/v1/webhooks/{id}/rotate-secret", routes!(webhooks::rotate_secret)),
        ("POST /api/v1/webhooks/{id}/test", routes!(webhooks::test)),
        ("GET /api/v1/webhooks/{id}/deliveries", routes!(webhooks::deliveries)),
        ("GET /api/v1/webhook-deliveries/{id}", routes!(webhooks::delivery)),
        ("POST /api/v1/webhook-deliveries/{id}/replay", routes!(webhooks::replay)),
        ("GET /api/v1/webhook-settings", routes!(webhooks::settings)),
        ("PUT /api/v1/webhook-settings", routes!(webhooks::change_settings)),
        ("POST /api/v1/admin/deposits", routes!(admin::deposit)),
        ("GET /api/v1/admin/users", routes!(admin::users)),
        ("PATCH /api/v1/admin/users/{id}", routes!(admin::update_user)),
        ("DELETE /api/v1/admin/users/{id}", routes!(admin::close_user)),
        ("POST /api/v1/admin/services", routes!(admin::create_service)),
        ("PATCH /api/v1/admin/services/{id}", routes!(admin::update_service)),
        ("POST /api/v1/admin/training-services", routes!(training_services::create)),
        ("PATCH /api/v1/admin/training-services/{id}", routes!(training_services::update)),
        ("GET /api/v1/admin/orders", routes!(admin::orders)),
        ("POST /api/v1/admin/orders/{id}/refund", routes!(admin::refund)),
        ("GET /api/v1/admin/predictions", routes!(admin::predictions)),
        ("GET /api/v1/admin/audit-log", routes!(admin::audit_log)),
        ("GET /api/v1/admin/ledger/check", routes!(admin::check_ledger)),
        ("GET /livez", routes!(operation::livez)),
        ("GET /readyz", routes!(operation::readyz)),
    ]
}

/// The routes together with their description.
pub(crate) fn described_routes() -> OpenApiRouter<Api> {
    let router = OpenApiRouter::with_openapi(openapi::frame());
    listed_routes().into_iter().fold(router, |router, (_, route)| router.routes(route))
}

/// Everything that the public port serves.
pub fn router(api: Api) -> Router {
    let (router, _) = described_routes().split_for_parts();
    router
        .route("/metrics", get(operation::public_metrics))
        .route(DOCUMENT_PATH, get(document_route()))
        .route("/docs/swagger-initializer.js", get(docs_script))
        .merge(swagger_ui())
        .merge(console::router())
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .layer(DefaultBodyLimit::disable()) // every extractor that reads a body has its own limit
        .layer(from_fn_with_state(api.clone(), admit))
        .layer(from_fn(answer_in_time))
        .layer(from_fn(drain_unread_body))
        .layer(CatchPanicLayer::custom(problem_of_panic))
        .layer(from_fn_with_state(api.clone(), console::show_errors))
        .layer(from_fn_with_state(api.clone(), add_security_headers))
        .layer(from_fn(observe))
        .with_state(api)
}

/// Each line of the list of routes, and the operations that its function describes: one, of the same name.
pub fn listed_operations() -> Vec<(&'static str, Vec<String>)> {
    let described = |(path, item): (&String, &PathItem)| -> Vec<String> {
        openapi::operations(item).map(|(method, _)| format!("{method} {path}")).collect()
    };
    let routes = listed_routes().into_iter();
    routes.map(|(listed, (_, paths, _))| (listed, paths.paths.iter().flat_map(described).collect())).collect()
}

/// `/metrics` alone, for a port that only the operator reaches.
pub fn metrics_router(api: Api) -> Router {
    Router::new().route("/metrics", get(operation::metrics)).fallback(unknown_path).with_state(api)
}

/// The document is made once and served as it is.
fn document_route() -> impl Fn() -> std::future::Ready<axum::response::Response> + Clone + Send + 'static {
    let document = openapi().to_json().map(Bytes::from).map_err(|error| error.to_string());
    move || {
        std::future::ready(match &document {
            Ok(json) => {
                let json_type = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, json_type)], json.clone()).into_response()
            }
            Err(error) => Problem::internal(error).into_response(),
        })
    }
}

fn swagger_ui() -> SwaggerUi {
    SwaggerUi::new("/docs").config(SwaggerConfig::new([DOCUMENT_PATH]))
}

/// What starts Swagger UI, in place of its own.
async fn docs_script() -> impl IntoResponse {
    let script_type = HeaderValue::from_static("text/javascript; charset=utf-8");
    ([(CONTENT_TYPE, script_type)], include_str!("../assets/docs.js"))
}

async fn unknown_path(method: Method) -> Problem {
    // TRACE echoes headers, and is refused whatever it is asked of.
    if method == Method::TRACE { wrong_method().await } else { Problem::not_found() }
}

async fn wrong_method() -> Problem {
    let detail = "This path does not know this method; the Allow header lists those that it knows.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
