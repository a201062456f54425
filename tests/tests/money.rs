//! Money: exact under parallel load, and guarded by the database itself.

use futures::future::join_all;
use serde_json::json;
use tests::answer::{Answer, statuses};
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::Installation;

flows! {
    shared:
        two_hundred_parallel_orders_of_10_on_1000_sell_exactly_100,
        fifty_parallel_uploads_to_one_order_have_one_accepted,
        two_hundred_parallel_deposits_of_1_make_200,
        fifty_parallel_cancels_of_one_order_refund_it_once,
        orders_deposits_and_cancels_at_once_lose_nothing,
        a_cancelled_or_used_order_is_good_for_nothing,
        an_administrator_refunds_a_provided_order_once,
        amounts_that_are_no_amounts_are_refused,
        missing_money_is_told_exactly,
        prices_change_for_new_orders_only;
    own:
        the_database_refuses_to_rewrite_history,
        the_database_refuses_a_second_debit_or_refund_and_a_negative_balance,
        the_audit_finds_what_was_tampered_with;
}

async fn two_hundred_parallel_orders_of_10_on_1000_sell_exactly_100(on: &Installation) {
    let customer = Customer::with_balance(on, 1_000).await;
    let service = on.service("logistic", 10).await;
    let answers = join_all((0..200).map(|_| customer.try_order(&service))).await;
    assert_eq!(statuses(&answers), [(201, 100), (402, 100)]);
    assert_eq!(customer.balance().await, 0);
    let refused = answers.into_iter().find(|answer| answer.status == 402).unwrap();
    assert_eq!(refused.expect_problem(402, "insufficient_funds")["missing"], 10);
    let transactions = customer.transactions().await;
    let left: Vec<i64> = transactions.iter().map(|one| one["balance_after"].as_i64().unwrap()).collect();
    assert_eq!(
        left,
        (0..100).map(|number| number * 10).collect::<Vec<i64>>(),
        "each debit follows the one before"
    );
}

