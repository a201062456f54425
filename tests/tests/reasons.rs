//! Reasons for each customer: a paid option of orders, files and single customers.

use serde_json::{Value, json};
use tests::customer::Customer;
use tests::customers_file::{customers_of, generated, labelled};
use tests::flows;
use tests::installation::{Installation, id_of};

flows! {
    shared:
        reasons_are_bought_with_the_order_and_stand_in_the_result,
        an_order_without_reasons_refuses_them_and_stays_usable,
        a_few_customers_get_their_reasons_at_once,
        a_training_learns_what_matters_and_what_can_be_moved,
        levers_can_be_tried_and_nothing_else;
}

const PRICE: i64 = 10;
const SURCHARGE: i64 = 4;

/// A customer with money, and a service with reasons.
async fn with_reasons(on: &Installation, model: &str) -> (Customer, String) {
    let (customer, service) = (Customer::with_balance(on, 10 * PRICE).await, on.service(model, PRICE).await);
    let change = json!({ "explain_price": SURCHARGE });
    let path = format!("/admin/services/{service}");
    let changed = on.admin().await.patch(&path).json(&change).await.expect(200).json();
    assert_eq!(changed["explain_price"], SURCHARGE);
    (customer, service)
}

async fn reasons_are_bought_with_the_order_and_stand_in_the_result(on: &Installation) {
    let (customer, service) = with_reasons(on, "catboost").await;
    let csv = generated(40, 61).await;
    let path = format!("/files/check?service_id={service}");
    let checked = customer.client.post(&path).file("a.csv", csv.clone()).await.expect(200).json();
    assert_eq!((&checked["price"], &checked["explain_price"]), (&json!(PRICE), &json!(SURCHARGE)));

    let path = format!("/predictions?service_id={service}&explain=2&language=ru");
    let prediction = id_of(&customer.client.post(&path).file("a.csv", csv.clone()).await.expect(202).json());
    customer.succeeded(&prediction).await;
    assert_eq!(customer.movements().await[0], ("debit".to_owned(), PRICE + SURCHARGE));
    let result = String::from_utf8(customer.result(&prediction).await.to_vec()).unwrap();
    let header = result.lines().next().unwrap();
    let wanted = "stays,churn_probability,reason_1,reason_1_contribution,reason_2,reason_2_contribution";
    assert!(header.ends_with(wanted), "{header}");
    assert!(result.contains("платит помесячно"), "the reasons are Russian");
    // A reason in words may hold a comma, as Russian numbers do.
    let mut rows = csv::Reader::from_reader(result.as_bytes());
    for row in rows.records() {
        let row = row.unwrap();
        let contribution = |back: usize| row[row.len() - back].parse::<f64>().unwrap_or(0.0);
        let (first, second) = (contribution(3), contribution(1));
        assert!(first != 0.0 && first.abs() >= second.abs() && first * second >= 0.0, "{row:?}");
    }

    let order = json!({ "service_id": service, "explain": true });
    let order = customer.client.post("/orders").json(&order).await.expect(201).json();
    assert_eq!((&order["price"], &order["explain"]), (&json!(PRICE + SURCHARGE), &json!(true)));
    let prediction = customer.upload(order["id"].as_str().unwrap(), csv).await;
    customer.succeeded(&prediction).await;
    let result = String::from_utf8(customer.result(&prediction).await.to_vec()).unwrap();
    assert!(
        result.lines().next().unwrap().ends_with(",reason_3,reason_3_contribution"),
        "three where nobody says"
    );
    assert_eq!(customer.balance().await, 10 * PRICE - 2 * (PRICE + SURCHARGE));
}

async fn an_order_without_reasons_refuses_them_and_stays_usable(on: &Installation) {
    let (customer, service) = with_reasons(on, "catboost").await;
    let csv = generated(5, 62).await;
    let order = customer.order(&service).await;
    let path = format!("/predictions?order_id={order}&explain=3");
    let refused = customer.client.post(&path).file("a.csv", csv.clone()).await;
    refused.expect_problem(422, "option_not_ordered");
    assert_eq!(customer.order_now(&order).await["status"], "paid");
    let prediction = customer.upload(&order, csv.clone()).await;
    customer.succeeded(&prediction).await;
    let result = String::from_utf8(customer.result(&prediction).await.to_vec()).unwrap();
    assert!(!result.contains("reason_"), "nothing was paid for");

    // A service that does not offer them, and a number that nobody could read.
    let plain = on.service("catboost", PRICE).await;
    let body = json!({ "service_id": plain, "explain": true });
    customer.client.post("/orders").json(&body).await.expect_any_problem(422);
    let path = format!("/predictions?service_id={plain}&explain=3");
    customer.client.post(&path).file("a.csv", csv.clone()).await.expect_any_problem(422);
    for count in [0, 11] {
        let path = format!("/predictions?service_id={service}&explain={count}");
        customer.client.post(&path).file("a.csv", csv.clone()).await.expect_any_problem(422);
    }
    assert_eq!(customer.balance().await, 9 * PRICE, "what is refused costs nothing");
}

async fn a_few_customers_get_their_reasons_at_once(on: &Installation) {
    let (customer, service) = with_reasons(on, "catboost").await;
    let customers = customers_of(&generated(5, 63).await);
    let body = json!({ "service_id": service, "customers": customers, "explain": 3, "language": "en" });
    let answer = customer.client.post("/predict").json(&body).await.expect(200).json();
    assert_eq!(answer["price"], PRICE + SURCHARGE);
    assert_eq!(customer.balance().await, 10 * PRICE - (PRICE + SURCHARGE));
    for one in answer["predictions"].as_array().unwrap() {
        let reasons = one["reasons"].as_array().unwrap();
        assert!((1..=3).contains(&reasons.len()), "{one}");
        let strengths: Vec<f64> =
            reasons.iter().map(|reason| reason["contribution"].as_f64().unwrap().abs()).collect();
        assert!(strengths.is_sorted_by(|one, other| one >= other), "{one}");
        assert!(reasons.iter().all(|reason| reason["words"].as_str().is_some_and(|words| !words.is_empty())));
    }
    let body = json!({ "service_id": service, "customers": customers });
    let answer = customer.client.post("/predict").json(&body).await.expect(200).json();
    assert_eq!(answer["predictions"][0].get("reasons"), None::<&Value>);
}

