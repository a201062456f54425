//! Where data lie, and what opens them.

use super::address::may_be_named;
use crate::Error;
use crate::webhooks::parse_target;
use serde::{Deserialize, Serialize};
use url::Url;

const TEXT_CHARACTERS_MAX: usize = 1_000;
const QUERY_CHARACTERS_MAX: usize = 20_000;
const SECRET_BYTES_MAX: usize = 8_000;

/// Below this, ports belong to services of the system.
const FIRST_OPEN_PORT: u16 = 1_024;

/// How the connection to a PostgreSQL is kept secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// The server shows a certificate for its name, by an authority of the public web.
    #[default]
    Verify,
    /// Encrypted, whoever the server is.
    Require,
    /// In the clear; only where the operator allows this network.
    Disable,
}

/// Where data lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// A file behind an address of the web.
    Url {
        /// The address.
        url: String,
    },
    /// An object of a store that speaks S3.
    S3 {
        /// The store's address.
        endpoint: String,
        /// Its region; many stores have none and take any word.
        region: String,
        /// The bucket.
        bucket: String,
        /// The object's path in it.
        path: String,
    },
    /// The rows of a query.
    Postgresql {
        /// The server's name or address.
        host: String,
        /// Its port.
        port: u16,
        /// The database.
        database: String,
        /// Who asks.
        user: String,
        /// How the connection is kept secret.
        tls: Tls,
        /// One SELECT, whose columns become those of the file.
        query: String,
    },
}

/// What opens a place. It is shown to nobody, and has no form for a log.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// Of an address of the web: sent as a bearer token.
    pub token: Option<String>,
    /// Of a store that speaks S3.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<String>,
    /// Of a PostgreSQL.
    pub password: Option<String>,
}

impl Credentials {
    /// Whether nothing is there.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Credentials::default()
    }

    pub(crate) fn check(&self, place: &Place) -> Result<(), Error> {
        let all = [&self.token, &self.access_key_id, &self.secret_access_key, &self.password];
        let is_bad = |text: &&Option<String>| {
            text.as_ref().is_some_and(|text| {
                text.is_empty() || text.len() > SECRET_BYTES_MAX || text.chars().any(char::is_control)
            })
        };
        if all.iter().any(is_bad) {
            return Err(Error::invalid("credentials", "a credential has 1 to 8000 visible characters"));
        }
        let [token, id, secret, password] = all.map(Option::is_some);
        let (fits, wanted) = match place {
            Place::Url { .. } => (!id && !secret && !password, "an address takes a token, or nothing"),
            Place::S3 { .. } => {
                (id && secret && !token && !password, "a store takes access_key_id and secret_access_key")
            }
            Place::Postgresql { .. } => (!token && !id && !secret, "a database takes a password, or nothing"),
        };
        if fits { Ok(()) } else { Err(Error::invalid("credentials", wanted)) }
    }
}

