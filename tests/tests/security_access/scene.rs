//! What the operations are asked about: one tenant's things of every kind.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::customer::{Customer, TRAINING_PRICE, TRAINING_SERVICE};
use tests::customers_file::{generated, labelled};
use tests::installation::{Installation, id_of};

use super::{OUTCOMES_QUERY, PRICE};

/// Everything that the calls are about.
pub(super) struct Scene {
    pub(super) owner: Customer,
    pub(super) stranger: Customer,
    pub(super) admin: Client,
    pub(super) reader: Client,
    pub(super) csv: String,
    pub(super) labelled: String,
    pub(super) service: String,
    /// An order for a training.
    pub(super) training_order: String,
    /// A training to look at.
    pub(super) training: String,
    /// The model that it made, and the version.
    pub(super) model: [String; 2],
    /// A prediction to look at, and one to delete.
    pub(super) predictions: [String; 2],
    /// Orders to look at, to cancel, to upload to and to refund.
    pub(super) orders: [String; 4],
    pub(super) key: String,
    /// A plan of the prediction to look at.
    pub(super) plan: String,
    /// Webhooks to look at and to delete.
    pub(super) webhooks: [String; 2],
    /// Sources to look at and to delete.
    pub(super) sources: [String; 2],
    /// An intake of the first.
    pub(super) intake: String,
    /// A delivery to the first.
    pub(super) delivery: String,
    /// A file of outcomes.
    pub(super) outcomes: String,
}

/// Asks that everybody with paperless bills is taken for a leaver.
pub(super) fn outcomes_query(prediction: &str) -> String {
    format!("?prediction_id={prediction}&outcome=PaperlessBilling&positive=Yes")
}

impl Scene {
    pub(super) async fn set(on: &Installation) -> Scene {
        let owner = Customer::with_balance(on, 100 * PRICE + 3 * TRAINING_PRICE).await;
        let stranger = Customer::with_balance(on, 100 * PRICE).await;
        let (service, csv) = (on.service("logistic", PRICE).await, generated(3, 301).await);
        let key = async |scope: &str| {
            let body = json!({ "name": "a key", "scope": scope });
            owner.client.post("/api-keys").json(&body).await.expect(201).json()
        };
        let reader = on.anonymous().with_token(key("read").await["key"].as_str().unwrap());
        let key = id_of(&key("write").await);
        let mut predictions = Vec::new();
        for _ in 0..2 {
            let path = format!("/predictions?service_id={service}&key=customerID");
            let accepted = owner.client.post(&path).file("customers.csv", csv.clone()).await.expect(202);
            let prediction = id_of(&accepted.json());
            owner.succeeded(&prediction).await;
            predictions.push(prediction);
        }
        let path = format!("/predictions/{}/plans", predictions[0]);
        let plan = owner.client.post(&path).json(&json!({ "contacts": 2 })).await.expect(201).json();
        let plan = id_of(&plan);
        let path = format!("/plans/{plan}/outcomes{OUTCOMES_QUERY}");
        owner.client.post(&path).file("outcomes.csv", csv.clone()).await.expect(200);
        let path = format!("/outcomes{}", outcomes_query(&predictions[0]));
        let outcomes =
            id_of(&owner.client.post(&path).file("left.csv", csv.clone()).await.expect(201).json());
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.push(owner.order(&service).await);
        }
        let (webhooks, delivery) = webhooks_made(&owner).await;
        let (sources, intake) = sources_made(&owner, &service).await;
        let training_order = owner.order(TRAINING_SERVICE).await;
        let labelled = labelled(150, 3).await;
        versions_made(&owner, &labelled).await;
        let training = versions_made(&owner, &labelled).await;
        let model = ["id", "version_id"].map(|name| training["model"][name].as_str().unwrap().to_owned());
        let training = id_of(&training);
        let policy = json!({ "training_service_id": TRAINING_SERVICE, "price_max": TRAINING_PRICE,
            "month_price_max": TRAINING_PRICE, "active": false });
        let path = format!("/models/{}/retraining", model[0]);
        owner.client.ask(Method::PUT, &path).json(&policy).await.expect(200);
        let (predictions, orders) = (predictions.try_into().unwrap(), orders.try_into().unwrap());
        let admin = on.admin().await;
        Scene {
            owner,
            stranger,
            admin,
            reader,
            csv,
            labelled,
            service,
            training_order,
            training,
            model,
            predictions,
            orders,
            key,
            plan,
            outcomes,
            sources,
            intake,
            webhooks,
            delivery,
        }
    }
}

/// Sources to look at and to delete, and an intake of the first.
async fn sources_made(owner: &Customer, service: &str) -> ([String; 2], String) {
    let mut sources = Vec::new();
    for _ in 0..2 {
        let place = json!({ "kind": "url", "url": "https://files.augur.example/customers.csv" });
        let body = json!({ "name": "a source", "place": place });
        sources.push(id_of(&owner.client.post("/sources").json(&body).await.expect(201).json()));
    }
    let path = format!("/sources/{}/intakes", sources[0]);
    let asked = json!({ "purpose": "predict", "service_id": service });
    let intake = id_of(&owner.client.post(&path).json(&asked).await.expect(202).json());
    (sources.try_into().unwrap(), intake)
}

/// A version of a model of the owner's, in production.
async fn versions_made(owner: &Customer, labelled: &str) -> Value {
    let training = owner.train("mine", labelled.to_owned()).await;
    let [model, version] =
        ["id", "version_id"].map(|name| training["model"][name].as_str().unwrap().to_owned());
    let forced = json!({ "stage": "production", "force": true, "reason": "for the scene" });
    owner.client.post(&format!("/models/{model}/versions/{version}/promote")).json(&forced).await.expect(200);
    training
}

/// Two webhooks, and a delivery to the first.
async fn webhooks_made(owner: &Customer) -> ([String; 2], String) {
    let body = json!({ "url": "https://hooks.augur.example/", "events": ["balance.low"] });
    let made = async || id_of(&owner.client.post("/webhooks").json(&body).await.expect(201).json());
    let webhooks = [made().await, made().await];
    let test = format!("/webhooks/{}/test", webhooks[0]);
    let delivery = id_of(&owner.client.post(&test).await.expect(202).json());
    (webhooks, delivery)
}
