//! Sending a request until its answer tells what came of it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;
use tests::answer::Answer;
use tests::client::Client;

use super::history::Outcome;

/// What a client waits for an answer before it gives up.
const ANSWER_LIMIT: Duration = Duration::from_secs(6);

/// A request that can be sent any number of times.
#[derive(Clone)]
pub struct Asked {
    /// Whether the administrator asks, and not the tenant.
    pub by_admin: bool,
    /// The method.
    pub method: Method,
    /// Below /api/v1.
    pub path: String,
    /// The body.
    pub body: Body,
}

/// A body.
#[derive(Clone)]
pub enum Body {
    /// None.
    Empty,
    /// JSON.
    Json(Value),
    /// A form of one file.
    File(Bytes),
}

impl Asked {
    /// A `POST`.
    pub fn post(path: impl Into<String>, body: Body) -> Asked {
        Asked { by_admin: false, method: Method::POST, path: path.into(), body }
    }

    /// A request without a body.
    pub fn bare(method: Method, path: impl Into<String>) -> Asked {
        Asked { by_admin: false, method, path: path.into(), body: Body::Empty }
    }

    /// The same by the administrator.
    pub fn by_admin(self) -> Asked {
        Asked { by_admin: true, ..self }
    }

    /// Another request for the same: what must be refused under the same key.
    pub fn altered(&self) -> Asked {
        let body = match &self.body {
            Body::File(content) => Body::File([content.as_ref(), b"\n"].concat().into()),
            other => other.clone(),
        };
        let path = match self.body {
            Body::File(_) => self.path.clone(),
            _ => format!("{}?altered", self.path),
        };
        Asked { body, path, ..self.clone() }
    }

    /// Sends it once.
    pub async fn send(&self, client: &Client, key: &str) -> Outcome {
        let request = client.ask(self.method.clone(), &self.path).key(key);
        let request = match &self.body {
            Body::Empty => request,
            Body::Json(body) => request.json(body),
            Body::File(content) => request.file("customers.csv", content.clone()),
        };
        match tokio::time::timeout(ANSWER_LIMIT, request.try_send()).await {
            Ok(Ok(answer)) => outcome_of(answer),
            // No connection, a broken one, or too long.
            Ok(Err(_)) | Err(_) => Outcome::Unknown,
        }
    }
}

/// What an answer tells. Those that ask for a repetition tell nothing.
fn outcome_of(answer: Answer) -> Outcome {
    let status = answer.status;
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or_default();
    match status {
        200..300 => Outcome::Accepted(answer.body),
        408 | 429 | 500.. => Outcome::Unknown,
        409 if code == "idempotency_key_in_flight" => Outcome::Unknown,
        _ => Outcome::Refused { status, code: code.to_owned() },
    }
}

/// What two copies of a request that were sent at once tell together.
pub fn of_both(one: Outcome, other: Outcome) -> Outcome {
    match (one, other) {
        (Outcome::Accepted(body), _) | (_, Outcome::Accepted(body)) => Outcome::Accepted(body),
        (Outcome::Unknown, _) | (_, Outcome::Unknown) => Outcome::Unknown,
        (refused, _) => refused,
    }
}