impl Place {
    /// What kind of place it is, as it is written everywhere.
    pub fn kind(&self) -> &'static str {
        match self {
            Place::Url { .. } => "url",
            Place::S3 { .. } => "s3",
            Place::Postgresql { .. } => "postgresql",
        }
    }

    /// What a file from here is called: the end of its path, or the source's kind.
    pub(crate) fn file_name(&self) -> String {
        let end = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let name = match self {
            Place::Url { url } => Url::parse(url).map(|url| end(url.path())).unwrap_or_default(),
            Place::S3 { path, .. } => end(path),
            Place::Postgresql { .. } => "query.csv".to_owned(),
        };
        if name.is_empty() { "source.csv".to_owned() } else { name }
    }

    /// Holds a place against what may be asked at all.
    ///
    /// # Errors
    /// [`Error::Invalid`] on the field at fault.
    pub(crate) fn check(&self, allow_private: bool) -> Result<(), Error> {
        match self {
            Place::Url { url } => parse_target(url, allow_private).map(|_| ()),
            Place::S3 { endpoint, region, bucket, path } => {
                let url = parse_target(endpoint, allow_private)
                    .map_err(|_| Error::invalid("endpoint", "this is no address of a store on the web"))?;
                if url.query().is_some() {
                    return Err(Error::invalid("endpoint", "the address of a store has no query"));
                }
                for (name, text) in [("region", region), ("bucket", bucket)] {
                    let is_good = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
                    let length = (1..=100).contains(&text.len());
                    if !length || !text.chars().all(is_good) || text.starts_with('.') {
                        return Err(Error::invalid(
                            name,
                            "this has 1 to 100 letters, digits, dots and dashes",
                        ));
                    }
                }
                checked_text("path", path)?;
                object_store::path::Path::parse(path)
                    .map(|_| ())
                    .map_err(|_| Error::invalid("path", "this is no path of an object"))
            }
            Place::Postgresql { host, port, database, user, tls, query } => {
                if !may_be_named(host, allow_private) {
                    return Err(Error::invalid("host", "this is no host of the public internet"));
                }
                if *port < FIRST_OPEN_PORT {
                    return Err(Error::invalid("port", "the port is 1024 or above"));
                }
                if *tls == Tls::Disable && !allow_private {
                    return Err(Error::invalid("tls", "this is verify or require"));
                }
                checked_text("database", database)?;
                checked_text("user", user)?;
                if query.trim().is_empty()
                    || query.chars().count() > QUERY_CHARACTERS_MAX
                    || query.contains('\0')
                {
                    return Err(Error::invalid("query", "a query has 1 to 20000 characters"));
                }
                Ok(())
            }
        }
    }
}

fn checked_text(field: &'static str, text: &str) -> Result<(), Error> {
    let length = text.chars().count();
    if length == 0 || length > TEXT_CHARACTERS_MAX || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "this has 1 to 1000 characters on one line"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(host: &str, tls: Tls) -> Place {
        let [database, user, query] = ["crm", "reader", "SELECT 1"].map(str::to_owned);
        Place::Postgresql { host: host.to_owned(), port: 5432, database, user, tls, query }
    }

    #[test]
    fn a_place_is_of_the_public_internet_unless_the_operator_allows_more() {
        let store = |endpoint: &str, path: &str| Place::S3 {
            endpoint: endpoint.to_owned(),
            region: "us-east-1".to_owned(),
            bucket: "crm".to_owned(),
            path: path.to_owned(),
        };
        for good in [
            Place::Url { url: "https://files.example.com/customers.csv".to_owned() },
            store("https://s3.example.com/", "exports/customers.csv"),
            database("db.example.com", Tls::Verify),
        ] {
            assert!(good.check(false).is_ok(), "{good:?}");
        }
        for bad in [
            Place::Url { url: "https://10.0.0.1/customers.csv".to_owned() },
            store("http://s3.example.com/", "a.csv"),
            store("https://127.0.0.1/", "a.csv"),
            store("https://s3.example.com/", "../a.csv"),
            database("10.0.0.1", Tls::Verify),
            database("db.example.com", Tls::Disable),
        ] {
            assert!(bad.check(false).is_err(), "{bad:?}");
        }
        assert!(database("/var/run/postgresql", Tls::Disable).check(true).is_err());
        assert!(database("127.0.0.1", Tls::Disable).check(true).is_ok());
    }

    #[test]
    fn credentials_are_those_of_their_place() {
        let password = Credentials { password: Some("a".to_owned()), ..Credentials::default() };
        assert!(password.check(&database("db.example.com", Tls::Verify)).is_ok());
        assert!(password.check(&Place::Url { url: String::new() }).is_err());
        let line = Credentials { password: Some("a\nb".to_owned()), ..Credentials::default() };
        assert!(line.check(&database("db.example.com", Tls::Verify)).is_err());
    }
}
