//! Looks at the accounts of all tenants through the public door, once everything is healed.

use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tests::answer::Answer;
use tests::client::Client;
use tests::patience::eventually;

use super::history::{Account, Outcome, text};
use super::random::Random;

/// How long a healed installation may go on to answer 5xx.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
const RESULTS_AT_ONCE: usize = 4;

/// Which results are read again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// All.
    All,
    /// The newest so many of each tenant, and some older ones.
    Newest(usize),
}

/// What every account shows; the clients are in the order of the tenants.
pub async fn observe(clients: &[Client], reading: Reading, random: &mut Random) -> Vec<Account> {
    let mut accounts = Vec::new();
    for client in clients {
        let mut account = Account {
            balance: get(client, "/balance").await.json()["amount"].as_i64().expect("an amount"),
            transactions: list(client, "/transactions").await,
            orders: list(client, "/orders").await,
            predictions: list(client, "/predictions").await,
            results: Vec::new(),
        };
        let ended = account.predictions.iter().filter(|shown| shown["status"] == "succeeded");
        let chosen: Vec<String> = match reading {
            Reading::All => ended.map(|shown| text(shown, "id").to_owned()).collect(),
            Reading::Newest(count) => {
                let chosen = ended.enumerate().filter(|(place, _)| *place < count || random.chance(5));
                chosen.map(|(_, shown)| text(shown, "id").to_owned()).collect()
            }
        };
        for some in chosen.chunks(RESULTS_AT_ONCE) {
            account.results.extend(join_all(some.iter().map(|id| result(client, id))).await);
        }
        accounts.push(account);
    }
    accounts
}

/// The state of a prediction, empty while nobody answers.
pub async fn status_of(client: &Client, prediction: &str) -> String {
    let asked = client.get(&format!("/predictions/{prediction}")).try_send();
    match tokio::time::timeout(Duration::from_secs(5), asked).await {
        Ok(Ok(answer)) if answer.status == 200 => text(&answer.json(), "status").to_owned(),
        Ok(Ok(answer)) if matches!(answer.status, 404 | 410) => "gone".to_owned(),
        _ => String::new(),
    }
}

async fn result(client: &Client, prediction: &str) -> (String, Outcome) {
    let answer = patiently(client, &format!("/predictions/{prediction}/result")).await;
    let outcome = if answer.status == 200 {
        Outcome::Accepted(answer.body)
    } else {
        Outcome::Refused { status: answer.status, code: String::new() }
    };
    (prediction.to_owned(), outcome)
}

async fn list(client: &Client, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = get(client, &format!("{path}?limit=100{cursor}")).await.json();
        let next = page["next_cursor"].as_str().map(|next| format!("&cursor={next}"));
        if let Value::Array(some) = page["data"].take() {
            all.extend(some);
        }
        match next {
            Some(next) => cursor = next,
            None => return all,
        }
    }
}

async fn get(client: &Client, path: &str) -> Answer {
    patiently(client, path).await.expect(200)
}

/// Repeats a request that is answered 5xx or not at all.
async fn patiently(client: &Client, path: &str) -> Answer {
    eventually(&format!("GET {path} is answered"), ANSWER_LIMIT, async || {
        let asked = tokio::time::timeout(Duration::from_secs(5), client.get(path).try_send()).await;
        asked.ok()?.ok().filter(|answer| answer.status < 500)
    })
    .await
}
