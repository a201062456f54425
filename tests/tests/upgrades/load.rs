//! Customers at work who repeat nothing: one request that fails is one too many.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tests::client::{Client, Request};
use tests::cluster::Cluster;
use tests::customers_file::{generated, scored_rows};
use tests::installation::{PASSWORD, client_with_idle_limit};
use tokio::task::JoinHandle;

/// A client forgets an idle connection sooner than a server that is told to stop closes it.
pub const IDLE_LIMIT: Duration = Duration::from_millis(500);
/// Each order's price.
pub const PRICE: i64 = 10;
const MONEY: i64 = 1_000_000;
const PAUSE: Duration = Duration::from_millis(30);
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// Load that goes on until it is told to end.
pub struct Load {
    shared: Arc<Shared>,
    working: Vec<JoinHandle<()>>,
}

/// What came of it.
pub struct Done {
    /// Requests that were answered as they must be.
    pub requests: usize,
    /// Files that were scored.
    pub files: usize,
}

struct Shared {
    is_over: AtomicBool,
    requests: AtomicUsize,
    files: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

/// One customer.
struct Worker {
    client: Client,
    service: String,
    file: String,
    shared: Arc<Shared>,
}

impl Load {
    /// Puts customers to work at `url`.
    pub async fn begin(cluster: &Cluster, url: &str, customers: usize) -> Load {
        let admin = cluster.admin().await;
        let service = json!({ "name": "under load", "model": "logistic", "price": PRICE });
        let service = admin.post("/admin/services").json(&service).await.expect(201).json();
        let service = service["id"].as_str().unwrap().to_owned();
        let shared = Arc::new(Shared {
            is_over: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            files: AtomicUsize::new(0),
            failures: Mutex::default(),
        });
        let mut working = Vec::new();
        for number in 0..customers {
            let email = format!("customer-{number}@augur.example");
            let body = json!({ "email": email, "password": PASSWORD });
            cluster.anonymous().post("/auth/register").json(&body).await.expect(201);
            let deposit = json!({ "email": email, "amount": MONEY });
            admin.post("/admin/deposits").json(&deposit).await.expect(201);
            let token = cluster.log_in(&email).await.token().to_owned();
            let worker = Worker {
                client: client_with_idle_limit(url, IDLE_LIMIT).with_token(&token),
                service: service.clone(),
                file: generated(20 + 50 * number, number as u64 + 1).await,
                shared: shared.clone(),
            };
            working.push(tokio::spawn(worker.work()));
        }
        Load { shared, working }
    }

    /// Ends it. Panics with what failed.
    pub async fn end(self) -> Done {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for working in self.working {
            working.await.expect("a customer's work does not panic");
        }
        let failures = self.shared.failures.lock().unwrap();
        let requests = self.shared.requests.load(Ordering::Relaxed);
        assert!(failures.is_empty(), "{} of {requests} requests failed: {failures:#?}", failures.len());
        Done { requests, files: self.shared.files.load(Ordering::Relaxed) }
    }
}

impl Worker {
    async fn work(self) {
        while !self.shared.is_over.load(Ordering::Relaxed) {
            // The failure is written down; the customer goes on with the next file.
            if self.one_file().await.is_some() {
                self.shared.files.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// One file from the order to the result, with and without an order of its own.
    async fn one_file(&self) -> Option<()> {
        let body = json!({ "service_id": self.service });
        let order = self.ask(self.client.post("/orders").json(&body), 201).await?;
        let order = json_of(&order)["id"].as_str()?.to_owned();
        self.ask(self.client.get("/orders?limit=1"), 200).await?;
        let path = format!("/predictions?order_id={order}");
        let first = self.upload(&path).await?;
        let second = self.upload(&format!("/predictions?service_id={}", self.service)).await?;
        for prediction in [first, second] {
            self.expect_result(&prediction).await?;
        }
        self.ask(self.client.get("/balance"), 200).await.map(|_| ())
    }

    async fn upload(&self, path: &str) -> Option<String> {
        let asked = self.client.post(path).file("customers.csv", self.file.clone());
        let answer = self.ask(asked, 202).await?;
        Some(json_of(&answer)["id"].as_str()?.to_owned())
    }

    async fn expect_result(&self, prediction: &str) -> Option<()> {
        let waiting = async {
            loop {
                let path = format!("/predictions/{prediction}");
                let shown = json_of(&self.ask(self.client.get(&path), 200).await?);
                match shown["status"].as_str()? {
                    "succeeded" => return Some(()),
                    "failed" => return self.fail(shown.to_string()),
                    _ => tokio::time::sleep(2 * PAUSE).await,
                }
            }
        };
        match tokio::time::timeout(ENDS_WITHIN, waiting).await {
            Ok(ended) => ended?,
            Err(_) => return self.fail(format!("{prediction} has not ended within {ENDS_WITHIN:?}")),
        }
        let result = self.ask(self.client.get(&format!("/predictions/{prediction}/result")), 200).await?;
        scored_rows(&self.file, std::str::from_utf8(&result).ok()?, ',', '.');
        Some(())
    }

    /// Sends a request once.
    async fn ask(&self, request: Request, status: u16) -> Option<Bytes> {
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let answer = request.try_send().await;
        tokio::time::sleep(PAUSE).await;
        match answer {
            Ok(answer) if answer.status == status => Some(answer.body),
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                self.fail(format!("{}: {} {body}", answer.asked, answer.status))
            }
            Err(error) => self.fail(format!("{error:?}")),
        }
    }

    fn fail<T>(&self, what: String) -> Option<T> {
        self.shared.failures.lock().unwrap().push(what);
        None
    }
}

fn json_of(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}
