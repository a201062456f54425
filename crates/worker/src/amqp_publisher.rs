//! Publishes messages to RabbitMQ and answers only when the broker has confirmed them: durable,
//! mandatory, at most 64 unconfirmed at a time. It reconnects by itself; while the broker is away
//! every publish fails at once, so that the relay is never held up.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use platform::jobs::{JobKind, Message, PublishError, Publisher};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use crate::amqp::{self, Broker, Queue, within};
use crate::backoff::Backoff;
use crate::error::Error;
use crate::measures;

/// How many messages may wait for their confirm at a time.
const WINDOW: usize = 64;
/// A confirm needs a majority of the broker's nodes to write to disk. A publish may also wait for a
/// broker that is short of memory; the relay tries again.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the broker may take to answer a health check.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);
const PERSISTENT: u8 = 2;

/// A publisher that owns one connection, made at the first publish and made again after a loss.
pub struct AmqpPublisher {
    uri: AMQPUri,
    namespace: String,
    session: Mutex<Session>,
    window: Semaphore,
}

struct Session {
    open: Option<Open>,
    /// Counts the connections made, so that a failed publish ends only the one it used.
    number: u64,
    backoff: Backoff,
    /// No new connection before this moment: the last attempt failed.
    refused_until: Option<Instant>,
}

struct Open {
    /// Held for its lifetime: dropping it closes the channel.
    _connection: Connection,
    channel: Channel,
    declared: Vec<JobKind>,
}

impl Publisher for AmqpPublisher {
    fn publish<'a>(&'a self, kind: JobKind, message: &'a Message) -> BoxFuture<'a, Result<(), PublishError>> {
        async move { self.confirm(kind, message).await.map_err(|error| PublishError(error.to_string())) }
            .boxed()
    }
}

impl AmqpPublisher {
    /// A publisher for a broker. The broker need not be there yet: what is accepted
    /// while it is away is kept in PostgreSQL and published when it comes.
    pub fn new(broker: &Broker) -> Result<Self, Error> {
        Ok(Self {
            uri: amqp::parse_url(&broker.url)?,
            namespace: broker.namespace.clone(),
            session: Mutex::new(Session {
                open: None,
                number: 0,
                backoff: Backoff::new(Duration::from_millis(250), Duration::from_secs(5)),
                refused_until: None,
            }),
            window: Semaphore::new(WINDOW),
        })
    }

    /// Publishes one message, and waits until the broker has it on disk.
    async fn confirm(&self, kind: JobKind, message: &Message) -> Result<(), Error> {
        let body = serde_json::to_vec(message).map_err(Error::Message)?;
        let _place = self.window.acquire().await.map_err(|_| Error::Stopped)?;
        let (channel, number) = self.channel(kind).await?;
        measures::published(kind);
        let id = message.job_id.to_string();
        let queue = self.queue(kind);
        let confirmation = within(CONFIRM_TIMEOUT, send(&channel, &queue, &id, &body)).await;
        match confirmation {
            Ok(Confirmation::Ack(None)) => {
                measures::confirmed(kind);
                Ok(())
            }
            Ok(Confirmation::Nack(_)) => {
                measures::refused(kind);
                Err(Error::Refused)
            }
            // Returned: the queue is gone, so the session's declarations are out of date.
            Ok(Confirmation::Ack(Some(_)) | Confirmation::NotRequested) => {
                measures::refused(kind);
                self.end(number).await;
                Err(Error::Refused)
            }
            Err(error) => {
                measures::refused(kind);
                self.end(number).await;
                Err(error)
            }
        }
    }

    /// Whether the broker answers on this publisher's own connection.
    pub async fn health(&self) -> Result<(), Error> {
        let checked = tokio::time::timeout(HEALTH_TIMEOUT, async {
            let (channel, number) = self.channel(JobKind::Prediction).await?;
            let answer = self.queue(JobKind::Prediction).declare(&channel).await;
            if answer.is_err() {
                self.end(number).await;
            }
            answer
        });
        checked.await.unwrap_or(Err(Error::BrokerTimedOut { limit_ms: HEALTH_TIMEOUT.as_millis() }))
    }

    /// The open channel with this kind's queue declared, or a new one.
    async fn channel(&self, kind: JobKind) -> Result<(Channel, u64), Error> {
        let mut session = self.session.lock().await;
        if session.open.as_ref().is_none_or(|open| !open.is_alive()) {
            session.open = None;
            session.open(&self.uri).await?;
        }
        let number = session.number;
        let Some(open) = session.open.as_mut() else {
            return Err(Error::Unavailable);
        };
        if !open.declared.contains(&kind) {
            if let Err(error) = self.queue(kind).declare(&open.channel).await {
                session.open = None;
                return Err(error);
            }
            open.declared.push(kind);
        }
        Ok((open.channel.clone(), number))
    }

    fn queue(&self, kind: JobKind) -> Queue {
        Queue::of(kind, &self.namespace)
    }

    /// Forgets the connection that a publish failed on, unless another publish has done so.
    async fn end(&self, number: u64) {
        let mut session = self.session.lock().await;
        if session.number == number {
            session.open = None;
        }
    }
}

impl Session {
    /// Connects, unless the last attempt failed a moment ago. A publish that waited for another
    /// one's failed attempt fails with it instead of waiting for its own.
    async fn open(&mut self, uri: &AMQPUri) -> Result<(), Error> {
        if self.refused_until.is_some_and(|until| Instant::now() < until) {
            return Err(Error::Unavailable);
        }
        match connect(uri).await {
            Ok(open) => {
                if self.number > 0 {
                    measures::reconnected("publisher");
                }
                tracing::info!("Connected to the broker to publish");
                self.open = Some(open);
                self.number += 1;
                self.backoff.reset();
                self.refused_until = None;
                Ok(())
            }
            Err(error) => {
                self.refused_until = Some(Instant::now() + self.backoff.delay());
                Err(error)
            }
        }
    }
}

impl Open {
    fn is_alive(&self) -> bool {
        self.channel.status().connected()
    }
}

async fn connect(uri: &AMQPUri) -> Result<Open, Error> {
    let connection = amqp::connect(uri, "publisher").await?;
    let channel = within(CONFIRM_TIMEOUT, async {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    })
    .await?;
    Ok(Open { _connection: connection, channel, declared: Vec::new() })
}

async fn send(channel: &Channel, queue: &Queue, id: &str, body: &[u8]) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_message_id(id.into());
    let name = queue.name.as_str().into();
    channel.basic_publish("".into(), name, options, body, properties).await?.await
}
