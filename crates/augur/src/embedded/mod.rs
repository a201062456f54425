//! The embedded default: a private, real PostgreSQL that lives in the data directory and listens on
//! a unix socket only. `serve` owns it; other commands use the one that runs, or start it for their
//! own time.

mod binaries;
mod cluster;
mod db;
mod launcher;
mod server;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::data_directory::{DataDirectory, DirectoryLock, Holder, LockAttempt};
use cluster::Cluster;
use server::Server;

/// How long to wait for another augur on the same directory: a command that ends by itself, or a
/// `serve` that is about to open its database.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database of a data directory that is ready for connections.
#[derive(Debug)]
pub struct Embedded {
    database_url: String,
    /// The server and the lock, where this process runs it; none where another one does. The server
    /// comes first, so that it is gone before the lock is free.
    running: Option<(Server, Cluster, DirectoryLock)>,
}

impl Embedded {
    /// Starts the directory's database for `augur serve`; fails where another `serve` runs on it.
    pub async fn serve(directory: &DataDirectory) -> Result<Self> {
        let lock = directory.lock_to_serve(PATIENCE).await?;
        Self::start(directory, lock).await
    }

    /// Uses the database of a running `serve`, or starts it until `stop`.
    pub async fn attach_or_start(directory: &DataDirectory) -> Result<Self> {
        let started = Instant::now();
        loop {
            match directory.try_lock(Holder::Command)? {
                LockAttempt::Taken(lock) => return Self::start(directory, lock).await,
                LockAttempt::Held { holder: Some(Holder::Serve), .. } => {
                    let cluster = Cluster::of(directory)?;
                    if db::is_ready(&cluster).await {
                        return Ok(Self { database_url: cluster.database_url()?, running: None });
                    }
                }
                LockAttempt::Held { .. } => {}
            }
            if started.elapsed() > PATIENCE {
                bail!(
                    "another augur holds the data directory {}, but its database does not answer",
                    directory.path().display()
                );
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    async fn start(directory: &DataDirectory, lock: DirectoryLock) -> Result<Self> {
        let cluster = Cluster::of(directory)?;
        let server = Server::start(&cluster).await?;
        db::prepare(&cluster).await?;
        Ok(Self { database_url: cluster.database_url()?, running: Some((server, cluster, lock)) })
    }

    /// What to connect with: the URL of the unix socket, without a password.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// Stops the server, where this process runs it, and waits until it is gone. Connections should
    /// be closed before: those still open are cut.
    pub async fn stop(self) -> Result<()> {
        let Some((server, cluster, lock)) = self.running else { return Ok(()) };
        tokio::task::spawn_blocking(move || {
            server.stop()?;
            cluster.remove_socket_directory();
            drop(lock);
            Ok(())
        })
        .await?
    }
}
