//! One log line, one id and one measurement for every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::extract::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Gives a request its id, and logs and measures its answer. Neither query nor headers are logged, nor of the
/// path anything but ids: they may hold what nobody should read.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let request_id = RequestId::choose(request.headers());
    let header = HeaderValue::from_str(&request_id.0);
    let span = tracing::info_span!("request", request_id = %request_id.0);
    let mut observation = Observation::begin(&request, span.clone());
    request.extensions_mut().insert(request_id);
    let mut response = next.run(request).instrument(span).await;
    observation.status = Some(response.status().as_u16());
    if let Ok(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    response
}

/// A request under way. What is known of it is told when it is dropped: after its answer, or without one because its
/// client went away.
struct Observation {
    span: Span,
    method: &'static str,
    route: String,
    path: String,
    started_at: Instant,
    status: Option<u16>,
}

impl Observation {
    fn begin(request: &Request, span: Span) -> Observation {
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        Observation {
            span,
            method: method_label(request.method()),
            route: route.to_owned(),
            path: logged_path(route, request.uri().path()),
            started_at: Instant::now(),
            status: None,
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let (method, path, duration) = (self.method, &self.path, self.started_at.elapsed());
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match self.status {
            Some(status) => tracing::info!(method, path, status, duration_ms, "Answered a request."),
            None => tracing::info!(method, path, duration_ms, "A client went away before its answer."),
        }
        let status = self.status.map_or("none".to_owned(), |status| status.to_string());
        let route = std::mem::take(&mut self.route);
        let labels = [("method", method.to_owned()), ("route", route.clone()), ("status", status)];
        metrics::counter!("http_requests_total", &labels).increment(1);
        metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route)
            .record(duration);
    }
}

/// The route with the ids that the path has in their places. Whatever else somebody has typed there stays unsaid.
fn logged_path(route: &str, path: &str) -> String {
    let said = |(name, typed): (&str, &str)| {
        let is_id = name.starts_with('{') && Uuid::parse_str(typed).is_ok();
        if is_id { typed.to_owned() } else { name.to_owned() }
    };
    route.split('/').zip(path.split('/')).map(said).collect::<Vec<_>>().join("/")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_logged_with_its_ids_and_nothing_else_that_was_typed() {
        let id = "01980000-0000-7000-8000-000000000001";
        let route = "/api/v1/orders/{id}/cancel";
        assert_eq!(logged_path(route, &format!("/api/v1/orders/{id}/cancel")), route.replace("{id}", id));
        assert_eq!(logged_path(route, "/api/v1/orders/ann@customer.example/cancel"), route);
        assert_eq!(logged_path("/docs/{*rest}", "/docs/a/b"), "/docs/{*rest}");
        assert_eq!(logged_path("unmatched", "/ann@customer.example"), "unmatched");
    }
}
