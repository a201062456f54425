//! The main job, end to end: money in, an order, a file up, the same file down with two more columns.

use serde_json::{Value, json};
use tests::customer::Customer;
use tests::customers_file::{Scored, generated, scored_rows};
use tests::flows;
use tests::installation::Installation;
use tests::program;

flows! {
    shared:
        each_of_the_four_models_is_ordered_paid_once_and_gives_the_same_rows_back,
        the_529_real_customers_come_back_with_two_more_columns,
        one_call_orders_and_uploads,
        the_price_list_is_cheapest_first_and_shows_measured_quality,
        the_service_scores_like_the_command_line;
}

const MODELS: [&str; 4] = ["logistic", "svm", "random_forest", "catboost"];
const DEPOSIT: i64 = 100_000;

async fn each_of_the_four_models_is_ordered_paid_once_and_gives_the_same_rows_back(on: &Installation) {
    let input = generated(529, 1).await;
    for model in MODELS {
        let customer = Customer::poor(on).await;
        assert_eq!(customer.balance().await, 0);
        let deposit = customer.deposit(on, DEPOSIT).await.expect(201).json();
        assert_eq!((&deposit["kind"], &deposit["balance_after"]), (&json!("deposit"), &json!(DEPOSIT)));

        let service = customer.seeded_service(model).await;
        let (service_id, price) = (service["id"].as_str().unwrap(), service["price"].as_i64().unwrap());
        let order = customer.order(service_id).await;
        expect_order(&customer, &order, "paid", price).await;
        assert_eq!(customer.balance().await, DEPOSIT - price);

        let prediction = customer.upload(&order, input.clone()).await;
        let ended = customer.succeeded(&prediction).await;
        expect_order(&customer, &order, "provided", price).await;
        assert_eq!(ended["order_id"], *order);
        assert_eq!(ended["model"]["name"], model);
        assert_eq!(ended["file_name"], "customers.csv");
        assert_eq!(ended["progress"], json!({ "rows_done": 529, "rows_total": 529, "share": 1.0 }));

        let result = String::from_utf8(customer.result(&prediction).await.to_vec()).unwrap();
        let scored = scored_rows(&input, &result, ',', '.');
        expect_summary(&ended["summary"], &scored);
        let again = customer.result(&prediction).await;
        assert_eq!(again, result.as_bytes(), "the result can be had again");

        assert_eq!(customer.balance().await, DEPOSIT - price);
        let movements = [("debit".to_owned(), price), ("deposit".to_owned(), DEPOSIT)];
        assert_eq!(customer.movements().await, movements);
        let debit = &customer.transactions().await[0];
        assert_eq!(debit["order_id"], *order);
        assert_eq!(debit["balance_after"], DEPOSIT - price);
        assert_eq!(customer.order_now(&order).await["transaction_id"], debit["id"]);
    }
}

async fn expect_order(customer: &Customer, order: &str, status: &str, price: i64) {
    let now = customer.order_now(order).await;
    assert_eq!(now["status"], status, "{now}");
    assert_eq!(now["is_provided"], status == "provided", "{now}");
    assert_eq!(now["price"], price, "{now}");
}

/// The summary tells what the rows tell.
fn expect_summary(summary: &Value, scored: &[Scored]) {
    let stays = scored.iter().filter(|row| row.stays).count();
    assert_eq!(summary["rows"], scored.len(), "{summary}");
    assert_eq!(summary["rows_skipped"], 0, "{summary}");
    assert_eq!(summary["stays"], stays, "{summary}");
    assert_eq!(summary["leaves"], scored.len() - stays, "{summary}");
    assert!(stays > 0 && stays < scored.len(), "customers of both kinds: {summary}");
    let probabilities: Vec<f64> = scored.iter().map(|row| row.churn_probability.parse().unwrap()).collect();
    let mean = probabilities.iter().sum::<f64>() / probabilities.len() as f64;
    let told = summary["mean_churn_probability"].as_f64().unwrap();
    assert!((told - mean).abs() < 1e-5, "{told} is not {mean}");
    let bins: Vec<u64> =
        summary["histogram"].as_array().unwrap().iter().map(|bin| bin.as_u64().unwrap()).collect();
    assert_eq!((bins.len(), bins.iter().sum::<u64>()), (20, scored.len() as u64));
}

