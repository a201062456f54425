//! Whether the process lives, whether it can serve, and what it measures.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::jobs;
use secrecy::ExposeSecret;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::extract::bearer;
use crate::problem::Problem;
use crate::state::Api;

/// That the process lives.
#[derive(Serialize, ToSchema)]
pub struct Liveness {
    #[schema(value_type = String, example = "alive")]
    status: &'static str,
}

/// Whether the process can serve, and what it depends on.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    ready: bool,
    dependencies: Vec<Dependency>,
}

/// Something that the process depends on.
#[derive(Serialize, ToSchema)]
pub struct Dependency {
    #[schema(value_type = String, example = "database")]
    name: &'static str,
    /// Whether nothing works without it.
    required: bool,
    healthy: bool,
}

/// Does the process live
#[utoipa::path(
    get, path = "/livez", tag = "Operation", operation_id = "check_liveness",
    responses((status = 200, description = "It does", body = Liveness)),
)]
pub async fn livez() -> Json<Liveness> {
    Json(Liveness { status: "alive" })
}

/// Can the process serve
#[utoipa::path(
    get, path = "/readyz", tag = "Operation", operation_id = "check_readiness",
    responses(
        (status = 200, description = "Everything that is required answers", body = Readiness),
        (status = 503, description = "Something that is required does not, or the process is stopping", body = Readiness),
    ),
)]
pub async fn readyz(State(api): State<Api>) -> (StatusCode, Json<Readiness>) {
    let dependencies: Vec<Dependency> = api
        .health
        .check(&api)
        .await
        .into_iter()
        .map(|health| Dependency {
            name: health.name,
            required: health.required,
            healthy: health.problem.is_none(),
        })
        .collect();
    let ready = !api.stop.is_cancelled()
        && dependencies.iter().all(|dependency| dependency.healthy || !dependency.required);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, dependencies }))
}

/// `/metrics` on the public port: there only where a token is configured, and only for those who send it.
pub async fn public_metrics(State(api): State<Api>, headers: HeaderMap) -> Response {
    let Some(expected) = &api.config.metrics_token else { return Problem::not_found().into_response() };
    let sent = bearer(&headers).unwrap_or_default();
    // Hashes take the same time to compare wherever they differ, and tell nothing of the token.
    if Sha256::digest(sent) != Sha256::digest(expected.expose_secret()) {
        return Problem::unauthenticated().into_response();
    }
    metrics(State(api)).await
}

/// `/metrics` where nobody but the operator can reach it.
pub async fn metrics(State(api): State<Api>) -> Response {
    for health in api.health.check(&api).await {
        let up = if health.problem.is_none() { 1.0 } else { 0.0 };
        metrics::gauge!("augur_dependency_up", "name" => health.name).set(up);
    }
    // Where the database is away, the gauge above says so and the figures of the queue stay as they were.
    if let Err(error) = jobs::statistics(&api.platform).await {
        tracing::debug!(%error, "The queue's figures could not be read.");
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], api.metrics.render()).into_response()
}
