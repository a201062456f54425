//! Fetching a file: over HTTP, from a store that speaks S3, or the rows of a query; always into a [`Spool`], which
//! bounds it and learns how it is written.

use super::place::{Credentials, Place};
use super::postgresql;
use crate::webhooks::{PublicAddresses, parse_target};
use crate::{Error, Platform, predictions};
use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::signer::Signer;
use reqwest::{Client, StatusCode, redirect::Policy};
use scoring::{Inspection, Inspector, Problem};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufWriter};
use url::Url;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// For how long nothing may come.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long a signed address of a store is good for.
const SIGNED_FOR: Duration = Duration::from_secs(600);
const BUFFER_BYTES: usize = 256 << 10;
/// How much is read where only the header is wanted.
const BEGINNING_BYTES_MAX: u64 = 1 << 20;

/// Why a file was not fetched or not taken in, in words for the source's owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word in snake case.
    pub code: String,
    /// A sentence. It may quote what the source has answered, and is shown to the source's owner alone.
    pub message: String,
    /// Where in the file, as far as there is a place.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// Columns that are missing.
    #[serde(default)]
    pub missing: Vec<String>,
}

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Failure {
        Failure { code: code.to_owned(), message: message.into(), problems: Vec::new(), missing: Vec::new() }
    }

    pub(super) fn address_refused() -> Failure {
        Failure::new("address_refused", "the address leads to no host of the public internet")
    }

    pub(crate) fn of_input(error: &scoring::InputError) -> Failure {
        Failure {
            code: error.code.to_owned(),
            message: error.message.clone(),
            problems: error.problems.clone(),
            missing: error.missing.clone(),
        }
    }
}

/// Why fetching ended before its end.
#[derive(Debug)]
pub(super) enum Unfetched {
    /// The source is at fault.
    Source(Failure),
    /// We are.
    Ours(Error),
    /// Nothing is wrong: no more was wanted.
    Enough,
}

impl From<Failure> for Unfetched {
    fn from(failure: Failure) -> Unfetched {
        Unfetched::Source(failure)
    }
}

/// Takes a file in, piece by piece, in bounded memory.
pub(super) struct Spool {
    file: Option<BufWriter<tokio::fs::File>>,
    inspector: Inspector,
    bytes: u64,
    bytes_max: u64,
    /// The header is all that is wanted.
    is_for_header: bool,
}

impl Spool {
    /// For a whole file, kept in a temporary one without a name.
    pub(super) async fn whole(platform: &Platform) -> Result<Spool, Error> {
        let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?;
        let file = tokio::fs::File::from_std(file.map_err(no_room)?);
        Ok(Spool {
            file: Some(BufWriter::with_capacity(BUFFER_BYTES, file)),
            inspector: predictions::inspector(platform),
            bytes: 0,
            bytes_max: platform.limits.upload_bytes_max,
            is_for_header: false,
        })
    }

    /// For the beginning alone, of which nothing is kept.
    pub(super) fn header(platform: &Platform) -> Spool {
        let inspector = predictions::inspector(platform);
        Spool { file: None, inspector, bytes: 0, bytes_max: BEGINNING_BYTES_MAX, is_for_header: true }
    }

    /// Takes the next piece.
    pub(super) async fn take(&mut self, piece: &Bytes) -> Result<(), Unfetched> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.bytes_max {
            let message = format!("the file has more than {} bytes", self.bytes_max);
            return Err(Failure::new("too_large", message).into());
        }
        self.inspector.push(piece).map_err(|error| Failure::of_input(&error))?;
        if let Some(file) = &mut self.file {
            file.write_all(piece).await.map_err(|error| Unfetched::Ours(no_room(error)))?;
        }
        if self.is_for_header && self.inspector.header().is_some() { Err(Unfetched::Enough) } else { Ok(()) }
    }

    /// The columns, where the beginning has shown them.
    pub(super) fn columns(&self) -> Option<Vec<String>> {
        self.inspector.header().map(<[String]>::to_vec)
    }

    /// The columns of a file that has been read to its end without showing them before.
    pub(super) fn inspected(self) -> Result<Vec<String>, Failure> {
        self.inspector.finish().map(|found| found.header).map_err(|error| Failure::of_input(&error))
    }

    /// The whole file and what it is.
    pub(super) async fn finish(self) -> Result<(File, Inspection, u64), Unfetched> {
        let inspection = self.inspector.finish().map_err(|error| Failure::of_input(&error))?;
        let Some(mut file) = self.file else {
            return Err(Unfetched::Ours(Error::Internal("a beginning is no file".to_owned())));
        };
        file.flush().await.map_err(|error| Unfetched::Ours(no_room(error)))?;
        Ok((file.into_inner().into_std().await, inspection, self.bytes))
    }
}

