//! Shapes that several subjects share.

use platform::List;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub struct Listed<T> {
    /// The entries.
    pub data: Vec<T>,
    /// What to send as `cursor` for the next page; null at the end of the list.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> Listed<T> {
    /// The page, each entry in its shape on the wire.
    pub fn new<S>(list: List<S>, shape: impl FnMut(S) -> T) -> Listed<T> {
        Listed { data: list.data.into_iter().map(shape).collect(), next_cursor: list.next_cursor }
    }
}

/// The header that makes a request safe to repeat.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it documents a header that an extractor reads")]
pub struct IdempotencyHeader {
    /// Makes the request safe to send again: the same key and request give the first answer again.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}
