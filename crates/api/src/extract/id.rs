//! Ids in paths.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::state::Api;

/// The id in a path. What is no id names nothing, so that it is 404 like any other unknown one.
pub struct Id<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        Path::from_request_parts(parts, api).await.map(|Path(id)| Id(id)).map_err(|_| Problem::not_found())
    }
}
