//! A receiver of webhooks inside the test process: it keeps every request, and answers as it is told to.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::patience::eventually;

/// Longer than any delivery of a test takes.
const RECEIVED_WITHIN: Duration = Duration::from_secs(60);

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its headers, by their names in small letters.
    pub headers: HashMap<String, String>,
    /// Its body, byte for byte.
    pub body: Vec<u8>,
}

impl Received {
    /// A header, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// How a receiver answers.
#[derive(Clone, Debug)]
pub enum Answering {
    /// With a status, and a body that says so.
    Status(u16),
    /// With a redirect to somewhere.
    Redirect(String),
    /// With 200 and a body that never ends.
    Huge,
    /// Byte for byte, for ever, and never to the end of the head.
    Drip,
}

/// A receiver on a port of its own.
pub struct Receiver {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    answering: Arc<Mutex<Vec<Answering>>>,
    _serving: JoinSet<()>,
}

impl Receiver {
    /// Starts one that answers 204.
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (received, answering) = (Arc::default(), Arc::new(Mutex::new(vec![Answering::Status(204)])));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&received), Arc::clone(&answering)));
        Receiver { port, received, answering, _serving: serving }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?of=the-tests", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers so from now on: each answer once, and the last for ever.
    pub fn answer(&self, answers: &[Answering]) {
        *self.answering.lock().unwrap() = answers.to_vec();
    }

    /// What has come so far.
    pub fn so_far(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so many requests have come, and returns them.
    pub async fn received(&self, count: usize) -> Vec<Received> {
        eventually(&format!("{count} webhooks come"), RECEIVED_WITHIN, async || {
            Some(self.so_far()).filter(|received| received.len() >= count)
        })
        .await
    }
}

async fn serve(
    listener: TcpListener,
    received: Arc<Mutex<Vec<Received>>>,
    answering: Arc<Mutex<Vec<Answering>>>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (received, answering) = (received.clone(), answering.clone());
        connections.spawn(async move {
            let mut stream = BufReader::new(stream);
            let Some(request) = read(&mut stream).await else { return };
            received.lock().unwrap().push(request);
            let answer = {
                let mut answers = answering.lock().unwrap();
                if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
            };
            respond(stream.into_inner(), answer).await;
        });
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut headers = HashMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|bytes| *bytes > 0)?;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received { headers, body })
}

/// Whoever has heard enough goes away, which is no fault.
async fn respond(mut stream: TcpStream, answer: Answering) {
    match answer {
        Answering::Status(status) => {
            let body = format!("this is {status}");
            let body = if status == 204 { "" } else { &body };
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} Told\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
        Answering::Redirect(to) => {
            let head = format!("HTTP/1.1 307 Go\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
        }
        Answering::Huge => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
            while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
        }
        Answering::Drip => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx-drip: ").await;
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
