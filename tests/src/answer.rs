//! An HTTP answer, read whole, with the questions that tests ask of it.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What was asked, for messages.
    pub asked: String,
}

impl Answer {
    /// Goes on with this answer only where it has the wanted status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.shown());
        self
    }

    /// Goes on only where it is a problem of RFC 9457 with this status and code.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        let problem = self.expect_any_problem(status);
        assert_eq!(problem["code"], code, "{problem}");
        problem
    }

    /// Goes on only where it is a problem of RFC 9457 with this status, whatever its code.
    #[track_caller]
    pub fn expect_any_problem(self, status: u16) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.asked);
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{problem}");
        for member in ["type", "title", "detail", "code"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        problem
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.shown()))
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap_or_else(|error| panic!("{}: {error}", self.asked))
    }

    /// A header, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(600).collect()
    }
}

/// How many of the answers have each status, to compare with what is expected: `[(201, 100), (402, 100)]`.
pub fn statuses(answers: &[Answer]) -> Vec<(u16, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
