//! Who looks at a page. Authority is an argument: a handler that takes a [`Visitor`] is only reached by somebody who
//! is signed in, one that takes an [`AdminVisitor`] only by an administrator.

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use platform::{Access, Error, accounts};
use uuid::Uuid;

use super::errors::PageError;
use super::shell::{Member, Shell};
use crate::extract::RequestId;
use crate::state::Api;

/// Somebody who is signed in.
pub struct Visitor {
    /// What their cookie proves.
    pub access: Access,
    /// The frame of their page.
    pub shell: Shell,
}

/// An administrator who is signed in.
pub struct AdminVisitor {
    /// What their cookie proves.
    pub access: Access,
    /// The frame of their page.
    pub shell: Shell,
}

/// Somebody who may or may not be signed in: the pages before the login.
pub struct Guest {
    /// What the tokens of their forms are bound to.
    pub number: Uuid,
    /// The cookie that they must be given for their forms to be taken.
    pub cookie: Option<HeaderValue>,
    /// The frame of their page.
    pub shell: Shell,
}

impl Visitor {
    /// The visitor of a request. Also asks the database, so that a login that has ended is nobody's.
    pub(super) async fn of(parts: &Parts, api: &Api) -> Result<Visitor, PageError> {
        let request_id = parts.extensions.get::<RequestId>().cloned();
        let request_id = request_id.unwrap_or_else(|| RequestId::choose(&parts.headers)).0;
        let Some(session) = api.session_of_cookie(&parts.headers) else {
            return Err(PageError::sign_in(parts));
        };
        let Some(access) = api.access_of_cookie(&parts.headers, request_id) else {
            return Err(PageError::sign_in(parts));
        };
        let profile = accounts::profile(&api.platform, &access).await.map_err(|error| match error {
            Error::Unauthenticated => PageError::sign_in(parts),
            error => error.into(),
        })?;
        let name = profile.user.name.filter(|name| !name.is_empty());
        let member = Member {
            name: name.unwrap_or_else(|| profile.user.email.clone()),
            email: profile.user.email,
            is_admin: profile.user.is_admin,
            balance: profile.balance,
        };
        let shell = Shell::new(api, parts, api.form_token(session.0), Some(member));
        Ok(Visitor { access, shell })
    }
}

impl FromRequestParts<Api> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, PageError> {
        Visitor::of(parts, api).await
    }
}

impl AdminVisitor {
    /// The administrator that a visitor is. To everybody else the page does not exist.
    pub(super) fn of(visitor: Visitor) -> Result<AdminVisitor, PageError> {
        if !visitor.shell.is_admin() {
            return Err(PageError::not_found());
        }
        Ok(AdminVisitor { access: visitor.access, shell: visitor.shell })
    }
}

impl FromRequestParts<Api> for AdminVisitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, PageError> {
        AdminVisitor::of(Visitor::of(parts, api).await?)
    }
}

impl Guest {
    pub(super) fn of(parts: &Parts, api: &Api) -> Guest {
        let (number, cookie) = api.guest_of(&parts.headers);
        let shell = Shell::new(api, parts, api.form_token(number), None);
        Guest { number, cookie, shell }
    }
}

impl FromRequestParts<Api> for Guest {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, PageError> {
        Ok(Guest::of(parts, api))
    }
}
