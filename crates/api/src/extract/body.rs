//! Reading a small body whole, within a size and a time.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::BytesMut;
use futures::StreamExt;

use crate::problem::Problem;

/// Reads a whole body of at most `bytes_max` bytes that arrives within `timeout`.
pub async fn read_small(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Bytes, Problem> {
    refuse_content_encoding(headers)?;
    if body.size_hint().lower() > bytes_max as u64 || content_length(headers) > Some(bytes_max as u64) {
        return Err(Problem::too_large(bytes_max as u64));
    }
    let reading = async {
        let mut stream = body.into_data_stream();
        let mut whole = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| broken_body())?;
            if whole.len() + chunk.len() > bytes_max {
                return Err(Problem::too_large(bytes_max as u64));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(timeout, reading).await.unwrap_or_else(|_| Err(Problem::body_stalled()))
}

/// The length that the client announced.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the body is declared as `expected`, parameters such as a character set aside.
pub fn is_media_type(headers: &HeaderMap, expected: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected))
}

/// No body is decompressed on the way in: a compressed file is a file, and says so by its own first bytes.
pub fn refuse_content_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(CONTENT_ENCODING) {
        None => Ok(()),
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(()),
        Some(_) => Err(Problem::unsupported_media_type(
            "Send the body without Content-Encoding; a file may itself be gzip (.csv.gz).",
        )),
    }
}

/// The body ended in the middle.
pub fn broken_body() -> Problem {
    Problem::bad_request("broken_body", "The body could not be read to its end.")
}
