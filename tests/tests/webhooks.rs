//! Webhooks: what happens is told once, signed, until it is taken; and nobody is led inside by them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::client::Client;
use tests::customer::Customer;
use tests::customers_file::{generated, with_cell};
use tests::flows;
use tests::installation::{Installation, PASSWORD, Setup, free_port, id_of};
use tests::patience::eventually;
use tests::program::checkout;
use tests::receiver::{Answering, Received, Receiver};
use tests::suite::BOTH;

#[path = "../../docs/webhooks/verify.rs"]
mod verify;

flows! {
    shared:
        addresses_that_lead_inside_are_refused_in_whatever_form,
        a_name_that_leads_inside_by_now_is_refused_at_the_connection,
        what_cannot_be_a_webhook_is_refused_by_its_field;
    plain:
        what_happens_is_told_once_and_signed_until_it_is_taken;
}

const PRICE: i64 = 10;
const ENDED_WITHIN: Duration = Duration::from_secs(60);
const ALL: [&str; 8] = [
    "prediction.succeeded",
    "prediction.failed",
    "training.succeeded",
    "training.failed",
    "drift.detected",
    "version.promoted",
    "balance.low",
    "result.expiring",
];

/// A webhook of a customer's, and its secret.
struct Hook {
    client: Client,
    id: String,
    secret: String,
}

impl Hook {
    async fn new(customer: &Customer, url: &str, events: &[&str]) -> Hook {
        let body = json!({ "url": url, "description": "a hook of the tests", "events": events });
        let made = customer.client.post("/webhooks").json(&body).await.expect(201).json();
        let secret = made["secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("whsec_") && secret.len() > 40, "{made}");
        Hook { client: customer.client.clone(), id: id_of(&made), secret }
    }

    fn path(&self, rest: &str) -> String {
        format!("/webhooks/{}{rest}", self.id)
    }

    async fn now(&self) -> Value {
        let now = self.client.get(&self.path("")).await.expect(200).json();
        assert!(now.get("secret").is_none(), "{now}");
        now
    }

    /// What it was told, the oldest first.
    async fn deliveries(&self) -> Vec<Value> {
        let list = self.client.get(&self.path("/deliveries?limit=100")).await.expect(200).json();
        let mut deliveries = list["data"].as_array().unwrap().clone();
        deliveries.reverse();
        deliveries
    }

    /// Waits until so many deliveries have ended, and returns all.
    async fn ended(&self, count: usize) -> Vec<Value> {
        eventually(&format!("{count} deliveries end"), ENDED_WITHIN, async || {
            let deliveries = self.deliveries().await;
            let ended = deliveries.iter().filter(|delivery| delivery["status"] != "pending").count();
            (ended >= count).then_some(deliveries)
        })
        .await
    }

    /// Sends a test, and waits until it has ended.
    async fn tested(&self) -> Value {
        let sent = self.client.post(&self.path("/test")).await.expect(202).json();
        delivery_ended(&self.client, &id_of(&sent)).await
    }

    fn verify(&self, received: &Received, now: SystemTime) -> Result<(), &'static str> {
        verify_with(&self.secret, received, now)
    }
}

fn verify_with(secret: &str, received: &Received, now: SystemTime) -> Result<(), &'static str> {
    let [id, timestamp, signatures] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| received.header(name));
    verify::verify(secret, id, timestamp, signatures, &received.body, now)
}

async fn delivery_ended(client: &Client, id: &str) -> Value {
    eventually("the delivery ends", ENDED_WITHIN, async || {
        let now = client.get(&format!("/webhook-deliveries/{id}")).await.expect(200).json();
        (now["status"] != "pending").then_some(now)
    })
    .await
}

/// The types of what was received, sorted.
fn types(received: &[Received]) -> Vec<String> {
    let mut types: Vec<String> =
        received.iter().map(|one| one.json()["type"].as_str().unwrap().to_owned()).collect();
    types.sort();
    types
}

