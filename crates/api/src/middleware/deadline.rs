//! No caller waits for ever: a request whose handler does not come to an end is answered by the clock.

use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use platform::Error;

use super::admission::is_upload;
use crate::problem::Problem;

/// Longer than anything takes that waits its turn, such as a login in a flood of them.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// Answers 503 where a handler takes too long. Routes whose body may come in slowly have clocks of their own.
pub async fn answer_in_time(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let takes_its_time = request.method() == Method::POST && is_upload(route);
    if takes_its_time {
        return next.run(request).await;
    }
    tokio::time::timeout(ANSWER_TIME_MAX, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("no answer within {} s", ANSWER_TIME_MAX.as_secs());
        Problem::from(Error::Unavailable { dependency: "handler", detail }).into_response()
    })
}
