//! The faults of a round: planned from the seed, then done to the processes and the servers.

use std::time::Duration;

use lapin::options::QueuePurgeOptions;
use tests::cluster::{Cluster, Member, SERVERS};
use tests::proxy::Stalled;
use tests::services::Outage;

use super::random::Random;

/// How long a process may take to end in order.
const ORDERLY_LIMIT: Duration = Duration::from_secs(60);

/// What is done to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// An API is killed.
    KillApi,
    /// A worker is killed.
    KillWorker,
    /// An API stands still.
    StopApi,
    /// A worker stands still, mostly longer than its lease.
    StopWorker,
    /// An API is told to end.
    EndApi,
    /// A worker is told to end.
    EndWorker,
    /// A process's connections to a server are reset, and refused.
    Refuse,
    /// A process's connections to a server carry nothing any more.
    Stall,
    /// The queue is emptied.
    Purge,
    /// The inputs or the results cannot be reached.
    Store,
    /// PostgreSQL crashes.
    Database,
    /// RabbitMQ crashes.
    Broker,
    /// Redis crashes.
    Redis,
    /// Redis is emptied.
    FlushRedis,
}

/// Faults of our own processes only, which disturb nobody else on the servers.
const OWN: [(Fault, u64); 10] = [
    (Fault::KillApi, 3),
    (Fault::KillWorker, 4),
    (Fault::StopApi, 2),
    (Fault::StopWorker, 3),
    (Fault::EndApi, 1),
    (Fault::EndWorker, 1),
    (Fault::Refuse, 3),
    (Fault::Stall, 3),
    (Fault::Purge, 2),
    (Fault::Store, 2),
];
/// Faults of the servers themselves.
const OF_SERVERS: [(Fault, u64); 4] =
    [(Fault::Database, 4), (Fault::Broker, 2), (Fault::Redis, 1), (Fault::FlushRedis, 2)];

/// One fault to come.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What.
    pub fault: Fault,
    /// How long after the round began.
    pub after: Duration,
    /// How long it lasts.
    pub lasting: Duration,
    /// The process, as a number to be taken modulo those there are.
    member: usize,
    /// The server, or the directory of the object store, likewise.
    server: usize,
}

/// The faults of a round: `count` of them, all at about the same time or one after the other.
pub fn plan(random: &mut Random, count: usize, of_servers: bool, lasting_ms_max: u64) -> Vec<Planned> {
    let mut choices = OWN.to_vec();
    if of_servers {
        choices.extend(OF_SERVERS);
    }
    let at_once = random.chance(50);
    let mut begin = random.pause(300..2_000);
    let mut planned = Vec::new();
    for _ in 0..count {
        let fault = random.weighted(&choices);
        let lasting = random.pause(300..lasting_ms_max);
        let after = if at_once { random.pause(300..3_000) } else { begin };
        begin += lasting + random.pause(0..1_500);
        let (member, server) = (random.below(1_000), random.below(1_000));
        planned.push(Planned { fault, after, lasting, member, server });
    }
    planned
}

impl Planned {
    /// Whether it may cost a running job one of its attempts.
    pub fn may_cost_an_attempt(&self) -> bool {
        let to_database = self.server.is_multiple_of(SERVERS.len());
        match self.fault {
            Fault::KillWorker | Fault::StopWorker | Fault::Database => true,
            Fault::Refuse | Fault::Stall => to_database,
            _ => false,
        }
    }

    /// What it is, for reports.
    pub fn shown(&self) -> String {
        let (after, lasting) = (self.after.as_secs_f64(), self.lasting.as_secs_f64());
        format!("{:?} after {after:.1} s for {lasting:.1} s", self.fault)
    }

    /// Waits for its time, does it, and undoes it.
    pub async fn happen(&self, cluster: &Cluster, queue: &str) {
        tokio::time::sleep(self.after).await;
        match self.fault {
            Fault::KillApi | Fault::KillWorker => self.kill(cluster).await,
            Fault::StopApi | Fault::StopWorker => self.stop(cluster).await,
            Fault::EndApi | Fault::EndWorker => self.end(cluster).await,
            Fault::Refuse | Fault::Stall => self.disturb(cluster).await,
            Fault::Purge => purge(cluster, queue).await,
            Fault::Store => self.take_store_away(cluster).await,
            Fault::Database | Fault::Broker | Fault::Redis => self.crash().await,
            Fault::FlushRedis => flush_redis(cluster).await,
        }
    }

    fn member<'a>(&self, cluster: &'a Cluster) -> &'a Member {
        let (apis, workers) = cluster.members.split_at(cluster.urls.len());
        match self.fault {
            Fault::KillApi | Fault::StopApi | Fault::EndApi => &apis[self.member % apis.len()],
            Fault::KillWorker | Fault::StopWorker | Fault::EndWorker => &workers[self.member % workers.len()],
            _ => &cluster.members[self.member % cluster.members.len()],
        }
    }

    async fn kill(&self, cluster: &Cluster) {
        let member = self.member(cluster);
        let mut process = member.process.lock().await;
        process.kill();
        tokio::time::sleep(self.lasting).await;
        member.start(&mut process);
    }

    async fn stop(&self, cluster: &Cluster) {
        let process = self.member(cluster).process.lock().await;
        process.signal("STOP");
        tokio::time::sleep(self.lasting).await;
        process.signal("CONT");
    }

    async fn end(&self, cluster: &Cluster) {
        let member = self.member(cluster);
        let mut process = member.process.lock().await;
        if process.ended().is_none() {
            process.signal("TERM");
            process.end(ORDERLY_LIMIT).await;
        }
        member.start(&mut process);
    }

    async fn disturb(&self, cluster: &Cluster) {
        let proxy = &self.member(cluster).proxies[self.server % SERVERS.len()];
        match self.fault {
            Fault::Refuse => proxy.refuse(),
            _ => proxy.stall(),
        }
        tokio::time::sleep(self.lasting).await;
        let stalled = if self.member.is_multiple_of(2) { Stalled::Reset } else { Stalled::DeadForEver };
        proxy.heal(stalled);
    }

    async fn take_store_away(&self, cluster: &Cluster) {
        let _one_at_a_time = cluster.store.lock().await;
        cluster.take_store_away(self.server % 2);
        tokio::time::sleep(self.lasting).await;
        cluster.bring_store_back(self.server % 2);
    }

    async fn crash(&self) {
        static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _one_at_a_time = ONE_AT_A_TIME.lock().await;
        let server = match self.fault {
            Fault::Database => SERVERS[0],
            Fault::Broker => SERVERS[1],
            _ => SERVERS[2],
        };
        let Some(outage) = Outage::begin(server).await else { return };
        tokio::time::sleep(self.lasting).await;
        outage.end().await;
    }
}

/// Where the broker is away, there is nothing to purge.
async fn purge(cluster: &Cluster, queue: &str) {
    let Ok(connection) = lapin::Connection::connect(&cluster.share.amqp_url, Default::default()).await else {
        return;
    };
    if let Ok(channel) = connection.create_channel().await {
        let _ = channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await;
    }
}

/// Where Redis is away, it is empty as it is.
async fn flush_redis(cluster: &Cluster) {
    let Ok(client) = redis::Client::open(cluster.share.redis_url.as_str()) else { return };
    if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
        let _ = redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await;
    }
}
