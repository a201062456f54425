//! The accept loop: HTTP/1.1 connections with limits that `axum::serve` does not expose.
//!
//! Nothing here knows a route. TLS ends at a proxy in front; HTTP/2 is the proxy's business too.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request};
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::config::Limits;
use crate::write_timeout::WriteTimeout;

/// A request's head must fit into this: smaller than 64 KB however a kilobyte is counted, so that a header of
/// that size is answered 431.
const HEAD_BYTES_MAX: usize = 60 * 1024;
/// What is read or written at once; a head must fit into it.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How long a client may take nothing of an answer that is ready for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long those who connected last have to send their request.
const LAST_REQUESTS_TIME: Duration = Duration::from_millis(500);
/// How long to wait after `accept` fails, which happens when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` on `listener` until `stop`, then for the drain delay, and then lets requests in flight end within
/// the drain timeout. From `stop` on every answer closes its connection, so that clients go elsewhere by themselves.
pub async fn serve(router: Router, limits: &Limits, listener: TcpListener, stop: CancellationToken) {
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let builder = connection_builder(limits);
    let closed = delayed(stop.clone(), limits.drain_delay);
    while let Some((stream, peer, permit)) = next_connection(&listener, &connections, &closed).await {
        let (watcher, stop) = (graceful.watcher(), stop.clone());
        tokio::spawn(serve_connection(builder.clone(), router.clone(), stream, peer, watcher, permit, stop));
    }
    // Who was let into the kernel's queue is answered: dropping the listener would reset them.
    while let Some(Ok((stream, peer))) = tokio::task::unconstrained(listener.accept()).now_or_never() {
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { break };
        let (watcher, stop) = (graceful.watcher(), stop.clone());
        tokio::spawn(serve_connection(builder.clone(), router.clone(), stream, peer, watcher, permit, stop));
    }
    drop(listener);
    // A connection that has not sent its request yet would be closed at once; one that has is closed by its answer.
    tokio::time::sleep(LAST_REQUESTS_TIME).await;
    if tokio::time::timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("Some requests did not end in time and were cut off.");
    }
}

fn connection_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .keep_alive(true);
    builder
}

/// The next connection, or nothing once the server is told to stop. A full house leaves new connections in the
/// kernel's queue, which is bounded too.
async fn next_connection(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    loop {
        let accepted = async {
            // The semaphore is never closed, so this cannot fail while the server runs.
            let permit = Arc::clone(connections).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            () = stop.cancelled() => return None,
            accepted = accepted => accepted,
        };
        match (accepted, permit) {
            (Ok((stream, peer)), Some(permit)) => return Some((stream, peer, permit)),
            (Err(error), _) => {
                tracing::warn!(%error, "Accepting a connection failed.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (Ok(_), None) => return None,
        }
    }
}

/// Cancelled `delay` after `stop` is.
fn delayed(stop: CancellationToken, delay: Duration) -> CancellationToken {
    let closed = CancellationToken::new();
    let cancelled = closed.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        tokio::time::sleep(delay).await;
        cancelled.cancel();
    });
    closed
}

async fn serve_connection(
    builder: http1::Builder,
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    watcher: Watcher,
    permit: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set.");
    }
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (router, stop) = (router.clone(), stop.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let mut answer = router.oneshot(request).await.map_err(|never: Infallible| match never {})?;
            if stop.is_cancelled() {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection =
        builder.serve_connection(TokioIo::new(WriteTimeout::new(stream, WRITE_TIMEOUT)), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "A connection ended early.");
    }
    drop(permit);
}
