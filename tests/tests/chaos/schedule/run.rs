//! Runs a schedule: rounds of load and faults, each followed by healing, settling and judging.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use futures::stream::{self, StreamExt};
use serde_json::json;
use tests::client::Client;
use tests::cluster::Cluster;
use tests::installation::{PASSWORD, id_of};

use super::history::{Fate, Kind, Operation, Outcome, text};
use super::injector::{Fault, Planned, plan};
use super::judge::{Violation, judge};
use super::observation::{Reading, observe, status_of};
use super::random::Random;
use super::requests::{Asked, of_both};
use super::samples::{OFFERS, Samples};
use super::tenants::{Market, Tenant, is_open};

/// How often a request is sent, before it is left open until everything is healed.
const TRIES_MAX: u32 = 3;
/// A lease and 30 seconds: by then what was accepted has ended.
const SETTLING_LIMIT: Duration = Duration::from_secs(40);
const HEALING_LIMIT: Duration = Duration::from_secs(30);
const OPEN_AT_ONCE: usize = 8;
/// How many requests are sent twice at the same time.
const DOUBLED_PERCENT: u64 = 4;

/// How large a schedule is.
#[derive(Clone, Debug)]
pub struct Size {
    /// All choices come from it.
    pub seed: u64,
    /// Orders asked for, in all rounds together.
    pub orders: usize,
    /// Orders asked for in a round, at least.
    pub orders_per_round: usize,
    /// Tenants.
    pub tenants: usize,
    /// Worker processes.
    pub workers: usize,
    /// Rows of the files.
    pub rows: &'static [usize],
    /// Faults in a round.
    pub faults: std::ops::RangeInclusive<usize>,
    /// The longest fault.
    pub fault_ms_max: u64,
    /// Whether the servers themselves are disturbed.
    pub of_servers: bool,
    /// Between two operations of a tenant.
    pub pause_ms: std::ops::Range<u64>,
}

/// What happened.
#[derive(Default)]
pub struct Tally {
    /// Rounds that were judged.
    pub rounds: usize,
    /// Faults by kind.
    pub faults: BTreeMap<Fault, usize>,
    /// From the end of a round's load, which is after its last fault, until everything had ended.
    pub settling: Vec<Duration>,
    /// Jobs that were given up and refunded after three attempts.
    pub given_up: usize,
    /// How long it took.
    pub lasted: Duration,
}

/// A schedule under way.
pub struct Run {
    size: Size,
    cluster: Cluster,
    admin: Client,
    market: Market,
    tenants: Vec<Tenant>,
    /// Operations and how to ask for each once more.
    history: Mutex<Vec<(Operation, Asked)>>,
    round: AtomicUsize,
    orders: AtomicUsize,
    is_over: AtomicBool,
    worker_faults: Vec<usize>,
    /// What happened so far.
    pub tally: Tally,
}

impl Run {
    /// Starts the installation, and its tenants with some money each.
    pub async fn begin(size: Size) -> Run {
        let cluster = Cluster::start(&format!("schedule-{}", size.seed), 2, size.workers, &[]).await;
        let admin = cluster.admin().await;
        let mut services = Vec::new();
        for (model, price) in OFFERS {
            let body = json!({ "name": format!("{model} of a schedule"), "model": model, "price": price });
            services.push(id_of(&admin.post("/admin/services").json(&body).await.expect(201).json()));
        }
        let mut tenants = Vec::new();
        for number in 0..size.tenants {
            let email = format!("tenant-{number}@augur.example");
            let body = json!({ "email": email, "password": PASSWORD });
            cluster.anonymous().post("/auth/register").json(&body).await.expect(201);
            tenants.push(Tenant::new(number, cluster.log_in(&email).await, email));
        }
        let samples = Samples::make(size.rows, size.seed).await;
        let run = Run {
            size,
            cluster,
            admin,
            market: Market { services, samples },
            tenants,
            history: Mutex::default(),
            round: AtomicUsize::new(0),
            orders: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            worker_faults: Vec::new(),
            tally: Tally::default(),
        };
        for tenant in &run.tenants {
            let (kind, asked) = tenant.deposit(300);
            let mut random = Random::of_seed(run.size.seed);
            run.perform(tenant, kind, asked.expect("a request"), &mut random).await;
        }
        run
    }

