//! Consumes RabbitMQ's queue of one kind of job into the worker's buffer, and connects again with
//! growing delays when the broker goes away. It decides nothing about a job; a message that cannot
//! be read goes to the dead-letter queue.

use std::time::Duration;

use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, Consumer};
use platform::jobs::Message;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::amqp::{self, Queue, within};
use crate::backoff::{Backoff, any_delay};
use crate::error::Error;
use crate::measures;
use crate::source::{Feeder, Incoming, Receipt, Source};

/// How long the broker may take over a small request on an open channel.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// How often in a row a queue may leave a consumer without an answer until it is made anew. A
/// RabbitMQ that was killed soon after a quorum queue's first declaration comes back knowing the
/// queue's name but without its members, and never answers for it.
const UNANSWERED_MAX: u32 = 2;
/// Within what time one of several workers makes such a queue anew. The others look once more before
/// they would: a queue that is deleted again loses what was published into it meanwhile.
const REMAKING_SPREAD: Duration = Duration::from_secs(6);

/// The form of messages that this program reads.
const MESSAGE_VERSION: u32 = 1;

/// What a consumer needs to know.
pub(crate) struct AmqpConsumer {
    pub(crate) uri: AMQPUri,
    pub(crate) queue: Queue,
    /// How many messages may be here unacknowledged: as many as jobs run at a time, so that none
    /// waits here while another worker is free.
    pub(crate) prefetch: u16,
    /// Shown in the broker's list of connections.
    pub(crate) name: String,
}

/// Why a session ended.
enum End {
    /// The connection or the consumer is gone.
    Lost,
    /// The worker takes no more messages.
    Stopping,
}

/// An open connection with a consumer on it.
struct Session {
    connection: Connection,
    channel: Channel,
    deliveries: Consumer,
}

impl AmqpConsumer {
    /// Starts to consume. Nothing new is taken once `stop` is cancelled; the connection stays until
    /// the worker has acknowledged what it holds.
    pub(crate) fn start(self, stop: CancellationToken) -> Source {
        let (sender, buffer) = mpsc::channel(usize::from(self.prefetch));
        let close = CancellationToken::new();
        let task = tokio::spawn(self.consume(sender, stop.clone(), close.clone()));
        Source::new(buffer, Some(Feeder { task, stop, close }))
    }

    async fn consume(
        self,
        buffer: mpsc::Sender<Incoming>,
        stop: CancellationToken,
        close: CancellationToken,
    ) {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        let mut connected_before = false;
        // One line for an outage, not one for each attempt.
        let mut warned = false;
        let mut unanswered = 0;
        while !stop.is_cancelled() {
            let opened = tokio::select! {
                () = stop.cancelled() => return,
                opened = self.open() => opened,
            };
            unanswered = if matches!(opened, Err(Error::QueueUnanswered)) { unanswered + 1 } else { 0 };
            if unanswered == UNANSWERED_MAX {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(any_delay(REMAKING_SPREAD)) => continue,
                }
            }
            if unanswered > UNANSWERED_MAX {
                self.remake_queue().await;
                unanswered = 0;
                continue;
            }
            match opened {
                Ok(session) => {
                    if connected_before {
                        measures::reconnected("consumer");
                    }
                    (connected_before, warned) = (true, false);
                    backoff.reset();
                    tracing::info!(queue = self.queue.name, "Consuming messages");
                    self.follow(session, &buffer, &stop, &close).await;
                }
                Err(error) if warned => tracing::debug!(%error, "The broker still cannot be used"),
                Err(error) => {
                    warned = true;
                    let queue = &self.queue.name;
                    tracing::warn!(%error, queue, "The broker cannot be used; trying until it can");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(backoff.delay()) => {}
            }
        }
    }

    async fn remake_queue(&self) {
        let queue = &self.queue.name;
        tracing::warn!(queue, "The queue does not answer although the broker does; making it anew");
        if let Err(error) = self.queue.remake(&self.uri, &self.name).await {
            tracing::warn!(%error, queue, "The queue was not made anew");
        }
    }

