//! A tenant's own models: paid trainings, versions, the gate before production, and the way back.

use std::time::Duration;

use serde_json::{Value, json};
use tests::answer::Answer;
use tests::customer::{Customer, TRAINING_PRICE, TRAINING_SERVICE};
use tests::customers_file::{generated, labelled, with_cell};
use tests::flows;
use tests::installation::{Installation, id_of};
use tests::patience::eventually;

flows! {
    shared:
        a_training_becomes_a_model_of_ones_own_that_scores_at_its_price,
        only_a_better_version_goes_through_the_gate_and_one_call_goes_back,
        a_training_that_cannot_learn_gives_the_money_back_and_says_where,
        what_cannot_be_trained_is_refused_before_anything_is_charged,
        an_upload_sent_twice_trains_once,
        what_was_trained_on_can_be_erased_and_the_model_stays,
        administrators_set_the_prices_of_trainings;
    own:
        a_training_whose_processes_are_killed_ends_once,
        a_closed_account_leaves_nothing_of_its_models;
}

/// Linear models and trees.
const LINEAR: &str = TRAINING_SERVICE;
const LINEAR_PRICE: i64 = TRAINING_PRICE;
const PREDICTION_PRICE: i64 = 1_000;
const LIMIT: Duration = Duration::from_secs(60);
/// Quick, and nothing is left to chance.
const QUICK: &str = "algorithm=logistic&folds=2&hold_out=0.3";
/// Everything that tells who leaves, so that what is left knows little.
const WEAK: &str = "&drop=Contract&drop=tenure&drop=MonthlyCharges&drop=TotalCharges&drop=InternetService\
    &drop=PaymentMethod&drop=OnlineSecurity&drop=TechSupport&drop=OnlineBackup&drop=DeviceProtection\
    &drop=StreamingTV&drop=StreamingMovies&drop=PaperlessBilling&drop=SeniorCitizen&drop=Partner&drop=Dependents\
    &drop=MultipleLines";

async fn try_train(customer: &Customer, model: &str, asked: &str, csv: &str) -> Answer {
    let path = format!("/trainings?training_service_id={LINEAR}&model={model}&{asked}");
    customer.client.post(&path).file("labelled.csv", csv.to_owned()).await
}

async fn train(customer: &Customer, model: &str, asked: &str, csv: &str) -> Value {
    let accepted = try_train(customer, model, asked, csv).await.expect(202);
    let training = id_of(&accepted.json());
    assert_eq!(accepted.header("location"), format!("/api/v1/trainings/{training}"));
    ended(customer, &training).await
}

async fn training_now(customer: &Customer, training: &str) -> Value {
    customer.client.get(&format!("/trainings/{training}")).await.expect(200).json()
}

