//! Models that are trained again: what sets a run off, what it costs and learns from, and the gate at its end.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::customer::{Customer, TRAINING_PRICE, TRAINING_SERVICE};
use tests::flows;
use tests::installation::{Installation, id_of};
use tests::patience::eventually;
use tests::program;

flows! {
    shared:
        drift_and_outcomes_lead_to_a_better_version_in_production,
        what_stands_in_the_way_is_told_and_costs_nothing,
        nobody_else_s_models_are_trained_again;
}

const LIMIT: Duration = Duration::from_secs(90);
/// Far more than any flow spends.
const RICH: i64 = 200_000;

/// Generated customers who know who left, moved away from the usual ones by `shift`.
async fn labelled(rows: usize, seed: u64, shift: &str) -> String {
    let (rows, seed) = (rows.to_string(), seed.to_string());
    let arguments = ["demo-data", "--rows", &rows, "--seed", &seed, "--labels", "--shift", shift];
    program::run_well(&arguments, &[]).await
}

/// A model of the customer's own in production, trained on these customers: its id and the service that sells it.
async fn model_of(customer: &Customer, csv: &str) -> (String, String) {
    let query = "algorithm=logistic&folds=2&hold_out=0.5";
    let path = format!("/trainings?training_service_id={TRAINING_SERVICE}&model=mine&{query}");
    let training = id_of(&customer.client.post(&path).file("a.csv", csv.to_owned()).await.expect(202).json());
    let trained = eventually("the training ends", LIMIT, async || {
        let now = customer.client.get(&format!("/trainings/{training}")).await.expect(200).json();
        (now["status"] == "succeeded").then_some(now)
    })
    .await;
    let text = |name: &str| trained["model"][name].as_str().unwrap().to_owned();
    let (model, version) = (text("id"), text("version_id"));
    let path = format!("/models/{model}/versions/{version}/promote");
    customer.client.post(&path).json(&json!({ "stage": "production" })).await.expect(200);
    let shown = customer.client.get(&format!("/models/{model}")).await.expect(200).json();
    (model, shown["service_id"].as_str().unwrap().to_owned())
}

async fn scored(customer: &Customer, service: &str, csv: &str) -> String {
    let path = format!("/predictions?service_id={service}&key=customerID");
    let prediction =
        id_of(&customer.client.post(&path).file("a.csv", csv.to_owned()).await.expect(202).json());
    customer.succeeded(&prediction).await;
    prediction
}

/// Who left, by the generator's column.
fn outcomes(csv: &str) -> String {
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|other| *other == name).unwrap();
    let (key, churn) = (place("customerID"), place("Churn"));
    let rows = csv.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},{}\n", cells[key], cells[churn])
    });
    format!("customerID,Churn\n{}", rows.collect::<String>())
}

async fn send(customer: &Customer, model: &str, csv: &str) {
    let path = format!("/outcomes?model_id={model}");
    customer.client.post(&path).file("left.csv", outcomes(csv)).await.expect(201);
}

