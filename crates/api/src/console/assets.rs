//! Stylesheet and scripts, which are part of the program. Their addresses change with their content, so that a browser
//! keeps each for ever and never mixes two versions.

use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::errors::PageError;

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static [u8],
    hash: String,
    compressed: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        Asset::new("console.css", STYLE, include_bytes!("../../assets/console.css")),
        Asset::new("console.js", SCRIPT, include_bytes!("../../assets/console.js")),
        Asset::new("htmx.min.js", SCRIPT, include_bytes!("../../assets/htmx.min.js")),
        Asset::new("predict.js", SCRIPT, include_bytes!("../../assets/predict.js")),
        Asset::new("train.js", SCRIPT, include_bytes!("../../assets/train.js")),
        Asset::new("icon.svg", PICTURE, include_bytes!("../../assets/icon.svg")),
    ]
});

impl Asset {
    fn new(name: &'static str, media_type: &'static str, content: &'static [u8]) -> Asset {
        let hash = hex::encode(&Sha256::digest(content)[..6]);
        Asset { name, media_type, content, hash, compressed: compressed(content).into() }
    }
}

/// The address of an asset of this version.
pub fn address_of(name: &str) -> String {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => format!("/assets/{}/{name}", asset.hash),
        None => format!("/assets/0/{name}"),
    }
}

/// Serves an asset. One of another version is answered with ours, for as long as the answer lasts.
pub async fn serve(
    Path((hash, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(PageError::not_found)?;
    let takes_gzip = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|codings| codings.split(',').any(|coding| coding.trim().starts_with("gzip")));
    let body = if takes_gzip { asset.compressed.clone() } else { Bytes::from_static(asset.content) };
    let mut response = body.into_response();
    let answered = response.headers_mut();
    answered.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let keeping = if hash == asset.hash { FOR_EVER } else { "no-cache" };
    answered.insert(CACHE_CONTROL, HeaderValue::from_static(keeping));
    if takes_gzip {
        answered.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn compressed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail; an answer that did not decompress would show at once.
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_compressed_is_what_there_is() {
        for asset in ASSETS.iter() {
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(asset.compressed.as_ref()).read_to_end(&mut read).unwrap();
            assert_eq!(read, asset.content, "{}", asset.name);
        }
    }
}