fn no_room(error: std::io::Error) -> Error {
    Error::Unavailable { dependency: "temporary files", detail: error.to_string() }
}

/// Fetches from a place.
pub(super) async fn fetch(
    platform: &Platform,
    place: &Place,
    credentials: &Credentials,
    spool: &mut Spool,
) -> Result<(), Unfetched> {
    let allow_private = platform.sources.allow_private;
    match place {
        Place::Url { url } => {
            let url = parse_target(url, allow_private).map_err(|_| Failure::address_refused())?;
            download(url, credentials.token.as_deref(), allow_private, spool).await
        }
        Place::S3 { endpoint, region, bucket, path } => {
            parse_target(endpoint, allow_private).map_err(|_| Failure::address_refused())?;
            let url = signed([endpoint, region, bucket, path], credentials, allow_private).await?;
            download(url, None, allow_private, spool).await
        }
        Place::Postgresql { .. } => {
            let password = credentials.password.as_deref().unwrap_or_default();
            postgresql::copy(place, password, allow_private, spool).await
        }
    }
}

/// The address at which a store hands an object out for a while. No request is made for it, and nothing of this
/// installation's own credentials is in it.
async fn signed(
    [endpoint, region, bucket, path]: [&String; 4],
    credentials: &Credentials,
    allow_private: bool,
) -> Result<Url, Failure> {
    let wrong = || Failure::new("bad_source", "the store, the bucket and the path make no address");
    let (Some(id), Some(secret)) = (&credentials.access_key_id, &credentials.secret_access_key) else {
        return Err(Failure::new("access_denied", "the source has no credentials"));
    };
    let store = AmazonS3Builder::new()
        .with_endpoint(endpoint.trim_end_matches('/'))
        .with_region(region)
        .with_bucket_name(bucket)
        .with_access_key_id(id)
        .with_secret_access_key(secret)
        .with_allow_http(allow_private)
        .build()
        .map_err(|_| wrong())?;
    let path = Path::parse(path).map_err(|_| wrong())?;
    store.signed_url(reqwest::Method::GET, &path, SIGNED_FOR).await.map_err(|_| wrong())
}

async fn download(
    url: Url,
    token: Option<&str>,
    allow_private: bool,
    spool: &mut Spool,
) -> Result<(), Unfetched> {
    let client = Client::builder()
        .user_agent(concat!("Augur-Sources/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIME_MAX)
        .read_timeout(SILENCE_MAX)
        .redirect(Policy::none())
        // A proxy of the environment would connect in our place, and look at no address.
        .no_proxy()
        .dns_resolver(Arc::new(PublicAddresses { allow_private }))
        .build()
        .map_err(|error| Unfetched::Ours(Error::internal(error)))?;
    let mut request = client.get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let mut response = request.send().await.map_err(|error| said(&error))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => {
            return Err(Failure::new("not_there", "the source answers 404: there is no such file").into());
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let message = format!("the source answers {}: it does not let us in", response.status().as_u16());
            return Err(Failure::new("access_denied", message).into());
        }
        status if status.is_redirection() => {
            let message = "the source leads elsewhere, which is not followed: give the address it leads to";
            return Err(Failure::new("redirected", message).into());
        }
        status => {
            let message = format!("the source answers {}", status.as_u16());
            return Err(Failure::new("source_failed", message).into());
        }
    }
    while let Some(piece) = response.chunk().await.map_err(|error| said(&error))? {
        spool.take(&piece).await?;
    }
    Ok(())
}

/// What went wrong on the way. Whose address was refused learns nothing of what is there.
fn said(error: &reqwest::Error) -> Failure {
    if PublicAddresses::has_refused(error) {
        return Failure::address_refused();
    }
    match () {
        () if error.is_timeout() => Failure::new("timed_out", "the source did not answer in time"),
        () if error.is_connect() => Failure::new("connection_failed", "no connection to the source was made"),
        () => Failure::new("connection_broken", "the connection to the source broke off"),
    }
}