async fn ended(customer: &Customer, training: &str) -> Value {
    eventually("the training ends", LIMIT, async || {
        let now = training_now(customer, training).await;
        matches!(now["status"].as_str(), Some("succeeded" | "failed")).then_some(now)
    })
    .await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The path of a training's version.
fn version_path(training: &Value) -> String {
    assert_eq!(training["status"], "succeeded", "{training}");
    let model = &training["model"];
    format!("/models/{}/versions/{}", text(&model["id"]), text(&model["version_id"]))
}

async fn promote(customer: &Customer, training: &Value, body: Value) -> Answer {
    customer.client.post(&format!("{}/promote", version_path(training))).json(&body).await
}

async fn a_training_becomes_a_model_of_ones_own_that_scores_at_its_price(on: &Installation) {
    let customer = Customer::with_balance(on, 50_000).await;
    let offers = customer.client.get("/training-services").await.expect(200).json();
    let linear =
        offers["data"].as_array().unwrap().iter().find(|offer| offer["id"] == LINEAR).unwrap().clone();
    assert_eq!(
        (&linear["price"], &linear["prediction_price"]),
        (&json!(LINEAR_PRICE), &json!(PREDICTION_PRICE))
    );

    // Paid by an order placed before.
    let order = customer.order(LINEAR).await;
    assert_eq!(customer.order_now(&order).await["service"].get("model"), None);
    let path = format!("/trainings?order_id={order}&model=mine&{QUICK}&set=penalty=0.5");
    let training =
        customer.client.post(&path).file("labelled.csv", labelled(500, 1).await).await.expect(202).json();
    let shown = training_now(&customer, &id_of(&training)).await;
    assert!(shown["progress"]["fits_total"].as_u64() > Some(0), "{shown}");
    let training = ended(&customer, &id_of(&training)).await;
    let version = version_path(&training);
    assert_eq!((&training["model"]["name"], &training["model"]["version"]), (&json!("mine"), &json!("1")));
    assert_eq!((&training["progress"]["share"], &training["data"]["rows"]), (&json!(1.0), &json!(500)));
    assert_eq!((&training["parameters"]["set"], &training["seed"]), (&json!(["penalty=0.5"]), &json!(1)));
    assert!(training["metrics"]["unseen"]["metrics"]["auc"].as_f64() > Some(0.6), "{}", training["metrics"]);
    assert_eq!(training["metrics"]["folds"].as_array().unwrap().len(), 2);
    assert!(text(&training["code_version"]).starts_with("augur "));
    let order = customer.order_now(&order).await;
    assert_eq!((&order["status"], &order["training_id"]), (&json!("provided"), &training["id"]));
    assert_eq!(customer.balance().await, 50_000 - LINEAR_PRICE);
    let report = customer.client.get(&format!("/trainings/{}/report", id_of(&training))).await.expect(200);
    assert!(
        report.text().starts_with("<!DOCTYPE html>")
            && report.header("content-security-policy").contains("sandbox")
    );
    let card = customer.client.get(&format!("{version}/card")).await.expect(200).json();
    assert_eq!((&card["algorithm"], &card["training"]["rows"]), (&json!("logistic"), &json!(500)));

    // Development is not sold yet; production is, to this tenant alone.
    let model = format!("/models/{}", text(&training["model"]["id"]));
    assert_eq!(customer.client.get(&model).await.expect(200).json().get("service_id"), None);
    let moved = promote(&customer, &training, json!({ "stage": "production" })).await.expect(200).json();
    assert_eq!(
        (&moved["version"]["stage"], &moved["gate"]["verdict"]),
        (&json!("production"), &json!("first_version"))
    );
    let shown = customer.client.get(&model).await.expect(200).json();
    assert_eq!(shown["price"], PREDICTION_PRICE);
    let service = text(&shown["service_id"]).to_owned();
    let prediction = customer.predict(&service, generated(20, 2).await).await;
    let scored = customer.succeeded(&prediction).await;
    assert_eq!((&scored["model"]["name"], &scored["model"]["version"]), (&json!("mine"), &json!("1")));
    assert_eq!(customer.balance().await, 50_000 - LINEAR_PRICE - PREDICTION_PRICE);
    assert!(listed(&customer, "/services").await.contains(&service));

    expect_hidden(on, &training, &service).await;
}

/// To anybody else there is none of it.
async fn expect_hidden(on: &Installation, training: &Value, service: &str) {
    let stranger = Customer::with_balance(on, 50_000).await;
    let (version, model) = (version_path(training), format!("/models/{}", text(&training["model"]["id"])));
    let customers = generated(3, 2).await;
    for path in ["/services", "/models", "/trainings"] {
        let theirs = listed(&stranger, path).await;
        for hidden in [service, &id_of(training), text(&training["model"]["id"])] {
            assert!(!theirs.iter().any(|id| id == hidden), "{path} shows {hidden}");
        }
    }
    for path in [&model, &version, &format!("{version}/card"), &format!("/services/{service}")] {
        stranger.client.get(path).await.expect_problem(404, "not_found");
    }
    stranger.try_order(service).await.expect_any_problem(422);
    let path = format!("/predictions?service_id={service}");
    stranger.client.post(&path).file("a.csv", customers).await.expect_problem(404, "not_found");
    let body = json!({ "stage": "archived" });
    stranger.client.post(&format!("{version}/promote")).json(&body).await.expect_problem(404, "not_found");
    let body = json!({});
    stranger.client.post(&format!("{model}/rollback")).json(&body).await.expect_problem(404, "not_found");
    assert_eq!(stranger.balance().await, 50_000);
}

async fn listed(customer: &Customer, path: &str) -> Vec<String> {
    let list = customer.client.get(&format!("{path}?limit=100")).await.expect(200).json();
    list["data"].as_array().unwrap().iter().map(id_of).collect()
}

async fn only_a_better_version_goes_through_the_gate_and_one_call_goes_back(on: &Installation) {
    let customer = Customer::with_balance(on, 100_000).await;
    let csv = labelled(900, 3).await;
    let weak = train(&customer, "gated", &format!("{QUICK}{WEAK}"), &csv).await;
    let production = json!({ "stage": "production" });

    // A first version that is no better than chance needs a decision against the gate, with a reason.
    promote(&customer, &weak, production.clone()).await.expect_problem(409, "gate_refused");
    promote(&customer, &weak, json!({ "stage": "production", "force": true })).await.expect_any_problem(422);
    let forced = json!({ "stage": "production", "force": true, "reason": "to have something" });
    let moved = promote(&customer, &weak, forced).await.expect(200).json();
    assert_eq!(moved["gate"]["verdict"], "no_better_than_chance");

    // The same customers are held out whatever the seed, and neither model has learned from them.
    let strong = train(&customer, "gated", &format!("{QUICK}&seed=7"), &csv).await;
    let gate = customer.client.get(&format!("{}/gate", version_path(&strong))).await.expect(200).json();
    assert_eq!((&gate["verdict"], &gate["basis"]), (&json!("better"), &json!("held_out_by_both")), "{gate}");
    let compared = &gate["comparison"];
    assert_eq!(compared["rows"], 270);
    assert!(
        compared["low"].as_f64() > Some(0.0) && compared["difference"].as_f64() < compared["high"].as_f64()
    );
    let moved = promote(&customer, &strong, production.clone()).await.expect(200).json();
    assert_eq!(moved["gate"], gate);

    // A worse challenger is refused, and so is the same one once more. Of another file the champion is asked itself.
    let worse = train(&customer, "gated", &format!("{QUICK}{WEAK}"), &csv).await;
    promote(&customer, &worse, production.clone()).await.expect_problem(409, "gate_refused");
    let other = train(&customer, "gated", &format!("{QUICK}{WEAK}"), &labelled(900, 4).await).await;
    let gate = customer.client.get(&format!("{}/gate", version_path(&other))).await.expect(200).json();
    assert_eq!((&gate["verdict"], &gate["basis"]), (&json!("not_better"), &json!("held_out_by_challenger")));
    assert!(
        gate["comparison"]["champion"]["auc"].as_f64() > gate["comparison"]["challenger"]["auc"].as_f64()
    );
    promote(&customer, &strong, production.clone()).await.expect_problem(409, "already_there");
    promote(&customer, &strong, json!({ "stage": "archived" })).await.expect_problem(409, "in_production");
    promote(&customer, &worse, json!({ "stage": "testing" })).await.expect(200);

    let model = format!("/models/{}", text(&strong["model"]["id"]));
    let back = json!({ "reason": "complaints" });
    let rolled = customer.client.post(&format!("{model}/rollback")).json(&back).await.expect(200).json();
    assert_eq!(rolled["version"]["id"], weak["model"]["version_id"]);
    expect_history(on, &customer, &model, &strong).await;
}

async fn expect_history(on: &Installation, customer: &Customer, model: &str, strong: &Value) {
    let history = customer.client.get(&format!("{model}/history")).await.expect(200).json();
    let told: Vec<(&str, &str)> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (text(&entry["action"]), text(&entry["version"]["version"])))
        .collect();
    let expected = [
        ("rolled_back", "1"),
        ("moved", "3"),
        ("registered", "4"),
        ("refused", "3"),
        ("registered", "3"),
        ("promoted", "2"),
        ("registered", "2"),
        ("promoted", "1"),
        ("refused", "1"),
        ("registered", "1"),
    ];
    assert_eq!(told, expected);
    let newest = &history["data"][0];
    assert_eq!(
        (&newest["reason"], &newest["replaced"]["id"]),
        (&json!("complaints"), &strong["model"]["version_id"])
    );
    assert_eq!(history["data"][7]["forced"], true);
    let stages = customer.client.get(&format!("{model}/versions")).await.expect(200).json();
    let stages: Vec<&str> =
        stages["data"].as_array().unwrap().iter().map(|one| text(&one["stage"])).collect();
    assert_eq!(stages, ["development", "testing", "archived", "production"]);
    let experiments = customer.client.get(&format!("{model}/experiments")).await.expect(200).json();
    assert_eq!(experiments["data"].as_array().unwrap().len(), 4);
    let mut database = on.database().await;
    for change in ["UPDATE model_history SET is_forced = false", "DELETE FROM model_history"] {
        let refused = database.refuses(&format!("BEGIN; SET LOCAL ROLE augur_system; {change}")).await;
        assert!(refused.contains("append-only") || refused.contains("permission denied"), "{refused}");
    }
}