async fn addresses_that_lead_inside_are_refused_in_whatever_form(on: &Installation) {
    let customer = Customer::poor(on).await;
    for url in [
        "http://hooks.augur.example/",
        "file:///etc/passwd",
        "https://user@hooks.augur.example/",
        "https://hooks.augur.example:22/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::]/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0x7f000001/",
    ] {
        let body = json!({ "url": url, "events": ["balance.low"] });
        let problem = customer.client.post("/webhooks").json(&body).await;
        let problem = problem.expect_problem(422, "invalid_request");
        assert_eq!(problem["errors"][0]["field"], "url", "{url}: {problem}");
    }
    let hook = Hook::new(&customer, "https://hooks.augur.example/", &["balance.low"]).await;
    let inside = json!({ "url": "https://127.0.0.1/" });
    customer.client.patch(&hook.path("")).json(&inside).await.expect_problem(422, "invalid_request");
    assert_eq!(hook.now().await["url"], "https://hooks.augur.example/");
}

/// What a name leads to may change after it was looked at. Here the row changes instead, to a name that leads to
/// this machine and that only the connection can tell from any other.
async fn a_name_that_leads_inside_by_now_is_refused_at_the_connection(on: &Installation) {
    let customer = Customer::poor(on).await;
    let receiver = Receiver::start().await;
    let hook = Hook::new(&customer, "https://hooks.augur.example/", &["balance.low"]).await;
    let mut database = on.database().await;
    for inside in ["https://localhost:{}/", "https://127.0.0.1:{}/", "http://127.0.0.1:{}/"] {
        let url = inside.replace("{}", &receiver.port().to_string());
        let change = format!("UPDATE webhook_endpoints SET url = '{url}' WHERE id = '{}'", hook.id);
        database.execute(&format!("SET ROLE augur_system; {change}")).await;
        let delivery = hook.tested().await;
        assert_eq!((&delivery["status"], &delivery["error"]), (&json!("failed"), &json!("address_refused")));
        assert_eq!(delivery["attempts"].as_array().unwrap().len(), 1);
    }
    assert!(receiver.so_far().is_empty(), "somebody connected");
}

async fn what_cannot_be_a_webhook_is_refused_by_its_field(on: &Installation) {
    let customer = Customer::poor(on).await;
    let good = json!({ "url": "https://hooks.augur.example/", "events": ["balance.low", "balance.low"] });
    for (field, value) in [
        ("events", json!([])),
        ("description", json!("x".repeat(201))),
        ("description", json!("two\nlines")),
        ("url", json!(format!("https://hooks.augur.example/{}", "x".repeat(2000)))),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let problem = customer.client.post("/webhooks").json(&body).await;
        assert_eq!(problem.expect_problem(422, "invalid_request")["errors"][0]["field"], field);
    }
    for event in ["webhook.test", "prediction", "Balance.Low"] {
        let mut body = good.clone();
        body["events"] = json!([event]);
        customer.client.post("/webhooks").json(&body).await.expect_any_problem(422);
    }
    for _ in 0..20 {
        let made = customer.client.post("/webhooks").json(&good).await.expect(201).json();
        assert_eq!(made["events"], json!(["balance.low"]), "each once");
    }
    customer.client.post("/webhooks").json(&good).await.expect_problem(409, "too_many_webhooks");
    let settings = |threshold: Value| {
        let put = customer.client.ask(reqwest::Method::PUT, "/webhook-settings");
        put.json(&json!({ "balance_low_threshold": threshold }))
    };
    for bad in [json!(0), json!(-1)] {
        settings(bad).await.expect_problem(422, "invalid_request");
    }
    settings(json!(7)).await.expect(200);
    assert_eq!(customer.client.get("/webhook-settings").await.json(), json!({ "balance_low_threshold": 7 }));
    settings(Value::Null).await.expect(200);
}

/// Everything that needs an installation which sends within this machine, beside each other.
async fn what_happens_is_told_once_and_signed_until_it_is_taken() {
    for &profile in BOTH {
        let variables = [
            ("WEBHOOK_ALLOW_PRIVATE", "true"),
            ("WEBHOOK_RETRY_SECONDS", "1,1"),
            ("RETENTION_SECONDS", "20"),
        ];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let setup = Setup { environment, workers: 1, ..Setup::default() };
        let on = Installation::start(profile, "webhooks", &setup).await;
        tokio::join!(
            predictions_and_balances_are_told_once_and_signed(&on),
            what_is_not_taken_is_tried_again_and_what_never_is_disables(&on),
            two_secrets_sign_while_one_is_changed_for_the_other(&on),
            hostile_receivers_are_cut_off(&on),
            the_sample_receiver_believes_what_is_signed(&on),
            what_is_told_goes_with_the_webhook_and_the_account(&on),
        );
        on.audit().await;
        on.remove().await;
    }
}

