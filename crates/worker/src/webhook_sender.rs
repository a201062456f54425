//! Sends one request to a receiver that nobody here knows: to public addresses alone, looked at when the
//! connection is made; without following redirects; for a bounded time; reading a bounded reply.
//!
//! A name is resolved by [`PublicAddresses`], and the connection is made to what it returned and to nothing
//! else, so that a name which led elsewhere when the endpoint was made leads nowhere now.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use platform::webhooks::{self, Attempted, PublicAddresses, Work, parse_target};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, header};
use tokio::time::Instant;

/// From the look-up of the name to the last byte of the reply.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How much of a reply is read.
const REPLY_BYTES_MAX: usize = 64 << 10;
/// How much of it is kept, in characters.
const REPLY_CHARACTERS_KEPT: usize = 1_000;

const ADDRESS_REFUSED: &str = "address_refused";

/// Sends webhooks.
pub(crate) struct Sender {
    client: Client,
    allow_private: bool,
}

impl Sender {
    /// A sender; with `allow_private` also by `http:` and to addresses that are not public.
    ///
    /// # Errors
    /// Those of the client for TLS.
    pub(crate) fn new(allow_private: bool) -> Result<Sender, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("Augur-Webhooks/", env!("CARGO_PKG_VERSION")))
            .timeout(TIME_MAX)
            .redirect(Policy::none())
            // A proxy of the environment would connect in our place, and look at no address.
            .no_proxy()
            // Each delivery resolves and connects anew.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(PublicAddresses { allow_private }))
            .build()?;
        Ok(Sender { client, allow_private })
    }

    /// Makes one attempt. Whatever becomes of it is in the answer.
    pub(crate) async fn send(&self, work: &Work) -> Attempted {
        let (at, start) = (Utc::now(), Instant::now());
        let got = self.request(work).await;
        let duration_ms = u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX);
        match got {
            Ok(Got { status, reply, error }) => {
                Attempted { at, duration_ms, status: Some(status), error, reply: shown(&reply) }
            }
            Err(error) => {
                Attempted { at, duration_ms, status: None, error: Some(error), reply: String::new() }
            }
        }
    }

    async fn request(&self, work: &Work) -> Result<Got, &'static str> {
        // An address in the place of a name is not resolved, so that it is looked at here.
        let url = parse_target(&work.url, self.allow_private).map_err(|_| ADDRESS_REFUSED)?;
        let timestamp = Utc::now().timestamp();
        let response = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", work.event.to_string())
            .header("webhook-timestamp", timestamp.to_string())
            .header(
                "webhook-signature",
                webhooks::signatures(&work.secrets, work.event, timestamp, &work.body),
            )
            .body(work.body.clone())
            .send()
            .await
            .map_err(|error| word_of(&error))?;
        Ok(read(response).await)
    }
}

/// An attempt that sent nothing.
pub(crate) fn not_sent(error: &'static str) -> Attempted {
    Attempted { at: Utc::now(), duration_ms: 0, status: None, error: Some(error), reply: String::new() }
}

/// What came back. The status counts, whatever became of the rest.
struct Got {
    status: u16,
    reply: Vec<u8>,
    error: Option<&'static str>,
}

/// Reads as much of a reply as is wanted; what is not read is cut off with the connection.
async fn read(mut response: Response) -> Got {
    let status = response.status().as_u16();
    let mut reply = Vec::new();
    let error = loop {
        match response.chunk().await {
            Ok(Some(piece)) => {
                let room = REPLY_BYTES_MAX - reply.len();
                reply.extend_from_slice(&piece[..piece.len().min(room)]);
                if piece.len() >= room {
                    break Some("reply_too_large");
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(word_of(&error)),
        }
    };
    Got { status, reply, error }
}

/// The beginning of a reply as text that can be kept and shown.
fn shown(reply: &[u8]) -> String {
    let is_kept = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    String::from_utf8_lossy(reply).chars().filter(is_kept).take(REPLY_CHARACTERS_KEPT).collect()
}

/// A stable word for what went wrong. Whose address was refused learns nothing of what is there.
fn word_of(error: &reqwest::Error) -> &'static str {
    match () {
        () if PublicAddresses::has_refused(error) => ADDRESS_REFUSED,
        () if error.is_timeout() => "timed_out",
        () if error.is_connect() => "connection_failed",
        () => "connection_broken",
    }
}

#[cfg(test)]
mod tests {
    use platform::WebhookDeliveryId;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::*;

    fn sender(allow_private: bool) -> Sender {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Sender::new(allow_private).expect("a client")
    }

    fn work(url: String) -> Work {
        let delivery = WebhookDeliveryId::new();
        Work { delivery, event: Uuid::nil(), url, body: "{}".to_owned(), secrets: Vec::new() }
    }

    /// A receiver that counts connections and answers each with the same bytes, over and over.
    async fn receiver(
        answer: &'static str,
        again: Option<&'static str>,
    ) -> (u16, Arc<std::sync::atomic::AtomicU32>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    while let Some(again) = again {
                        if stream.write_all(again.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        (port, connections)
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_refused_when_the_connection_is_made() {
        let (port, connections) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", None).await;
        // What a name led to when its endpoint was made does not matter; this one leads here now.
        let client = sender(false).client;
        let refused = client.post(format!("http://localhost:{port}/")).send().await.expect_err("refused");
        assert_eq!(word_of(&refused), ADDRESS_REFUSED);
        for url in ["http://localhost:{}/", "https://127.0.0.1:{}/", "https://[::1]:{}/"] {
            let url = url.replace("{}", &port.to_string());
            assert_eq!(sender(false).send(&work(url)).await.error, Some(ADDRESS_REFUSED));
        }
        assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 0);
        let attempted = sender(true).send(&work(format!("http://localhost:{port}/"))).await;
        assert_eq!((attempted.status, attempted.error), (Some(200), None));
    }

    #[tokio::test]
    async fn a_reply_without_end_is_cut_and_its_status_counts() {
        let filler = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let (port, _) = receiver("HTTP/1.1 500 Oh\r\nconnection: close\r\n\r\n", Some(filler)).await;
        let attempted = sender(true).send(&work(format!("http://127.0.0.1:{port}/"))).await;
        assert_eq!((attempted.status, attempted.error), (Some(500), Some("reply_too_large")));
        assert_eq!(attempted.reply.len(), REPLY_CHARACTERS_KEPT);
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_leads_nowhere() {
        let (inside, connections) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", None).await;
        let answer =
            format!("HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:{inside}/\r\ncontent-length: 0\r\n\r\n");
        let (port, _) = receiver(answer.leak(), None).await;
        let attempted = sender(true).send(&work(format!("http://127.0.0.1:{port}/"))).await;
        assert_eq!((attempted.status, attempted.error), (Some(307), None));
        assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 0);
    }

    #[test]
    fn a_reply_is_kept_as_text_of_bounded_length() {
        assert_eq!(shown(b"ok\x00\x1b[31m\n\xff"), "ok[31m\n\u{fffd}");
        assert_eq!(shown(&[b'a'; 5000]).len(), REPLY_CHARACTERS_KEPT);
    }
}
