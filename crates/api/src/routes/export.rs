//! Everything that is kept of a tenant, for the tenant.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use platform::Access;

use crate::export::archive;
use crate::extract::Caller;
use crate::problem::Problem;
use crate::state::Api;

/// Export everything
///
/// A tar archive: `account.json`; `api_keys`, `sessions`, `orders`, `transactions`, `predictions`, `plans`, `risk_tiers` and `audit_log` as
/// JSON lines, newest first, all as they are at one moment; `transactions.csv`, safe to open in a spreadsheet; and
/// every file that is kept, as `inputs/ID` and `results/ID.csv`. An archive that breaks off is not whole.
#[utoipa::path(
    get, path = "/api/v1/export", tag = "Accounts", operation_id = "export",
    responses(
        (status = 200, description = "The archive", body = String, content_type = "application/x-tar"),
        (status = 403, description = "`forbidden`: an API key that may only read"),
    ),
)]
pub async fn export(State(api): State<Api>, Caller(access): Caller) -> Result<Response, Problem> {
    answer(&api, access).await
}

/// The archive of whoever it is, as a download.
pub async fn answer(api: &Api, access: Access) -> Result<Response, Problem> {
    let body = Body::from_stream(archive(api, access).await?);
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/x-tar")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"augur-export.tar\"")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}
