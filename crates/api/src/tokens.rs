//! Access tokens: short-lived JWTs (RFC 9068) that name a login.
//!
//! A valid token proves only that this installation issued it for that login. Whether the login, its user and
//! its role still stand is asked of the database inside each operation, so nothing here may be trusted for rights.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const ISSUER: &str = "augur";
const AUDIENCE: &str = "augur-api";
const TOKEN_TYPE: &str = "at+jwt";
/// Clocks of two API processes may differ by this much.
const LEEWAY_SECONDS: u64 = 5;
/// No token of ours is near this long; longer ones are not even decoded.
const TOKEN_BYTES_MAX: usize = 2048;

/// Makes and checks access tokens with one symmetric secret.
pub struct Tokens {
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

/// An access token could not be made.
#[derive(Debug, thiserror::Error)]
#[error("signing an access token failed: {0}")]
pub struct SigningError(#[from] jsonwebtoken::errors::Error);

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: u64,
    nbf: u64,
    exp: u64,
}

impl Tokens {
    /// Tokens signed with `secret` that are good for `lifetime`.
    pub fn new(secret: &SecretString, lifetime: Duration) -> Tokens {
        let secret = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        Tokens {
            encoding_key: EncodingKey::from_secret(secret),
            decoding_key: DecodingKey::from_secret(secret),
            validation,
            lifetime,
        }
    }

    /// How long a fresh token is good for.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A fresh token for a login.
    pub fn issue(&self, session_id: Uuid, user_id: Uuid) -> Result<String, SigningError> {
        let now = seconds_since_epoch();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id,
            sid: session_id,
            iat: now,
            nbf: now,
            exp: now + self.lifetime.as_secs(),
        };
        let header = Header { typ: Some(TOKEN_TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
        Ok(jsonwebtoken::encode(&header, &claims, &self.encoding_key)?)
    }

    /// The login that a token names, or nothing where the token is not one of ours, whatever the reason.
    pub fn session_of(&self, token: &str) -> Option<Uuid> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let token = jsonwebtoken::decode::<Claims>(token, &self.decoding_key, &self.validation).ok()?;
        is_our_header(&token.header).then_some(token.claims.sid)
    }
}

/// Our own tokens have a type, an algorithm and nothing else. A header that names a key, by id, address or value,
/// was not made here, and nothing in it is ever looked up.
fn is_our_header(header: &Header) -> bool {
    header.typ.as_deref() == Some(TOKEN_TYPE)
        && header.alg == Algorithm::HS256
        && header.kid.is_none()
        && header.jku.is_none()
        && header.jwk.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.crit.is_none()
}

fn seconds_since_epoch() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "a secret of the tests, 32 bytes long";

    fn tokens() -> Tokens {
        Tokens::new(&SecretString::from(SECRET), Duration::from_secs(900))
    }

    fn good_claims() -> Value {
        let now = seconds_since_epoch();
        json!({
            "iss": "augur", "aud": "augur-api", "sub": Uuid::now_v7(), "sid": Uuid::now_v7(),
            "iat": now, "nbf": now, "exp": now + 900,
        })
    }

    fn good_header() -> Header {
        Header { typ: Some("at+jwt".into()), ..Header::new(Algorithm::HS256) }
    }

    fn signed(header: &Header, claims: &Value, secret: &str) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    fn with_claim(name: &str, value: Value) -> String {
        let mut claims = good_claims();
        claims[name] = value;
        signed(&good_header(), &claims, SECRET)
    }

    /// base64url without padding, for tokens that the library would refuse to make.
    fn base64url(bytes: &[u8]) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let word =
                chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            for position in 0..=chunk.len() {
                let index = (word >> (18 - 6 * position)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
        text
    }

    #[test]
    fn an_issued_token_names_its_session_also_after_a_restart() {
        let session_id = Uuid::now_v7();
        let token = tokens().issue(session_id, Uuid::now_v7()).unwrap();
        assert_eq!(tokens().session_of(&token), Some(session_id));
    }

    #[test]
    fn the_hand_made_good_token_of_these_tests_is_accepted() {
        assert!(tokens().session_of(&signed(&good_header(), &good_claims(), SECRET)).is_some());
    }

    #[test]
    fn a_token_with_algorithm_none_or_without_signature_is_refused() {
        let claims = base64url(good_claims().to_string().as_bytes());
        for algorithm in ["none", "None", "HS256"] {
            let header = base64url(json!({"alg": algorithm, "typ": "at+jwt"}).to_string().as_bytes());
            assert_eq!(tokens().session_of(&format!("{header}.{claims}.")), None, "{algorithm}");
            assert_eq!(tokens().session_of(&format!("{header}.{claims}")), None, "{algorithm}");
        }
    }

    #[test]
    fn a_token_signed_with_another_key_or_a_public_key_is_refused() {
        for key in ["another secret of the tests, 32 bytes", "-----BEGIN PUBLIC KEY-----\nMFkw\n"] {
            assert_eq!(tokens().session_of(&signed(&good_header(), &good_claims(), key)), None);
        }
    }

    #[test]
    fn another_algorithm_of_the_same_family_is_refused() {
        let header = Header { typ: Some("at+jwt".into()), ..Header::new(Algorithm::HS512) };
        assert_eq!(tokens().session_of(&signed(&header, &good_claims(), SECRET)), None);
    }

    #[test]
    fn bad_times_are_refused() {
        let now = seconds_since_epoch();
        for (name, value) in [
            ("exp", json!(now - 60)),
            ("exp", json!("never")),
            ("exp", Value::Null),
            ("nbf", json!("99999999999")),
            ("nbf", json!(now + 3600)),
            ("nbf", Value::Null),
        ] {
            assert_eq!(tokens().session_of(&with_claim(name, value.clone())), None, "{name} {value}");
        }
    }

    #[test]
    fn another_issuer_audience_or_subject_is_refused() {
        for (name, value) in [
            ("iss", json!("someone")),
            ("aud", json!("another-api")),
            ("aud", json!(["augur-api", "x"])),
            ("sub", json!("' OR 1=1--")),
            ("sid", json!("not a session")),
            ("sid", Value::Null),
        ] {
            assert_eq!(tokens().session_of(&with_claim(name, value.clone())), None, "{name} {value}");
        }
    }

    #[test]
    fn another_type_is_refused() {
        for typ in [None, Some("JWT"), Some("rt+jwt")] {
            let header = Header { typ: typ.map(str::to_owned), ..Header::new(Algorithm::HS256) };
            assert_eq!(tokens().session_of(&signed(&header, &good_claims(), SECRET)), None, "{typ:?}");
        }
    }

    #[test]
    fn a_header_that_names_a_key_is_refused() {
        for kid in ["../../dev/null", "' UNION SELECT 'key'--"] {
            let header = Header { kid: Some(kid.into()), ..good_header() };
            assert_eq!(tokens().session_of(&signed(&header, &good_claims(), SECRET)), None);
        }
        let header = Header { jku: Some("http://169.254.169.254/keys".into()), ..good_header() };
        assert_eq!(tokens().session_of(&signed(&header, &good_claims(), SECRET)), None);
    }

    #[test]
    fn garbage_is_refused() {
        for garbage in ["", ".", "..", "a.b.c", "augur_rt_0123456789", &"x".repeat(1 << 20)] {
            assert_eq!(tokens().session_of(garbage), None);
        }
    }
}
