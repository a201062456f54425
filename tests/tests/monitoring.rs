//! Models in use: drift of the customers, outcomes, and what they say of the predictions.

use reqwest::Method;
use serde_json::{Value, json};
use tests::answer::Answer;
use tests::customer::Customer;
use tests::customers_file::{generated, without_column};
use tests::flows;
use tests::installation::{Installation, id_of};
use tests::program;

flows! {
    shared:
        customers_like_those_of_the_training_are_stable_and_others_raise_drift_once,
        thresholds_are_the_tenants_own,
        outcomes_tell_how_true_predictions_were_and_correct_each_other,
        dated_outcomes_belong_to_the_latest_prediction_before,
        outcomes_that_cannot_be_read_are_named_and_change_nothing,
        what_is_kept_goes_with_the_prediction_and_the_account;
}

const PRICE: i64 = 10;
const KEY: &str = "&key=customerID";

async fn customer_and_service(on: &Installation) -> (Customer, String) {
    (Customer::with_balance(on, 20 * PRICE).await, on.service("logistic", PRICE).await)
}

/// Generated customers who know who left, moved away from the usual ones by `shift`.
async fn labelled(rows: usize, seed: u64, shift: &str) -> String {
    let (rows, seed) = (rows.to_string(), seed.to_string());
    let arguments = ["demo-data", "--rows", &rows, "--seed", &seed, "--labels", "--shift", shift];
    program::run_well(&arguments, &[]).await
}

/// Scores a file, with further parameters, and returns the prediction's id.
async fn scored(customer: &Customer, service: &str, csv: &str, more: &str) -> String {
    let path = format!("/predictions?service_id={service}{more}");
    let prediction =
        id_of(&customer.client.post(&path).file("a.csv", csv.to_owned()).await.expect(202).json());
    customer.succeeded(&prediction).await;
    prediction
}

async fn drift_of(customer: &Customer, prediction: &str) -> Value {
    customer.client.get(&format!("/predictions/{prediction}/drift")).await.expect(200).json()
}

async fn model_of(customer: &Customer, prediction: &str) -> String {
    id_of(&drift_of(customer, prediction).await["model"])
}

async fn monitoring_of(customer: &Customer, model: &str) -> Value {
    customer.client.get(&format!("/models/{model}/monitoring")).await.expect(200).json()
}

async fn send(customer: &Customer, query: &str, csv: impl Into<String>) -> Answer {
    customer.client.post(&format!("/outcomes?{query}")).file("left.csv", csv.into()).await
}

async fn performance_of(customer: &Customer, model: &str) -> Value {
    customer.client.get(&format!("/models/{model}/performance")).await.expect(200).json()
}

async fn customers_like_those_of_the_training_are_stable_and_others_raise_drift_once(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let few = scored(&customer, &service, &generated(30, 1).await, "").await;
    let drift = drift_of(&customer, &few).await;
    assert_eq!((&drift["level"], &drift["rows"]), (&json!("too_few"), &json!(30)), "{drift}");
    let model = id_of(&drift["model"]);
    let usual = scored(&customer, &service, &labelled(1500, 12, "0").await, "").await;
    assert_eq!(drift_of(&customer, &usual).await["level"], "stable");

    let shifted = scored(&customer, &service, &labelled(1500, 2, "1").await, "").await;
    let drift = drift_of(&customer, &shifted).await;
    assert_eq!(drift["level"], "major", "{drift}");
    let features = drift["features"].as_array().unwrap();
    let moved = features.iter().find(|feature| feature["level"] == "major").expect("a feature that moved");
    assert!(moved["psi"].as_f64().unwrap() >= 0.25 && moved["p_value"].as_f64().unwrap() < 1e-4, "{moved}");
    let sum = |name: &str| -> f64 {
        moved["bins"].as_array().unwrap().iter().map(|bin| bin[name].as_f64().unwrap()).sum()
    };
    assert!((sum("share") - 1.0).abs() < 1e-9 && (sum("share_then") - 1.0).abs() < 1e-9, "{moved}");
    let estimated = drift["estimated_auc"]["value"].as_f64().unwrap();
    assert!((0.6..0.95).contains(&estimated), "{drift}");

    // It is raised once, whatever comes after it.
    scored(&customer, &service, &labelled(1500, 3, "1").await, "").await;
    let monitoring = monitoring_of(&customer, &model).await;
    assert_eq!((&monitoring["is_raised"], monitoring["raised"].as_array().unwrap().len()), (&json!(true), 1));
    let raised = &monitoring["raised"][0];
    assert_eq!((&raised["kind"], &raised["detail"]["prediction_id"]), (&json!("data"), &json!(shifted)));

    let history = customer.client.get(&format!("/models/{model}/drift?limit=2")).await.expect(200).json();
    let levels: Vec<&Value> = history["data"].as_array().unwrap().iter().map(|one| &one["level"]).collect();
    assert_eq!(levels, ["major", "major"], "{history}");
    let cursor = history["next_cursor"].as_str().unwrap();
    let rest =
        customer.client.get(&format!("/models/{model}/drift?cursor={cursor}")).await.expect(200).json();
    assert_eq!(rest["data"][1]["prediction_id"], json!(few), "{rest}");
}

