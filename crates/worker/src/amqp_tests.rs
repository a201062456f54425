//! The queue on a real RabbitMQ, at TEST_AMQP_URL; without it these tests say so and pass. Each
//! test has queues of its own and reaches the broker through a proxy that it can cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apalis::layers::WorkerBuilderExt;
use apalis_core::worker::builder::WorkerBuilder;
use lapin::Connection;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use platform::JobId;
use platform::jobs::{JobKind, Message, Publisher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::amqp::{self, Queue};
use crate::amqp_consumer::AmqpConsumer;
use crate::amqp_publisher::AmqpPublisher;

const KIND: JobKind = JobKind::Prediction;

/// A broker behind a proxy, with queues of the test's own.
struct TestBroker {
    url: String,
    direct_url: String,
    namespace: String,
    up: Arc<AtomicBool>,
    cut: Arc<tokio::sync::Notify>,
    proxy: JoinSet<()>,
}

impl TestBroker {
    async fn start() -> Option<Self> {
        let Ok(direct_url) = std::env::var("TEST_AMQP_URL") else {
            eprintln!("skipped: TEST_AMQP_URL is not set");
            return None;
        };
        let uri = amqp::parse_url(&direct_url).expect("TEST_AMQP_URL is an AMQP URL");
        let target = (uri.authority.host.clone(), uri.authority.port);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let up = Arc::new(AtomicBool::new(true));
        let cut = Arc::new(tokio::sync::Notify::new());
        let mut proxy = JoinSet::new();
        proxy.spawn(forward(listener, target, up.clone(), cut.clone()));
        let mut proxied = uri;
        proxied.authority.host = "127.0.0.1".to_owned();
        proxied.authority.port = port;
        Some(Self {
            url: proxied.to_string(),
            direct_url,
            namespace: format!("augur-test-{}", uuid::Uuid::now_v7()),
            up,
            cut,
            proxy,
        })
    }

    fn queue(&self) -> Queue {
        Queue::of(KIND, &self.namespace)
    }

    fn publisher(&self) -> AmqpPublisher {
        let broker = amqp::Broker { url: self.url.clone(), namespace: self.namespace.clone() };
        AmqpPublisher::new(&broker).expect("a valid URL")
    }

    fn consumer(&self, prefetch: u16) -> AmqpConsumer {
        AmqpConsumer {
            uri: amqp::parse_url(&self.url).expect("a valid URL"),
            queue: self.queue(),
            prefetch,
            name: "test".to_owned(),
        }
    }

    /// Ends every connection, and refuses new ones until `heal`.
    fn fail(&self) {
        self.up.store(false, Ordering::SeqCst);
        self.cut.notify_waiters();
    }

    fn heal(&self) {
        self.up.store(true, Ordering::SeqCst);
    }

    async fn direct(&self) -> Connection {
        let uri = amqp::parse_url(&self.direct_url).expect("a valid URL");
        amqp::connect(&uri, "test").await.expect("a broker")
    }

    /// How many messages wait in a queue.
    async fn waiting(&self, queue: &str) -> u32 {
        let connection = self.direct().await;
        let channel = connection.create_channel().await.expect("a channel");
        let mut options = QueueDeclareOptions::durable();
        options.passive = true;
        channel
            .queue_declare(queue.into(), options, FieldTable::default())
            .await
            .expect("the queue was declared")
            .message_count()
    }

    async fn wait_for(&self, queue: &str, messages: u32) {
        let start = Instant::now();
        while self.waiting(queue).await != messages {
            assert!(start.elapsed() < Duration::from_secs(20), "{queue} never held {messages} messages");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn remove(mut self) {
        let connection = self.direct().await;
        let channel = connection.create_channel().await.expect("a channel");
        let queue = self.queue();
        for name in [queue.name, queue.dead] {
            channel
                .queue_delete(name.into(), QueueDeleteOptions::default())
                .await
                .expect("a queue of this test");
        }
        self.proxy.shutdown().await;
    }
}

async fn forward(
    listener: TcpListener,
    target: (String, u16),
    up: Arc<AtomicBool>,
    cut: Arc<tokio::sync::Notify>,
) {
    let mut connections = JoinSet::new();
    while let Ok((mut inner, _)) = listener.accept().await {
        if !up.load(Ordering::SeqCst) {
            continue;
        }
        let (target, cut) = (target.clone(), cut.clone());
        connections.spawn(async move {
            let mut outer = TcpStream::connect(target).await.expect("the broker");
            tokio::select! {
                () = cut.notified() => {}
                _ = tokio::io::copy_bidirectional(&mut inner, &mut outer) => {}
            }
        });
    }
}

/// A worker that only tells which messages it got.
struct Worker {
    seen: mpsc::UnboundedReceiver<Message>,
    stop: CancellationToken,
    run: tokio::task::JoinHandle<()>,
}

impl Worker {
    fn start(broker: &TestBroker, prefetch: u16, work: Duration) -> Self {
        let stop = CancellationToken::new();
        let source = broker.consumer(prefetch).start(stop.clone());
        let (sender, seen) = mpsc::unbounded_channel();
        let worker = WorkerBuilder::new("test").backend(source).concurrency(usize::from(prefetch)).build(
            move |message: Message| {
                let sender = sender.clone();
                async move {
                    tokio::time::sleep(work).await;
                    sender.send(message).expect("the test listens");
                }
            },
        );
        let stopped = stop.clone();
        let run = tokio::spawn(async move {
            let signal = async move {
                stopped.cancelled().await;
                Ok::<_, std::io::Error>(())
            };
            worker.run_until(signal).await.expect("a graceful stop");
        });
        Self { seen, stop, run }
    }

    async fn next(&mut self) -> Message {
        tokio::time::timeout(Duration::from_secs(20), self.seen.recv())
            .await
            .expect("a message within 20 s")
            .expect("the worker runs")
    }

    async fn finish(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.run)
            .await
            .expect("the worker stops")
            .expect("the worker does not panic");
    }
}

fn message() -> Message {
    Message { v: 1, job_id: JobId::new(), request_id: Some("request-1".to_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_message_is_handled_once_and_acknowledged() {
    let Some(broker) = TestBroker::start().await else {
        return;
    };
    let publisher = broker.publisher();
    let sent = message();
    publisher.publish(KIND, &sent).await.expect("a confirm");
    let mut worker = Worker::start(&broker, 2, Duration::ZERO);
    assert_eq!(worker.next().await.job_id, sent.job_id);
    worker.finish().await;
    assert_eq!(broker.waiting(&broker.queue().name).await, 0);
    broker.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_are_published_at_once_and_all_arrive() {
    let Some(broker) = TestBroker::start().await else {
        return;
    };
    let publisher = broker.publisher();
    let confirmed = futures::future::join_all((0..300).map(|_| async {
        let sent = message();
        publisher.publish(KIND, &sent).await.map(|()| sent.job_id)
    }))
    .await;
    let mut expected: Vec<_> =
        confirmed.into_iter().map(|confirm| confirm.expect("a confirm").to_string()).collect();
    let mut worker = Worker::start(&broker, 4, Duration::ZERO);
    let mut arrived = Vec::new();
    while arrived.len() < expected.len() {
        arrived.push(worker.next().await.job_id.to_string());
    }
    expected.sort();
    arrived.sort();
    assert_eq!(arrived, expected);
    worker.finish().await;
    broker.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_goes_to_the_dead_letter_queue_and_the_rest_goes_on() {
    let Some(broker) = TestBroker::start().await else {
        return;
    };
    let publisher = broker.publisher();
    publisher.health().await.expect("a broker");
    let queue = broker.queue();
    let connection = broker.direct().await;
    let channel = connection.create_channel().await.expect("a channel");
    let options = BasicPublishOptions::default();
    channel
        .basic_publish("".into(), queue.name.as_str().into(), options, b"{\"v\":", Default::default())
        .await
        .expect("a publish");
    let sent = message();
    let mut worker = Worker::start(&broker, 1, Duration::ZERO);
    publisher.publish(KIND, &sent).await.expect("a confirm");
    assert_eq!(worker.next().await.job_id, sent.job_id);
    broker.wait_for(&queue.dead, 1).await;
    broker.wait_for(&queue.name, 0).await;
    worker.finish().await;
    broker.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publisher_and_consumer_come_back_after_the_connection_is_lost() {
    let Some(broker) = TestBroker::start().await else {
        return;
    };
    let publisher = broker.publisher();
    let mut worker = Worker::start(&broker, 1, Duration::ZERO);
    publisher.publish(KIND, &message()).await.expect("a confirm");
    worker.next().await;
    broker.fail();
    tokio::time::sleep(Duration::from_millis(300)).await;
    publisher.publish(KIND, &message()).await.expect_err("no broker");
    let start = Instant::now();
    publisher.publish(KIND, &message()).await.expect_err("no broker");
    assert!(start.elapsed() < Duration::from_secs(1), "a publish must not wait for a dead broker");
    broker.heal();
    let sent = message();
    let start = Instant::now();
    while publisher.publish(KIND, &sent).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(15), "the publisher never came back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The first message may come again: its acknowledgement can be lost with the connection.
    while worker.next().await.job_id != sent.job_id {}
    worker.finish().await;
    broker.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_over_a_lost_connection_is_harmless_and_the_message_comes_again() {
    let Some(broker) = TestBroker::start().await else {
        return;
    };
    let sent = message();
    broker.publisher().publish(KIND, &sent).await.expect("a confirm");
    let mut worker = Worker::start(&broker, 1, Duration::from_millis(700));
    tokio::time::sleep(Duration::from_millis(300)).await;
    broker.fail();
    assert_eq!(worker.next().await.job_id, sent.job_id);
    broker.heal();
    assert_eq!(worker.next().await.job_id, sent.job_id, "delivered again");
    broker.wait_for(&broker.queue().name, 0).await;
    worker.finish().await;
    assert_eq!(broker.waiting(&broker.queue().name).await, 0, "acknowledged the second time");
    broker.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_the_running_job_finish_and_gives_the_others_back() {
    let Some(broker) = TestBroker::start().await else {
        return;
    };
    let publisher = broker.publisher();
    for _ in 0..3 {
        publisher.publish(KIND, &message()).await.expect("a confirm");
    }
    let worker = Worker::start(&broker, 1, Duration::from_millis(700));
    tokio::time::sleep(Duration::from_millis(400)).await;
    let Worker { mut seen, stop, run } = worker;
    stop.cancel();
    run.await.expect("the worker does not panic");
    assert!(seen.recv().await.is_some(), "the running job finished");
    assert!(seen.recv().await.is_none(), "no other was started");
    broker.wait_for(&broker.queue().name, 2).await;
    broker.remove().await;
}
