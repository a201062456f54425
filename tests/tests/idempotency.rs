//! Requests that are sent again have one effect and one answer.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::answer::Answer;
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::Installation;

flows! {
    shared:
        an_order_sent_again_is_placed_once_and_answered_alike,
        another_request_under_the_same_key_is_refused,
        fifty_parallel_requests_with_one_key_have_one_effect,
        a_key_belongs_to_its_tenant,
        a_refused_request_frees_its_key,
        an_upload_sent_again_names_the_same_prediction,
        a_deposit_sent_again_is_made_once,
        a_cancel_and_a_refund_sent_again_are_answered_alike,
        a_call_of_predict_sent_again_is_charged_once,
        keys_of_1_to_255_visible_characters_are_keys;
    distributed:
        fifty_parallel_requests_at_two_apis_have_one_effect;
}

const PRICE: i64 = 10;

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

async fn order(customer: &Customer, service: &str, key: &str) -> Answer {
    customer.client.post("/orders").key(key).json(&json!({ "service_id": service })).await
}

async fn an_order_sent_again_is_placed_once_and_answered_alike(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", PRICE).await;
    let first = order(&customer, &service, "again").await.expect(201);
    assert!(!is_replayed(&first));
    let path = format!("/orders/{}/cancel", first.json()["id"].as_str().unwrap());
    customer.client.post(&path).await.expect(200);
    let again = order(&customer, &service, "again").await.expect(201);
    assert!(is_replayed(&again));
    assert_eq!(again.body, first.body, "the first answer, not the order as it is now");
    assert_eq!(customer.balance().await, 100);
    let fresh = order(&customer, &service, "another").await.expect(201);
    assert_ne!(fresh.json()["id"], first.json()["id"]);
}