async fn thresholds_are_the_tenants_own(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let prediction = scored(&customer, &service, &labelled(1000, 4, "1").await, "").await;
    let model = model_of(&customer, &prediction).await;
    let path = format!("/models/{model}/monitoring");
    let usual = monitoring_of(&customer, &model).await;
    assert_eq!((&usual["psi_moderate"], &usual["psi_major"]), (&json!(0.1), &json!(0.25)));
    assert_eq!((&usual["is_default"], &usual["is_raised"]), (&json!(true), &json!(true)), "{usual}");

    let body = json!({ "psi_moderate": 8, "psi_major": 9,
        "costs": { "contact_cost": 100, "customer_value": 5000, "success_rate": 0.4 } });
    let now = customer.client.ask(Method::PUT, &path).json(&body).await.expect(200).json();
    assert_eq!((&now["psi_major"], &now["costs"]["contact_cost"]), (&json!(9.0), &json!(100)), "{now}");
    assert_eq!(drift_of(&customer, &prediction).await["level"], "stable");
    // The next prediction is judged by them, and drift has gone.
    scored(&customer, &service, &labelled(1000, 5, "1").await, "").await;
    let gone = monitoring_of(&customer, &model).await;
    assert_eq!(
        (&gone["is_raised"], gone["raised"][0]["cleared_at"].is_string()),
        (&json!(false), true),
        "{gone}"
    );

    let stranger = Customer::poor(on).await;
    let theirs = stranger.client.get(&path).await.expect(200).json();
    assert_eq!((&theirs["psi_major"], theirs["raised"].as_array().unwrap().len()), (&json!(0.25), 0));
    let hidden = format!("/predictions/{prediction}/drift");
    stranger.client.get(&hidden).await.expect_problem(404, "not_found");
    for wrong in
        [json!({ "psi_moderate": 0 }), json!({ "psi_moderate": 2, "psi_major": 1 }), json!({ "psi": 1 })]
    {
        customer.client.ask(Method::PUT, &path).json(&wrong).await.expect_any_problem(422);
    }
    let nobody = "/models/01980000-0000-7000-8000-00000000dead/monitoring";
    customer.client.get(nobody).await.expect_problem(404, "not_found");
}

/// Who left, by the generator's column, with a header of one's own and `lie` for every so-manieth customer.
fn outcomes(csv: &str, lie: impl Fn(usize) -> bool) -> String {
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|other| *other == name).unwrap();
    let (key, churn) = (place("customerID"), place("Churn"));
    let rows = csv.lines().skip(1).enumerate().map(|(row, line)| {
        let cells: Vec<&str> = line.split(',').collect();
        let has_left = (cells[churn] == "Yes") != lie(row);
        format!("{};{}\n", if has_left { "да" } else { "нет" }, cells[key])
    });
    format!("Отток;customerid\n{}", rows.collect::<String>())
}