    /// Runs all rounds.
    ///
    /// # Errors
    /// The first broken promise, with all that is known of it.
    pub async fn go(&mut self) -> Result<(), String> {
        let started = Instant::now();
        let mut outcome = Ok(());
        while outcome.is_ok() && self.orders.load(Ordering::Relaxed) < self.size.orders {
            outcome = self.go_round().await;
            self.tally.lasted = started.elapsed();
        }
        outcome.map_err(|error| {
            let seed = self.size.seed;
            format!("SEED={seed}, round {}: {error}{}", self.tally.rounds + 1, self.cluster.log_tails(12))
        })
    }

    /// All operations so far.
    pub fn operations(&self) -> Vec<Operation> {
        self.history.lock().unwrap().iter().map(|(operation, _)| operation.clone()).collect()
    }

    /// Ends the installation.
    pub async fn end(self) {
        self.cluster.remove().await;
    }

    async fn go_round(&mut self) -> Result<(), String> {
        let round = self.tally.rounds;
        self.round.store(round, Ordering::Relaxed);
        let mut random = Random::of_seed(self.size.seed).branch(1_000_000 + round as u64);
        let count = random.within(*self.size.faults.start() as u64..*self.size.faults.end() as u64 + 1);
        let planned = plan(&mut random, count as usize, self.size.of_servers, self.size.fault_ms_max);
        for fault in &planned {
            *self.tally.faults.entry(fault.fault).or_default() += 1;
        }
        self.worker_faults.push(planned.iter().filter(|fault| fault.may_cost_an_attempt()).count());
        let shown: Vec<String> = planned.iter().map(Planned::shown).collect();
        eprintln!("round {}: {}", round + 1, shown.join(", "));
        self.load(round, &planned).await;
        let healed = self.heal_and_settle().await.map_err(|error| format!("{error}; faults: {shown:?}"))?;
        self.tally.settling.push(healed);
        self.judge_round(&mut random).await.map_err(|error| format!("{error}; faults: {shown:?}"))?;
        self.tally.rounds += 1;
        Ok(())
    }

