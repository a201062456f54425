//! What can go wrong outside a job: the broker, the platform, the worker itself. What goes wrong
//! inside a job never gets here; it is settled, postponed or counted against that job.

/// An error of the worker or of a publisher.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker's URL is no `amqp://` or `amqps://` URL. It is not repeated: it may hold a password.
    #[error("the broker's URL cannot be read; it should look like amqp://user:password@host:5672/%2f")]
    BrokerUrl,
    /// The connection failed or the broker refused a request.
    #[error("the broker failed: {0}")]
    Broker(#[from] lapin::Error),
    /// The broker did not answer in time.
    #[error("the broker did not answer within {limit_ms} ms")]
    BrokerTimedOut {
        /// How long the answer was waited for.
        limit_ms: u128,
    },
    /// The broker answers, and declares the queue, but never lets anybody consume it.
    #[error("the queue does not answer although the broker does")]
    QueueUnanswered,
    /// The broker could not be reached a moment ago, and it is too early to try again.
    #[error("the broker cannot be reached")]
    Unavailable,
    /// The broker or the in-process queue did not take the message.
    #[error("the queue did not take the message")]
    Refused,
    /// The other end of the in-process queue is gone.
    #[error("the queue was stopped")]
    Stopped,
    /// A message could not be written as JSON.
    #[error("a message could not be written: {0}")]
    Message(serde_json::Error),
    /// A client of other servers could not be made.
    #[error("no requests can be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The apalis worker ended by itself.
    #[error("the worker ended by itself: {0}")]
    Worker(#[from] apalis_core::error::WorkerError),
}
