//! What row-level security costs: the same requests through the same server, with the policies in force and
//! switched off, in turn, so that whatever else the machine does meets both alike.
//!
//! `make rls-cost` gives the servers. Prints a table in Markdown.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot go on has failed")]

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tests::answer::Answer;
use tests::client::{Client, Request};
use tests::customer::Customer;
use tests::database::Database;
use tests::installation::{Installation, Profile, Setup};
use tests::services::Services;

const TENANTS: usize = 40;
const ORDERS_EACH: usize = 500;
const CLIENTS: usize = 8;
const ROUNDS: usize = 7;
const ROUND_TIME: Duration = Duration::from_secs(2);

/// A kind of request, as one of the clients sends it.
type Asking = fn(&Client, &Shop, usize) -> Request;

/// What the requests name.
struct Shop {
    service: String,
    orders: Vec<String>,
}

const KINDS: [(&str, Asking); 4] = [
    ("GET /balance", |client, _, _| client.get("/balance")),
    ("GET /orders?limit=20", |client, _, _| client.get("/orders?limit=20")),
    ("GET /orders/{id}", |client, shop, number| {
        client.get(&format!("/orders/{}", shop.orders[number % shop.orders.len()]))
    }),
    ("POST /orders", |client, shop, _| client.post("/orders").json(&json!({ "service_id": shop.service }))),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let setup = Setup { workers: 0, ..Setup::default() };
        let installation = Installation::start(Profile::Distributed, "costs", &setup).await;
        measure(&installation).await;
        installation.audit().await;
        installation.remove().await;
        Services::close().await;
    });
}

async fn measure(on: &Installation) {
    let service = on.service("logistic", 1).await;
    let tenants = join_all((0..TENANTS).map(|_| Customer::with_balance(on, 1_000_000_000))).await;
    let mut orders = Vec::new();
    for customer in &tenants {
        for _ in 0..ORDERS_EACH / 20 {
            let placed = join_all((0..20).map(|_| customer.order(&service))).await;
            if orders.len() < 20 {
                orders = placed;
            }
        }
    }
    // Those whose orders are asked for are the first tenant's.
    let (client, shop) = (&tenants[0].client, Shop { service, orders });
    let mut database = on.database().await;
    println!(
        "{TENANTS} tenants of {ORDERS_EACH} orders; {CLIENTS} clients at a time; median of {ROUNDS} rounds of {} s each",
        ROUND_TIME.as_secs()
    );
    println!("\n| Request | with policies, a second | without, a second | cost |\n|---|---|---|---|");
    for (name, ask) in KINDS {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            switch(&mut database, "ENABLE").await;
            with.push(rate(client, &shop, ask).await);
            switch(&mut database, "DISABLE").await;
            without.push(rate(client, &shop, ask).await);
        }
        switch(&mut database, "ENABLE").await;
        let (with, without) = (median(with), median(without));
        println!("| {name} | {with:.0} | {without:.0} | {:.1} % |", 100.0 * (without / with - 1.0));
    }
}

/// Switches row-level security of every table that has policies.
async fn switch(database: &mut Database, word: &str) {
    let statement = format!(
        "DO $$ DECLARE name text; BEGIN \
         FOR name IN SELECT DISTINCT tablename FROM pg_policies WHERE schemaname = 'public' LOOP \
         EXECUTE format('ALTER TABLE %I {word} ROW LEVEL SECURITY', name); END LOOP; END $$"
    );
    database.execute(&statement).await;
}

/// Answers a second.
async fn rate(client: &Client, shop: &Shop, ask: Asking) -> f64 {
    // The first answers plan their queries anew.
    join_all((0..CLIENTS * 8).map(|number| ask(client, shop, number).into_future())).await;
    let start = Instant::now();
    let asking = (0..CLIENTS).map(async |one| {
        let mut answers = 0_usize;
        while start.elapsed() < ROUND_TIME {
            let answer: Answer = ask(client, shop, one + answers * CLIENTS).await;
            assert!(answer.status < 300, "{}: {}", answer.asked, answer.text());
            answers += 1;
        }
        answers
    });
    let answers: usize = join_all(asking).await.into_iter().sum();
    answers as f64 / start.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
