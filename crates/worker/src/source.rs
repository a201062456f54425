//! Where the apalis worker gets its messages from: one bounded buffer, whoever fills it. The worker
//! above it is the same code for RabbitMQ and for the in-process queue.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll, ready as ready_or_pending};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::error::BoxDynError;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::task::{ExecutionContext, Task};
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::ext::ack::{Acknowledge, AcknowledgeLayer};
use futures::FutureExt;
use futures::future::{BoxFuture, Either};
use lapin::Acker;
use lapin::options::BasicAckOptions;
use platform::jobs::Message;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A message as it came, with what the broker wants to hear when it has been dealt with.
pub(crate) struct Incoming {
    pub(crate) message: Message,
    pub(crate) receipt: Receipt,
}

/// How a message is acknowledged.
#[derive(Clone)]
pub(crate) enum Receipt {
    /// The in-process queue forgets a message when it hands it over.
    InProcess,
    /// RabbitMQ keeps it until it is acknowledged.
    Amqp(Acker),
}

/// The apalis backend.
pub(crate) struct Source {
    buffer: mpsc::Receiver<Incoming>,
    /// What fills the buffer from a broker, if there is one.
    feeder: Option<Feeder>,
}

/// The feeder ended although nobody told it to: a fault of this program.
#[derive(Debug, thiserror::Error)]
#[error("the consumer ended by itself")]
pub(crate) struct FeederEnded;

/// A task that fills the buffer and holds the connection on which messages are acknowledged.
pub(crate) struct Feeder {
    pub(crate) task: JoinHandle<()>,
    /// Cancelled when no more messages are to be taken.
    pub(crate) stop: CancellationToken,
    /// Cancelled when the last message was acknowledged and the connection may go.
    pub(crate) close: CancellationToken,
}

impl Source {
    pub(crate) fn new(buffer: mpsc::Receiver<Incoming>, feeder: Option<Feeder>) -> Self {
        Self { buffer, feeder }
    }

    /// A buffer that nobody fills any more stays pending at a stop: apalis panics where a backend
    /// ends before its worker is told to stop, and being told wakes it.
    fn ended<T>(&self) -> Poll<Option<Result<T, FeederEnded>>> {
        match &self.feeder {
            Some(feeder) if !feeder.stop.is_cancelled() => Poll::Ready(Some(Err(FeederEnded))),
            Some(_) | None => Poll::Pending,
        }
    }
}

impl Backend for Source {
    type Task = Task<Message>;
    type Error = FeederEnded;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), FeederEnded>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<Message>, FeederEnded>>> {
        let Some(incoming) = ready_or_pending!(self.buffer.poll_recv(context)) else {
            return self.ended();
        };
        let id = TaskId::String(incoming.message.job_id.to_string());
        let task = TaskBuilder::new(incoming.message).task_id(id).data(incoming.receipt).build();
        Poll::Ready(Some(Ok(task)))
    }

    fn poll_close(&mut self, context: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), FeederEnded>> {
        self.buffer.close();
        if let Some(feeder) = self.feeder.as_mut() {
            feeder.close.cancel();
            // The feeder logs its own errors; a panic in it was logged by the runtime.
            let _ended = ready_or_pending!(feeder.task.poll_unpin(context));
            self.feeder = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Source {
    type Args = Message;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = AcknowledgeLayer<Acknowledgement>;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        AcknowledgeLayer::new(Acknowledgement)
    }
}

/// Acknowledges every message once its handler has ended, whatever came of it: what is to be done
/// again is written in PostgreSQL, and the relay publishes it again. Asking the broker to redeliver
/// would only be a second retry counter.
#[derive(Clone, Copy)]
pub(crate) struct Acknowledgement;

impl<Answer: Send + Sync + 'static> Acknowledge<Answer> for Acknowledgement {
    type Error = Infallible;
    type Future = Either<Ready<Result<(), Infallible>>, BoxFuture<'static, Result<(), Infallible>>>;

    fn ack(&mut self, _: &Result<Answer, BoxDynError>, context: &ExecutionContext) -> Self::Future {
        match context.data().get::<Receipt>() {
            Some(Receipt::Amqp(acker)) => {
                let acker = acker.clone();
                let job_id = context.task_id().map(ToString::to_string).unwrap_or_default();
                Either::Right(acknowledge(acker, job_id).map(Ok).boxed())
            }
            Some(Receipt::InProcess) | None => Either::Left(ready(Ok(()))),
        }
    }
}

/// A message whose connection was lost cannot be acknowledged. The broker delivers it again, and
/// the claim finds its job settled or its lease held: nothing is done twice.
async fn acknowledge(acker: Acker, job_id: String) {
    match acker.ack(BasicAckOptions::default()).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!(job_id, "A message was not acknowledged: its connection is gone");
        }
        Err(error) => {
            tracing::info!(%error, job_id, "A message was not acknowledged: its connection is gone");
        }
    }
}
