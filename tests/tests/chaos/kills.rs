//! A process dies at every named place between debit and acknowledgement: the first time it gets there,
//! or that time and the next one. Somebody starts it again, the client asks again with its key, and there
//! is one effect.

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tests::answer::Answer;
use tests::client::Request;
use tests::customer::Customer;
use tests::customers_file::customers_of;
use tests::hold::failpoints;
use tests::installation::{Installation, Profile, Setup, id_of};
use tests::suite::{Body, Flow};

use crate::record::{self, Run};
use crate::reference;
use crate::stage::PRICE;
use crate::supervisor::Supervisor;

/// Where the kills begin in the table.
const PLACE: usize = 1_000;
/// How long one may take: two leases, two starts, and the work.
const LIMIT: Duration = Duration::from_secs(150);

/// What is asked of the API while somebody dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// `POST /orders`, and an upload for the order.
    Order,
    /// An upload that orders and pays in one.
    Upload,
    /// An upload that cannot be scored.
    BadUpload,
    /// An upload that nobody takes before its deadline.
    Overdue,
    /// The cancelling of an order.
    Cancel,
    /// `POST /predict`.
    Predict,
}

/// Who dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    Api,
    Worker,
}

/// The places in the order of an order's life; and whether whoever tries again gets there again, be it
/// to answer from what the key remembers, or is kept from that by what was committed.
const KILLS: &[(&str, Dies, Act, bool)] = &[
    ("order.debited", Dies::Api, Act::Order, true),
    ("order.committed", Dies::Api, Act::Order, true),
    ("accept.stored", Dies::Api, Act::Upload, true),
    ("accept.recorded", Dies::Api, Act::Upload, true),
    ("accept.committed", Dies::Api, Act::Upload, false),
    ("relay.marked", Dies::Api, Act::Upload, true),
    ("relay.published", Dies::Api, Act::Upload, true),
    ("job.received", Dies::Worker, Act::Upload, true),
    ("job.claimed", Dies::Worker, Act::Upload, true),
    ("score.running", Dies::Worker, Act::Upload, true),
    ("score.stored", Dies::Worker, Act::Upload, true),
    ("settle.written", Dies::Worker, Act::Upload, true),
    ("settle.committed", Dies::Worker, Act::Upload, false),
    ("job.ended", Dies::Worker, Act::Upload, false),
    ("refund.written", Dies::Worker, Act::BadUpload, true),
    ("refund.committed", Dies::Worker, Act::BadUpload, false),
    ("sweep.overdue", Dies::Api, Act::Overdue, true),
    ("sweep.refunded", Dies::Api, Act::Overdue, true),
    ("cancel.written", Dies::Api, Act::Cancel, true),
    ("cancel.committed", Dies::Api, Act::Cancel, true),
    ("predict.debited", Dies::Api, Act::Predict, true),
    ("predict.committed", Dies::Api, Act::Predict, false),
];

/// What `make test` tries, with the number of deaths that are asked for.
const SHORT: &[(&str, usize)] = &[("accept.committed", 1), ("settle.committed", 1), ("cancel.written", 2)];

/// One flow for each place and number of deaths.
pub fn flows() -> Vec<Flow> {
    let is_whole = std::env::var("CHAOS").is_ok_and(|size| size == "full");
    let mut flows = Vec::new();
    for (place, &kill) in KILLS.iter().enumerate() {
        for deaths in [1, 2] {
            if is_whole || SHORT.contains(&(kill.0, deaths)) {
                let work = move || -> BoxFuture<'static, ()> { Box::pin(judge(place, kill, deaths)) };
                let name = format!("{} dies {deaths} times", kill.0);
                flows.push(Flow { limit: LIMIT, ..Flow::new(name, Body::Plain(Box::new(work))) });
            }
        }
    }
    flows
}

async fn judge(place: usize, kill: (&'static str, Dies, Act, bool), wanted: usize) {
    reference::result().await;
    let judged = tokio::spawn(run(kill, wanted)).await;
    let (outcome, problem) = match judged {
        Ok(seconds) => (Run { outcome: Ok(letter(kill.2).to_owned()), recovery_seconds: seconds }, None),
        Err(failure) => {
            let problem = tests::suite::words(failure.into_panic());
            (Run { outcome: Err(problem.clone()), recovery_seconds: 0.0 }, Some(problem))
        }
    };
    let moment = if wanted == 1 { "first run" } else { "first run and retry" };
    record::keep(PLACE + place, &format!("killed at {}", kill.0), moment, letter(kill.2), outcome);
    assert!(problem.is_none(), "{}", problem.unwrap_or_default());
}

/// How it must end: charged once, or given back.
fn letter(act: Act) -> &'static str {
    match act {
        Act::Order | Act::Upload | Act::Predict => "C",
        Act::BadUpload | Act::Overdue | Act::Cancel => "R",
    }
}

