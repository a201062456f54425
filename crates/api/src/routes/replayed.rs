//! Answers that may have been given before.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A JSON answer that says so where an earlier request with the same key had the effect.
pub struct Replayed<T> {
    /// The status, the same for the first answer and its replays.
    pub status: StatusCode,
    /// The answer.
    pub body: T,
    /// Whether it is a replay.
    pub replayed: bool,
}

impl<T: Serialize> IntoResponse for Replayed<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
