//! The queue of a distributed installation, as somebody with the broker's password has it.

use lapin::options::{BasicPublishOptions, QueueDeclareOptions, QueuePurgeOptions};
use lapin::{Channel, Connection};
use serde_json::json;

use crate::installation::Installation;

/// A connection to an installation's queue, past any proxy.
pub struct Queue {
    _connection: Connection,
    channel: Channel,
    name: String,
}

impl Queue {
    /// Connects.
    pub async fn of(on: &Installation) -> Queue {
        let share = on.share();
        let connection = Connection::connect(&share.amqp_url, Default::default()).await.expect("the broker");
        let channel = connection.create_channel().await.expect("a channel");
        Queue { _connection: connection, channel, name: format!("{}.jobs.predictions", share.amqp_namespace) }
    }

    /// Publishes a job's message once more.
    pub async fn publish_again(&self, job: &str) {
        let message = json!({ "v": 1, "job_id": job, "request_id": "again" }).to_string();
        let options = BasicPublishOptions::default();
        let properties = Default::default();
        let name = self.name.as_str().into();
        let sent = self.channel.basic_publish("".into(), name, options, message.as_bytes(), properties).await;
        sent.expect("a message is sent").await.expect("the broker takes it");
    }

    /// Throws away every message that nobody has yet, and returns how many.
    pub async fn purge(&self) -> u32 {
        let options = QueuePurgeOptions::default();
        self.channel.queue_purge(self.name.as_str().into(), options).await.expect("a queue")
    }

    /// How many messages wait.
    pub async fn waiting(&self) -> u32 {
        let passive = QueueDeclareOptions { passive: true, durable: true, ..Default::default() };
        let name = self.name.as_str().into();
        let declared = self.channel.queue_declare(name, passive, Default::default()).await;
        declared.expect("a queue").message_count()
    }
}
