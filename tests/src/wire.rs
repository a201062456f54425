//! A bare connection: for requests that no client library would send, and for clients that dawdle.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::installation::Installation;

/// A connection to an installation's server.
pub struct Wire {
    stream: TcpStream,
}

/// What came until the server closed the connection, or until nobody waited any longer.
pub struct Heard {
    /// Every byte, as text.
    pub text: String,
    /// Whether the server closed the connection.
    pub is_closed: bool,
    /// How long that took.
    pub after: Duration,
}

impl Wire {
    /// Connects.
    pub async fn to(on: &Installation) -> Wire {
        Wire { stream: TcpStream::connect(("127.0.0.1", on.port())).await.expect("a connection") }
    }

    /// Connects and sends this.
    pub async fn with(on: &Installation, bytes: impl AsRef<[u8]>) -> Wire {
        let mut wire = Wire::to(on).await;
        assert!(wire.send(bytes).await, "the beginning is taken");
        wire
    }

    /// Sends more, and tells whether the server still took it.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Listens until the server closes the connection, but not longer than `limit`.
    pub async fn hear(&mut self, limit: Duration) -> Heard {
        let started = Instant::now();
        let mut bytes = Vec::new();
        let mut is_closed = false;
        let listening = async {
            let mut buffer = vec![0; 64 * 1024];
            // A reset is an end too.
            while let Ok(count @ 1..) = self.stream.read(&mut buffer).await {
                bytes.extend_from_slice(&buffer[..count]);
            }
            is_closed = true;
        };
        let _ = tokio::time::timeout(limit, listening).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Heard { text, is_closed, after: started.elapsed() }
    }

    /// Sends `byte` each `interval` until the server answers or closes, but not longer than `limit`; then listens.
    pub async fn drip(mut self, byte: u8, interval: Duration, limit: Duration) -> Heard {
        let started = Instant::now();
        while started.elapsed() < limit {
            if !self.send([byte]).await {
                break;
            }
            let heard = self.hear(interval).await;
            if heard.is_closed || !heard.text.is_empty() {
                return Heard { after: started.elapsed(), ..heard };
            }
        }
        let heard = self.hear(limit.saturating_sub(started.elapsed())).await;
        Heard { after: started.elapsed(), ..heard }
    }
}

impl Heard {
    /// The status of each answer.
    pub fn statuses(&self) -> Vec<u16> {
        let answers = self.text.split("HTTP/1.1 ").skip(1);
        answers.filter_map(|answer| answer.get(..3)?.parse().ok()).collect()
    }
}
