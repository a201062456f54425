//! An answer that is ready before its request has been read to the end.
//!
//! Closing a connection with unread bytes in its buffer makes the kernel send a reset, which can destroy the
//! answer on its way. So up to 1 MiB, or what arrives in 5 seconds, is read and thrown away first.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};

const DRAIN_BYTES_MAX: usize = 1 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads what a handler left unread of its request, within bounds.
pub async fn drain_unread_body(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // A client that waits for "100 Continue" sends nothing after a final answer; reading would invite it to.
    let awaits_permission = request.headers().contains_key(EXPECT);
    let (parts, body) = request.into_parts();
    let shared = SharedBody(Arc::new(Mutex::new(Progress { body, is_begun: false, is_ended: false })));
    let response = next.run(Request::from_parts(parts, Body::new(shared.clone()))).await;
    let (is_begun, is_ended) = {
        let progress = shared.progress();
        (progress.is_begun, progress.is_ended || progress.body.is_end_stream())
    };
    let is_stalled = response.status() == StatusCode::REQUEST_TIMEOUT;
    if !is_ended && !is_stalled && (is_begun || !awaits_permission) {
        // Whether the end or a bound was reached makes no difference to the answer.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain(shared)).await;
    }
    response
}

async fn drain(body: SharedBody) {
    let mut stream = Body::new(body).into_data_stream();
    let mut drained_bytes = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        drained_bytes += chunk.len();
        if drained_bytes >= DRAIN_BYTES_MAX {
            return;
        }
    }
}

/// A request's body that can be read on after its handler has dropped it.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Progress>>);

struct Progress {
    body: Body,
    is_begun: bool,
    is_ended: bool,
}

impl SharedBody {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut progress = self.progress();
        progress.is_begun = true;
        let polled = Pin::new(&mut progress.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            progress.is_ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.progress().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.progress().body.size_hint()
    }
}
