//! Signing in with a password, behind the limit of failed logins.

use std::net::IpAddr;

use platform::{Error, sessions};
use secrecy::SecretString;

use crate::problem::Problem;
use crate::state::Api;

/// Signs in. The attempt counts as failed until it is known not to be; one that ended without a verdict, because
/// too many were waiting, does not count.
pub async fn log_in(
    api: &Api,
    address: IpAddr,
    username: &str,
    password: SecretString,
    request_id: &str,
) -> Result<sessions::Login, Problem> {
    let attempt = match api.failed_logins.begin(username, address).await {
        Ok(attempt) => attempt,
        Err(limit) => {
            if limit.is_first
                && let Err(error) = sessions::report_limit(&api.platform, username, request_id).await
            {
                tracing::warn!(%error, "It was not written down that the limit of failed logins was reached.");
            }
            return Err(limit.refused.into());
        }
    };
    match sessions::log_in(&api.platform, username, password, request_id).await {
        Err(Error::Unauthenticated) => {
            let detail = "The e-mail address or the password is wrong.";
            Err(Problem::unauthorized("invalid_credentials", detail))
        }
        answer => {
            attempt.take_back().await;
            Ok(answer?)
        }
    }
}
