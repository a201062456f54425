//! The worker's side of the platform: the queues, RabbitMQ's and the one inside a process, and the
//! worker that takes a job from them, scores and settles.
//!
//! A message is a hint that a job is there. Whether it is still to be done, who does it and how
//! often it was tried is PostgreSQL's to say, through `platform::jobs`; no SQL is written here.

mod amqp;
mod amqp_consumer;
mod amqp_publisher;
mod attempt;
mod backoff;
mod error;
mod in_process;
mod input;
mod intake;
mod job;
mod lease;
mod look;
mod measures;
mod mlflow;
mod output;
mod prediction;
mod run;
mod score;
mod settlement;
mod source;
mod training;
mod webhook;
mod webhook_sender;

#[cfg(test)]
mod amqp_tests;

pub use amqp::{Broker, broker_health};
pub use amqp_publisher::AmqpPublisher;
pub use error::Error;
pub use in_process::{InProcessPublisher, InProcessQueue, channel};
pub use measures::describe;
pub use run::{Backend, WorkerOptions, run};
