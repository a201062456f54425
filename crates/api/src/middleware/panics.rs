//! A handler that panics costs its own request and nothing else.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// The answer to a request whose handler panicked.
pub fn problem_of_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    // A message that was put together may quote data; where the panic was is in the log already.
    let message = panic.downcast_ref::<&str>().copied().unwrap_or("its message is not shown");
    Problem::internal(&format_args!("a handler panicked: {message}")).into_response()
}