    /// One session, from its first message to the loss of its connection or the worker's end.
    async fn follow(
        &self,
        mut session: Session,
        buffer: &mpsc::Sender<Incoming>,
        stop: &CancellationToken,
        close: &CancellationToken,
    ) {
        match self.pump(&mut session.deliveries, buffer, stop).await {
            End::Lost => {}
            End::Stopping => {
                self.give_back(&mut session).await;
                close.cancelled().await;
                amqp::close(session.connection).await;
            }
        }
    }

    async fn open(&self) -> Result<Session, Error> {
        let connection = amqp::connect(&self.uri, &self.name).await?;
        let channel = within(ANSWER_TIMEOUT, connection.create_channel()).await?;
        self.queue.declare(&channel).await?;
        let deliveries = within(ANSWER_TIMEOUT, async {
            channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
            let tag = "".into();
            let options = BasicConsumeOptions::default();
            let name = self.queue.name.as_str().into();
            channel.basic_consume(name, tag, options, FieldTable::default()).await
        })
        .await
        .map_err(|error| match error {
            Error::BrokerTimedOut { .. } => Error::QueueUnanswered,
            other => other,
        })?;
        Ok(Session { connection, channel, deliveries })
    }

    async fn pump(
        &self,
        deliveries: &mut Consumer,
        buffer: &mpsc::Sender<Incoming>,
        stop: &CancellationToken,
    ) -> End {
        loop {
            let delivery = tokio::select! {
                () = stop.cancelled() => return End::Stopping,
                delivery = deliveries.next() => delivery,
            };
            match delivery {
                Some(Ok(delivery)) => {
                    let Some(incoming) = self.read(delivery).await else {
                        continue;
                    };
                    // The buffer is as long as the prefetch, so this does not wait.
                    if buffer.send(incoming).await.is_err() {
                        return End::Stopping;
                    }
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "The connection to the broker was lost");
                    return End::Lost;
                }
                None => {
                    tracing::warn!("The broker ended the consumer");
                    return End::Lost;
                }
            }
        }
    }

    /// The message of a delivery. What cannot be read is rejected for good, which puts it on the
    /// dead-letter queue; if it stood for a job, the sweeper publishes that job again.
    async fn read(&self, delivery: Delivery) -> Option<Incoming> {
        match parse(&delivery.data) {
            Ok(message) => Some(Incoming { message, receipt: Receipt::Amqp(delivery.acker) }),
            Err(error) => {
                measures::unreadable();
                tracing::warn!(
                    error,
                    bytes = delivery.data.len(),
                    "A message that cannot be read goes to the dead-letter queue"
                );
                let forever = BasicRejectOptions { requeue: false };
                if let Err(error) = delivery.acker.reject(forever).await {
                    tracing::warn!(%error, "An unreadable message was not rejected");
                }
                None
            }
        }
    }

    /// Ends the consumer, and hands what it had fetched to other workers at once.
    async fn give_back(&self, session: &mut Session) {
        let tag = session.deliveries.tag();
        let cancelled = session.channel.basic_cancel(tag, BasicCancelOptions::default());
        if let Err(error) = within(ANSWER_TIMEOUT, cancelled).await {
            tracing::info!(%error, "The consumer was gone before it was cancelled");
            return;
        }
        let fetched = async {
            while let Some(Ok(delivery)) = session.deliveries.next().await {
                let again = BasicNackOptions { requeue: true, multiple: false };
                if let Err(error) = delivery.acker.nack(again).await {
                    tracing::info!(%error, "A message was not given back");
                }
            }
        };
        if tokio::time::timeout(ANSWER_TIMEOUT, fetched).await.is_err() {
            tracing::info!("The fetched messages were not given back in time");
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Message, String> {
    let message: Message = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if message.v == MESSAGE_VERSION {
        Ok(message)
    } else {
        Err(format!("its form is version {}, not {MESSAGE_VERSION}", message.v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_another_version_is_not_read_as_one_of_ours() {
        let id = "01936b2e-0000-7000-8000-000000000000";
        let ours = format!(r#"{{"v":1,"job_id":"{id}","request_id":null}}"#);
        assert!(parse(ours.as_bytes()).is_ok());
        assert!(parse(ours.replace(r#""v":1"#, r#""v":2"#).as_bytes()).is_err());
        assert!(parse(b"").is_err());
    }
}