async fn a_training_that_cannot_learn_gives_the_money_back_and_says_where(on: &Installation) {
    let customer = Customer::with_balance(on, LINEAR_PRICE).await;
    let csv = with_cell(&labelled(200, 5).await, 4, "Churn", "perhaps");
    let failed = train(&customer, "mine", QUICK, &csv).await;
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&json!("failed"), &json!("bad_cell")),
        "{failed}"
    );
    let place = &failed["error"]["errors"][0];
    assert_eq!((&place["line"], &place["column"]), (&json!(5), &json!("Churn")), "{failed}");
    assert_eq!(customer.balance().await, LINEAR_PRICE);
    assert_eq!(customer.movements().await[0], ("refund".to_owned(), LINEAR_PRICE));
    let path = format!("/trainings/{}/report", id_of(&failed));
    customer.client.get(&path).await.expect_problem(409, "training_failed");
    assert!(listed(&customer, "/models").await.iter().all(|id| !id.is_empty()));
    // Nobody left: there is nothing to learn.
    let nobody = csv.lines().map(|line| line.replace(",Yes", ",No").replace(",perhaps", ",No") + "\n");
    let failed = train(&customer, "mine", QUICK, &nobody.collect::<String>()).await;
    assert_eq!(failed["error"]["code"], "cannot_learn", "{failed}");
    assert_eq!(customer.balance().await, LINEAR_PRICE);
}