/// Returns the seconds from the last death to the end.
async fn run((failpoint, dies, act, again): (&'static str, Dies, Act, bool), wanted: usize) -> f64 {
    let name = format!("chaos-{failpoint}-{wanted}");
    let kill = vec![failpoints(&[format!("{failpoint}=return(kill)")])];
    let mut setup = Setup { workers: 0, ..Setup::default() };
    if dies == Dies::Api {
        setup.server_environment = kill.clone();
    }
    if act == Act::Overdue {
        setup.environment = vec![("PREDICTION_DEADLINE_SECONDS".to_owned(), "2".to_owned())];
    }
    let on = Installation::start(Profile::Distributed, &name, &setup).await;
    let customer = Customer::with_balance(&on, 2 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let mut supervisor = Supervisor::new(on, failpoint, kill, wanted);
    let deaths = if again { wanted } else { 1 };
    if dies == Dies::Worker {
        supervisor.start_mortal_worker();
    } else if act != Act::Overdue && !failpoint.starts_with("relay") {
        supervisor.on.start_worker(&[]);
    } else if act != Act::Overdue {
        // A worker relays as well, so that it comes when the API has died as often as it should.
        supervisor.start_worker_after(deaths);
    }
    let client = Acting { customer: customer.clone(), service };
    let first = supervisor.watch_over(client.clone().act(act)).await;
    supervisor.expect_deaths(deaths).await;
    let seconds = supervisor.seconds_since_last_death();
    assert_eq!(supervisor.deaths(), deaths, "deaths at {failpoint}");
    // Asked again, with everybody alive, it is the same.
    assert_eq!(supervisor.watch_over(client.act(act)).await, first, "a second effect");
    expect_one_effect(&customer, act).await;
    supervisor.on.audit().await;
    supervisor.on.remove().await;
    seconds
}

async fn expect_one_effect(customer: &Customer, act: Act) {
    let mut movements = vec![("debit", PRICE), ("deposit", 2 * PRICE)];
    if letter(act) == "R" {
        movements.insert(0, ("refund", PRICE));
    }
    let movements: Vec<_> = movements.into_iter().map(|(kind, amount)| (kind.to_owned(), amount)).collect();
    assert_eq!(customer.movements().await, movements);
    assert_eq!(customer.balance().await, if letter(act) == "R" { 2 * PRICE } else { PRICE });
}

/// A client that asks until it is answered.
#[derive(Clone)]
struct Acting {
    customer: Customer,
    service: String,
}

impl Acting {
    /// Acts to the end, and returns what came of it, the same at every repetition.
    async fn act(self, act: Act) -> Value {
        match act {
            Act::Upload => self.upload(reference::input().await).await,
            Act::BadUpload => self.upload(reference::poisoned().await).await,
            Act::Overdue => self.upload(reference::input().await).await,
            Act::Order => {
                let order = self.order().await;
                let path = format!("/predictions?order_id={order}");
                let file = reference::input().await;
                let request =
                    || self.customer.client.post(&path).key("upload").file("customers.csv", file.clone());
                self.ended(persist(request, 202).await).await
            }
            Act::Cancel => {
                let path = format!("/orders/{}/cancel", self.order().await);
                persist(|| self.customer.client.post(&path).key("cancel"), 200).await.json()
            }
            Act::Predict => {
                let customers = &customers_of(&reference::input().await)[..3];
                let body = json!({ "service_id": self.service, "customers": customers });
                persist(|| self.customer.client.post("/predict").key("predict").json(&body), 200).await.json()
            }
        }
    }

    async fn order(&self) -> String {
        let body = json!({ "service_id": self.service });
        id_of(&persist(|| self.customer.client.post("/orders").key("order").json(&body), 201).await.json())
    }

    async fn upload(&self, file: String) -> Value {
        let path = format!("/predictions?service_id={}", self.service);
        let request = || self.customer.client.post(&path).key("upload").file("customers.csv", file.clone());
        self.ended(persist(request, 202).await).await
    }

    /// The prediction at its end, and its result as the undisturbed run has it.
    async fn ended(&self, accepted: Answer) -> Value {
        let path = format!("/predictions/{}", id_of(&accepted.json()));
        loop {
            let now = persist(|| self.customer.client.get(&path), 200).await.json();
            if now["status"] == "failed" {
                return now;
            }
            if now["status"] == "succeeded" {
                let result = persist(|| self.customer.client.get(&format!("{path}/result")), 200).await;
                assert_eq!(result.body, reference::result().await, "another result");
                return now;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Asks until there is the wanted answer; nothing but trouble of the server's may come before it.
async fn persist(request: impl Fn() -> Request, status: u16) -> Answer {
    loop {
        match request().try_send().await {
            Ok(answer) if answer.status == status => return answer,
            Ok(answer) if answer.status == 503 || answer.status == 409 => {}
            Ok(answer) => panic!("{}: {}: {}", answer.asked, answer.status, answer.text()),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
