//! What may break, how it is caused, how long it lasts, and how it ends.

use std::time::{Duration, Instant};

use tests::customer::Customer;
use tests::mount::Mount;
use tests::patience::eventually;
use tests::proxy::{Proxy, Stalled};
use tests::queue::Queue;
use tests::services::{self, Outage};

use crate::moment::Moment;
use crate::plan::{Whose, clock_library};
use crate::reference;
use crate::stage::{PRICE, Stage};

/// How long a server is away.
const OUTAGE: Duration = Duration::from_secs(3);
/// How long nothing is delivered.
const SILENCE: Duration = Duration::from_secs(8);
/// Longer than a lease, and than a mark is believed.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(20);
/// How long the API sleeps in the whole matrix.
const LONG_SLEEP: Duration = Duration::from_secs(60);
/// How long a process may take to end that was told to.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How long the sweeper may take to refund what is past its deadline.
const SWEEP_LIMIT: Duration = Duration::from_secs(20);

/// A server that processes reach through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The truth.
    Postgresql,
    /// The queue.
    Rabbitmq,
    /// What may be forgotten.
    Redis,
}

/// Everything that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// kill -9 of the API.
    ApiKilled,
    /// The API sleeps.
    ApiStopped,
    /// The client closes its connection.
    ClientGone,
    /// kill -9 of the worker that has the job.
    WorkerKilled,
    /// The worker that has the job sleeps longer than its lease.
    WorkerStopped,
    /// The code panics once.
    PanicOnce,
    /// The code panics at every attempt.
    PanicThrice,
    /// A row that cannot be scored, in the file or in that of the order before it.
    Poison,
    /// PostgreSQL stops at once and starts again.
    PostgresqlStopped,
    /// kill -9 of RabbitMQ.
    RabbitmqKilled,
    /// RabbitMQ stops in order and starts again.
    RabbitmqStopped,
    /// The queue is emptied.
    QueuePurged,
    /// kill -9 of Redis.
    RedisKilled,
    /// FLUSHALL.
    RedisFlushed,
    /// Redis hangs.
    RedisStopped,
    /// The connections to a server are reset, and refused for a while.
    Cut(Server),
    /// The connections to a server stay open and deliver nothing.
    HalfOpen(Server, Stalled),
    /// Nothing can be written in the object store.
    StoreUnwritable,
    /// The object store is not there.
    StoreAway,
    /// The disk is full.
    DiskFull,
    /// The job's message comes again.
    MessageAgain,
    /// The clock of a process is wrong by this much.
    Clock(Whose, &'static str),
    /// The job is past its deadline, and the sweeper comes before whoever is held.
    Sweeper,
    /// The sweeper has the job locked when the success is to be settled.
    SweeperFirst,
    /// SIGTERM, as a rolling deployment sends it.
    Terminated,
}

/// Harm to a server that all installations share.
pub enum Harm {
    /// A server is down.
    Outage(Outage),
    /// `rabbitmqctl stop_app`.
    Application,
    /// Redis sleeps.
    Sleep(SleepingRedis),
    /// None.
    None,
}

/// Redis under SIGSTOP; dropping it wakes it up.
pub struct SleepingRedis;

impl Drop for SleepingRedis {
    fn drop(&mut self) {
        services::signal_redis("CONT");
    }
}

impl Fault {
    /// Its name in the table.
    pub fn name(self) -> String {
        let name = match self {
            Fault::ApiKilled => "API killed",
            Fault::ApiStopped => "API stopped for longer than a lease",
            Fault::ClientGone => "client disconnects",
            Fault::WorkerKilled => "worker killed",
            Fault::WorkerStopped => "worker stopped for longer than its lease",
            Fault::PanicOnce => "panic at the first attempt",
            Fault::PanicThrice => "panic at three attempts",
            Fault::Poison => "a row that cannot be scored",
            Fault::PostgresqlStopped => "PostgreSQL stopped at once",
            Fault::RabbitmqKilled => "RabbitMQ killed",
            Fault::RabbitmqStopped => "RabbitMQ stopped in order",
            Fault::QueuePurged => "queue purged",
            Fault::RedisKilled => "Redis killed",
            Fault::RedisFlushed => "Redis emptied",
            Fault::RedisStopped => "Redis hangs",
            Fault::Cut(server) => return format!("{server:?}: connections cut"),
            Fault::HalfOpen(server, Stalled::Reset) => return format!("{server:?}: half open, then reset"),
            Fault::HalfOpen(server, _) => return format!("{server:?}: half open for ever"),
            Fault::StoreUnwritable => "object store read-only",
            Fault::StoreAway => "object store away",
            Fault::DiskFull => "disk full",
            Fault::MessageAgain => "message comes again",
            Fault::Clock(Whose::Server, offset) => return format!("clock of the API {offset}"),
            Fault::Clock(Whose::Holder, offset) => return format!("clock of the worker {offset}"),
            Fault::Clock(Whose::Rescuer, offset) => return format!("clock of another worker {offset}"),
            Fault::Sweeper => "sweeper before a late success",
            Fault::SweeperFirst => "sweeper and success at once",
            Fault::Terminated => "SIGTERM",
        };
        name.to_owned()
    }