async fn a_training_learns_what_matters_and_what_can_be_moved(on: &Installation) {
    let (customer, stranger) = (Customer::with_balance(on, 1_000_000).await, Customer::poor(on).await);
    let labelled = labelled(400, 64).await;
    let services = customer.client.get("/training-services").await.expect(200).json();
    let service = services["data"][0]["id"].as_str().unwrap();
    let path = format!("/trainings?training_service_id={service}&algorithm=logistic&lever=tenure");
    customer.client.post(&path).file("a.csv", labelled.clone()).await.expect_any_problem(422);

    let mut levers = Vec::new();
    for (name, lever) in [("all", ""), ("few", "&lever=contract&lever=Payment%20Method")] {
        let training = customer.train_with(name, lever, labelled.clone()).await;
        let model = training["model"]["id"].as_str().unwrap().to_owned();
        let importance = customer.client.get(&format!("/models/{model}/importance")).await.expect(200).json();
        assert_eq!(importance["version_id"], training["model"]["version_id"]);
        let features = importance["features"].as_array().unwrap();
        let weights: Vec<f64> = features.iter().map(|one| one["mean_absolute"].as_f64().unwrap()).collect();
        assert!(weights.len() == 19 && weights.is_sorted_by(|one, other| one >= other), "{weights:?}");
        let named = |wanted: &str| features.iter().find(|one| one["feature"] == wanted).unwrap();
        let values = named("Contract")["values"].as_array().unwrap();
        let effect =
            |wanted: &str| values.iter().find(|one| one["value"] == wanted).unwrap()["mean"].as_f64();
        assert!(effect("Month-to-month") > effect("Two year"), "{values:?}");
        let ranges = named("tenure")["ranges"].as_array().unwrap();
        let customers: u64 = ranges.iter().map(|range| range["customers"].as_u64().unwrap()).sum();
        assert!(ranges.len() > 10 && customers == 400, "{ranges:?}");
        levers.push(features.iter().filter(|one| one["is_lever"] == true).count());

        let path = format!("/models/{model}/importance?version_id={}", training["id"].as_str().unwrap());
        customer.client.get(&path).await.expect_problem(404, "not_found");
        let path = format!("/models/{model}/importance");
        stranger.client.get(&path).await.expect_problem(404, "not_found");
    }
    assert_eq!(levers[1], 2, "those that were named");
    assert!(levers[0] > 8, "else those whose names are known");
}

async fn levers_can_be_tried_and_nothing_else(on: &Installation) {
    let (customer, service) = with_reasons(on, "catboost").await;
    let csv = generated(40, 65).await;
    let one = customers_of(&csv).into_iter().find(|one| one["Contract"] == "Month-to-month").unwrap();
    let changes = json!({ "contract": "Two year", "MonthlyCharges": 20 });
    let body = json!({ "service_id": service, "customer": one, "changes": changes, "language": "ru" });
    let tried = customer.client.post("/what-if").json(&body).await.expect(200).json();
    assert_eq!(customer.balance().await, 10 * PRICE, "trying is free");

    let predicted = json!({ "service_id": service, "customers": [one] });
    let predicted = customer.client.post("/predict").json(&predicted).await.expect(200).json();
    assert_eq!(tried["before"]["churn_probability"], predicted["predictions"][0]["churn_probability"]);
    let mut changed = one.clone();
    changed["Contract"] = json!("Two year");
    changed["MonthlyCharges"] = json!(20);
    let predicted = json!({ "service_id": service, "customers": [changed] });
    let predicted = customer.client.post("/predict").json(&predicted).await.expect(200).json();
    assert_eq!(tried["after"]["churn_probability"], predicted["predictions"][0]["churn_probability"]);
    let features = tried["features"].as_array().unwrap();
    let contract = features.iter().find(|feature| feature["feature"] == "Contract").unwrap();
    assert_eq!(contract["words_after"], "договор на два года");
    let moved = features.iter().filter(|feature| feature["words_before"] != feature["words_after"]).count();
    assert_eq!(moved, 2);

    let refused = |changes: Value| json!({ "service_id": service, "customer": one, "changes": changes });
    for (changes, code) in [
        (json!({ "tenure": 60 }), "not_a_lever"),
        (json!({ "gender": "Male" }), "not_a_lever"),
        (json!({ "Colour": "red" }), "not_a_lever"),
        (json!({ "Contract": "Ten years" }), "not_a_category"),
        (json!({ "MonthlyCharges": "little" }), "not_a_number"),
    ] {
        let answer = customer.client.post("/what-if").json(&refused(changes)).await;
        answer.expect_problem(422, code);
    }
    let neither = json!({ "customer": one, "changes": {} });
    customer.client.post("/what-if").json(&neither).await.expect_any_problem(422);

    let prediction = customer.upload(&customer.order(&service).await, csv).await;
    let body = json!({ "prediction_id": prediction, "customer": one, "changes": {} });
    let tried = customer.client.post("/what-if").json(&body).await.expect(200).json();
    assert_eq!(tried["before"], tried["after"]);
    let stranger = Customer::poor(on).await;
    stranger.client.post("/what-if").json(&body).await.expect_problem(404, "not_found");
}
