//! What only this installation can have made: sealed cookies, and the tokens of forms.
//!
//! Both are HMAC-SHA256 (RFC 2104) under the installation's secret, each for a purpose of its own, so that neither
//! passes for the other, nor for an access token.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Seals texts, and tells its own seals from others.
pub struct Seals(SecretString);

/// What a seal is for.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// The cookie of a login.
    Session,
    /// The token in the forms of whoever holds a cookie.
    Form,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Purpose::Session => b"augur console session\0",
            Purpose::Form => b"augur console form\0",
        }
    }
}

impl Seals {
    /// Seals under an installation's secret.
    pub fn new(secret: &SecretString) -> Seals {
        Seals(secret.clone())
    }

    /// The seal of a text, in hexadecimal digits.
    pub fn seal(&self, purpose: Purpose, text: &str) -> String {
        self.code(purpose, text).map_or_else(String::new, |code| hex::encode(code.finalize().into_bytes()))
    }

    /// Whether `seal` is the one of this text. Takes as long for a wrong one as for the right one.
    pub fn is_seal(&self, purpose: Purpose, text: &str, seal: &str) -> bool {
        let Ok(seal) = hex::decode(seal) else { return false };
        self.code(purpose, text).is_some_and(|code| code.verify_slice(&seal).is_ok())
    }

    /// A key of any length is good for HMAC, so that there always is one.
    fn code(&self, purpose: Purpose, text: &str) -> Option<Hmac<Sha256>> {
        let mut code = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).ok()?;
        code.update(purpose.name());
        code.update(text.as_bytes());
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_good_for_its_text_its_purpose_and_its_installation_alone() {
        let seals = Seals::new(&SecretString::from("a secret of the tests, 32 bytes long"));
        let seal = seals.seal(Purpose::Form, "one");
        assert_eq!(seal.len(), 64);
        assert!(seals.is_seal(Purpose::Form, "one", &seal));
        assert!(!seals.is_seal(Purpose::Form, "two", &seal));
        assert!(!seals.is_seal(Purpose::Session, "one", &seal));
        let others = Seals::new(&SecretString::from("another secret of the tests, as long"));
        assert!(!others.is_seal(Purpose::Form, "one", &seal));
        for damaged in ["", "zz", &seal[..62], &format!("{seal}00")] {
            assert!(!seals.is_seal(Purpose::Form, "one", damaged), "{damaged}");
        }
    }
}
