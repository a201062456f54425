//! Counts a tenant's requests in flight, from here until the last byte of the answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};

use crate::extract::{RequestId, bearer};
use crate::limits::{Kind, Permit};
use crate::problem::Problem;
use crate::state::Api;

/// Lets a request in where its tenant has a place left. A request without a good credential is nobody's: it goes
/// on, and either its route is public or its handler refuses it.
pub async fn admit(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let Some(request_id) = request.extensions().get::<RequestId>().cloned() else {
        return next.run(request).await;
    };
    // A browser sends its cookie whoever's page asks; the API takes none, so that no other page can use it.
    let access = match is_below_api(&request) {
        true => bearer(request.headers()).and_then(|token| api.access_of(token, request_id.0)),
        false => api.access_of_cookie(request.headers(), request_id.0),
    };
    let Some(access) = access else { return next.run(request).await };
    let tenant = match api.tenants.tenant_of(&api.platform, &access).await {
        Ok(tenant) => tenant,
        // What nobody can count is not let in: a flood may be what keeps the database from answering.
        Err(error) if error.is_outage() && is_below_api(&request) => {
            return Problem::from(error).into_response();
        }
        Err(_) => return next.run(request).await,
    };
    if is_below_api(&request) {
        request.extensions_mut().insert(access);
    }
    match api.in_flight.enter(tenant, kind_of(&request)).await {
        Ok(permit) => next.run(request).await.map(|body| Body::new(HeldBody { body, _permit: permit })),
        Err(refused) => Problem::from(refused).into_response(),
    }
}

/// Health and metrics answer in an outage, too.
fn is_below_api(request: &Request) -> bool {
    request.uri().path().starts_with("/api/v1/")
}

fn kind_of(request: &Request) -> Kind {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    match (request.method(), route) {
        (&Method::POST, route) if is_upload(route) => Kind::Upload,
        (_, "/api/v1/predictions/{id}/events" | "/api/v1/trainings/{id}/events") => Kind::EventStream,
        _ => Kind::Request,
    }
}

/// Whether customers' files are sent to a route.
pub fn is_upload(route: &str) -> bool {
    matches!(
        route,
        "/api/v1/outcomes"
            | "/api/v1/predictions"
            | "/api/v1/files/check"
            | "/api/v1/trainings"
            | "/outcomes/send"
            | "/predict/check"
            | "/predict/pay"
            | "/train"
    )
}

/// An answer's body that gives its request's place back when it has been sent or dropped.
struct HeldBody {
    body: Body,
    _permit: Permit,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
