//! The one map from the platform's errors to HTTP.

use std::time::Duration;

use axum::http::StatusCode;
use platform::Error;
use scoring::InputError;

use crate::limits::{QUEUED_POLICY, Refused};
use crate::problem::{Fault, Problem, sentence};
use crate::tokens::SigningError;

const BUSY_RETRY_AFTER_SECONDS: u64 = 1;
const OUTAGE_RETRY_AFTER_SECONDS: u64 = 5;
const BACKLOG_RETRY_AFTER_SECONDS: u64 = 10;
const BACKLOG_RETRY_AFTER: Duration = Duration::from_secs(BACKLOG_RETRY_AFTER_SECONDS);

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Unauthenticated => Problem::unauthenticated(),
            Error::Forbidden(why) => Problem::new(StatusCode::FORBIDDEN, "forbidden", sentence(why)),
            Error::NotFound(_) => Problem::not_found(),
            Error::Conflict { code, message } => Problem::new(StatusCode::CONFLICT, code, sentence(&message)),
            Error::Gone(what) => Problem::new(StatusCode::GONE, "gone", sentence(what)),
            Error::Invalid(fields) => Problem::invalid(
                fields.into_iter().map(|fault| Fault::field(fault.field, sentence(&fault.message))).collect(),
            ),
            Error::BadCursor => Problem::bad_request("bad_cursor", sentence(&Error::BadCursor.to_string())),
            Error::InsufficientFunds { missing } => {
                let missing = missing.minor_units();
                let detail = format!("The balance is {missing} minor units short of the price.");
                Problem::new(StatusCode::PAYMENT_REQUIRED, "insufficient_funds", detail).missing(missing)
            }
            Error::NotOrdered(what) => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "option_not_ordered",
                sentence(&Error::NotOrdered(what).to_string()),
            ),
            Error::IdempotencyKeyReused => {
                let detail = sentence(&error.to_string());
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
            }
            Error::IdempotencyInFlight => {
                Problem::new(StatusCode::CONFLICT, "idempotency_key_in_flight", sentence(&error.to_string()))
            }
            Error::Input(input) => problem_of_input(input),
            Error::BadUpload { code, message } => problem_of_upload(code, &message),
            Error::Busy => Problem::unavailable(
                "busy",
                "Too many requests of this kind are waiting. Try again soon.",
                BUSY_RETRY_AFTER_SECONDS,
            ),
            Error::BacklogFull => Problem::unavailable(
                "backlog_full",
                "So many predictions are waiting that a further one would be late. Nothing was charged; try again later.",
                BACKLOG_RETRY_AFTER_SECONDS,
            ),
            Error::TooManyQueued { quota } => Problem::from(Refused {
                policy: QUEUED_POLICY,
                quota,
                window: None,
                retry_after: BACKLOG_RETRY_AFTER,
            }),
            Error::Unavailable { .. } | Error::ModelUnavailable(_) => problem_of_outage(&error),
            Error::Configuration(_) | Error::Database(_) | Error::Internal(_) => Problem::internal(&error),
        }
    }
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Problem {
        Problem::internal(&error)
    }
}

/// A customers' file, or customers in a body, that cannot be scored.
fn problem_of_input(input: InputError) -> Problem {
    let status = match input.code {
        "unsupported_archive" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, input.code, sentence(&input.message))
        .errors(input.problems.into_iter().map(Fault::from).collect())
        .missing_columns(input.missing)
}

/// An upload that broke off, stood still or was no form.
fn problem_of_upload(code: &'static str, message: &str) -> Problem {
    let status = match code {
        "upload_too_slow" => return Problem::body_stalled(),
        "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "unexpected_field" => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, code, sentence(message))
}

/// What was away may have gone while a transaction was being committed, so that nothing can be said of its outcome.
fn problem_of_outage(error: &Error) -> Problem {
    tracing::warn!(%error, "A request has failed because a dependency is away.");
    Problem::unavailable(
        "unavailable",
        "Something that this needs is not available at the moment. Whether the request took effect is not known: \
         repeat it with the same Idempotency-Key.",
        OUTAGE_RETRY_AFTER_SECONDS,
    )
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::HeaderMap;
    use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
    use axum::response::IntoResponse;
    use ledger::Money;
    use serde_json::Value;

    use super::*;

    async fn answer(error: Error) -> (u16, HeaderMap, Value) {
        let response = Problem::from(error).into_response();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_problem_has_every_member_of_rfc_9457_and_a_code() {
        let missing = Money::from_minor_units(250).unwrap();
        let (status, headers, body) = answer(Error::InsufficientFunds { missing }).await;
        assert_eq!(status, 402);
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["type"], "urn:augur:problem:insufficient_funds");
        assert_eq!(body["code"], "insufficient_funds");
        assert_eq!(body["status"], 402);
        assert_eq!(body["missing"], 250);
        assert!(body["title"].is_string() && body["detail"].is_string());
    }

    #[tokio::test]
    async fn an_internal_error_shows_an_id_and_nothing_of_its_cause() {
        let (status, _, body) = answer(Error::Internal("password of db7".into())).await;
        assert_eq!(status, 500);
        assert!(body["id"].is_string());
        assert!(!body.to_string().contains("db7"));
    }

    #[tokio::test]
    async fn statuses_and_headers_are_those_of_the_contract() {
        for (error, status, code) in [
            (Error::Unauthenticated, 401, "unauthenticated"),
            (Error::Forbidden("no"), 403, "forbidden"),
            (Error::NotFound("order"), 404, "not_found"),
            (Error::conflict("order_already_used", "used"), 409, "order_already_used"),
            (Error::Gone("erased"), 410, "gone"),
            (Error::BadCursor, 400, "bad_cursor"),
            (Error::IdempotencyKeyReused, 422, "idempotency_key_reused"),
            (Error::IdempotencyInFlight, 409, "idempotency_key_in_flight"),
            (Error::invalid("amount", "no"), 422, "invalid_request"),
            (Error::Busy, 503, "busy"),
        ] {
            let (answered, headers, body) = answer(error).await;
            assert_eq!((answered, body["code"].as_str().unwrap()), (status, code));
            assert_eq!(headers.contains_key(WWW_AUTHENTICATE), status == 401);
            assert_eq!(headers.contains_key(RETRY_AFTER), status == 503);
        }
    }

    #[tokio::test]
    async fn an_outage_promises_nothing_and_says_how_to_repeat() {
        let outage = Error::Unavailable { dependency: "database", detail: "db7 is away".into() };
        let (status, headers, body) = answer(outage).await;
        assert_eq!((status, headers.contains_key(RETRY_AFTER)), (503, true));
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("not known") && detail.contains("same Idempotency-Key"), "{detail}");
        assert!(!body.to_string().contains("db7"));
    }

    #[tokio::test]
    async fn a_file_without_a_needed_column_names_it() {
        let input = InputError {
            code: "missing_columns",
            message: "the file lacks a column".into(),
            problems: Vec::new(),
            missing: vec!["tenure".into()],
        };
        let (status, _, body) = answer(Error::Input(input)).await;
        assert_eq!(status, 422);
        assert_eq!(body["code"], "missing_columns");
        assert_eq!(body["missing_columns"][0], "tenure");
    }
}
