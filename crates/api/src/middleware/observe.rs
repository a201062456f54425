//! One log line, one id and one measurement for every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::extract::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer paths are cut in the log.
const LOGGED_PATH_BYTES_MAX: usize = 200;

/// Gives a request its id, and logs and measures its answer. Neither query nor headers are logged: they may
/// hold what nobody should read.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let request_id = RequestId::choose(request.headers());
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let path: String = request.uri().path().chars().take(LOGGED_PATH_BYTES_MAX).collect();
    let header = HeaderValue::from_str(&request_id.0);
    let span = tracing::info_span!("request", request_id = %request_id.0);
    request.extensions_mut().insert(request_id);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Ok(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    let status = response.status().as_u16();
    let duration = started_at.elapsed();
    span.in_scope(|| {
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // The path is written in its debug form, which escapes whatever a terminal could take for an order.
        tracing::info!(method, ?path, status, duration_ms, "Answered a request.");
    });
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str).to_owned();
    let labels = [("method", method.to_owned()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route)
        .record(duration);
    response
}

/// The method as a label of a metric, of which there must be few.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