async fn predictions_and_balances_are_told_once_and_signed(on: &Installation) {
    let customer = Customer::with_balance(on, 10 * PRICE).await;
    let (receiver, deaf) = (Receiver::start().await, Receiver::start().await);
    let hook = Hook::new(&customer, &receiver.url(), &ALL).await;
    Hook::new(&customer, &deaf.url(), &["training.failed"]).await;
    let stranger = Customer::poor(on).await;
    Hook::new(&stranger, &deaf.url(), &ALL).await;
    let threshold = json!({ "balance_low_threshold": 9 * PRICE });
    customer.client.ask(reqwest::Method::PUT, "/webhook-settings").json(&threshold).await.expect(200);

    let service = on.service("logistic", PRICE).await;
    let file = generated(20, 951).await;
    // From 100 to 90, which is not below 90; then below it, and back with the refund.
    let succeeded = customer.predict(&service, file.clone()).await;
    let shown = customer.succeeded(&succeeded).await;
    assert_eq!(types(&receiver.received(1).await), ["prediction.succeeded"]);
    let failed = customer.predict(&service, with_cell(&file, 2, "MonthlyCharges", "many")).await;
    assert_eq!(customer.ended(&failed).await["status"], "failed");
    let received = receiver.received(3).await;
    assert_eq!(types(&received), ["balance.low", "prediction.failed", "prediction.succeeded"]);
    // Below it once more, and further below it, which is no news.
    for _ in 0..2 {
        customer.order(&service).await;
    }
    receiver.received(4).await;
    expect_signed(&hook, &received);
    let of = |kind: &str| received.iter().map(Received::json).find(|event| event["type"] == kind).unwrap();
    let event = of("prediction.succeeded");
    assert!(event["timestamp"].as_str().unwrap().ends_with('Z'), "{event}");
    let data = &event["data"];
    assert_eq!((&data["prediction_id"], &data["order_id"]), (&json!(succeeded), &shown["order_id"]));
    for figure in ["rows", "rows_skipped", "stays", "leaves", "mean_churn_probability"] {
        assert_eq!(data[figure], shown["summary"][figure], "{figure}");
    }
    let event = of("prediction.failed");
    assert_eq!(event["data"]["prediction_id"], json!(failed));
    assert!(!event.to_string().contains("many"), "a cell is in it: {event}");
    let low = &of("balance.low")["data"];
    assert_eq!((&low["balance"], &low["threshold"]), (&json!(8 * PRICE), &json!(9 * PRICE)));

    let received = receiver.received(5).await;
    let expiring = received[4].json();
    assert_eq!(
        (&expiring["type"], &expiring["data"]["prediction_id"]),
        (&json!("result.expiring"), &json!(succeeded))
    );
    let deliveries = hook.ended(5).await;
    let ids: std::collections::BTreeSet<&str> =
        deliveries.iter().map(|delivery| delivery["event_id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), deliveries.len()), (5, 5), "each event once");
    assert_eq!(receiver.so_far().len(), 5, "each sent once");
    assert!(deliveries.iter().all(|delivery| delivery["status"] == "succeeded"), "{deliveries:?}");
    assert!(deaf.so_far().is_empty(), "who does not listen is told nothing");
}

/// The messages are ours, for five minutes, and nothing else is.
fn expect_signed(hook: &Hook, received: &[Received]) {
    for message in received {
        let now = SystemTime::now();
        assert_eq!(hook.verify(message, now), Ok(()));
        assert_eq!(message.header("content-type"), "application/json");
        assert!(hook.verify(message, now + Duration::from_secs(301)).is_err(), "replayed after five minutes");
        // It may have lain here for a while before it is looked at.
        let sent = UNIX_EPOCH + Duration::from_secs(message.header("webhook-timestamp").parse().unwrap());
        assert!(hook.verify(message, sent - Duration::from_secs(301)).is_err(), "from the future");
        let mut changed = message.clone();
        changed.body[10] ^= 1;
        assert!(hook.verify(&changed, now).is_err(), "another body");
        changed.clone_from(message);
        changed.headers.insert("webhook-id".to_owned(), uuid::Uuid::nil().to_string());
        assert!(hook.verify(&changed, now).is_err(), "another id");
    }
}

async fn what_is_not_taken_is_tried_again_and_what_never_is_disables(on: &Installation) {
    let customer = Customer::with_balance(on, 10 * PRICE).await;
    let receiver = Receiver::start().await;
    let hook = Hook::new(&customer, &receiver.url(), &["prediction.succeeded"]).await;
    let (service, file) = (on.service("logistic", PRICE).await, generated(3, 952).await);
    let predict = async || {
        let prediction = customer.predict(&service, file.clone()).await;
        customer.succeeded(&prediction).await;
    };
    receiver.answer(&[Answering::Status(500), Answering::Status(404), Answering::Status(200)]);
    predict().await;
    let delivery = hook.ended(1).await[0].clone();
    assert_eq!(
        (&delivery["status"], &delivery["response_body"]),
        (&json!("succeeded"), &json!("this is 200"))
    );
    let statuses: Vec<&Value> =
        delivery["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(statuses, [&json!(500), &json!(404), &json!(200)]);
    let told = receiver.so_far();
    assert_eq!(told.len(), 3);
    for message in &told {
        assert_eq!(
            (message.header("webhook-id"), &message.body),
            (told[0].header("webhook-id"), &told[0].body)
        );
        assert_eq!(delivery["event_id"], message.header("webhook-id"));
    }
    assert!(hook.now().await.get("failing_since").is_none());

    receiver.answer(&[Answering::Status(503)]);
    predict().await;
    let failed = hook.ended(2).await[1].clone();
    assert_eq!((&failed["status"], &failed["response_status"]), (&json!("failed"), &json!(503)));
    assert_eq!(failed["attempts"].as_array().unwrap().len(), 3);
    let now = hook.now().await;
    assert_eq!((&now["disabled"], &now["disabled_reason"]), (&json!(true), &json!("failing")), "{now}");
    predict().await;
    assert_eq!(hook.deliveries().await.len(), 2, "who is disabled is told nothing");

    replays_reach_who_is_enabled_again(&hook, &receiver, &failed).await;

    receiver.answer(&[Answering::Status(410)]);
    predict().await;
    let gone = hook.ended(5).await[4].clone();
    assert_eq!(gone["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(hook.now().await["disabled_reason"], "gone");
    let log = on.admin().await.get("/admin/audit-log?limit=100").await.expect(200).json().to_string();
    assert!(log.contains("webhook.disabled") && log.contains("webhook.created"), "{log}");
}

async fn replays_reach_who_is_enabled_again(hook: &Hook, receiver: &Receiver, failed: &Value) {
    let client = &hook.client;
    let replay = format!("/webhook-deliveries/{}/replay", id_of(failed));
    client.post(&replay).await.expect_problem(409, "webhook_disabled");
    receiver.answer(&[Answering::Status(204)]);
    assert_eq!(hook.tested().await["status"], "succeeded", "a test reaches who is disabled");
    let enable = json!({ "disabled": false });
    client.patch(&hook.path("")).json(&enable).await.expect(200);
    let before = receiver.so_far().len();
    let again = client.post(&replay).key("again").await.expect(202).json();
    let same = client.post(&replay).key("again").await.expect(202);
    assert_eq!((same.header("idempotency-replayed"), same.json()), ("true", again.clone()));
    assert_eq!((&again["replay_of"], &again["event_id"]), (&failed["id"], &failed["event_id"]));
    assert_eq!(delivery_ended(client, &id_of(&again)).await["status"], "succeeded");
    let told = receiver.so_far();
    assert_eq!(told.len(), before + 1, "sent once more");
    assert_eq!(failed["event_id"], told[before].header("webhook-id"));
}

async fn two_secrets_sign_while_one_is_changed_for_the_other(on: &Installation) {
    let customer = Customer::poor(on).await;
    let receiver = Receiver::start().await;
    let hook = Hook::new(&customer, &receiver.url(), &["balance.low"]).await;
    let rotated = customer.client.post(&hook.path("/rotate-secret")).await.expect(200).json();
    let secret = rotated["secret"].as_str().unwrap();
    assert!(secret != hook.secret && rotated["previous_secret_until"].is_string(), "{rotated}");
    assert_eq!(hook.tested().await["status"], "succeeded");
    let (message, now) = (receiver.so_far()[0].clone(), SystemTime::now());
    assert_eq!(message.header("webhook-signature").split(' ').count(), 2);
    for known in [secret, &hook.secret] {
        assert_eq!(verify_with(known, &message, now), Ok(()));
    }
    let ended = format!(
        "SET ROLE augur_system; UPDATE webhook_endpoints SET previous_secret_until = now() WHERE id = '{}'",
        hook.id
    );
    on.database().await.execute(&ended).await;
    assert_eq!(hook.tested().await["status"], "succeeded");
    let message = receiver.so_far()[1].clone();
    assert_eq!(verify_with(secret, &message, now), Ok(()));
    assert!(verify_with(&hook.secret, &message, now).is_err(), "the old secret signs no more");
    let stored = "SELECT string_agg(endpoint::text, '') FROM webhook_endpoints AS endpoint";
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let stored = database.text(stored).await;
    assert!(!stored.contains("whsec_") && !stored.contains(&secret[6..]), "a secret is stored as it is");
}

async fn hostile_receivers_are_cut_off(on: &Installation) {
    let customer = Customer::poor(on).await;
    let inside = Receiver::start().await;
    let told = async |answer: Answering| {
        let receiver = Receiver::start().await;
        receiver.answer(&[answer]);
        let hook = Hook::new(&customer, &receiver.url(), &["balance.low"]).await;
        let delivery = hook.tested().await;
        assert_eq!(receiver.so_far().len(), 1, "a test is sent once");
        delivery
    };
    let (redirected, huge, dripped) =
        tokio::join!(told(Answering::Redirect(inside.url())), told(Answering::Huge), told(Answering::Drip));
    assert_eq!((&redirected["status"], &redirected["response_status"]), (&json!("failed"), &json!(307)));
    assert!(inside.so_far().is_empty(), "the redirect was followed");
    assert_eq!((&huge["status"], &huge["error"]), (&json!("succeeded"), &json!("reply_too_large")));
    assert_eq!(huge["response_body"].as_str().unwrap().len(), 1000);
    assert_eq!((&dripped["status"], &dripped["error"]), (&json!("failed"), &json!("timed_out")));
    assert!(dripped["attempts"][0]["duration_ms"].as_u64().unwrap() < 15_000, "{dripped}");
}

/// The receiver of the documentation, as it stands there. Skipped where there is no Python.
async fn the_sample_receiver_believes_what_is_signed(on: &Installation) {
    let customer = Customer::poor(on).await;
    let port = free_port();
    let hook = Hook::new(&customer, &format!("http://127.0.0.1:{port}/"), &["balance.low"]).await;
    let wrong = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for (secret, status) in [(hook.secret.as_str(), 204), (wrong, 400)] {
        let mut python = tokio::process::Command::new("python3");
        python.arg(checkout().join("docs/webhooks/verify.py")).arg(port.to_string());
        python.env("AUGUR_WEBHOOK_SECRET", secret).kill_on_drop(true);
        python.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let Ok(mut receiver) = python.spawn() else {
            eprintln!("skipped: there is no python3");
            return;
        };
        eventually("the sample listens", ENDED_WITHIN, async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        assert_eq!(hook.tested().await["response_status"], status);
        receiver.kill().await.expect("it runs");
    }
}

async fn what_is_told_goes_with_the_webhook_and_the_account(on: &Installation) {
    let customer = Customer::poor(on).await;
    let receiver = Receiver::start().await;
    receiver.answer(&[Answering::Status(500)]);
    let hook = Hook::new(&customer, &receiver.url(), &ALL).await;
    let kept = Hook::new(&customer, &receiver.url(), &ALL).await;
    let delivery = hook.tested().await;
    kept.tested().await;
    customer.client.delete(&hook.path("")).await.expect(204);
    customer.client.get(&hook.path("")).await.expect_problem(404, "not_found");
    let path = format!("/webhook-deliveries/{}", id_of(&delivery));
    customer.client.get(&path).await.expect_problem(404, "not_found");
    // What waits for a webhook keeps nobody from closing the account.
    customer.client.post(&kept.path("/test")).await.expect(202);
    let close = json!({ "password": PASSWORD, "forfeit_balance": true });
    customer.client.ask(reqwest::Method::DELETE, "/me").json(&close).await.expect(204);
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let tenant = customer.user["tenant_id"].as_str().unwrap();
    for rows in ["webhook_endpoints", "webhook_deliveries", "webhook_settings", "jobs"] {
        let left = format!("SELECT count(*) FROM {rows} WHERE tenant_id = '{tenant}'");
        assert_eq!(database.number(&left).await, 0, "{rows}");
    }
}