async fn fifty_parallel_uploads_to_one_order_have_one_accepted(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    let order = customer.order(&on.service("logistic", 10).await).await;
    let file = generated(20, 51).await;
    let answers = join_all((0..50).map(|_| customer.try_upload(&order, file.clone()))).await;
    assert_eq!(statuses(&answers), [(202, 1), (409, 49)]);
    let accepted = answers.iter().find(|answer| answer.status == 202).unwrap().json();
    customer.succeeded(accepted["id"].as_str().unwrap()).await;
    for refused in answers.into_iter().filter(|answer| answer.status == 409) {
        refused.expect_problem(409, "order_already_used");
    }
    let list = customer.client.get("/predictions").await.expect(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(customer.order_now(&order).await["status"], "provided");
}

async fn two_hundred_parallel_deposits_of_1_make_200(on: &Installation) {
    let customer = Customer::poor(on).await;
    let answers = join_all((0..200).map(|_| customer.deposit(on, 1))).await;
    assert_eq!(statuses(&answers), [(201, 200)]);
    assert_eq!(customer.balance().await, 200);
    let mut told: Vec<i64> =
        answers.iter().map(|answer| answer.json()["balance_after"].as_i64().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, (1..=200).collect::<Vec<i64>>());
}

async fn fifty_parallel_cancels_of_one_order_refund_it_once(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    let order = customer.order(&on.service("logistic", 10).await).await;
    let answers = join_all((0..50).map(|_| cancel(&customer, &order))).await;
    assert_eq!(statuses(&answers), [(200, 1), (409, 49)]);
    let cancelled = answers.iter().find(|answer| answer.status == 200).unwrap().json();
    assert_eq!((&cancelled["status"], &cancelled["is_provided"]), (&json!("refunded"), &json!(false)));
    assert_eq!(customer.balance().await, 10);
    let movements =
        [("refund", 10), ("debit", 10), ("deposit", 10)].map(|(kind, amount)| (kind.to_owned(), amount));
    assert_eq!(customer.movements().await, movements);
}

async fn cancel(customer: &Customer, order: &str) -> Answer {
    customer.client.post(&format!("/orders/{order}/cancel")).await
}

async fn orders_deposits_and_cancels_at_once_lose_nothing(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", 10).await;
    let ordering = join_all((0..40).map(async |number| {
        let answer = customer.try_order(&service).await;
        if answer.status == 201 && number % 2 == 0 {
            cancel(&customer, answer.json()["id"].as_str().unwrap()).await.expect(200);
        }
        answer
    }));
    let depositing = join_all((0..40).map(|_| customer.deposit(on, 5)));
    let (orders, deposits) = futures::join!(ordering, depositing);
    assert_eq!(statuses(&deposits), [(201, 40)]);
    let kept = customer.client.get("/orders?limit=100").await.json()["data"].as_array().unwrap().clone();
    let kept = kept.iter().filter(|order| order["status"] == "paid").count() as i64;
    assert_eq!(customer.balance().await, 100 + 40 * 5 - kept * 10);
    assert!(orders.iter().all(|answer| matches!(answer.status, 201 | 402)), "{:?}", statuses(&orders));
}

async fn a_cancelled_or_used_order_is_good_for_nothing(on: &Installation) {
    let customer = Customer::with_balance(on, 20).await;
    let service = on.service("logistic", 10).await;
    let file = generated(3, 52).await;
    let cancelled = customer.order(&service).await;
    cancel(&customer, &cancelled).await.expect(200);
    customer.try_upload(&cancelled, file.clone()).await.expect_problem(409, "order_already_used");
    cancel(&customer, &cancelled).await.expect_any_problem(409);

    let used = customer.order(&service).await;
    let prediction = customer.upload(&used, file.clone()).await;
    cancel(&customer, &used).await.expect_problem(409, "order_already_used");
    customer.succeeded(&prediction).await;
    cancel(&customer, &used).await.expect_problem(409, "order_already_used");
    customer.try_upload(&used, file).await.expect_problem(409, "order_already_used");
    assert_eq!(customer.balance().await, 10);
}

async fn an_administrator_refunds_a_provided_order_once(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    let order = customer.order(&on.service("logistic", 10).await).await;
    let prediction = customer.upload(&order, generated(3, 53).await).await;
    customer.succeeded(&prediction).await;
    let path = format!("/admin/orders/{order}/refund");
    let body = json!({ "note": "as agreed" });
    customer.client.post(&path).json(&body).await.expect_any_problem(403);
    let admin = on.admin().await;
    let answers = join_all((0..20).map(async |_| admin.post(&path).json(&body).await)).await;
    assert_eq!(statuses(&answers), [(200, 1), (409, 19)]);
    let order = customer.order_now(&order).await;
    assert_eq!((&order["status"], &order["is_provided"]), (&json!("refunded"), &json!(false)));
    assert_eq!(customer.balance().await, 10);
    customer.result(&prediction).await;
}

async fn amounts_that_are_no_amounts_are_refused(on: &Installation) {
    let customer = Customer::poor(on).await;
    let admin = on.admin().await;
    for amount in ["-1", "0", "10.001", "1e308", "9223372036854775808", "\"10\"", "null", "1e2", "true"] {
        let body = format!(r#"{{"email":"{}","amount":{amount}}}"#, customer.email);
        admin.post("/admin/deposits").body("application/json", body).await.expect_any_problem(422);
        let body = format!(r#"{{"name":"a service","model":"logistic","price":{amount}}}"#);
        admin.post("/admin/services").body("application/json", body).await.expect_any_problem(422);
    }
    assert_eq!(customer.balance().await, 0);
    customer.deposit(on, i64::MAX).await.expect(201);
    customer.deposit(on, 1).await.expect_any_problem(422);
    assert_eq!(customer.balance().await, i64::MAX);
}

async fn missing_money_is_told_exactly(on: &Installation) {
    let customer = Customer::with_balance(on, 7).await;
    let service = on.service("svm", 1_000).await;
    let problem = customer.try_order(&service).await.expect_problem(402, "insufficient_funds");
    assert_eq!(problem["missing"], 993);
    assert_eq!(customer.balance().await, 7);
    assert_eq!(customer.client.get("/orders").await.json()["data"], json!([]));
}

async fn prices_change_for_new_orders_only(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", 10).await;
    let order = customer.order(&service).await;
    let path = format!("/admin/services/{service}");
    let admin = on.admin().await;
    admin.patch(&path).json(&json!({ "price": 30 })).await.expect(200);
    assert_eq!(customer.order_now(&order).await["price"], 10);
    cancel(&customer, &order).await.expect(200);
    assert_eq!(customer.balance().await, 100);
    customer.order(&service).await;
    assert_eq!(customer.balance().await, 70);
    admin.patch(&path).json(&json!({ "active": false })).await.expect(200);
    customer.try_order(&service).await.expect_any_problem(422);
    assert_eq!(customer.balance().await, 70);
}

async fn the_database_refuses_to_rewrite_history(on: &mut Installation) {
    let customer = Customer::with_balance(on, 100).await;
    customer.order(&on.service("logistic", 10).await).await;
    let mut database = on.database().await;
    for table in ["transactions", "audit_log"] {
        assert!(database.number(&format!("SELECT count(*) FROM {table}")).await > 0);
        for role in ["", "SET LOCAL ROLE augur_system; "] {
            let column = if table == "transactions" { "amount = amount + 1" } else { "action = 'x'" };
            database.refuses(&format!("BEGIN; {role}UPDATE {table} SET {column}")).await;
            database.refuses(&format!("BEGIN; {role}DELETE FROM {table}")).await;
        }
        let said = database.refuses(&format!("TRUNCATE {table} CASCADE")).await;
        assert!(said.contains("append-only"), "{said}");
    }
}

async fn the_database_refuses_a_second_debit_or_refund_and_a_negative_balance(on: &mut Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let order = customer.order(&on.service("logistic", 10).await).await;
    cancel(&customer, &order).await.expect(200);
    let mut database = on.database().await;
    for kind in ["debit", "refund"] {
        let again = format!(
            "BEGIN; SET LOCAL ROLE augur_system; INSERT INTO transactions \
             (id, tenant_id, sequence, kind, amount, balance_after, order_id) \
             SELECT gen_random_uuid(), tenant_id, sequence + 10, kind, amount, 50, order_id \
             FROM transactions WHERE order_id = '{order}' AND kind = '{kind}'"
        );
        let said = database.refuses(&again).await;
        assert!(said.contains("transactions_order_kind_key"), "{said}");
    }
    let below = "BEGIN; SET LOCAL ROLE augur_system; UPDATE accounts SET balance = -1";
    let said = database.refuses(below).await;
    assert!(said.contains("accounts_balance_not_negative"), "{said}");
    assert_eq!(customer.balance().await, 100);
}

/// Whoever can write past the guards is at least found out.
async fn the_audit_finds_what_was_tampered_with(on: &mut Installation) {
    let customer = Customer::with_balance(on, 100).await;
    customer.order(&on.service("logistic", 10).await).await;
    let tenant = customer.user["tenant_id"].as_str().unwrap();
    let mut database = on.database().await;
    let add = async |database: &mut tests::database::Database, amount: &str| {
        let change = format!(
            "BEGIN; SET LOCAL ROLE augur_system; \
             UPDATE accounts SET balance = balance + {amount} WHERE tenant_id = '{tenant}'; COMMIT"
        );
        database.execute(&change).await;
    };
    let admin = on.admin().await;
    assert_eq!(admin.get("/admin/ledger/check").await.expect(200).json()["ok"], true);
    add(&mut database, "1").await;
    let report = admin.get("/admin/ledger/check").await.expect(200).json();
    assert_eq!(report["ok"], false, "{report}");
    assert!(report["violations"].to_string().contains(tenant), "{report}");
    add(&mut database, "-1").await;
}