    /// Why it cannot be caused here; none where it can.
    pub fn obstacle(self) -> Option<&'static str> {
        let (service, is_mount) = match self {
            Fault::PostgresqlStopped => ("postgresql", false),
            Fault::RabbitmqKilled | Fault::RabbitmqStopped => ("rabbitmq", false),
            Fault::RedisKilled | Fault::RedisFlushed | Fault::RedisStopped => ("redis", false),
            Fault::StoreUnwritable | Fault::StoreAway | Fault::DiskFull => ("", true),
            Fault::Clock(..) if clock_library().is_none() => return Some("libfaketime is not installed"),
            _ => return None,
        };
        if is_mount {
            (!Mount::is_allowed()).then_some("nothing may be mounted here")
        } else {
            (!services::is_ours(service)).then_some("the server was given, and is not ours to harm")
        }
    }

    /// Whether it harms a server that every installation uses.
    pub fn is_shared(self) -> bool {
        matches!(
            self,
            Fault::PostgresqlStopped
                | Fault::RabbitmqKilled
                | Fault::RabbitmqStopped
                | Fault::RedisKilled
                | Fault::RedisStopped
        )
    }

    /// Harms the shared server, where it does.
    pub async fn strike(self) -> Harm {
        let outage = match self {
            Fault::PostgresqlStopped => Outage::begin("postgresql").await,
            Fault::RabbitmqKilled => Outage::begin("rabbitmq").await,
            Fault::RedisKilled => Outage::begin("redis").await,
            Fault::RabbitmqStopped => {
                services::rabbitmqctl("stop_app").await;
                return Harm::Application;
            }
            Fault::RedisStopped => {
                services::signal_redis("STOP");
                return Harm::Sleep(SleepingRedis);
            }
            _ => return Harm::None,
        };
        outage.map_or(Harm::None, Harm::Outage)
    }

    /// Breaks what is the installation's own.
    pub async fn inject(self, stage: &mut Stage) {
        let in_server = stage.cell.moment.is_in_server();
        match self {
            Fault::ApiKilled => stage.on.server.kill(),
            Fault::ApiStopped => stage.on.server.signal("STOP"),
            Fault::ClientGone => drop(stage.request.take().inspect(|request| request.abort())),
            Fault::WorkerKilled => stage.on.workers[0].kill(),
            Fault::WorkerStopped => stage.on.workers[0].signal("STOP"),
            Fault::Terminated if in_server => stage.on.server.signal("TERM"),
            Fault::Terminated => stage.on.workers[0].signal("TERM"),
            Fault::Poison if !stage.plan.poisoned => poison_the_queue(stage).await,
            Fault::QueuePurged => drop(Queue::of(&stage.on).await.purge().await),
            Fault::RedisFlushed => flush_redis(stage).await,
            Fault::Cut(server) => proxy(stage, server).refuse(),
            Fault::HalfOpen(server, _) => proxy(stage, server).stall(),
            Fault::StoreUnwritable => stage.mount = Mount::read_only(&stage.on.objects()),
            Fault::StoreAway => stage.mount = Mount::empty(&stage.on.objects()),
            Fault::DiskFull => {
                let is_upload = stage.cell.moment == Moment::BeforeDebit;
                let directory = stage.on.objects().join(if is_upload { "inputs" } else { "results" });
                stage.mount = Mount::full(&directory);
            }
            Fault::MessageAgain => stage.publish_again().await,
            _ => {}
        }
        let needs_mount = matches!(self, Fault::StoreUnwritable | Fault::StoreAway | Fault::DiskFull);
        assert_eq!(needs_mount, stage.mount.is_some(), "the store is as it should be");
    }

    /// Waits for as long as the fault lasts before whoever is held goes on.
    pub async fn linger_held(self, stage: &mut Stage) {
        match self {
            Fault::Clock(..) => tokio::time::sleep(LONGER_THAN_A_LEASE).await,
            Fault::Terminated if !stage.cell.moment.is_in_server() => tokio::time::sleep(SILENCE).await,
            Fault::Terminated => tokio::time::sleep(OUTAGE).await,
            Fault::Sweeper => sweeper_has_come(stage).await,
            Fault::SweeperFirst => stage.second_hold.reached(SWEEP_LIMIT).await,
            _ => {}
        }
    }

    /// Waits for as long as the fault lasts after that.
    pub async fn linger(self) {
        let is_whole = std::env::var("CHAOS").is_ok_and(|size| size == "full");
        let duration = match self {
            Fault::ApiStopped if is_whole => LONG_SLEEP,
            Fault::ApiStopped | Fault::WorkerStopped => LONGER_THAN_A_LEASE,
            Fault::HalfOpen(..) => SILENCE,
            Fault::Cut(_) | Fault::StoreUnwritable | Fault::StoreAway | Fault::DiskFull => OUTAGE,
            Fault::SweeperFirst => Duration::from_millis(500),
            _ if self.is_shared() => OUTAGE,
            _ => Duration::ZERO,
        };
        tokio::time::sleep(duration).await;
    }

    /// Puts the installation's own right again.
    pub async fn heal(self, stage: &mut Stage) {
        let in_server = stage.cell.moment.is_in_server();
        match self {
            Fault::ApiKilled => stage.on.restart_server().await,
            Fault::ApiStopped => stage.on.server.signal("CONT"),
            Fault::WorkerStopped => stage.on.workers[0].signal("CONT"),
            Fault::Terminated if in_server => {
                expect_orderly(stage.on.server.end(STOP_LIMIT).await);
                stage.on.restart_server().await;
            }
            Fault::Terminated => expect_orderly(stage.on.workers[0].end(STOP_LIMIT).await),
            Fault::Poison | Fault::QueuePurged if stage.on.workers.is_empty() => stage.start_plain_worker(),
            Fault::SweeperFirst => {
                stage.second_hold.release();
                stage.start_plain_worker();
            }
            Fault::Cut(server) => proxy(stage, server).heal(Stalled::Reset),
            Fault::HalfOpen(server, stalled) => proxy(stage, server).heal(stalled),
            Fault::StoreUnwritable | Fault::StoreAway | Fault::DiskFull => drop(stage.mount.take()),
            _ => {}
        }
        stage.healed = Instant::now();
    }
}

