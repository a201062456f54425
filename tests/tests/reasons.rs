//! Reasons for each customer: a paid option of orders, files and single customers.

use serde_json::{Value, json};
use tests::customer::Customer;
use tests::customers_file::{customers_of, generated};
use tests::flows;
use tests::installation::{Installation, id_of};

flows! {
    shared:
        reasons_are_bought_with_the_order_and_stand_in_the_result,
        an_order_without_reasons_refuses_them_and_stays_usable,
        a_few_customers_get_their_reasons_at_once;
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
