//! A TCP proxy of our own between a process and a server: it passes, cuts, or stalls as a network does
//! whose packets are lost on the way.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Bytes go both ways.
    Passing,
    /// It stays open, and nothing arrives on either side.
    Stalled,
    /// It is reset.
    Cut,
}

/// What becomes of the connections that were stalled when the proxy heals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stalled {
    /// Both sides are told that the connection is gone.
    Reset,
    /// Nobody is ever told: whoever waits for an answer waits until it stops by itself.
    DeadForEver,
}

/// A proxy in front of one server; dropping it resets what it carries.
pub struct Proxy {
    address: SocketAddr,
    target: String,
    line: Arc<Mutex<Line>>,
    accepting: AbortHandle,
}

/// The connections, and what happens to the next one.
struct Line {
    fate_of_new: Fate,
    connections: Vec<watch::Sender<Fate>>,
}

impl Proxy {
    /// A proxy that passes everything on to `target`, `host:port`.
    pub async fn to(target: &str) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let line = Arc::new(Mutex::new(Line { fate_of_new: Fate::Passing, connections: Vec::new() }));
        let accepting = tokio::spawn(accept(listener, target.to_owned(), line.clone())).abort_handle();
        Proxy { address, target: target.to_owned(), line, accepting }
    }

    /// A proxy in front of the server of a URL, and the URL that goes through it.
    pub async fn before(url: &str) -> (Proxy, String) {
        let (_, rest) = url.split_once("://").unwrap_or_else(|| panic!("a URL: {url}"));
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let proxy = Proxy::to(host).await;
        let through = url.replacen(host, &proxy.address(), 1);
        (proxy, through)
    }

    /// Where it listens, `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The server behind it, `host:port`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Resets every connection; new ones pass.
    pub fn cut(&self) {
        self.have(Fate::Cut, Fate::Passing);
    }

    /// Resets every connection, and every new one, until it heals.
    pub fn refuse(&self) {
        self.have(Fate::Cut, Fate::Cut);
    }

    /// Delivers nothing any more: connections stay open, new ones are accepted, until it heals.
    pub fn stall(&self) {
        self.have(Fate::Stalled, Fate::Stalled);
    }

    /// Lets new connections pass again.
    pub fn heal(&self, stalled: Stalled) {
        let mut line = self.line.lock().unwrap();
        line.fate_of_new = Fate::Passing;
        if stalled == Stalled::Reset {
            for connection in &line.connections {
                connection.send_if_modified(|fate| {
                    let was_stalled = *fate == Fate::Stalled;
                    if was_stalled {
                        *fate = Fate::Cut;
                    }
                    was_stalled
                });
            }
        }
    }

    /// How many connections it holds open.
    pub fn open_connections(&self) -> usize {
        let mut line = self.line.lock().unwrap();
        line.forget_ended();
        line.connections.len()
    }

    fn have(&self, fate: Fate, fate_of_new: Fate) {
        let mut line = self.line.lock().unwrap();
        line.forget_ended();
        line.fate_of_new = fate_of_new;
        for connection in &line.connections {
            let _ = connection.send(fate);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        // The senders go with the line, and with them the connections.
        self.line.lock().unwrap().connections.clear();
    }
}

impl Line {
    fn forget_ended(&mut self) {
        self.connections.retain(|connection| connection.receiver_count() > 0);
    }
}

async fn accept(listener: TcpListener, target: String, line: Arc<Mutex<Line>>) {
    while let Ok((client, _)) = listener.accept().await {
        let fate = {
            let mut line = line.lock().unwrap();
            line.forget_ended();
            let (sender, receiver) = watch::channel(line.fate_of_new);
            line.connections.push(sender);
            receiver
        };
        tokio::spawn(carry(client, target.clone(), fate));
    }
}

/// Carries one connection to its end. Nothing passes any more once it has been stalled, so that it does
/// not matter what a copy had in its hands when it was stopped.
async fn carry(mut client: TcpStream, target: String, mut fate: watch::Receiver<Fate>) {
    let mut server = None;
    if *fate.borrow_and_update() == Fate::Passing {
        server = TcpStream::connect(&target).await.ok();
        if let Some(server) = &mut server {
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            tokio::select! {
                biased;
                _ = fate.wait_for(|fate| *fate != Fate::Passing) => {}
                _ = copy_bidirectional(&mut client, server) => return,
            }
        }
    }
    if server.is_some() || *fate.borrow() == Fate::Stalled {
        // An error says that the proxy is gone.
        let _ = fate.wait_for(|fate| *fate == Fate::Cut).await;
    }
    // Closing without lingering sends a reset instead of an orderly end.
    let _ = client.set_zero_linger();
    let _ = server.map(|server| server.set_zero_linger());
}
