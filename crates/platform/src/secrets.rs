//! Random secrets that are shown once and stored as hashes.

use rand::RngCore;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// A new secret of 256 random bits behind a readable prefix.
pub(crate) fn generate(prefix: &str) -> SecretString {
    SecretString::from(format!("{prefix}{}", random_hex::<32>()))
}

/// `BYTES` random bytes in hexadecimal digits.
pub(crate) fn random_hex<const BYTES: usize>() -> String {
    hex::encode(random_bytes::<BYTES>())
}

/// `BYTES` random bytes.
pub(crate) fn random_bytes<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// What is stored of a secret. With 256 random bits there is nothing to guess, so that a fast hash
/// is enough.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
