//! The one shape of every error answer: RFC 9457 `application/problem+json`.
//!
//! Which error becomes which problem is decided in `error.rs` and in the extractors; this file only knows how
//! a problem looks on the wire.

use std::borrow::Cow;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// An error as its client sees it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    body: Box<ProblemBody>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// An error, after RFC 9457. `code` is the word to program against; `detail` is for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A stable URI of this kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:augur:problem:insufficient_funds")]
    kind: String,
    /// What went wrong, in short; the same for every problem of this status.
    #[schema(example = "Payment Required")]
    title: Cow<'static, str>,
    /// The HTTP status.
    #[schema(example = 402)]
    status: u16,
    /// What went wrong this time, in a sentence.
    detail: String,
    /// A stable word for programs.
    #[schema(value_type = String, example = "insufficient_funds")]
    code: Cow<'static, str>,
    /// The fields or rows at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Fault>,
    /// How much money is missing, in minor units (`insufficient_funds`).
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<i64>,
    /// Columns that the model needs and the file lacks (`missing_columns`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    missing_columns: Vec<String>,
    /// What to quote to the operator (`internal_error`).
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
}

/// One fault: in a field of the request, or in a line and column of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// The line of the file, its header being line 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column's name, or its number where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The field of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong with it.
    pub message: String,
}

impl Fault {
    /// A fault of a field of the request.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault { field: Some(field.into()), message: message.into(), ..Fault::default() }
    }
}

impl From<scoring::Problem> for Fault {
    fn from(problem: scoring::Problem) -> Fault {
        Fault {
            line: Some(problem.line),
            column: Some(problem.column),
            field: None,
            message: problem.message,
        }
    }
}

impl Problem {
    /// A problem with its stable code and a sentence for people.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Problem {
        let code = code.into();
        let body = ProblemBody {
            kind: format!("urn:augur:problem:{code}"),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("Error")),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            missing: None,
            missing_columns: Vec::new(),
            id: None,
        };
        Problem { status, body: Box::new(body), headers: Vec::new() }
    }

    /// 400: the request cannot be read.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401, which says how to authenticate.
    pub fn unauthenticated() -> Problem {
        let detail = "Send `Authorization: Bearer` with a valid access token or API key.";
        Problem::unauthorized("unauthenticated", detail)
    }

    /// 401 with a code of its own: the login itself has failed.
    pub fn unauthorized(code: &'static str, detail: &'static str) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, code, detail)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 404: it does not exist, or belongs to someone else; the two must look alike.
    pub fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    /// 422 for faults in fields of the request.
    pub fn invalid(errors: Vec<Fault>) -> Problem {
        let detail = match errors.as_slice() {
            [only] => only.message.clone(),
            _ => String::from("Some fields of the request are not valid."),
        };
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail).errors(errors)
    }

    /// 422 for a single field of the request.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem::invalid(vec![Fault::field(field, message)])
    }

    /// 413, with the limit in its text.
    pub fn too_large(bytes_max: u64) -> Problem {
        let detail = format!("The body is larger than {bytes_max} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// 408: the client stopped sending. The connection is of no more use.
    pub fn body_stalled() -> Problem {
        let detail = "The body did not arrive in time.";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
            .header(axum::http::header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// 415 for a body of another kind than the route takes.
    pub fn unsupported_media_type(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 503 for something that is over soon.
    pub fn unavailable(code: &'static str, detail: &'static str, retry_after_seconds: u64) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
            .header(RETRY_AFTER, HeaderValue::from(retry_after_seconds))
    }

    /// 500: the cause goes to the log, the client gets an id to ask about.
    pub fn internal(cause: &(dyn std::fmt::Display + '_)) -> Problem {
        let id = Uuid::now_v7();
        tracing::error!(error_id = %id, cause = %cause, "A request failed inside the server.");
        let detail = "The server failed. Quote the id to its operator.";
        let mut problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail);
        problem.body.id = Some(id);
        problem
    }

    /// Adds the fields or rows at fault.
    pub fn errors(mut self, errors: Vec<Fault>) -> Problem {
        self.body.errors = errors;
        self
    }

    /// Adds how much money is missing, in minor units.
    pub fn missing(mut self, minor_units: i64) -> Problem {
        self.body.missing = Some(minor_units);
        self
    }

    /// Adds the columns that a file lacks.
    pub fn missing_columns(mut self, columns: Vec<String>) -> Problem {
        self.body.missing_columns = columns;
        self
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.push((name, value));
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable word of the answer.
    pub fn code(&self) -> &str {
        &self.body.code
    }

    /// A header of the answer.
    pub fn header_value(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// What an answer says went wrong, for whoever shows it in another form.
#[derive(Clone, Debug)]
pub struct Told {
    /// The stable word.
    pub code: Cow<'static, str>,
    /// A sentence.
    pub detail: String,
    /// What to quote to the operator.
    pub id: Option<Uuid>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let told = Told { code: self.body.code.clone(), detail: self.body.detail.clone(), id: self.body.id };
        let mut response = (self.status, Json(self.body)).into_response();
        response.extensions_mut().insert(told);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

/// A message as a sentence: those of libraries and of the platform begin small and end bare, to be joined in logs.
pub fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let Some(first) = characters.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
