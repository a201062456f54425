//! The connection to RabbitMQ and what is declared there: one quorum queue for each kind of job and
//! one beside it for messages that nobody can read. Nothing here knows what a job is.
//!
//! The broker carries ids and nothing else. It may lose, repeat or delay them: attempts are counted
//! in PostgreSQL, and the sweeper publishes again what was lost. So no argument of these queues
//! limits deliveries.

use std::time::Duration;

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use platform::jobs::JobKind;

use crate::error::Error;

/// A broker, and the part of it that belongs to one installation. Not for the log: no `Debug`.
#[derive(Clone)]
pub struct Broker {
    /// `amqp://...`; it may hold a password.
    pub url: String,
    /// What the names of the queues begin with; differs where installations share a virtual host.
    pub namespace: String,
}

/// How long a connection may take, handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the broker may take over a declaration, which needs a majority of its nodes.
const DECLARE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a graceful close may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// A dead peer is noticed after two of these.
const HEARTBEAT_SECONDS: u16 = 10;
/// Messages are small, and the client keeps 32 frames of this size for each direction.
const FRAME_BYTES_MAX: u32 = 16 * 1024;
/// The relay stays within about twice the workers' capacity; this only guards the broker's disk.
const QUEUE_MESSAGES_MAX: i32 = 100_000;
/// Unreadable messages are kept for a look by a person, not for ever.
const DEAD_MESSAGES_MAX: i32 = 1_000;

/// Where the messages about one kind of job lie.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    /// The quorum queue that workers consume.
    pub(crate) name: String,
    /// The queue that gets only what cannot be read.
    pub(crate) dead: String,
}

impl Queue {
    /// The queue of a kind of job, in a namespace of its own where several installations, or
    /// tests, share a virtual host.
    pub(crate) fn of(kind: JobKind, namespace: &str) -> Self {
        let name = match kind {
            JobKind::Prediction => "predictions",
            JobKind::Training => "trainings",
            JobKind::Webhook => "webhooks",
            JobKind::Export => "exports",
            JobKind::Intake => "intakes",
        };
        Self { name: format!("{namespace}.jobs.{name}"), dead: format!("{namespace}.dead.{name}") }
    }

    /// Declares both queues. Safe to repeat; every session does it, because the broker may have
    /// come back empty.
    pub(crate) async fn declare(&self, channel: &Channel) -> Result<(), Error> {
        within(DECLARE_TIMEOUT, async {
            let durable = QueueDeclareOptions::durable();
            channel.queue_declare(self.dead.as_str().into(), durable, self.dead_arguments()).await?;
            channel.queue_declare(self.name.as_str().into(), durable, self.arguments()).await
        })
        .await?;
        Ok(())
    }

    /// Deletes the queue and declares it anew, on a connection of its own. Nothing is lost by it: what
    /// the queue held is published again from PostgreSQL. The queue of unreadable messages, which
    /// PostgreSQL does not hold, is left alone.
    pub(crate) async fn remake(&self, uri: &AMQPUri, name: &str) -> Result<(), Error> {
        let connection = connect(uri, name).await?;
        let channel = within(CONNECT_TIMEOUT, connection.create_channel()).await?;
        within(DECLARE_TIMEOUT, async {
            let whatever_it_holds = QueueDeleteOptions::default();
            channel.queue_delete(self.name.as_str().into(), whatever_it_holds).await
        })
        .await?;
        self.declare(&channel).await?;
        close(connection).await;
        Ok(())
    }

    fn arguments(&self) -> FieldTable {
        let mut arguments = quorum();
        arguments.insert("x-dead-letter-exchange".into(), text(""));
        arguments.insert("x-dead-letter-routing-key".into(), text(&self.dead));
        // A full queue refuses a publish instead of dropping its head: the relay tries again later.
        arguments.insert("x-overflow".into(), text("reject-publish"));
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(QUEUE_MESSAGES_MAX));
        arguments
    }

    fn dead_arguments(&self) -> FieldTable {
        let mut arguments = quorum();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(DEAD_MESSAGES_MAX));
        arguments
    }
}

/// Reads the broker's URL, and fills in a heartbeat, a bounded connect and a small frame where the
/// URL says nothing about them. An error never repeats the URL: it may hold a password.
pub(crate) fn parse_url(url: &str) -> Result<AMQPUri, Error> {
    let mut uri: AMQPUri = url.parse().map_err(|_| Error::BrokerUrl)?;
    let query = &mut uri.query;
    query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
    query.frame_max.get_or_insert(FRAME_BYTES_MAX);
    query.connection_timeout.get_or_insert(CONNECT_TIMEOUT.as_millis() as u64);
    Ok(uri)
}

/// Opens a connection that the broker lists under `name`.
///
/// Where a broker hangs in the middle of the handshake, the client's thread for that attempt hangs
/// with it and ends when the broker goes on or goes away; growing delays keep such threads few.
pub(crate) async fn connect(uri: &AMQPUri, name: &str) -> Result<Connection, Error> {
    let properties = ConnectionProperties::default().with_connection_name(format!("augur {name}").into());
    within(CONNECT_TIMEOUT, Connection::connect_uri(uri.clone(), properties)).await
}

/// Closes a connection politely, within a bound. A broker that is gone already is no error.
pub(crate) async fn close(connection: Connection) {
    let closing = connection.close(200, "stopped".into());
    if let Err(error) = within(CLOSE_TIMEOUT, closing).await {
        tracing::debug!(%error, "the connection to the broker was gone before it was closed");
    }
}

/// Whether the broker at `url` takes connections and has room for a channel.
pub async fn broker_health(url: &str) -> Result<(), Error> {
    let connection = connect(&parse_url(url)?, "health check").await?;
    within(CONNECT_TIMEOUT, connection.create_channel()).await?;
    close(connection).await;
    Ok(())
}

/// Waits for an answer of the broker, but not longer than `limit`.
pub(crate) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::BrokerTimedOut { limit_ms: limit.as_millis() }),
    }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_limits_gets_them_and_one_with_limits_keeps_them() {
        let plain = parse_url("amqp://user:secret@broker:5672/%2f").expect("a valid URL");
        assert_eq!(plain.query.heartbeat, Some(HEARTBEAT_SECONDS));
        assert_eq!(plain.query.connection_timeout, Some(5_000));
        let own = parse_url("amqp://broker/%2f?heartbeat=60").expect("a valid URL");
        assert_eq!(own.query.heartbeat, Some(60));
    }

    #[test]
    fn an_unreadable_url_is_refused_without_repeating_its_password() {
        let error = parse_url("http://user:secret@broker").expect_err("not an AMQP URL");
        assert!(!error.to_string().contains("secret"));
    }
}
