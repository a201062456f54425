//! One order caught at one moment of its life, on an installation of its own behind proxies.

use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tests::answer::Answer;
use tests::client::Request;
use tests::customer::Customer;
use tests::hold::Hold;
use tests::installation::{Installation, Profile, Setup};
use tests::mount::Mount;
use tests::patience::eventually;
use tests::queue::Queue;
use tokio::task::JoinHandle;

use crate::fault::Fault;
use crate::moment::Moment;
use crate::plan::Plan;
use crate::reference;

/// How long a held process may take to get there.
const REACH_LIMIT: Duration = Duration::from_secs(40);
/// The price of one prediction.
pub const PRICE: i64 = 10;

/// A fault at a moment, and the outcomes that are right.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What breaks.
    pub fault: Fault,
    /// When.
    pub moment: Moment,
    /// The letters of the outcomes.
    pub expected: &'static str,
    /// Its place in the table.
    pub place: usize,
}

impl Cell {
    /// Its name in lists of tests.
    pub fn name(&self) -> String {
        format!("{}::{}", self.moment.name(), self.fault.name().replace([' ', ':', ','], "_"))
    }
}

/// The order and everything around it.
pub struct Stage {
    /// What is tried.
    pub cell: Cell,
    /// What of it is special.
    pub plan: Plan,
    /// Where it happens.
    pub on: Installation,
    /// Who ordered.
    pub customer: Customer,
    /// What was ordered.
    pub service: String,
    /// The uploaded file.
    pub input: String,
    /// The key of the request.
    pub key: String,
    /// Where the process waits.
    pub hold: Hold,
    /// Where the sweeper waits, where it does.
    pub second_hold: Hold,
    /// The request on its way.
    pub request: Option<JoinHandle<Result<Answer, reqwest::Error>>>,
    /// Its answer, once it is there.
    pub answer: Option<Answer>,
    /// What lies over the object store.
    pub mount: Option<Mount>,
    /// When the fault was over.
    pub healed: Instant,
    _holds: TempDir,
}

impl Stage {
    /// Sets everything up, and catches the order at its moment.
    pub async fn set(cell: Cell) -> Stage {
        let plan = Plan::of(cell.fault, cell.moment);
        let holds = tempfile::tempdir().expect("a directory");
        let (hold, second_hold) = (Hold::new(holds.path()), Hold::new(holds.path()));
        let setup = Setup {
            environment: plan.environment.clone(),
            workers: 0,
            server_environment: plan.of_server(&hold, &second_hold),
            through_proxies: true,
        };
        let on = Installation::start(Profile::Distributed, &format!("chaos-{}", cell.name()), &setup).await;
        let customer = Customer::with_balance(&on, 2 * PRICE).await;
        let service = on.service("logistic", PRICE).await;
        let input = if plan.poisoned { reference::poisoned().await } else { reference::input().await };
        let key = format!("key-{}", uuid::Uuid::new_v4().simple());
        let (request, answer, mount, healed) = (None, None, None, Instant::now());
        let mut stage = Stage {
            cell,
            plan,
            on,
            customer,
            service,
            input,
            key,
            hold,
            second_hold,
            request,
            answer,
            mount,
            healed,
            _holds: holds,
        };
        stage.reach().await;
        stage
    }

    async fn reach(&mut self) {
        if self.plan.has_first_worker {
            let variables = self.plan.of_first_worker(&self.hold, &self.second_hold);
            self.on.start_worker_with(&[], &variables);
        }
        if self.plan.held_at.is_some() {
            self.send();
            self.hold.reached(REACH_LIMIT).await;
            if self.plan.is_answered_while_held() {
                self.first_answer(REACH_LIMIT).await.expect("an answer").expect(202);
            }
        }
        for _ in 0..self.plan.rescuers {
            self.on.start_worker_with(&[], &self.plan.of_rescuer);
        }
        self.expect_workers().await;
    }

    /// Waits until every worker has said that it lives.
    async fn expect_workers(&self) {
        let query = "SELECT count(*) FROM workers";
        let wanted = self.on.workers.len() as i64;
        eventually("the workers live", REACH_LIMIT, async || {
            (self.number(query).await >= wanted).then_some(())
        })
        .await;
    }

    /// Sends the request on its way.
    pub fn send(&mut self) {
        self.request = Some(tokio::spawn(self.ask(&self.key).try_send()));
    }

    /// The request with a key.
    pub fn ask(&self, key: &str) -> Request {
        let path = format!("/predictions?service_id={}", self.service);
        self.customer.client.post(&path).key(key).file("customers.csv", self.input.clone())
    }

    /// The answer to the first request; none where the connection broke, nobody waits for it, or it does
    /// not come in time.
    pub async fn first_answer(&mut self, limit: Duration) -> Option<Answer> {
        if let Some(request) = self.request.take()
            && let Ok(Ok(Ok(answer))) = tokio::time::timeout(limit, request).await
        {
            self.answer = Some(answer);
        }
        self.answer.clone()
    }

    /// Lets whoever is held go on.
    pub fn release(&self) {
        self.hold.release();
    }

    /// Starts one more worker, without any failpoint.
    pub fn start_plain_worker(&mut self) {
        self.on.start_worker_with(&[], &[]);
    }

    /// How many debits the ledger has.
    pub async fn debits(&self) -> i64 {
        self.number("SELECT count(*) FROM transactions WHERE kind = 'debit'").await
    }

    /// The one number that a query of the system finds.
    pub async fn number(&self, query: &str) -> i64 {
        let mut database = self.on.database().await;
        database.execute("SET ROLE augur_system").await;
        database.number(query).await
    }

    /// The id of the newest job.
    pub async fn job(&self) -> String {
        let mut database = self.on.database().await;
        database.execute("SET ROLE augur_system").await;
        database.text("SELECT id::text FROM jobs ORDER BY id DESC LIMIT 1").await
    }

    /// Publishes the job's message twice more.
    pub async fn publish_again(&self) {
        let (queue, job) = (Queue::of(&self.on).await, self.job().await);
        for _ in 0..2 {
            queue.publish_again(&job).await;
        }
    }

    /// The prediction as it is now, or none where the API cannot say.
    pub async fn look(&self, prediction: &str) -> Option<Value> {
        let asked = self.customer.client.get(&format!("/predictions/{prediction}")).try_send();
        let answer = tokio::time::timeout(Duration::from_secs(5), asked).await.ok()?.ok()?;
        (answer.status == 200).then(|| answer.json())
    }
}
