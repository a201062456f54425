//! Secrets that the platform must be able to read again, such as those that sign webhooks: sealed, so
//! that the database alone tells nothing of them.
//!
//! AES-256-GCM (NIST SP 800-38D) under a key that is derived from a secret of the installation. Each
//! sealed text is bound to what it is for and to the row that holds it, and opens nowhere else.

use crate::Error;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngCore;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use uuid::Uuid;

/// What every sealed text begins with, so that another form can follow this one.
const FORM: u8 = 1;

/// What the key is derived for; another purpose gets another key of the same secret.
const KEY_PURPOSE: &[u8] = b"augur encryption, form 1";

/// Seals and opens; without a secret it does neither.
pub struct Encryption(Option<LessSafeKey>);

impl Encryption {
    /// Encryption under an installation's secret.
    pub fn new(secret: Option<&SecretString>) -> Encryption {
        Encryption(secret.and_then(key_of))
    }

    /// Whether there is a secret.
    pub fn is_possible(&self) -> bool {
        self.0.is_some()
    }

    /// Seals bytes for a purpose and the row that will hold them.
    ///
    /// # Errors
    /// [`Error::Configuration`] where the installation has no secret.
    pub(crate) fn seal(&self, purpose: &str, row: Uuid, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let mut text = plain.to_vec();
        self.key()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to(purpose, row), &mut text)
            .map_err(|_| Error::Internal("a secret could not be sealed".to_owned()))?;
        Ok([&[FORM][..], &nonce, &text].concat())
    }

    /// Opens what was sealed for the same purpose and row.
    ///
    /// # Errors
    /// [`Error::Configuration`] where the installation has no secret, or another than at the sealing.
    pub(crate) fn open(&self, purpose: &str, row: Uuid, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let wrong = || {
            Error::Configuration(
                "a stored secret does not open: ENCRYPTION_SECRET (or JWT_SECRET) is not the one it was \
                 sealed under"
                    .to_owned(),
            )
        };
        let (form, rest) = sealed.split_first().ok_or_else(wrong)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(wrong)?;
        if *form != FORM {
            return Err(wrong());
        }
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain =
            self.key()?.open_in_place(nonce, bound_to(purpose, row), &mut text).map_err(|_| wrong())?;
        Ok(plain.to_vec())
    }

    fn key(&self) -> Result<&LessSafeKey, Error> {
        self.0
            .as_ref()
            .ok_or_else(|| Error::Configuration("neither ENCRYPTION_SECRET nor JWT_SECRET is set".to_owned()))
    }
}

fn key_of(secret: &SecretString) -> Option<LessSafeKey> {
    // A key of any length is good for HMAC, so that there always is one.
    let mut code = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    code.update(KEY_PURPOSE);
    UnboundKey::new(&AES_256_GCM, &code.finalize().into_bytes()).ok().map(LessSafeKey::new)
}

fn bound_to(purpose: &str, row: Uuid) -> Aad<Vec<u8>> {
    Aad::from([purpose.as_bytes(), &[0], row.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encryption(secret: &str) -> Encryption {
        Encryption::new(Some(&SecretString::from(secret)))
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_its_row_and_its_installation_alone() {
        let (ours, row) = (encryption("a secret of the tests"), Uuid::from_u128(1));
        let sealed = ours.seal("webhook", row, b"plain").unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"plain"));
        assert_eq!(ours.open("webhook", row, &sealed).unwrap(), b"plain");
        assert!(ours.open("password", row, &sealed).is_err());
        assert!(ours.open("webhook", Uuid::from_u128(2), &sealed).is_err());
        assert!(encryption("another").open("webhook", row, &sealed).is_err());
        for damaged in [&sealed[1..], &sealed[..sealed.len() - 1], &[], &[FORM]] {
            assert!(ours.open("webhook", row, damaged).is_err());
        }
        assert_ne!(ours.seal("webhook", row, b"plain").unwrap(), sealed, "a nonce of its own each time");
    }

    #[test]
    fn without_a_secret_nothing_is_sealed() {
        let none = Encryption::new(None);
        assert!(!none.is_possible());
        assert!(matches!(none.seal("webhook", Uuid::nil(), b"plain"), Err(Error::Configuration(_))));
    }
}