async fn what_cannot_be_trained_is_refused_before_anything_is_charged(on: &Installation) {
    let customer = Customer::with_balance(on, LINEAR_PRICE).await;
    let csv = labelled(100, 6).await;
    for (asked, field) in [
        ("folds=2", "algorithm"),
        ("algorithm=catboost", "algorithm"),
        ("algorithm=logistic&folds=1", "parameters"),
        ("algorithm=logistic&folds=many", "folds"),
        ("algorithm=logistic&set=depth=4", "parameters"),
        ("algorithm=logistic&target=Nobody", "target"),
        ("algorithm=logistic&drop=Nobody", "drop"),
        ("algorithm=logistic&model=..%2Fx", "model"),
        ("algorithm=logistic&target=%00", "target"),
    ] {
        let path = format!("/trainings?training_service_id={LINEAR}&{asked}");
        let refused = customer.client.post(&path).file("a.csv", csv.clone()).await.expect_any_problem(422);
        assert_eq!(refused["errors"][0]["field"], field, "{asked}: {refused}");
    }
    let unknown = format!("/trainings?training_service_id={LINEAR}&{QUICK}&flods=3");
    customer.client.post(&unknown).file("a.csv", csv.clone()).await.expect_problem(400, "bad_query");
    let unlabelled = generated(50, 6).await;
    try_train(&customer, "mine", QUICK, &unlabelled).await.expect_any_problem(422);
    let shipped = customer.seeded_service("logistic").await;
    let order = customer.order(&id_of(&shipped)).await;
    let path = format!("/trainings?order_id={order}&{QUICK}");
    customer.client.post(&path).file("a.csv", csv.clone()).await.expect_problem(409, "wrong_order");
    customer.client.post(&format!("/orders/{order}/cancel")).await.expect(200);
    let order = customer.order(LINEAR).await;
    customer.try_upload(&order, unlabelled).await.expect_problem(409, "wrong_order");
    customer.client.post(&format!("/orders/{order}/cancel")).await.expect(200);
    assert_eq!(customer.balance().await, LINEAR_PRICE);
    assert!(listed(&customer, "/trainings").await.is_empty());
}

