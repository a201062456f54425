//! The login of a browser: a cookie that names a session and is sealed by this installation. Whether the session
//! still stands is asked of the database by each operation, as for access tokens.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use platform::{Access, Credential, SessionId};
use uuid::Uuid;

use super::cookies::{self, Secrecy};
use super::seal::Purpose;
use crate::state::Api;

const SESSION_COOKIE: &str = "augur_session";
/// Holds a random number for whoever is not signed in, to which the tokens of their forms are bound.
const GUEST_COOKIE: &str = "augur_guest";
const GUEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

impl Api {
    /// The session that a browser's cookie names.
    pub(crate) fn session_of_cookie(&self, headers: &HeaderMap) -> Option<SessionId> {
        let name = cookies::secret_name(SESSION_COOKIE, self.config.tls);
        let (session, seal) = cookies::value(headers, &name)?.split_once('.')?;
        let is_ours = self.seals.is_seal(Purpose::Session, session, seal);
        is_ours.then(|| Uuid::parse_str(session).ok().map(SessionId)).flatten()
    }

    /// The access of a browser's request.
    pub(crate) fn access_of_cookie(&self, headers: &HeaderMap, request_id: String) -> Option<Access> {
        let session = self.session_of_cookie(headers)?;
        Some(Access { credential: Credential::Session(session), request_id })
    }

    /// The header that has a browser keep a session.
    pub(crate) fn session_cookie(&self, session: SessionId) -> Option<HeaderValue> {
        let seal = self.seals.seal(Purpose::Session, &session.0.to_string());
        let lifetime = self.platform.limits.session_lifetime.to_std().unwrap_or_default();
        self.secret_cookie(SESSION_COOKIE, &format!("{}.{seal}", session.0), Some(lifetime))
    }

    /// The header that has a browser forget its session.
    pub(crate) fn no_session_cookie(&self) -> Option<HeaderValue> {
        self.secret_cookie(SESSION_COOKIE, "", None)
    }

    /// The number of a guest, and the header that has a browser keep it where it is new.
    pub(crate) fn guest_of(&self, headers: &HeaderMap) -> (Uuid, Option<HeaderValue>) {
        let name = cookies::secret_name(GUEST_COOKIE, self.config.tls);
        match cookies::value(headers, &name).and_then(|value| Uuid::parse_str(value).ok()) {
            Some(guest) => (guest, None),
            None => {
                let guest = Uuid::new_v4();
                (guest, self.secret_cookie(GUEST_COOKIE, &guest.to_string(), Some(GUEST_LIFETIME)))
            }
        }
    }

    /// The token of the forms of whoever holds a session, or else a guest's number.
    pub(crate) fn form_token(&self, holder: Uuid) -> String {
        self.seals.seal(Purpose::Form, &holder.to_string())
    }

    /// Whether a form comes from a page of ours that was made for this holder.
    pub(crate) fn is_form_token(&self, holder: Uuid, token: &str) -> bool {
        self.seals.is_seal(Purpose::Form, &holder.to_string(), token)
    }

    fn secret_cookie(&self, name: &str, value: &str, lifetime: Option<Duration>) -> Option<HeaderValue> {
        let name = cookies::secret_name(name, self.config.tls);
        cookies::set(&name, value, lifetime, Secrecy::Secret, self.config.tls)
    }
}