impl Harm {
    /// Ends it.
    pub async fn end(self) {
        match self {
            Harm::Outage(outage) => outage.end().await,
            Harm::Application => services::rabbitmqctl("start_app").await,
            Harm::Sleep(sleeping) => drop(sleeping),
            Harm::None => {}
        }
    }
}

fn proxy(stage: &Stage, server: Server) -> &Proxy {
    let proxies = stage.on.proxies();
    match server {
        Server::Postgresql => &proxies.postgresql,
        Server::Rabbitmq => &proxies.rabbitmq,
        Server::Redis => &proxies.redis,
    }
}

fn expect_orderly(status: std::process::ExitStatus) {
    assert!(status.success(), "the process did not end in order: {status}");
}

/// Another customer's file that cannot be scored comes before ours.
async fn poison_the_queue(stage: &Stage) {
    let other = Customer::with_balance(&stage.on, PRICE).await;
    other.predict(&stage.service, reference::poisoned().await).await;
}

async fn flush_redis(stage: &Stage) {
    let client = redis::Client::open(stage.on.share().redis_url.as_str()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.expect("an empty Redis");
}

/// Waits until the sweeper has ended the order, or would have.
async fn sweeper_has_come(stage: &Stage) {
    if stage.cell.moment == Moment::Settled {
        tokio::time::sleep(SWEEP_LIMIT / 2).await;
        return;
    }
    eventually("the sweeper refunds it", SWEEP_LIMIT, async || {
        let refunds = stage.number("SELECT count(*) FROM transactions WHERE kind = 'refund'").await;
        (refunds == 1).then_some(())
    })
    .await;
}