    /// Tenants at work, until the faults are over and enough was ordered.
    async fn load(&self, round: usize, planned: &[Planned]) {
        self.is_over.store(false, Ordering::Relaxed);
        let wanted = self.orders.load(Ordering::Relaxed) + self.size.orders_per_round;
        let queue = format!("{}.jobs.predictions", self.cluster.share.amqp_namespace);
        let disturbing = async {
            join_all(planned.iter().map(|fault| fault.happen(&self.cluster, &queue))).await;
            while self.orders.load(Ordering::Relaxed) < wanted {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            self.is_over.store(true, Ordering::Relaxed);
        };
        let working = join_all(self.tenants.iter().map(|tenant| self.work(tenant, round)));
        tokio::select! {
            _ = join(disturbing, working) => {}
            () = self.cluster.supervise() => {}
        }
    }

    async fn work(&self, tenant: &Tenant, round: usize) {
        let lane = (round * self.tenants.len() + tenant.number) as u64;
        let mut random = Random::of_seed(self.size.seed).branch(lane + 1);
        while !self.is_over.load(Ordering::Relaxed) {
            let (kind, asked) = tenant.next(&self.market, &mut random);
            match asked {
                Some(asked) => self.perform(tenant, kind, asked, &mut random).await,
                None => self.repeat(tenant, kind, &mut random).await,
            }
            tokio::time::sleep(random.pause(self.size.pause_ms.clone())).await;
        }
    }

    fn client(&self, tenant: &Tenant, asked: &Asked, random: &mut Random) -> Client {
        let url = &self.cluster.urls[random.below(self.cluster.urls.len())];
        if asked.by_admin { self.admin.at(url) } else { tenant.client.at(url) }
    }

    /// Has one operation: sends it, mostly once, and again while its answer does not tell.
    async fn perform(&self, tenant: &Tenant, kind: Kind, asked: Asked, random: &mut Random) {
        let (number, key) = {
            let mut history = self.history.lock().unwrap();
            let key = format!("{}-{}-{}", self.size.seed, tenant.number, history.len());
            let operation = Operation {
                tenant: tenant.number,
                round: self.round.load(Ordering::Relaxed),
                kind,
                key: key.clone(),
                outcome: Outcome::Unknown,
                unknown_tries: 0,
            };
            if operation.asks_for_an_order() {
                self.orders.fetch_add(1, Ordering::Relaxed);
            }
            history.push((operation, asked.clone()));
            (history.len() - 1, key)
        };
        for _ in 0..TRIES_MAX {
            let client = self.client(tenant, &asked, random);
            let outcome = if random.chance(DOUBLED_PERCENT) {
                let second = self.client(tenant, &asked, random);
                let (one, other) = join(asked.send(&client, &key), asked.send(&second, &key)).await;
                of_both(one, other)
            } else {
                asked.send(&client, &key).await
            };
            if self.note(tenant, number, outcome) || self.is_over.load(Ordering::Relaxed) {
                return;
            }
            tokio::time::sleep(random.pause(100..1_200)).await;
        }
    }

    /// Writes down what a try came to. True where nothing is left to ask.
    fn note(&self, tenant: &Tenant, number: usize, outcome: Outcome) -> bool {
        let mut history = self.history.lock().unwrap();
        let (operation, _) = &mut history[number];
        match outcome {
            Outcome::Unknown => {
                operation.unknown_tries += 1;
                return !operation.has_an_effect();
            }
            // An earlier try may still be on its way: what holds is what is answered after healing.
            Outcome::Refused { .. } if operation.unknown_tries > 0 && operation.has_an_effect() => {
                return true;
            }
            definite => operation.outcome = definite,
        }
        let operation = operation.clone();
        drop(history);
        tenant.learn(number, &operation);
        true
    }

    /// Sends an operation of before once more, or another under its key.
    async fn repeat(&self, tenant: &Tenant, kind: Kind, random: &mut Random) {
        let (Kind::Replay { of } | Kind::Misuse { of }) = kind else { return };
        let (first, asked) = self.history.lock().unwrap()[of].clone();
        let asked = if matches!(kind, Kind::Misuse { .. }) { asked.altered() } else { asked };
        let outcome = asked.send(&self.client(tenant, &asked, random), &first.key).await;
        let round = self.round.load(Ordering::Relaxed);
        let unknown_tries = u32::from(outcome == Outcome::Unknown);
        let operation =
            Operation { tenant: tenant.number, round, kind, key: first.key, outcome, unknown_tries };
        self.history.lock().unwrap().push((operation, asked));
    }

    /// Heals everything, resolves what is open, and waits until every prediction has ended. Returns how
    /// long that took.
    async fn heal_and_settle(&self) -> Result<Duration, String> {
        let healed = Instant::now();
        self.cluster.heal(HEALING_LIMIT).await?;
        let open: Vec<usize> = {
            let history = self.history.lock().unwrap();
            (0..history.len()).filter(|&number| is_open(&history[number].0)).collect()
        };
        let resolving = stream::iter(open).for_each_concurrent(OPEN_AT_ONCE, |number| self.resolve(number));
        let settling = async {
            resolving.await;
            self.settle().await;
        };
        tokio::select! {
            () = settling => Ok(healed.elapsed()),
            () = self.cluster.supervise() => Ok(healed.elapsed()),
            () = tokio::time::sleep(SETTLING_LIMIT.saturating_sub(healed.elapsed())) => {
                Err(self.unsettled().await)
            }
        }
    }

    /// Repeats an operation under its key until the answer tells.
    async fn resolve(&self, number: usize) {
        let (operation, asked) = self.history.lock().unwrap()[number].clone();
        let tenant = &self.tenants[operation.tenant];
        let mut random = Random::of_seed(self.size.seed).branch(number as u64);
        loop {
            let outcome = asked.send(&self.client(tenant, &asked, &mut random), &operation.key).await;
            if outcome != Outcome::Unknown {
                let operation = {
                    let mut history = self.history.lock().unwrap();
                    history[number].0.outcome = outcome;
                    history[number].0.clone()
                };
                tenant.learn(number, &operation);
                return;
            }
            tokio::time::sleep(random.pause(100..400)).await;
        }
    }

    /// The predictions of this round and the clients that may look at them.
    fn accepted_in_this_round(&self) -> Vec<(usize, String)> {
        let round = self.round.load(Ordering::Relaxed);
        let history = self.history.lock().unwrap();
        let uploads = history.iter().filter(|(operation, _)| {
            operation.round == round && matches!(operation.kind, Kind::Upload { .. })
        });
        let id = |(operation, _): &(Operation, Asked)| {
            Some((operation.tenant, text(&operation.accepted()?, "id").to_owned()))
        };
        uploads.filter_map(id).collect()
    }

    async fn settle(&self) {
        let waiting = self.accepted_in_this_round();
        stream::iter(waiting)
            .for_each_concurrent(OPEN_AT_ONCE, |(tenant, prediction)| async move {
                let client = &self.tenants[tenant].client;
                while !has_ended(&status_of(client, &prediction).await) {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            })
            .await;
    }

    /// What is still open after the time in which everything must have ended.
    async fn unsettled(&self) -> String {
        let mut left = Vec::new();
        for (number, (operation, _)) in self.history.lock().unwrap().iter().enumerate() {
            if is_open(operation) {
                left.push(format!("operation {number} is open: {operation:?}"));
            }
        }
        for (tenant, prediction) in self.accepted_in_this_round() {
            let status = status_of(&self.tenants[tenant].client, &prediction).await;
            if !has_ended(&status) {
                left.push(format!("the prediction {prediction} of tenant {tenant} is {status:?}"));
            }
        }
        left.truncate(10);
        format!("not everything has ended {SETTLING_LIMIT:?} after healing:\n{}", left.join("\n"))
    }

    async fn judge_round(&mut self, random: &mut Random) -> Result<(), String> {
        let clients: Vec<Client> = self.tenants.iter().map(|tenant| tenant.client.clone()).collect();
        let is_last = self.orders.load(Ordering::Relaxed) >= self.size.orders;
        let reading = if is_last { Reading::All } else { Reading::Newest(20) };
        let accounts = observe(&clients, reading, random).await;
        let predictions = accounts.iter().flat_map(|account| &account.predictions);
        let given_up = predictions.filter(|shown| shown["error"]["code"] == "attempts_exhausted");
        self.tally.given_up = given_up.count();
        let operations = self.operations();
        judge(&operations, &accounts, &self.worker_faults)
            .map_err(|violation| shown_violation(&violation, &operations))?;
        self.cluster.audit().await
    }
}

fn has_ended(status: &str) -> bool {
    matches!(status, "succeeded" | "failed" | "gone")
}

fn shown_violation(violation: &Violation, operations: &[Operation]) -> String {
    let mut shown = format!("a promise is broken: {}", violation.what);
    for &number in &violation.operations {
        let mut operation = operations[number].clone();
        if let Kind::Upload { fate: Fate::Scored(result), .. } = &mut operation.kind {
            result.truncate(80);
        }
        if let Outcome::Accepted(body) = &mut operation.outcome {
            body.truncate(600);
        }
        shown += &format!("\n  operation {number}: {operation:?}");
    }
    shown
}
