//! A caller of the API: anonymous or with a bearer token.

use std::future::IntoFuture;

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::answer::Answer;

/// The version that these tests speak.
const BASE_PATH: &str = "/api/v1";

/// A caller of one installation.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// A request that is sent when it is awaited.
pub struct Request {
    builder: RequestBuilder,
    asked: String,
}

impl Client {
    /// A caller without credentials of the server at `url`.
    pub fn anonymous(http: reqwest::Client, url: &str) -> Client {
        Client { http, url: url.to_owned(), token: None }
    }

    /// The same caller with another bearer token.
    pub fn with_token(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller without credentials.
    pub fn without_token(&self) -> Client {
        Client { token: None, ..self.clone() }
    }

    /// The same caller of another server.
    pub fn at(&self, url: &str) -> Client {
        Client { url: url.to_owned(), ..self.clone() }
    }

    /// The bearer token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// `GET` below /api/v1.
    pub fn get(&self, path: &str) -> Request {
        self.ask(Method::GET, path)
    }

    /// `POST` below /api/v1.
    pub fn post(&self, path: &str) -> Request {
        self.ask(Method::POST, path)
    }

    /// `PATCH` below /api/v1.
    pub fn patch(&self, path: &str) -> Request {
        self.ask(Method::PATCH, path)
    }

    /// `DELETE` below /api/v1.
    pub fn delete(&self, path: &str) -> Request {
        self.ask(Method::DELETE, path)
    }

    /// Any method below /api/v1.
    pub fn ask(&self, method: Method, path: &str) -> Request {
        self.ask_at_root(method, &format!("{BASE_PATH}{path}"))
    }

    /// `GET` of something that is not below /api/v1.
    pub fn get_at_root(&self, path: &str) -> Request {
        self.ask_at_root(Method::GET, path)
    }

    /// Any method at any path.
    pub fn ask_at_root(&self, method: Method, path: &str) -> Request {
        let asked = format!("{method} {path}");
        let mut builder = self.http.request(method, format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            builder = builder.bearer_auth(token);
        }
        Request { builder, asked }
    }
}

impl Request {
    /// With a JSON body.
    pub fn json(self, body: &Value) -> Request {
        Request { builder: self.builder.json(body), ..self }
    }

    /// With a URL-encoded form.
    pub fn form(self, fields: &[(&str, &str)]) -> Request {
        Request { builder: self.builder.form(fields), ..self }
    }

    /// With a body of any kind.
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Request {
        let builder =
            self.builder.header("content-type", content_type).body(reqwest::Body::from(body.into()));
        Request { builder, ..self }
    }

    /// With a header.
    pub fn header(self, name: &str, value: &str) -> Request {
        Request { builder: self.builder.header(name, value), ..self }
    }

    /// With an Idempotency-Key.
    pub fn key(self, key: &str) -> Request {
        self.header("idempotency-key", key)
    }

    /// With a form of one file.
    pub fn file(self, name: &str, content: impl Into<Bytes>) -> Request {
        let content: Bytes = content.into();
        let length = content.len() as u64;
        let part = Part::stream_with_length(reqwest::Body::from(content), length);
        let part = part.file_name(name.to_owned()).mime_str("text/csv").expect("a media type");
        Request { builder: self.builder.multipart(Form::new().part("file", part)), ..self }
    }

    /// Sends it and reads the whole answer; an error of the connection is returned.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.builder.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await?, asked: self.asked })
    }

    /// Sends it and returns the answer as a stream, for events.
    pub async fn open(self) -> reqwest::Response {
        self.builder.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", self.asked))
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = BoxFuture<'static, Answer>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let asked = self.asked.clone();
            // A kept connection may end while it is taken up again: what only reads is asked once more.
            let again = self.builder.try_clone().filter(|_| asked.starts_with("GET "));
            let answer = match (self.try_send().await, again) {
                (Err(error), Some(builder)) if error.is_request() => {
                    Request { builder, asked: asked.clone() }.try_send().await
                }
                (answer, _) => answer,
            };
            answer.unwrap_or_else(|error| panic!("{asked}: {error:?}"))
        })
    }
}
