//! What signs webhooks, after Standard Webhooks 1.0: `v1,` and the base64 of HMAC-SHA256 (RFC 2104) over
//! `id.timestamp.body`, under a secret written as `whsec_` and base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngCore;
use secrecy::SecretString;
use sha2::Sha256;
use uuid::Uuid;

const PREFIX: &str = "whsec_";

/// Within the 24 to 64 bytes of the specification.
const BYTES: usize = 32;

/// The secret of an endpoint.
#[derive(Clone)]
pub struct Secret([u8; BYTES]);

impl Secret {
    /// A new one.
    pub(crate) fn generate() -> Secret {
        let mut bytes = [0; BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Secret(bytes)
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Secret> {
        bytes.try_into().ok().map(Secret)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as its owner is shown it, once.
    pub fn shown(&self) -> SecretString {
        SecretString::from(format!("{PREFIX}{}", STANDARD.encode(self.0)))
    }

    fn sign(&self, signed: &str) -> String {
        // A key of any length is good for HMAC, so that there always is one.
        let Ok(mut code) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        code.update(signed.as_bytes());
        format!("v1,{}", STANDARD.encode(code.finalize().into_bytes()))
    }
}

/// The value of the header `webhook-signature`: one signature for each secret, with spaces between, so
/// that a receiver who knows either of two can tell.
pub fn signatures(secrets: &[Secret], id: Uuid, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let all: Vec<String> = secrets.iter().map(|secret| secret.sign(&signed)).collect();
    all.join(" ")
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_signature_is_the_one_that_another_program_calculates() {
        // Python: base64.b64encode(hmac.digest(bytes(range(32)), b"<id>.1700000000.{}", "sha256"))
        let bytes: Vec<u8> = (0..32).collect();
        let secret = Secret::of_bytes(&bytes).unwrap();
        let id = Uuid::from_u128(1);
        assert_eq!(
            signatures(std::slice::from_ref(&secret), id, 1_700_000_000, "{}"),
            "v1,ANIxZCFsHCNobbDcpFbAUzqYt/bmqwAnsphw0mGMTPw="
        );
        let two = signatures(&[secret.clone(), Secret::generate()], id, 1_700_000_000, "{}");
        assert_eq!(two.split(' ').count(), 2);
        assert_eq!(secret.shown().expose_secret(), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    }
}
