//! Forms that move money act once, however often they are sent: a double click, the back button, a browser that asks
//! again. The key is made with the page.

use platform::{Error, Idempotency};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::console::text::Admin;

/// A key for a form that is about to be shown.
pub fn new_key() -> String {
    Uuid::now_v7().to_string()
}

/// The key that a form came back with, and what the form asks for. None where the page did not make it.
pub fn key_of_form(key: &str, target: &str, fields: &[&str]) -> Option<Idempotency> {
    let key = Uuid::parse_str(key).ok()?.to_string();
    let mut digest = Sha256::new();
    for field in fields {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field.as_bytes());
    }
    Some(Idempotency { key, target: format!("POST {target}"), body_sha256: digest.finalize().into() })
}

/// What a form says where its key does not let it act; any other error is passed on.
pub fn refusal(t: &Admin, error: Error) -> Result<&'static str, Error> {
    match error {
        Error::IdempotencyKeyReused => Ok(t.sent_before),
        Error::IdempotencyInFlight => Ok(t.in_flight),
        Error::Conflict { code: "account_closed", .. } => Ok(t.account_closed),
        error => Err(error),
    }
}