async fn another_request_under_the_same_key_is_refused(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let (one, other) = (on.service("logistic", PRICE).await, on.service("svm", PRICE).await);
    order(&customer, &one, "key").await.expect(201);
    order(&customer, &other, "key").await.expect_problem(422, "idempotency_key_reused");
    let spaced = format!(r#"{{ "service_id": "{one}" }}"#);
    let request = customer.client.post("/orders").key("key").body("application/json", spaced);
    request.await.expect_problem(422, "idempotency_key_reused");
    let placed = order(&customer, &one, "key").await.expect(201).json()["id"].as_str().unwrap().to_owned();
    let request = customer.client.post(&format!("/orders/{placed}/cancel")).key("key");
    request.await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(customer.balance().await, 100 - PRICE);
}

async fn fifty_parallel_requests_with_one_key_have_one_effect(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", PRICE).await;
    let answers = join_all((0..50).map(|_| order(&customer, &service, "once"))).await;
    expect_one_effect(&customer, answers).await;
}

async fn fifty_parallel_requests_at_two_apis_have_one_effect(on: &mut Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", PRICE).await;
    let (_second, url) = on.start_second_api().await;
    let clients = [customer.client.clone(), customer.client.at(&url)];
    let body = json!({ "service_id": service });
    let send = async |number: usize| clients[number % 2].post("/orders").key("once").json(&body).await;
    let answers = join_all((0..50).map(send)).await;
    expect_one_effect(&customer, answers).await;
}

/// One is placed; the others get its answer, or are told that it is still in flight.
async fn expect_one_effect(customer: &Customer, answers: Vec<Answer>) {
    let placed: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(placed.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    assert!(placed.iter().all(|answer| answer.body == placed[0].body));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.clone().expect_problem(409, "idempotency_key_in_flight");
    }
    assert_eq!(customer.balance().await, 100 - PRICE);
    assert_eq!(customer.client.get("/orders").await.json()["data"].as_array().unwrap().len(), 1);
}

async fn a_key_belongs_to_its_tenant(on: &Installation) {
    let service = on.service("logistic", PRICE).await;
    let (one, other) = (Customer::with_balance(on, 100).await, Customer::with_balance(on, 100).await);
    let first = order(&one, &service, "shared-word").await.expect(201);
    let second = order(&other, &service, "shared-word").await.expect(201);
    assert!(!is_replayed(&second));
    assert_ne!(first.json()["id"], second.json()["id"]);
    assert_eq!((one.balance().await, other.balance().await), (90, 90));
}

async fn a_refused_request_frees_its_key(on: &Installation) {
    let customer = Customer::poor(on).await;
    let service = on.service("logistic", PRICE).await;
    order(&customer, &service, "later").await.expect_problem(402, "insufficient_funds");
    customer.deposit(on, PRICE).await.expect(201);
    let answer = order(&customer, &service, "later").await.expect(201);
    assert!(!is_replayed(&answer));
}

async fn an_upload_sent_again_names_the_same_prediction(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", PRICE).await;
    let path = format!("/predictions?service_id={service}");
    let file = generated(10, 61).await;
    let upload =
        async |file: &str| customer.client.post(&path).key("upload").file("a.csv", file.to_owned()).await;
    let first = upload(&file).await.expect(202);
    let again = upload(&file).await.expect(202);
    assert!(is_replayed(&again) && !is_replayed(&first));
    assert_eq!(again.json()["id"], first.json()["id"]);
    customer.succeeded(first.json()["id"].as_str().unwrap()).await;
    let now = upload(&file).await.expect(202).json();
    assert_eq!((&now["id"], &now["status"]), (&first.json()["id"], &json!("succeeded")), "as it is now");
    let request =
        customer.client.post(&path).key("upload").header("prefer", "wait=5").file("a.csv", file.clone());
    request.await.expect(200);
    upload(&generated(10, 62).await).await.expect_problem(422, "idempotency_key_reused");

    let parallel = async |_| customer.client.post(&path).key("parallel").file("a.csv", file.clone()).await;
    let answers = join_all((0..10).map(parallel)).await;
    let ids: Vec<Value> = answers
        .iter()
        .filter(|answer| answer.status == 202)
        .map(|answer| answer.json()["id"].clone())
        .collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    customer.succeeded(ids[0].as_str().unwrap()).await;
    assert_eq!(customer.balance().await, 100 - 2 * PRICE);
}

async fn a_deposit_sent_again_is_made_once(on: &Installation) {
    let customer = Customer::poor(on).await;
    let admin = on.admin().await;
    let body = json!({ "email": customer.email, "amount": 50, "note": "invoice 17" });
    let key = customer.user["id"].as_str().unwrap();
    let deposit = async || admin.post("/admin/deposits").key(key).json(&body).await.expect(201);
    let (first, again) = (deposit().await, deposit().await);
    assert!(is_replayed(&again));
    assert_eq!(first.body, again.body);
    assert_eq!(customer.balance().await, 50);
    assert_eq!(customer.transactions().await[0]["note"], "invoice 17");
}

async fn a_cancel_and_a_refund_sent_again_are_answered_alike(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", PRICE).await;
    let cancelled = customer.order(&service).await;
    let cancel =
        async || customer.client.post(&format!("/orders/{cancelled}/cancel")).key("c").await.expect(200);
    assert_eq!(cancel().await.body, cancel().await.body);

    let refunded = customer.order(&service).await;
    let path = format!("/admin/orders/{refunded}/refund");
    let admin = on.admin().await;
    let body = json!({ "note": "sorry" });
    let refund = async || admin.post(&path).key(&refunded).json(&body).await.expect(200);
    let (first, again) = (refund().await, refund().await);
    assert!(is_replayed(&again));
    assert_eq!(first.body, again.body);
    assert_eq!(customer.balance().await, 100);
}

async fn a_call_of_predict_sent_again_is_charged_once(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", PRICE).await;
    let csv = generated(1, 63).await;
    let names = csv.lines().next().unwrap().split(',');
    let one: Value = names
        .zip(csv.lines().nth(1).unwrap().split(','))
        .map(|(name, cell)| (name.to_owned(), json!(cell)))
        .collect();
    let body = json!({ "service_id": service, "customers": [one] });
    let call = async || customer.client.post("/predict").key("p").json(&body).await.expect(200);
    let (first, again) = (call().await, call().await);
    assert!(is_replayed(&again));
    assert_eq!(first.body, again.body);
    assert_eq!(customer.balance().await, 100 - PRICE);
}

async fn keys_of_1_to_255_visible_characters_are_keys(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", PRICE).await;
    order(&customer, &service, "k").await.expect(201);
    order(&customer, &service, &"k".repeat(255)).await.expect(201);
    for key in ["", "two words", &"k".repeat(256)] {
        order(&customer, &service, key).await.expect_any_problem(400);
    }
    assert_eq!(customer.balance().await, 100 - 2 * PRICE);
}
