//! The queue of the embedded default: a bounded channel inside the process. It loses its messages
//! with the process, as any queue of ours may; PostgreSQL still has the jobs.

use std::future::ready;

use futures::FutureExt;
use futures::future::BoxFuture;
use platform::jobs::{JobKind, Message, PublishError, Publisher};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::error::Error;
use crate::measures;
use crate::source::{Incoming, Receipt, Source};

/// The publishing end.
#[derive(Clone)]
pub struct InProcessPublisher {
    /// One for each kind of job.
    senders: [mpsc::Sender<Incoming>; JobKind::ALL.len()],
}

/// The worker's end.
pub struct InProcessQueue {
    /// One for each kind of job.
    buffers: [mpsc::Receiver<Incoming>; JobKind::ALL.len()],
}

/// A queue for at most `capacity` messages about each kind of job.
pub fn channel(capacity: usize) -> (InProcessPublisher, InProcessQueue) {
    let channels = JobKind::ALL.map(|_| mpsc::channel(capacity.max(1)));
    let senders = channels.each_ref().map(|(sender, _)| sender.clone());
    (InProcessPublisher { senders }, InProcessQueue { buffers: channels.map(|(_, buffer)| buffer) })
}

impl Publisher for InProcessPublisher {
    /// A full queue is a failed publish, never a wait: the relay clears the job's mark and comes
    /// back.
    fn publish<'a>(&'a self, kind: JobKind, message: &'a Message) -> BoxFuture<'a, Result<(), PublishError>> {
        measures::published(kind);
        let incoming = Incoming { message: message.clone(), receipt: Receipt::InProcess };
        let handed_over = self.senders[kind as usize].try_send(incoming).map_err(|error| match error {
            TrySendError::Full(_) => Error::Refused,
            TrySendError::Closed(_) => Error::Stopped,
        });
        match handed_over {
            Ok(()) => measures::confirmed(kind),
            Err(_) => measures::refused(kind),
        }
        ready(handed_over.map_err(|error| PublishError(error.to_string()))).boxed()
    }
}

impl InProcessQueue {
    /// The messages about each kind of job.
    pub(crate) fn into_sources(self) -> [(JobKind, Source); JobKind::ALL.len()] {
        let mut kinds = JobKind::ALL.into_iter();
        // As many buffers as kinds, in the same order.
        self.buffers.map(|buffer| (kinds.next().unwrap_or(JobKind::Prediction), Source::new(buffer, None)))
    }
}

#[cfg(test)]
mod tests {
    use platform::JobId;

    use super::*;

    fn message() -> Message {
        Message { v: 1, job_id: JobId::new(), request_id: None }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_takes_again_when_it_has_room() {
        let (publisher, mut queue) = channel(1);
        let kind = JobKind::Prediction;
        publisher.publish(kind, &message()).await.expect("there is room");
        publisher.publish(kind, &message()).await.expect_err("the queue is full");
        queue.buffers[0].recv().await.expect("the first message");
        publisher.publish(kind, &message()).await.expect("there is room again");
    }

    #[tokio::test]
    async fn a_queue_whose_worker_is_gone_refuses() {
        let (publisher, queue) = channel(1);
        drop(queue);
        publisher.publish(JobKind::Prediction, &message()).await.expect_err("nobody listens");
    }
}
