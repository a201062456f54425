//! Tells webhooks of Augur from anything else, in Rust: crates base64 0.22, hmac 0.13, sha2 0.11. The tests of
//! the webhooks receive with it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Whether a message is Augur's and new: `secret` is `whsec_...`; `id`, `timestamp` and `signatures` are the
/// headers `webhook-id`, `webhook-timestamp` and `webhook-signature`; `body` is the bytes as they came. Whoever
/// calls this also remembers the ids, for an event may come again.
pub fn verify(
    secret: &str,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: SystemTime,
) -> Result<(), &'static str> {
    let sent = timestamp.parse().map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
    let sent = sent.map_err(|_| "the time is missing")?;
    let distance = now.duration_since(sent).or_else(|_| sent.duration_since(now)).unwrap_or(Duration::MAX);
    if distance > TOLERANCE {
        return Err("the message is older than five minutes");
    }
    let key = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    let key = key.ok_or("the secret is none")?;
    let mut code = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| "the secret is none")?;
    code.update(format!("{id}.{timestamp}.").as_bytes());
    code.update(body);
    // While the secret is being changed there are two; one that is right is enough.
    let is_ours = signatures
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .any(|one| STANDARD.decode(one).is_ok_and(|bytes| code.clone().verify_slice(&bytes).is_ok()));
    if is_ours { Ok(()) } else { Err("the signature is not the sender's") }
}
