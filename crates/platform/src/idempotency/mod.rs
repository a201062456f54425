//! Idempotency keys: a request sent twice has one effect and one answer.
//!
//! The key's row is written in the business transaction itself, so that a crash leaves neither an
//! effect without its key nor a key without its effect. Lock and look-up are the first two
//! statements of that transaction.

mod db;

use crate::Error;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

/// The key of a request, and what the request is.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key as sent: 1 to 255 visible characters.
    pub key: String,
    /// Method, path and query.
    pub target: String,
    /// The SHA-256 of the body; of an upload, the platform fills in the file's.
    pub body_sha256: [u8; 32],
}

/// An answer, and whether it is one given before.
#[derive(Clone, Debug)]
pub struct Replayable<T> {
    /// The answer.
    pub value: T,
    /// Whether an earlier request had the effect.
    pub replayed: bool,
}

impl<T> Replayable<T> {
    pub(crate) fn first(value: T) -> Self {
        Replayable { value, replayed: false }
    }

    pub(crate) fn replayed(value: T) -> Self {
        Replayable { value, replayed: true }
    }
}

impl Idempotency {
    fn request_hash(&self) -> [u8; 32] {
        let length = self.target.len() as u64;
        Sha256::new()
            .chain_update(length.to_be_bytes())
            .chain_update(self.target.as_bytes())
            .chain_update(self.body_sha256)
            .finalize()
            .into()
    }
}

/// Takes the key for this transaction and looks whether it has an answer.
///
/// # Errors
/// [`Error::IdempotencyInFlight`] while another transaction holds the key;
/// [`Error::IdempotencyKeyReused`] where it belongs to another request.
pub(crate) async fn take<T: DeserializeOwned>(
    connection: &mut PgConnection,
    scope: Uuid,
    idempotency: Option<&Idempotency>,
) -> Result<Option<T>, Error> {
    let Some(idempotency) = idempotency else { return Ok(None) };
    if !db::try_lock(connection, scope, &idempotency.key).await? {
        return Err(Error::IdempotencyInFlight);
    }
    let Some((request_hash, answer)) = db::select(connection, scope, &idempotency.key).await? else {
        return Ok(None);
    };
    if request_hash != idempotency.request_hash() {
        return Err(Error::IdempotencyKeyReused);
    }
    serde_json::from_value(answer).map(Some).map_err(Error::internal)
}

/// Whether the key has an answer, of whatever request; for deciding what to check before an upload.
pub(crate) async fn is_answered(
    connection: &mut PgConnection,
    scope: Uuid,
    idempotency: Option<&Idempotency>,
) -> Result<bool, Error> {
    let Some(idempotency) = idempotency else { return Ok(false) };
    Ok(db::select(connection, scope, &idempotency.key).await?.is_some())
}

/// Keeps the answer under the key, in the transaction that has the effect.
pub(crate) async fn keep<T: Serialize>(
    connection: &mut PgConnection,
    scope: Uuid,
    idempotency: Option<&Idempotency>,
    answer: &T,
) -> Result<(), Error> {
    let Some(idempotency) = idempotency else { return Ok(()) };
    let answer = serde_json::to_value(answer).map_err(Error::internal)?;
    db::insert(connection, scope, &idempotency.key, &idempotency.request_hash(), &answer).await
}

/// Forgets keys older than two days; the contract promises one.
pub(crate) async fn forget_old(connection: &mut PgConnection) -> Result<(), Error> {
    db::delete_old(connection).await
}