/// Runs only where the data lies beside the checkout; it is never part of it.
async fn the_529_real_customers_come_back_with_two_more_columns(on: &Installation) {
    let path = program::checkout().join("../shared/data/customers_529.csv");
    let Ok(input) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: there is no {}", path.display());
        return;
    };
    let customer = Customer::with_balance(on, DEPOSIT).await;
    let mut paid = 0;
    for model in MODELS {
        let service = customer.seeded_service(model).await;
        paid += service["price"].as_i64().unwrap();
        let result = customer.score(service["id"].as_str().unwrap(), input.clone()).await;
        let scored = scored_rows(&input, std::str::from_utf8(&result).unwrap(), ',', '.');
        assert_eq!(scored.len(), 529);
    }
    assert_eq!(customer.balance().await, DEPOSIT - paid);
}

async fn one_call_orders_and_uploads(on: &Installation) {
    let customer = Customer::with_balance(on, 5).await;
    let service = on.service("logistic", 5).await;
    let prediction = customer.predict(&service, generated(3, 2).await).await;
    let ended = customer.succeeded(&prediction).await;
    assert_eq!(customer.balance().await, 0);
    let order = customer.order_now(ended["order_id"].as_str().unwrap()).await;
    assert_eq!((&order["status"], &order["prediction_id"]), (&json!("provided"), &json!(prediction)));

    let answer = customer.client.post(&format!("/predictions?service_id={service}")).file("a.csv", "x").await;
    assert_eq!(answer.expect_problem(402, "insufficient_funds")["missing"], 5);
    assert_eq!(customer.client.get("/orders").await.json()["data"].as_array().unwrap().len(), 1);
}

async fn the_price_list_is_cheapest_first_and_shows_measured_quality(on: &Installation) {
    let customer = Customer::poor(on).await;
    let mut seeded = Vec::new();
    for model in MODELS {
        let service = customer.seeded_service(model).await;
        let quality =
            |name: &str| service["quality"][name].as_f64().unwrap_or_else(|| panic!("{name}: {service}"));
        let (low, auc, high) = (quality("auc_low"), quality("auc"), quality("auc_high"));
        assert!(0.75 < low && low < auc && auc < high && high < 0.95, "{service}");
        assert_eq!((&service["max_rows"], &service["active"]), (&json!(10_000_000), &json!(true)));
        assert_eq!(service["currency"], "RUB");
        let one =
            customer.client.get(&format!("/services/{}", service["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(one.json(), service);
        seeded.push(service["price"].as_i64().unwrap());
    }
    assert_eq!((seeded[0], seeded[3]), (1_000, 50_000));
    assert!(seeded.is_sorted(), "{seeded:?}");
    let list = customer.client.get("/services?limit=100").await.json();
    let prices: Vec<i64> =
        list["data"].as_array().unwrap().iter().map(|one| one["price"].as_i64().unwrap()).collect();
    assert!(prices.is_sorted(), "{prices:?}");
}

async fn the_service_scores_like_the_command_line(on: &Installation) {
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("in.csv"), directory.path().join("out.csv"));
    let customers = generated(50, 3).await;
    std::fs::write(&input, &customers).unwrap();
    let customer = Customer::with_balance(on, DEPOSIT).await;
    for model in MODELS {
        let (from, to) = (input.to_str().unwrap(), output.to_str().unwrap());
        program::run_well(&["predict", "--model", model, from, "-o", to], &[]).await;
        let service = customer.seeded_service(model).await;
        let result = customer.score(service["id"].as_str().unwrap(), customers.clone()).await;
        assert_eq!(result, std::fs::read(&output).unwrap(), "{model}");
    }
}