async fn an_upload_sent_twice_trains_once(on: &Installation) {
    let customer = Customer::with_balance(on, 3 * LINEAR_PRICE).await;
    let csv = labelled(120, 7).await;
    let path = format!("/trainings?training_service_id={LINEAR}&{QUICK}");
    let send = async |path: &str| customer.client.post(path).key("once").file("a.csv", csv.clone()).await;
    let first = send(&path).await.expect(202);
    let again = send(&path).await.expect(202);
    assert_eq!(id_of(&first.json()), id_of(&again.json()));
    assert_eq!(again.header("idempotency-replayed"), "true");
    send(&format!("{path}&seed=2")).await.expect_problem(422, "idempotency_key_reused");
    ended(&customer, &id_of(&first.json())).await;
    assert_eq!(customer.balance().await, 2 * LINEAR_PRICE);
    assert_eq!(listed(&customer, "/trainings").await.len(), 1);
}

async fn what_was_trained_on_can_be_erased_and_the_model_stays(on: &Installation) {
    let customer = Customer::with_balance(on, 50_000).await;
    let csv = labelled(300, 8).await;
    let [first, second] = [
        train(&customer, "kept", QUICK, &csv).await,
        train(&customer, "kept", &format!("{QUICK}&seed=3"), &csv).await,
    ];
    promote(&customer, &first, json!({ "stage": "production" })).await.expect(200);
    let path = format!("/trainings/{}", id_of(&second));
    customer.client.delete(&path).await.expect(204);
    let shown = training_now(&customer, &id_of(&second)).await;
    assert_eq!((&shown["file_name"], shown.get("expires_at")), (&json!(""), None));
    let left = tests::files::below(&on.objects().join("trainings").join(id_of(&second)));
    assert!(left.iter().any(|path| path.ends_with("model.json")), "{left:?}");
    assert!(!left.iter().any(|path| path.ends_with("input") || path.ends_with("held_out.json")), "{left:?}");
    // The gate has nothing left to judge by, and says so.
    let refused = promote(&customer, &second, json!({ "stage": "production" })).await;
    let refused = refused.expect_problem(409, "gate_refused");
    assert!(text(&refused["detail"]).contains("erased"), "{refused}");
    customer.client.get(&format!("{path}/report")).await.expect(200);
}

