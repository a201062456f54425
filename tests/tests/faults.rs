//! What may break, and what must then be true: charged once, finished by itself, or given back once.

use std::time::{Duration, Instant};

use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use serde_json::json;
use tests::customer::Customer;
use tests::customers_file::{generated, scored_rows};
use tests::database::Database;
use tests::flows;
use tests::installation::Installation;
use tests::patience::eventually;
use tests::process::Process;

flows! {
    distributed:
        a_killed_worker_leaves_its_job_to_the_other_and_is_charged_once,
        a_worker_that_is_told_to_stop_hands_its_job_on_without_a_failure,
        a_worker_that_sleeps_longer_than_its_lease_cannot_settle_late,
        a_message_published_twice_has_one_effect,
        a_message_that_nobody_can_read_stops_nothing,
        a_purged_queue_is_filled_again,
        a_prediction_that_nobody_takes_is_refunded_at_its_deadline,
        a_killed_api_forgets_nothing_that_it_answered;
    embedded:
        a_killed_serve_goes_on_with_its_job_within_seconds,
        a_stopped_serve_goes_on_with_its_job_and_counts_no_failure;
    own:
        a_tampered_model_scores_nothing_and_the_order_is_refunded,
        a_result_that_cannot_be_stored_waits_until_it_can;
}

/// Enough rows for a job to be caught in the middle.
const ROWS: usize = 400_000;
/// A lease of 10 s, a look every 2 s, and the work itself.
const RECOVERY_LIMIT: Duration = Duration::from_secs(40);
const PRICE: i64 = 10;

async fn long_file() -> String {
    generated(ROWS, 101).await
}

/// A customer whose long job is being worked on right now.
struct Running {
    customer: Customer,
    prediction: String,
    input: String,
    database: Database,
}

impl Running {
    async fn begin(on: &Installation) -> Running {
        let customer = Customer::with_balance(on, PRICE).await;
        let service = on.service("random_forest", PRICE).await;
        let input = long_file().await;
        let prediction = customer.predict(&service, input.clone()).await;
        let mut database = on.database().await;
        database.execute("SET ROLE augur_system").await;
        let mut running = Running { customer, prediction, input, database };
        let started = Instant::now();
        while running.job("state").await != "running" {
            assert!(started.elapsed() < Duration::from_secs(20), "nobody takes the job");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        running
    }

    /// A column of the job as text.
    async fn job(&mut self, column: &str) -> String {
        let query = format!("SELECT {column}::text FROM jobs WHERE subject_id = '{}'", self.prediction);
        self.database.text(&query).await
    }

    /// The job was caught in the middle: whatever was done to its worker, it has not ended.
    async fn expect_unfinished(&mut self) {
        let state = self.job("state").await;
        assert!(matches!(state.as_str(), "running" | "queued"), "it was over already: {state}");
    }

    async fn expect_finished_and_charged_once(&self, limit: Duration) {
        let ended = self.customer.ended_within(&self.prediction, limit).await;
        assert_eq!(ended["status"], "succeeded", "{ended}");
        assert_eq!(self.customer.balance().await, 0);
        let movements =
            [("debit", PRICE), ("deposit", PRICE)].map(|(kind, amount)| (kind.to_owned(), amount));
        assert_eq!(self.customer.movements().await, movements);
        let result = self.customer.result(&self.prediction).await;
        let scored = scored_rows(&self.input, std::str::from_utf8(&result).unwrap(), ',', '.');
        assert_eq!(scored.len(), ROWS);
    }
}

/// The worker that has the job: its name ends with its process id and a random part.
fn owner<'a>(workers: &'a mut [Process], lease_owner: &str) -> &'a mut Process {
    let is_owner = |worker: &&mut Process| lease_owner.contains(&format!("-{}-", worker.id()));
    workers.iter_mut().find(is_owner).unwrap_or_else(|| panic!("no worker is {lease_owner}"))
}

async fn a_killed_worker_leaves_its_job_to_the_other_and_is_charged_once(on: &mut Installation) {
    let mut running = Running::begin(on).await;
    let lease_owner = running.job("lease_owner").await;
    owner(&mut on.workers, &lease_owner).kill();
    running.expect_unfinished().await;
    running.expect_finished_and_charged_once(RECOVERY_LIMIT).await;
    assert_eq!(running.job("attempt").await, "2");
}

async fn a_worker_that_is_told_to_stop_hands_its_job_on_without_a_failure(on: &mut Installation) {
    let mut running = Running::begin(on).await;
    let lease_owner = running.job("lease_owner").await;
    let worker = owner(&mut on.workers, &lease_owner);
    worker.signal("TERM");
    let status = worker.end(Duration::from_secs(60)).await;
    assert!(status.success(), "{status}");
    running.expect_finished_and_charged_once(RECOVERY_LIMIT).await;
    assert_eq!(running.job("failures").await, "0");
}