async fn outcomes_tell_how_true_predictions_were_and_correct_each_other(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let csv = labelled(1200, 6, "0").await;
    let plain = scored(&customer, &service, &csv, "").await;
    let model = model_of(&customer, &plain).await;
    let query = format!("model_id={model}");
    send(&customer, &query, outcomes(&csv, |_| false)).await.expect_problem(409, "no_scores_kept");
    let none = performance_of(&customer, &model).await;
    assert_eq!(none["versions"], json!([]), "{none}");

    let prediction = scored(&customer, &service, &csv, KEY).await;
    let body = json!({ "costs": { "contact_cost": 100, "customer_value": 5000, "success_rate": 0.4 } });
    customer.client.ask(Method::PUT, &format!("/models/{model}/monitoring")).json(&body).await.expect(200);
    // At first everybody's outcome is told the wrong way round.
    let answer =
        send(&customer, &query, outcomes(&csv, |_| true) + "да;somebody else\n;open\n").await.expect(201);
    let told = answer.json();
    assert_eq!(
        (&told["rows"], &told["rows_joined"], &told["rows_open"]),
        (&json!(1201), &json!(1200), &json!(1))
    );
    assert_eq!(told["predictions"][0]["prediction_id"], json!(prediction), "{told}");
    let wrong = performance_of(&customer, &model).await;
    let auc = |performance: &Value| performance["versions"][0]["figures"]["auc"]["value"].as_f64().unwrap();
    assert!(auc(&wrong) < 0.4, "{wrong}");
    assert_eq!(wrong["versions"][0]["concept_drift"]["is_performance_lost"], true, "{wrong}");
    let raised = monitoring_of(&customer, &model).await;
    assert_eq!(
        (&raised["is_raised"], &raised["raised"][0]["kind"]),
        (&json!(true), &json!("concept")),
        "{raised}"
    );

    let corrected = send(&customer, &query, outcomes(&csv, |_| false)).await.expect(201).json();
    assert_eq!((&corrected["corrected"], &corrected["rows"]), (&json!(1200), &json!(1200)), "{corrected}");
    let right = performance_of(&customer, &model).await;
    let figures = &right["versions"][0]["figures"];
    assert!(auc(&right) > 0.7 && figures["auc"]["low"].as_f64().unwrap() < auc(&right), "{right}");
    assert!((auc(&right) + auc(&wrong) - 1.0).abs() < 1e-9, "turned round");
    assert_eq!(figures["rows"], 1200);
    assert_eq!(right["months"][0]["figures"], *figures, "all predictions are of this month");
    // What the result says and what the outcomes say, counted by hand.
    let result = String::from_utf8(customer.result(&prediction).await.to_vec()).unwrap();
    let (flagged, caught) = counted(&result);
    assert_eq!(figures["flagged"], json!(flagged));
    let precision = caught as f64 / flagged as f64;
    assert!((figures["precision"].as_f64().unwrap() - precision).abs() < 1e-12, "{figures}");
    let value = (caught as f64 * 0.4 * 5000.0).round() as i64 - 100 * flagged as i64;
    assert_eq!(figures["value"], json!(value));

    // The same once more changes nothing, and a key answers as it did.
    let path = format!("/outcomes?prediction_id={prediction}");
    let again = async || {
        let request = customer.client.post(&path).header("Idempotency-Key", "outcomes-1");
        request.file("left.csv", outcomes(&csv, |_| false)).await.expect(201)
    };
    let (first, second) = (again().await, again().await);
    assert_eq!((first.json(), second.header("idempotency-replayed")), (second.json(), "true"));
    assert_eq!(performance_of(&customer, &model).await["versions"][0]["figures"], *figures);
    let list = customer.client.get("/outcomes").await.expect(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 3, "{list}");
    let one = format!("/outcomes/{}", id_of(&first.json()));
    assert_eq!(customer.client.get(&one).await.expect(200).json(), first.json());
    Customer::poor(on).await.client.get(&one).await.expect_problem(404, "not_found");
}

/// How many customers of a result are said to leave, and how many of them left.
fn counted(result: &str) -> (u64, u64) {
    let header: Vec<&str> = result.lines().next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|other| *other == name).unwrap();
    let (stays, churn) = (place("stays"), place("Churn"));
    let rows = || result.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let flagged = rows().filter(|cells| cells[stays] == "0").count();
    let caught = rows().filter(|cells| cells[stays] == "0" && cells[churn] == "Yes").count();
    (flagged as u64, caught as u64)
}

