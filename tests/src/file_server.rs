//! A server of files inside the test process, as a store that speaks S3 or the web is one: it answers GET by what
//! it was given for a path, and keeps what it was asked.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What is asked for at a path.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path and query.
    pub target: String,
    /// The head of the request, in small letters.
    pub head: String,
}

type Files = Arc<Mutex<HashMap<String, (u16, Vec<u8>)>>>;

/// A server on a port of its own.
pub struct FileServer {
    port: u16,
    files: Files,
    asked: Arc<Mutex<Vec<Asked>>>,
    _serving: JoinSet<()>,
}

impl FileServer {
    /// Starts one that has nothing.
    pub async fn start() -> FileServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (files, asked): (Files, Arc<Mutex<Vec<Asked>>>) = Default::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&files), Arc::clone(&asked)));
        FileServer { port, files, asked, _serving: serving }
    }

    /// Where a path is.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers so at a path from now on.
    pub fn put(&self, path: &str, status: u16, content: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(path.to_owned(), (status, content.into()));
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, files: Files, asked: Arc<Mutex<Vec<Asked>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, Arc::clone(&files), Arc::clone(&asked)));
    }
}

async fn answer(stream: TcpStream, files: Files, asked: Arc<Mutex<Vec<Asked>>>) {
    let mut stream = BufReader::new(stream);
    let (mut first, mut head) = (String::new(), String::new());
    if stream.read_line(&mut first).await.is_err() {
        return;
    }
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(bytes) if bytes > 2 => head.push_str(&line.to_ascii_lowercase()),
            _ => break,
        }
    }
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let path = target.split('?').next().unwrap_or_default().to_owned();
    asked.lock().unwrap().push(Asked { target, head });
    let found = files.lock().unwrap().get(&path).cloned();
    let (status, content) = found.unwrap_or((404, Vec::new()));
    let length = content.len();
    let location = if status == 302 { "location: http://127.0.0.1:1/\r\n" } else { "" };
    let head =
        format!("HTTP/1.1 {status} So\r\n{location}content-length: {length}\r\nconnection: close\r\n\r\n");
    // Whoever has read enough goes away, which is no fault.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&content).await;
}