async fn a_worker_that_sleeps_longer_than_its_lease_cannot_settle_late(on: &mut Installation) {
    let mut running = Running::begin(on).await;
    let lease_owner = running.job("lease_owner").await;
    let sleeper = owner(&mut on.workers, &lease_owner);
    sleeper.signal("STOP");
    running.expect_unfinished().await;
    running.expect_finished_and_charged_once(RECOVERY_LIMIT).await;
    let finished = running.customer.prediction_now(&running.prediction).await;
    sleeper.signal("CONT");
    sleeper.has_logged(&[&running.prediction, "\"attempt\":1"], Duration::from_secs(20)).await;
    assert_eq!(running.customer.prediction_now(&running.prediction).await, finished);
    running.expect_finished_and_charged_once(Duration::ZERO).await;
}

/// A channel to the installation's queue.
async fn queue_of(on: &Installation) -> (lapin::Connection, lapin::Channel, String) {
    let share = on.share();
    let connection = lapin::Connection::connect(&share.amqp_url, Default::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel, format!("{}.jobs.predictions", share.amqp_namespace))
}

async fn publish(channel: &lapin::Channel, queue: &str, body: &[u8]) {
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish("".into(), queue.into(), options, body, Default::default()).await;
    sent.unwrap().await.unwrap();
}

async fn a_message_published_twice_has_one_effect(on: &mut Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let prediction = customer.predict(&service, generated(1_000, 102).await).await;
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let job = database.text(&format!("SELECT id::text FROM jobs WHERE subject_id = '{prediction}'")).await;
    let (_connection, channel, queue) = queue_of(on).await;
    let message = json!({ "v": 1, "job_id": job, "request_id": "again" }).to_string();
    for _ in 0..10 {
        publish(&channel, &queue, message.as_bytes()).await;
    }
    let finished = customer.succeeded(&prediction).await;
    for _ in 0..10 {
        publish(&channel, &queue, message.as_bytes()).await;
    }
    expect_empty(&channel, &queue).await;
    assert_eq!(customer.prediction_now(&prediction).await, finished);
    assert_eq!(customer.balance().await, 0);
    let attempt = database.number(&format!("SELECT attempt::bigint FROM jobs WHERE id = '{job}'")).await;
    assert_eq!(attempt, 1);
}

async fn expect_empty(channel: &lapin::Channel, queue: &str) {
    eventually("the queue is empty", Duration::from_secs(20), async || {
        let passive = QueueDeclareOptions { passive: true, durable: true, ..Default::default() };
        let declared = channel.queue_declare(queue.into(), passive, Default::default()).await.unwrap();
        (declared.message_count() == 0).then_some(())
    })
    .await;
}

async fn a_purged_queue_is_filled_again(on: &mut Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    for worker in &mut on.workers {
        worker.kill();
    }
    let prediction = customer.predict(&service, generated(10, 110).await).await;
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let dispatched =
        format!("SELECT count(*) FROM jobs WHERE subject_id = '{prediction}' AND dispatched_at IS NOT NULL");
    let started = Instant::now();
    while database.number(&dispatched).await == 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "it is not dispatched");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (_connection, channel, queue) = queue_of(on).await;
    channel.queue_purge(queue.as_str().into(), Default::default()).await.unwrap();
    on.start_worker(&[]);
    let ended = customer.ended_within(&prediction, RECOVERY_LIMIT).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(customer.balance().await, 0);
}

async fn a_prediction_that_nobody_takes_is_refunded_at_its_deadline(on: &mut Installation) {
    for worker in &mut on.workers {
        worker.kill();
    }
    on.restart_server_with(&[("PREDICTION_DEADLINE_SECONDS", "2")]).await;
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let prediction = customer.predict(&service, generated(10, 111).await).await;
    assert_eq!(customer.balance().await, 0);
    let ended = customer.ended_within(&prediction, Duration::from_secs(20)).await;
    assert_eq!(ended["status"], "failed", "{ended}");
    assert_eq!(customer.balance().await, PRICE);
    // Its message comes late, and changes nothing.
    on.start_worker(&[]);
    let next = customer.predict(&service, generated(10, 112).await).await;
    customer.succeeded(&next).await;
    assert_eq!(customer.prediction_now(&prediction).await, ended);
}

