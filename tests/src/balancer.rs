//! A balancer of our own in front of several servers: it knows connections, and nothing of what they carry.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// A balancer; dropping it stops it.
pub struct Balancer {
    address: SocketAddr,
    accepting: AbortHandle,
}

impl Balancer {
    /// A balancer in front of servers, each as `http://host:port`.
    pub async fn before(urls: &[String]) -> Balancer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let servers: Vec<String> = urls.iter().map(|url| url.replacen("http://", "", 1)).collect();
        let accepting = tokio::spawn(accept(listener, servers.into())).abort_handle();
        Balancer { address, accepting }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, servers: Arc<[String]>) {
    let turn = Arc::new(AtomicUsize::new(0));
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, servers.clone(), turn.clone()));
    }
}

/// The servers have a connection in turn; where one refuses it, the next is tried.
async fn carry(mut client: TcpStream, servers: Arc<[String]>, turn: Arc<AtomicUsize>) {
    let first = turn.fetch_add(1, Ordering::Relaxed);
    for number in 0..servers.len() {
        let server = &servers[(first + number) % servers.len()];
        if let Ok(mut server) = TcpStream::connect(server).await {
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            // A connection that breaks is the client's business.
            let _ = copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
