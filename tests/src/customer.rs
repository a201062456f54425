//! A customer of an installation, and the steps of the journey as one call each.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::Client;
use crate::installation::{Installation, PASSWORD, id_of};
use crate::patience::eventually;

/// How long a prediction of an ordinary test may take; far more than it needs.
const PREDICTION_LIMIT: Duration = Duration::from_secs(60);

/// The line of the price list that trains linear models, and what it costs; the same everywhere.
pub const TRAINING_SERVICE: &str = "01980000-0000-7000-8000-000000000101";
/// What a training there costs.
pub const TRAINING_PRICE: i64 = 10_000;

/// A registered customer who is signed in.
#[derive(Clone)]
pub struct Customer {
    /// The customer's own client.
    pub client: Client,
    /// The login.
    pub email: String,
    /// The user as /me shows it.
    pub user: Value,
}

impl Customer {
    /// A new customer without money.
    pub async fn poor(on: &Installation) -> Customer {
        let email = new_email();
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = on.anonymous().post("/auth/register").json(&body).await.expect(201);
        let user = answer.json()["user"].clone();
        Customer { client: on.log_in(&email, PASSWORD).await, email, user }
    }

    /// A new customer whose balance an administrator has topped up.
    pub async fn with_balance(on: &Installation, amount: i64) -> Customer {
        let customer = Customer::poor(on).await;
        customer.deposit(on, amount).await.expect(201);
        customer
    }

    /// Has an administrator top the balance up.
    pub async fn deposit(&self, on: &Installation, amount: i64) -> Answer {
        let body = json!({ "email": self.email, "amount": amount });
        on.admin().await.post("/admin/deposits").json(&body).await
    }

    /// The balance in minor units.
    pub async fn balance(&self) -> i64 {
        let answer = self.client.get("/balance").await.expect(200);
        answer.json()["amount"].as_i64().expect("an amount")
    }

    /// The newest 100 transactions, newest first.
    pub async fn transactions(&self) -> Vec<Value> {
        let answer = self.client.get("/transactions?limit=100").await.expect(200);
        answer.json()["data"].as_array().expect("a list").clone()
    }

    /// The kinds and amounts of the newest transactions, newest first.
    pub async fn movements(&self) -> Vec<(String, i64)> {
        let kind = |transaction: &Value| transaction["kind"].as_str().expect("a kind").to_owned();
        let amount = |transaction: &Value| transaction["amount"].as_i64().expect("an amount");
        self.transactions().await.iter().map(|transaction| (kind(transaction), amount(transaction))).collect()
    }

    /// The line of the price list of a shipped model.
    pub async fn seeded_service(&self, model: &str) -> Value {
        let list = self.client.get("/services?limit=100").await.expect(200).json();
        let services = list["data"].as_array().expect("a list").iter();
        // The oldest of that model is the seeded one: ids grow with time.
        let mut of_model: Vec<&Value> = services.filter(|service| service["model"] == model).collect();
        of_model.sort_by_key(|service| service["id"].to_string());
        of_model.first().copied().unwrap_or_else(|| panic!("no {model}: {list}")).clone()
    }

    /// Tries to order a service.
    pub async fn try_order(&self, service: &str) -> Answer {
        self.client.post("/orders").json(&json!({ "service_id": service })).await
    }

    /// Orders a service, and returns the order's id.
    pub async fn order(&self, service: &str) -> String {
        id_of(&self.try_order(service).await.expect(201).json())
    }

    /// An order as it is now.
    pub async fn order_now(&self, order: &str) -> Value {
        self.client.get(&format!("/orders/{order}")).await.expect(200).json()
    }

    /// Tries to upload a file for an order.
    pub async fn try_upload(&self, order: &str, content: impl Into<Bytes>) -> Answer {
        self.client.post(&format!("/predictions?order_id={order}")).file("customers.csv", content).await
    }

    /// Uploads a file for an order, and returns the prediction's id.
    pub async fn upload(&self, order: &str, content: impl Into<Bytes>) -> String {
        let answer = self.try_upload(order, content).await.expect(202);
        let prediction = id_of(&answer.json());
        assert_eq!(answer.header("location"), format!("/api/v1/predictions/{prediction}"));
        prediction
    }

    /// Orders and uploads in one call, and returns the prediction's id.
    pub async fn predict(&self, service: &str, content: impl Into<Bytes>) -> String {
        let path = format!("/predictions?service_id={service}");
        id_of(&self.client.post(&path).file("customers.csv", content).await.expect(202).json())
    }

    /// A prediction as it is now.
    pub async fn prediction_now(&self, prediction: &str) -> Value {
        self.client.get(&format!("/predictions/{prediction}")).await.expect(200).json()
    }

    /// Waits until a prediction has ended, and returns it.
    pub async fn ended(&self, prediction: &str) -> Value {
        self.ended_within(prediction, PREDICTION_LIMIT).await
    }

    /// Waits until a prediction has ended, but not longer than `limit`.
    pub async fn ended_within(&self, prediction: &str, limit: Duration) -> Value {
        let what = format!("the prediction {prediction} ends");
        eventually(&what, limit, async || {
            let now = self.prediction_now(prediction).await;
            matches!(now["status"].as_str(), Some("succeeded" | "failed")).then_some(now)
        })
        .await
    }

    /// Waits until a prediction has succeeded, and returns it.
    pub async fn succeeded(&self, prediction: &str) -> Value {
        let ended = self.ended(prediction).await;
        assert_eq!(ended["status"], "succeeded", "{ended}");
        ended
    }

    /// Waits until a prediction has failed with this code, and returns it.
    pub async fn failed(&self, prediction: &str, code: &str) -> Value {
        let ended = self.ended(prediction).await;
        assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("failed"), &json!(code)), "{ended}");
        ended
    }

    /// The result's bytes.
    pub async fn result(&self, prediction: &str) -> Bytes {
        self.client.get(&format!("/predictions/{prediction}/result")).await.expect(200).body
    }

    /// A quick training of linear models, paid for and waited for; returns it as it ended.
    pub async fn train(&self, model: &str, labelled: impl Into<Bytes>) -> Value {
        self.train_with(model, "", labelled).await
    }

    /// The same with more in its query, such as `&lever=Contract`.
    pub async fn train_with(&self, model: &str, asked: &str, labelled: impl Into<Bytes>) -> Value {
        let path = format!(
            "/trainings?training_service_id={TRAINING_SERVICE}&model={model}&algorithm=logistic&folds=2{asked}"
        );
        let accepted = self.client.post(&path).file("labelled.csv", labelled).await.expect(202).json();
        let path = format!("/trainings/{}", id_of(&accepted));
        eventually("the training ends", PREDICTION_LIMIT, async || {
            let now = self.client.get(&path).await.expect(200).json();
            matches!(now["status"].as_str(), Some("succeeded" | "failed")).then_some(now)
        })
        .await
    }

    /// A file scored from order to result.
    pub async fn score(&self, service: &str, content: impl Into<Bytes>) -> Bytes {
        let prediction = self.predict(service, content).await;
        self.succeeded(&prediction).await;
        self.result(&prediction).await
    }
}

/// An address that nobody has.
pub fn new_email() -> String {
    format!("customer-{}@augur.example", uuid::Uuid::new_v4().simple())
}
