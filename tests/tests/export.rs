//! The export: everything that is kept of a tenant, and nothing of anybody else.

use std::collections::HashMap;
use std::process::Stdio;

use bytes::Bytes;
use serde_json::{Value, json};
use tests::answer::Answer;
use tests::client::Client;
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::Installation;
use tests::marked::Marked;

flows! {
    shared:
        an_export_holds_everything_of_its_tenant_and_nothing_of_others,
        an_export_adds_up_while_things_change;
    own:
        a_large_export_is_sent_in_bounded_memory;
}

const PRICE: i64 = 10;

/// The names of an archive's files, in their order.
fn names_in(files: &HashMap<String, String>) -> Vec<&str> {
    let mut names: Vec<&str> = files.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// The files of an archive, as `tar` unpacks it.
fn unpacked(archive: &Bytes) -> HashMap<String, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("export.tar");
    std::fs::write(&file, archive).unwrap();
    let target = directory.path().join("unpacked");
    std::fs::create_dir(&target).unwrap();
    let mut tar = std::process::Command::new("tar");
    let tar = tar.arg("-xf").arg(&file).arg("-C").arg(&target).stderr(Stdio::inherit());
    assert!(tar.status().unwrap().success(), "tar can read it");
    let mut files = HashMap::new();
    let mut left = vec![target.clone()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(&target).unwrap().display().to_string();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

async fn export(client: &Client) -> Answer {
    client.get("/export").await.expect(200)
}

/// What there is of every tenant.
const LISTS: [&str; 22] = [
    "account.json",
    "api_keys.jsonl",
    "audit_log.jsonl",
    "drift.jsonl",
    "intakes.jsonl",
    "model_history.jsonl",
    "model_versions.jsonl",
    "monitoring.jsonl",
    "orders.jsonl",
    "outcomes.jsonl",
    "plans.jsonl",
    "predictions.jsonl",
    "retraining.jsonl",
    "retraining_runs.jsonl",
    "risk_tiers.jsonl",
    "sessions.jsonl",
    "sources.jsonl",
    "trainings.jsonl",
    "transactions.csv",
    "transactions.jsonl",
    "webhook_deliveries.jsonl",
    "webhooks.jsonl",
];

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

async fn an_export_holds_everything_of_its_tenant_and_nothing_of_others(on: &Installation) {
    let (marked, other) = (Marked::live(on).await, Marked::live(on).await);
    let (mark, customer) = (&marked.mark, &marked.customer);
    let deleted = customer.predict(&marked.service, generated(2, 931).await).await;
    customer.succeeded(&deleted).await;
    customer.client.delete(&format!("/predictions/{deleted}")).await.expect(204);
    let answer = export(&customer.client).await;
    assert_eq!(answer.header("content-type"), "application/x-tar");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("content-disposition").starts_with("attachment"));
    let files = unpacked(&answer.body);
    let (input, result) =
        (format!("inputs/{}", marked.succeeded), format!("results/{}.csv", marked.succeeded));
    let failed = format!("inputs/{}", marked.failed);
    let mut wanted = [&LISTS[..], &[&failed, &input, &result]].concat();
    wanted.sort_unstable();
    assert_eq!(names_in(&files), wanted);

    let account: Value = serde_json::from_str(&files["account.json"]).unwrap();
    assert_eq!(
        (&account["user"]["email"], &account["user"]["id"]),
        (&json!(customer.email), &customer.user["id"])
    );
    assert_eq!(account["balance"], customer.balance().await);
    assert_eq!(account["tenant"]["name"], format!("Ann {mark}"));
    assert_eq!(lines(&files["transactions.jsonl"]), customer.transactions().await);
    for (file, list) in [
        ("orders.jsonl", "/orders"),
        ("predictions.jsonl", "/predictions"),
        ("api_keys.jsonl", "/api-keys"),
        ("webhooks.jsonl", "/webhooks"),
    ] {
        let listed = customer.client.get(&format!("{list}?limit=100")).await.expect(200).json();
        assert_eq!(json!(lines(&files[file])), listed["data"], "{file}");
    }
    let events = &files["audit_log.jsonl"];
    assert!(events.contains("data.exported") && events.contains("deposit.made"), "{events}");
    assert_eq!(lines(&files["sessions.jsonl"]).len(), 1, "one login");
    assert!(files["transactions.csv"].contains(&format!("\"note {mark}\"")), "{}", files["transactions.csv"]);
    assert!(files[&input].contains(&format!("Cell {mark}")), "what was uploaded");
    assert_eq!(files[&result], String::from_utf8(customer.result(&marked.succeeded).await.to_vec()).unwrap());
    let all: String = files.values().map(String::as_str).collect();
    assert!(!all.contains(&other.mark), "another tenant's value is in it");
    assert!(marked.secrets.iter().all(|secret| !all.contains(secret)), "a secret is in it");

    only_writers_export(on, &marked, wanted.len()).await;
}

/// A key that reads is not enough, and nobody's is nothing.
async fn only_writers_export(on: &Installation, marked: &Marked, files: usize) {
    let scope = json!({ "name": "a key", "scope": "read" });
    let key = marked.customer.client.post("/api-keys").json(&scope).await.expect(201).json();
    let reader = on.anonymous().with_token(key["key"].as_str().unwrap());
    reader.get("/export").await.expect_problem(403, "forbidden");
    let writer = on.anonymous().with_token(&marked.secrets[2]);
    assert_eq!(unpacked(&export(&writer).await.body).len(), files);
    on.anonymous().get("/export").await.expect_problem(401, "unauthenticated");
}

async fn an_export_adds_up_while_things_change(on: &Installation) {
    let customer = Customer::with_balance(on, 1000 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let changes = async {
        for number in 0..150 {
            let order = customer.order(&service).await;
            if number % 3 == 0 {
                customer.client.post(&format!("/orders/{order}/cancel")).await.expect(200);
            }
            if number % 20 == 0 {
                let prediction = customer.predict(&service, generated(2, 932).await).await;
                customer.succeeded(&prediction).await;
                customer.client.delete(&format!("/predictions/{prediction}")).await.expect(204);
            }
        }
    };
    let exports = async {
        let mut all = Vec::new();
        for _ in 0..8 {
            all.push(unpacked(&export(&customer.client).await.body));
        }
        all
    };
    let ((), exports) = tokio::join!(changes, exports);
    for files in exports {
        let account: Value = serde_json::from_str(&files["account.json"]).unwrap();
        let (transactions, orders) = (lines(&files["transactions.jsonl"]), lines(&files["orders.jsonl"]));
        let signed = |transaction: &Value| {
            let amount = transaction["amount"].as_i64().unwrap();
            if transaction["kind"] == "debit" { -amount } else { amount }
        };
        let sum: i64 = transactions.iter().map(signed).sum();
        assert_eq!(account["balance"], sum, "the transactions are those of the balance");
        assert_eq!(transactions[0]["balance_after"], sum);
        let count = |kind: &str| transactions.iter().filter(|one| one["kind"] == kind).count();
        assert_eq!(count("debit"), orders.len(), "each order has its debit");
        let refunded = orders.iter().filter(|order| order["status"] == "refunded").count();
        assert_eq!(count("refund"), refunded, "each refund has its order");
        for prediction in lines(&files["predictions.jsonl"]) {
            assert!(orders.iter().any(|order| order["id"] == prediction["order_id"]), "{prediction}");
        }
    }
}

async fn a_large_export_is_sent_in_bounded_memory(on: &mut Installation) {
    let customer = Customer::with_balance(on, 10 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let file = generated(300_000, 933).await;
    for _ in 0..3 {
        let prediction = customer.predict(&service, file.clone()).await;
        customer.succeeded(&prediction).await;
    }
    let before = on.server.peak_memory_bytes();
    let answer = export(&customer.client).await;
    assert!(answer.body.len() > 6 * file.len(), "{} bytes", answer.body.len());
    let grown = on.server.peak_memory_bytes() - before;
    assert!(grown < file.len() as u64 / 2, "{grown} bytes for an archive of {}", answer.body.len());
    let files = unpacked(&answer.body);
    assert_eq!(
        files.iter().filter(|(name, content)| name.starts_with("inputs/") && **content == file).count(),
        3
    );
}