async fn administrators_set_the_prices_of_trainings(on: &Installation) {
    let (admin, customer) = (on.admin().await, Customer::with_balance(on, 500).await);
    let name = format!("trees {}", uuid::Uuid::new_v4().simple());
    let body = json!({ "name": name, "algorithms": ["decision_tree"], "price": 300, "prediction_price": 7,
        "max_rows": 150 });
    let made = admin.post("/admin/training-services").json(&body).await.expect(201).json();
    admin.post("/admin/training-services").json(&body).await.expect_problem(409, "name_taken");
    let bad = json!({ "name": "x", "algorithms": ["guess"], "price": 300, "prediction_price": 7 });
    admin.post("/admin/training-services").json(&bad).await.expect_any_problem(422);
    let path =
        format!("/trainings?training_service_id={}&algorithm=decision_tree&folds=2&model=tree", id_of(&made));
    let send = async |csv: String| customer.client.post(&path).file("a.csv", csv).await;
    send(labelled(200, 9).await).await.expect_problem(422, "too_many_rows");
    let trained = ended(&customer, &id_of(&send(labelled(150, 9).await).await.expect(202).json())).await;
    assert_eq!(
        (&trained["status"], &trained["prediction_price"]),
        (&json!("succeeded"), &json!(7)),
        "{trained}"
    );
    assert_eq!(customer.balance().await, 200);
    let changed = format!("/admin/training-services/{}", id_of(&made));
    admin.patch(&changed).json(&json!({ "active": false })).await.expect(200);
    send(labelled(150, 9).await).await.expect_problem(404, "not_found");
}

async fn a_training_whose_processes_are_killed_ends_once(on: &mut Installation) {
    let customer = Customer::with_balance(on, 60_000).await;
    let boosted = "01980000-0000-7000-8000-000000000103";
    let asked = "algorithm=catboost&folds=4&set=trees=400";
    let path = format!("/trainings?training_service_id={boosted}&model=long&{asked}");
    let accepted = customer.client.post(&path).file("a.csv", labelled(3_000, 10).await).await.expect(202);
    let training = id_of(&accepted.json());
    eventually("a fit is done", LIMIT, async || {
        let now = training_now(&customer, &training).await;
        assert_ne!(now["status"], "succeeded", "it was over before it could be killed");
        (now["progress"]["fits_done"].as_u64() > Some(0)).then_some(())
    })
    .await;
    on.restart_everything().await;
    let ended = ended(&customer, &training).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(customer.balance().await, 0);
    let movements = [("debit", 60_000), ("deposit", 60_000)].map(|(kind, amount)| (kind.to_owned(), amount));
    assert_eq!(customer.movements().await, movements);
    let versions = format!("/models/{}/versions", text(&ended["model"]["id"]));
    let versions = customer.client.get(&versions).await.expect(200).json();
    assert_eq!(versions["data"].as_array().unwrap().len(), 1);
}

async fn a_closed_account_leaves_nothing_of_its_models(on: &mut Installation) {
    let customer = Customer::with_balance(on, 50_000).await;
    let trained = train(&customer, "secret-name", QUICK, &labelled(200, 11).await).await;
    let forced = json!({ "stage": "production", "force": true, "reason": "a secret reason" });
    promote(&customer, &trained, forced).await.expect(200);
    let body = json!({ "password": tests::installation::PASSWORD, "forfeit_balance": true });
    customer.client.delete("/me").json(&body).await.expect(204);
    let directory = on.objects().join("trainings");
    eventually("its files go", Duration::from_secs(20), async || {
        tests::files::below(&directory).is_empty().then_some(())
    })
    .await;
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    for table in
        ["trainings", "models", "model_versions", "services", "model_history", "model_history_reasons"]
    {
        // The shipped models are nobody's, and name columns.
        let query = format!(
            "SELECT count(*) FROM {table} t WHERE tenant_id IS NOT NULL \
             AND to_jsonb(t)::text ~ 'secret|Contract|MonthlyCharges|labelled'"
        );
        assert_eq!(database.number(&query).await, 0, "{table} remembers");
    }
    let prices = on.admin().await.get("/services").await.expect(200).json();
    assert!(prices["data"].as_array().unwrap().len() >= 4, "{prices}");
}