/// A policy of these terms; what is not said waits for nothing.
async fn policy(customer: &Customer, model: &str, more: Value) -> Value {
    let mut body = json!({
        "training_service_id": TRAINING_SERVICE, "price_max": TRAINING_PRICE,
        "month_price_max": 10 * TRAINING_PRICE, "on_drift": false, "quiet_hours": 0,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/models/{model}/retraining");
    customer.client.ask(Method::PUT, &path).json(&body).await.expect(200).json()
}

async fn runs(customer: &Customer, model: &str) -> Vec<Value> {
    let list = customer.client.get(&format!("/models/{model}/retraining/runs")).await.expect(200).json();
    list["data"].as_array().unwrap().clone()
}

/// The newest run of this trigger, once it is final.
async fn final_run(customer: &Customer, model: &str, trigger: &str) -> Value {
    eventually("the run ends", LIMIT, async || {
        let runs = runs(customer, model).await;
        let run = runs.into_iter().find(|run| run["trigger"] == trigger)?;
        (!["triggered", "training"].contains(&run["status"].as_str()?)).then_some(run)
    })
    .await
}

fn kinds(run: &Value) -> Vec<&str> {
    run["lines"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect()
}

async fn drift_and_outcomes_lead_to_a_better_version_in_production(on: &Installation) {
    let customer = Customer::with_balance(on, RICH).await;
    // So few that there is something to be better at.
    let before = labelled(120, 33, "0").await;
    let (model, service) = model_of(&customer, &before).await;
    let none = customer.client.get(&format!("/models/{model}/retraining")).await.expect(200).json();
    assert_eq!(none["policy"], Value::Null);
    customer
        .client
        .post(&format!("/models/{model}/retrain"))
        .await
        .expect_problem(409, "no_retraining_policy");

    // Drift is raised, and nobody's outcome is known yet.
    let told = policy(&customer, &model, json!({ "on_drift": true, "auto_promote": true })).await;
    assert_eq!((&told["policy"]["auto_promote"], &told["policy"]["hold_out"]), (&json!(true), &json!(0.5)));
    let shifted = labelled(2500, 32, "1").await;
    // Those of the training are scored, too: of them nobody is new.
    scored(&customer, &service, &before).await;
    scored(&customer, &service, &shifted).await;
    let run = final_run(&customer, &model, "drift").await;
    assert_eq!((&run["status"], &run["reason"]), (&json!("skipped"), &json!("no_data")), "{run}");
    assert_eq!(kinds(&run), ["triggered", "skipped"]);
    let spent = customer.balance().await;

    // The outcomes of the shifted customers come, and of the training's own: the same drift once more.
    send(&customer, &model, &shifted).await;
    send(&customer, &model, &before).await;
    let run = eventually("a run that trains", LIMIT, async || {
        let run = final_run(&customer, &model, "drift").await;
        run.get("training_id").is_some().then_some(run)
    })
    .await;
    assert_eq!(kinds(&run), ["triggered", "training", "promoted"], "{run}");
    let customers = &run["customers"];
    assert_eq!(customers["new"], 2500, "{run}");
    assert_eq!(customers["again"].as_u64().unwrap() + customers["before"].as_u64().unwrap(), 120, "{run}");
    let gate = &run["lines"][2]["detail"]["gate"];
    assert_eq!((&gate["verdict"], &gate["basis"]), (&json!("better"), &json!("new_customers")), "{gate}");
    let judges = gate["comparison"]["rows"].as_u64().unwrap();
    assert!(
        (1250..=1251).contains(&judges),
        "half of the new customers judge, rounded class by class: {gate}"
    );
    let serving = customer.client.get(&format!("/models/{model}")).await.expect(200).json();
    assert_eq!(serving["production"]["version"], "2");
    assert_eq!(customer.balance().await, spent - TRAINING_PRICE);
    let history = customer.client.get(&format!("/models/{model}/history")).await.expect(200).json();
    assert_eq!(
        (&history["data"][0]["action"], &history["data"][0]["reason"]),
        (&json!("promoted"), &json!("retraining (drift)"))
    );
    let training = run["training_id"].as_str().unwrap();
    let training = customer.client.get(&format!("/trainings/{training}")).await.expect(200).json();
    assert_eq!(training["metrics"]["held_out"]["rows"], judges, "{}", training["metrics"]["held_out"]);

    // Nobody is new to the second version, so that nothing can be judged any more.
    customer.client.post(&format!("/models/{model}/retrain")).await.expect(202);
    let run = final_run(&customer, &model, "hand").await;
    assert_eq!(
        (&run["reason"], &run["lines"][1]["detail"]["rows_new"]),
        (&json!("no_data"), &json!(0)),
        "{run}"
    );
    let mut database = on.database().await;
    let refused = database.refuses("BEGIN; SET LOCAL ROLE augur_system; DELETE FROM retraining_lines").await;
    assert!(refused.contains("append-only") || refused.contains("permission denied"), "{refused}");
}

async fn what_stands_in_the_way_is_told_and_costs_nothing(on: &Installation) {
    let customer = Customer::with_balance(on, TRAINING_PRICE + 2_000).await;
    let csv = labelled(600, 41, "0").await;
    let (model, service) = model_of(&customer, &csv).await;
    let new = labelled(400, 42, "0").await;
    scored(&customer, &service, &new).await;
    policy(&customer, &model, json!({ "outcomes_min": 300, "auc_min": 0.99 })).await;
    send(&customer, &model, &new).await;

    // Two causes at once: one run, and it lacks the money.
    let run = final_run(&customer, &model, "performance").await;
    assert_eq!((&run["status"], &run["reason"]), (&json!("skipped"), &json!("no_balance")), "{run}");
    assert!(run["lines"][0]["detail"]["auc"].as_f64().unwrap() < 0.99, "{run}");
    assert!(run["lines"][1]["detail"]["missing"].as_i64() > Some(0), "{run}");
    let other = final_run(&customer, &model, "outcomes").await;
    assert_eq!(other["reason"], "already_running", "{other}");

    // With the money, but not under this policy.
    customer.deposit(on, 3 * TRAINING_PRICE).await.expect(201);
    let balance = customer.balance().await;
    let key = || customer.client.post(&format!("/models/{model}/retrain")).header("Idempotency-Key", "once");
    policy(&customer, &model, json!({ "month_price_max": TRAINING_PRICE })).await;
    let (first, again) = (key().await.expect(202), key().await.expect(202));
    assert_eq!((id_of(&first.json()), again.header("idempotency-replayed")), (id_of(&again.json()), "true"));
    customer.client.post(&format!("/models/{model}/retrain")).await.expect_problem(409, "retraining_running");
    // Customers like those of the training: no better version, and the gate says so. Nothing is promoted.
    let run = final_run(&customer, &model, "hand").await;
    assert_eq!(kinds(&run), ["triggered", "training", "refused"], "{run}");
    assert_eq!(run["lines"][2]["detail"]["gate"]["verdict"], "not_better", "{run}");
    let serving = customer.client.get(&format!("/models/{model}")).await.expect(200).json();
    assert_eq!(serving["production"]["version"], "1");
    assert_eq!(customer.balance().await, balance - TRAINING_PRICE);
    customer.client.post(&format!("/models/{model}/retrain")).await.expect(202);
    let run = final_run(&customer, &model, "hand").await;
    assert_eq!(run["reason"], "month_spent", "{run}");
    assert_eq!(customer.balance().await, balance - TRAINING_PRICE);
}

async fn nobody_else_s_models_are_trained_again(on: &Installation) {
    let customer = Customer::with_balance(on, RICH).await;
    let (model, _) = model_of(&customer, &labelled(300, 51, "0").await).await;
    let path = format!("/models/{model}/retraining");
    let body = json!({
        "training_service_id": TRAINING_SERVICE, "price_max": TRAINING_PRICE, "month_price_max": TRAINING_PRICE,
    });
    let put = async |customer: &Customer, path: &str, body: &Value| {
        customer.client.ask(Method::PUT, path).json(body).await
    };
    let stranger = Customer::poor(on).await;
    put(&stranger, &path, &body).await.expect_problem(404, "not_found");
    stranger.client.get(&format!("{path}/runs")).await.expect_problem(404, "not_found");
    stranger.client.post(&format!("/models/{model}/retrain")).await.expect_problem(404, "not_found");
    let models = customer.client.get("/models?limit=100").await.expect(200).json();
    let shared = models["data"].as_array().unwrap().iter().find(|model| model["shared"] == true).unwrap();
    put(&customer, &format!("/models/{}/retraining", id_of(shared)), &body)
        .await
        .expect_problem(403, "forbidden");
    for (field, value) in [
        ("training_service_id", json!("01980000-0000-7000-8000-00000000dead")),
        ("price_max", json!(TRAINING_PRICE - 1)),
        ("month_price_max", json!(1)),
        ("auc_min", json!(1.5)),
        ("outcomes_min", json!(0)),
        ("every_hours", json!(0)),
        ("quiet_hours", json!(9_000)),
        ("hold_out", json!(0.9)),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value;
        let problem = put(&customer, &path, &wrong).await.expect_problem(422, "invalid_request");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let set = put(&customer, &path, &body).await.expect(200).json();
    assert_eq!(set["policy"]["author_user_id"], customer.user["id"]);
}