async fn a_message_that_nobody_can_read_stops_nothing(on: &mut Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let (_connection, channel, queue) = queue_of(on).await;
    // The queue is there once a worker has declared it.
    let prediction = customer.predict(&service, generated(10, 103).await).await;
    customer.succeeded(&prediction).await;
    let nobody = format!(r#"{{"v":1,"job_id":"{}","request_id":null}}"#, uuid::Uuid::now_v7());
    for body in ["", "nonsense", r#"{"v":99}"#, r#"{"v":1,"job_id":"x"}"#, &nobody] {
        publish(&channel, &queue, body.as_bytes()).await;
    }
    expect_empty(&channel, &queue).await;
    customer.deposit(on, PRICE).await.expect(201);
    let prediction = customer.predict(&service, generated(10, 103).await).await;
    customer.succeeded(&prediction).await;
    for worker in &mut on.workers {
        assert!(worker.ended().is_none(), "a worker has died");
    }
}

async fn a_killed_api_forgets_nothing_that_it_answered(on: &mut Installation) {
    let customer = Customer::with_balance(on, 1_000).await;
    let service = on.service("logistic", PRICE).await;
    let ordering = (0..200).map(|number| {
        let request = customer.client.post("/orders").key(&format!("order-{number}"));
        request.json(&json!({ "service_id": service })).try_send()
    });
    let ordering = futures::future::join_all(ordering);
    let killing = async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        on.server.kill();
    };
    let (answers, ()) = futures::join!(ordering, killing);
    on.restart_server().await;
    // Sent again with the same keys, what was answered is answered alike, and every order is there once.
    let mut placed = std::collections::BTreeSet::new();
    for (number, first) in answers.into_iter().enumerate() {
        let request = customer.client.post("/orders").key(&format!("order-{number}"));
        let again = request.json(&json!({ "service_id": service })).await;
        assert!(matches!(again.status, 201 | 402), "{}", again.text());
        let id = (again.status == 201).then(|| tests::installation::id_of(&again.json()));
        if let Some(first) = first.ok().filter(|first| first.status == 201) {
            assert_eq!(id, Some(tests::installation::id_of(&first.json())));
        }
        if let Some(id) = id {
            assert_eq!(customer.order_now(&id).await["status"], "paid");
            assert!(placed.insert(id), "two keys, one order");
        }
    }
    assert_eq!(placed.len(), 100, "all the money is spent, once");
    assert_eq!(customer.balance().await, 0);
}

async fn a_killed_serve_goes_on_with_its_job_within_seconds(on: &mut Installation) {
    let mut running = Running::begin(on).await;
    on.server.kill();
    on.restart_server().await;
    let restarted = Instant::now();
    running.database = on.database().await;
    running.database.execute("SET ROLE augur_system").await;
    eventually("the job goes on", Duration::from_secs(5), async || {
        let now = running.customer.prediction_now(&running.prediction).await;
        (now["status"] != "queued").then_some(())
    })
    .await;
    running.expect_finished_and_charged_once(RECOVERY_LIMIT).await;
    assert!(restarted.elapsed() < Duration::from_secs(30), "took {:?}", restarted.elapsed());
    assert_eq!((running.job("attempt").await.as_str(), running.job("failures").await.as_str()), ("2", "1"));
}

async fn a_stopped_serve_goes_on_with_its_job_and_counts_no_failure(on: &mut Installation) {
    let mut running = Running::begin(on).await;
    on.server.signal("TERM");
    let status = on.server.end(Duration::from_secs(60)).await;
    assert!(status.success(), "{status}");
    on.restart_server().await;
    running.database = on.database().await;
    running.database.execute("SET ROLE augur_system").await;
    running.expect_finished_and_charged_once(RECOVERY_LIMIT).await;
    assert_eq!(running.job("failures").await, "0");
}

/// A model file that is not the one of its manifest is never scored with.
async fn a_tampered_model_scores_nothing_and_the_order_is_refunded(on: &mut Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    for entry in std::fs::read_dir(on.objects().join("models")).unwrap() {
        let path = entry.unwrap().path();
        let model = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, model.replacen("0.1", "0.2", 1)).unwrap();
    }
    let prediction = customer.predict(&service, generated(10, 104).await).await;
    let ended = customer.ended(&prediction).await;
    assert_eq!(ended["status"], "failed", "{ended}");
    assert_eq!(customer.balance().await, PRICE);
    let movements = [("refund", PRICE), ("debit", PRICE), ("deposit", PRICE)];
    assert_eq!(customer.movements().await, movements.map(|(kind, amount)| (kind.to_owned(), amount)));
    let order = customer.order_now(ended["order_id"].as_str().unwrap()).await;
    assert_eq!((&order["status"], &order["is_provided"]), (&json!("refunded"), &json!(false)));
}

async fn a_result_that_cannot_be_stored_waits_until_it_can(on: &mut Installation) {
    let customer = Customer::with_balance(on, 2 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let first = customer.predict(&service, generated(10, 105).await).await;
    customer.succeeded(&first).await;
    // A file where the directory of results has to be: nobody can write there, not even root.
    let results = on.objects().join("results");
    let aside = on.objects().join("results-aside");
    std::fs::rename(&results, &aside).unwrap();
    std::fs::write(&results, "").unwrap();
    let second = customer.predict(&service, generated(10, 106).await).await;
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    eventually("the job is tried", Duration::from_secs(20), async || {
        let now = customer.prediction_now(&second).await;
        now["started_at"].is_string().then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let status = customer.prediction_now(&second).await["status"].clone();
    assert!(status == "running" || status == "queued", "an outage is no failure: {status}");
    std::fs::remove_file(&results).unwrap();
    std::fs::rename(&aside, &results).unwrap();
    let ended = customer.ended_within(&second, RECOVERY_LIMIT).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(customer.balance().await, 0);
    customer.result(&first).await;
}
