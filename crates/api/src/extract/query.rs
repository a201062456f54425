//! Query strings, strictly: a parameter that the route does not know is a mistake worth telling.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use platform::Page;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Problem;
use crate::state::Api;

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

/// The parameters of a query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        serde_urlencoded::from_str(parts.uri.query().unwrap_or_default())
            .map(Query)
            .map_err(|error| Problem::bad_request("bad_query", format!("The query cannot be read: {error}.")))
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// How many entries.
    #[param(minimum = 1, maximum = 100, default = 20, example = 20)]
    pub limit: Option<u32>,
    /// What the page before gave as `next_cursor`.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The page, if there can be such a one.
    pub fn page(self) -> Result<Page, Problem> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::invalid_field("limit", format!("A page has 1 to {LIMIT_MAX} entries.")));
        }
        Ok(Page { limit, cursor: self.cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Option<Page> {
        serde_urlencoded::from_str::<PageQuery>(query).ok().and_then(|query| query.page().ok())
    }

    #[test]
    fn pages_have_1_to_100_entries_and_20_by_default() {
        assert_eq!(page("").unwrap().limit, 20);
        assert_eq!(page("limit=100&cursor=ab").unwrap().cursor.as_deref(), Some("ab"));
        for query in
            ["limit=0", "limit=101", "limit=1e9", "limit=-1", "limit=", "sort=id;drop", "limit=1&limit=2"]
        {
            assert!(page(query).is_none(), "{query}");
        }
    }
}
