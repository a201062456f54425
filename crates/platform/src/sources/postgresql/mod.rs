//! The rows of a query in a tenant's PostgreSQL, as CSV.
//!
//! The client connects to a socket in a directory of its own, behind which [`Bridge`] has connected to an address that
//! was looked at: so the name of the server is resolved once, and its certificate is still held against the name.

mod db;

use super::address::resolve;
use super::fetch::{Failure, Spool, Unfetched};
use super::place::{Place, Tls};
use crate::Error;
use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, PgConnection};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// For how long the server may think, or be silent between two rows.
const SILENCE_MAX: Duration = Duration::from_secs(600);

/// Copies the rows of a query.
pub(super) async fn copy(
    place: &Place,
    password: &str,
    allow_private: bool,
    spool: &mut Spool,
) -> Result<(), Unfetched> {
    let Place::Postgresql { host, port, database, user, tls, query } = place else {
        return Err(Unfetched::Ours(Error::Internal("this place is no PostgreSQL".to_owned())));
    };
    let bridge = Bridge::open(host, *port, allow_private).await?;
    let options = PgConnectOptions::new_without_pgpass()
        .host(host)
        .port(*port)
        .socket(bridge.directory.path())
        .username(user)
        .password(password)
        .database(database)
        .ssl_mode(match tls {
            Tls::Verify => PgSslMode::VerifyFull,
            Tls::Require => PgSslMode::Require,
            Tls::Disable => PgSslMode::Disable,
        })
        .application_name("augur")
        // The query is the tenant's, and may name people.
        .disable_statement_logging();
    let connected = timeout(CONNECT_TIME_MAX, options.connect()).await;
    let mut connection: PgConnection = match connected {
        Ok(connected) => connected.map_err(|error| said(&error))?,
        Err(_) => return Err(Failure::new("timed_out", "the database did not let us in in time").into()),
    };
    let query = query.trim().trim_end_matches(';');
    let silent = || Failure::new("timed_out", "the database was silent for too long");
    let began = timeout(SILENCE_MAX, db::begin(&mut connection, query)).await.map_err(|_| silent())?;
    began.map_err(|error| said(&error))?;
    let copying = timeout(SILENCE_MAX, db::copy_out(&mut connection, query)).await.map_err(|_| silent())?;
    let mut rows = copying.map_err(|error| said(&error))?;
    loop {
        let piece = timeout(SILENCE_MAX, rows.try_next()).await.map_err(|_| silent())?;
        let Some(piece) = piece.map_err(|error| said(&error))? else { break };
        spool.take(&piece).await?;
    }
    Ok(())
}

/// What the database has said, in its own words for the one who may read it.
fn said(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(error) => {
            let code = match error.code().as_deref() {
                Some("28P01" | "28000" | "3D000" | "42501") => "access_denied",
                Some("57014") => "timed_out",
                _ => "query_failed",
            };
            Failure::new(code, error.message().chars().take(500).collect::<String>())
        }
        sqlx::Error::Tls(_) => {
            Failure::new("tls_failed", "the server's certificate or encryption is not as it must be")
        }
        _ => Failure::new("connection_broken", "the connection to the database broke off"),
    }
}

/// One connection to a server, behind a socket that nobody else reaches.
struct Bridge {
    directory: TempDir,
    _carrying: AbortOnDropHandle<()>,
}

impl Bridge {
    async fn open(host: &str, port: u16, allow_private: bool) -> Result<Bridge, Unfetched> {
        let mut connected = None;
        for address in resolve(host, port, allow_private).await? {
            if let Ok(Ok(stream)) = timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await {
                connected = Some(stream);
                break;
            }
        }
        let Some(mut server) = connected else {
            return Err(Failure::new("connection_failed", "no connection to the database was made").into());
        };
        let ours = |error: std::io::Error| {
            let detail = error.to_string();
            Unfetched::Ours(Error::Unavailable { dependency: "temporary files", detail })
        };
        let directory = tempfile::Builder::new().prefix("augur-").tempdir().map_err(ours)?;
        let listener = UnixListener::bind(directory.path().join(format!(".s.PGSQL.{port}"))).map_err(ours)?;
        let carrying = tokio::spawn(async move {
            if let Ok((mut client, _)) = listener.accept().await {
                // Whichever side ends it, the other one sees its connection end.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
        Ok(Bridge { directory, _carrying: AbortOnDropHandle::new(carrying) })
    }
}