async fn dated_outcomes_belong_to_the_latest_prediction_before(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let csv = labelled(60, 7, "0").await;
    let first = scored(&customer, &service, &csv, KEY).await;
    let second = scored(&customer, &service, &csv, KEY).await;
    let model = model_of(&customer, &first).await;
    let key = csv.lines().nth(1).unwrap().split(',').next().unwrap();
    let (past, future) = ("2020-01-31", "2100-01-31");
    let dated = format!("customerID,Churn,known\n{key},Yes,{past}\n{key},No,{future}\n");
    let told =
        send(&customer, &format!("model_id={model}&date=known"), dated.clone()).await.expect(201).json();
    assert_eq!((&told["rows"], &told["rows_joined"]), (&json!(2), &json!(1)), "{told}");
    let joined: Vec<&Value> = told["predictions"].as_array().unwrap().iter().collect();
    assert_eq!((joined.len(), &joined[0]["prediction_id"]), (1, &json!(second)), "{told}");
    // Where one prediction is meant, only that.
    let query = format!("prediction_id={first}&date=known");
    let told = send(&customer, &query, dated).await.expect(201).json();
    assert_eq!(told["predictions"][0]["prediction_id"], json!(first), "{told}");
    let performance = performance_of(&customer, &model).await;
    let figures = &performance["versions"][0]["figures"];
    assert_eq!(
        (&figures["rows"], &figures["leavers"], &figures["auc"]),
        (&json!(2), &json!(0), &Value::Null)
    );
}

async fn outcomes_that_cannot_be_read_are_named_and_change_nothing(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let csv = labelled(40, 8, "0").await;
    let no_key = without_column(&csv, "customerID");
    let path = format!("/predictions?service_id={service}{KEY}");
    let refused =
        customer.client.post(&path).file("a.csv", no_key).await.expect_problem(422, "missing_columns");
    assert_eq!(refused["missing_columns"], json!(["customerID"]));
    let prediction = scored(&customer, &service, &csv, KEY).await;
    let model = model_of(&customer, &prediction).await;
    let query = format!("model_id={model}");
    let wrong = "customerID,Churn\nA,Yes\nB,perhaps\n,No\n";
    let problem = send(&customer, &query, wrong).await.expect_problem(422, "bad_outcomes");
    let places: Vec<(u64, &str)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_u64().unwrap(), error["column"].as_str().unwrap()))
        .collect();
    assert_eq!(places, [(3, "Churn"), (4, "customerID")], "{problem}");
    for (query, csv, code) in [
        (format!("{query}&key=nobody"), "customerID,Churn\nA,Yes\n", "missing_columns"),
        (query.clone(), "customerID,colour\nA,Yes\n", "missing_columns"),
        (query.clone(), "customerID,Churn\n", "no_rows"),
        (query.clone() + "&window_days=0", "customerID,Churn\nA,Yes\n", "invalid_request"),
        ("key=customerID".to_owned(), "customerID,Churn\nA,Yes\n", "invalid_request"),
    ] {
        send(&customer, &query, csv).await.expect_problem(422, code);
    }
    let stranger = Customer::poor(on).await;
    let theirs = format!("prediction_id={prediction}");
    send(&stranger, &theirs, "customerID,Churn\nA,Yes\n").await.expect_problem(404, "not_found");
    assert_eq!(performance_of(&customer, &model).await["versions"], json!([]));
    assert_eq!(customer.client.get("/outcomes").await.expect(200).json()["data"], json!([]));
}

async fn what_is_kept_goes_with_the_prediction_and_the_account(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let csv = labelled(300, 9, "1").await;
    let prediction = scored(&customer, &service, &csv, KEY).await;
    let model = model_of(&customer, &prediction).await;
    send(&customer, &format!("model_id={model}"), outcomes(&csv, |_| false)).await.expect(201);
    assert_eq!(performance_of(&customer, &model).await["versions"].as_array().unwrap().len(), 1);
    customer.client.delete(&format!("/predictions/{prediction}")).await.expect(204);
    let path = format!("/predictions/{prediction}/drift");
    customer.client.get(&path).await.expect_problem(409, "drift_not_known");
    assert_eq!(performance_of(&customer, &model).await["versions"], json!([]));
    let query = format!("model_id={model}");
    send(&customer, &query, outcomes(&csv, |_| false)).await.expect_problem(409, "no_scores_kept");
    let history = customer.client.get(&format!("/models/{model}/drift")).await.expect(200).json();
    assert_eq!(history["data"], json!([]));
}
