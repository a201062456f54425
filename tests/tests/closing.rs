//! Closing an account: what is personal goes, everywhere; the money trail stays, in ids.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::answer::Answer;
use tests::client::Client;
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::{Installation, PASSWORD, Profile, id_of};
use tests::marked::Marked;
use tests::patience::eventually;

flows! {
    shared:
        a_closed_account_holds_nothing_personal_but_its_money_trail,
        an_administrator_closes_an_account_for_good,
        orders_that_were_not_used_are_given_back_before_an_account_closes,
        nothing_is_accepted_beside_closing_that_outlives_it;
    own:
        closing_is_refused_while_it_would_lose_something,
        the_last_administrator_cannot_close_their_account;
}

const PRICE: i64 = 10;
/// Far longer than erasing takes; the sweeper looks every minute at the latest.
const ERASED_WITHIN: Duration = Duration::from_secs(90);

async fn close(client: &Client, body: &Value) -> Answer {
    client.ask(Method::DELETE, "/me").json(body).await
}

/// Every row of every table as text.
async fn dump(on: &Installation) -> String {
    let mut database = on.database().await;
    let tables = "SELECT string_agg(quote_ident(table_name), ' ') FROM information_schema.tables \
                  WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let tables = database.text(tables).await;
    assert!(tables.split(' ').count() > 15, "{tables}");
    let mut dumped = String::new();
    for table in tables.split(' ') {
        let rows = format!("SELECT coalesce(string_agg(row::text, chr(10)), '') FROM {table} AS row");
        dumped += &format!("\n-- {table}\n{}", database.text(&rows).await);
    }
    dumped
}

/// Everything that Redis holds, as text.
async fn dump_of_redis(on: &Installation) -> String {
    if on.profile == Profile::Embedded {
        return String::new();
    }
    let client = redis::Client::open(on.share().redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let mut dumped = String::new();
    for key in keys {
        dumped += &String::from_utf8_lossy(&key);
        let value: Result<Vec<u8>, _> = redis::cmd("GET").arg(&key).query_async(&mut connection).await;
        dumped += &String::from_utf8_lossy(&value.unwrap_or_default());
    }
    dumped
}

/// Waits until no file is left of predictions that were erased.
async fn files_are_gone(on: &Installation, tenant: &str) {
    let left =
        format!("SELECT count(*) FROM predictions WHERE tenant_id = '{tenant}' AND objects_gone_at IS NULL");
    eventually("no file is left", ERASED_WITHIN, async || {
        (on.database().await.number(&left).await == 0).then_some(())
    })
    .await;
}

async fn a_closed_account_holds_nothing_personal_but_its_money_trail(on: &Installation) {
    let marked = Marked::live(on).await;
    let tenant = marked.customer.user["tenant_id"].as_str().unwrap();
    assert!(marked.found_in(&dump(on).await).is_some(), "the search finds what is there");
    assert!(marked.file_in(&on.objects()).is_some(), "the search finds what is there");
    let transactions = marked.customer.transactions().await.len() as i64;
    let client = &marked.customer.client;
    let body = json!({ "password": PASSWORD, "forfeit_balance": true });
    close(client, &body).await.expect(204);

    client.get("/me").await.expect(401);
    on.anonymous().with_token(&marked.secrets[2]).get("/me").await.expect(401);
    let form = [("username", marked.customer.email.as_str()), ("password", PASSWORD)];
    on.anonymous().post("/auth/token").form(&form).await.expect(401);
    // The rows are erased by the answer; files follow.
    assert_eq!(marked.found_in(&dump(on).await), None);
    files_are_gone(on, tenant).await;
    assert_eq!(marked.file_in(&on.objects()), None);
    assert_eq!(marked.found_in(&dump_of_redis(on).await), None);
    assert_eq!(marked.found_in(&dump(on).await), None);

    let mut database = on.database().await;
    let of_tenant = format!("WHERE tenant_id = '{tenant}'");
    assert_eq!(
        database.number(&format!("SELECT count(*) FROM transactions {of_tenant}")).await,
        transactions
    );
    let receipts = format!("SELECT count(*) FROM erasures {of_tenant} AND reason = 'account_closed'");
    assert_eq!(database.number(&receipts).await, 2);
    for table in ["api_keys", "sessions", "transaction_notes"] {
        let rows = format!("SELECT count(*) FROM {table} {of_tenant}");
        assert_eq!(database.number(&rows).await, 0, "{table}");
    }
    let again = json!({ "email": marked.customer.email, "password": PASSWORD });
    let again = on.anonymous().post("/auth/register").json(&again).await.expect(201).json();
    assert_ne!(again["user"]["tenant_id"], marked.customer.user["tenant_id"]);
}

async fn an_administrator_closes_an_account_for_good(on: &Installation) {
    let marked = Marked::live(on).await;
    let (admin, user) = (on.admin().await, id_of(&marked.customer.user));
    let path = format!("/admin/users/{user}");
    marked.customer.client.delete(&path).await.expect_problem(403, "forbidden");
    admin.delete(&path).await.expect_problem(409, "balance_not_zero");
    admin.delete(&format!("{path}?forfeit_balance=true")).await.expect(204);
    admin.delete(&path).await.expect(204);
    assert_eq!(marked.found_in(&dump(on).await), None);
    files_are_gone(on, marked.customer.user["tenant_id"].as_str().unwrap()).await;
    assert_eq!(marked.file_in(&on.objects()), None);

    admin.patch(&path).json(&json!({ "disabled": false })).await.expect_problem(409, "account_closed");
    let deposit = json!({ "tenant_id": marked.customer.user["tenant_id"], "amount": 5, "note": marked.mark });
    admin.post("/admin/deposits").json(&deposit).await.expect_problem(409, "account_closed");
    let provided = format!("SELECT id::text FROM orders WHERE status = 'provided' AND user_id = '{user}'");
    let order = on.database().await.text(&provided).await;
    let refund = json!({ "note": marked.mark });
    let path = format!("/admin/orders/{order}/refund");
    admin.post(&path).json(&refund).await.expect_problem(409, "account_closed");
    assert_eq!(marked.found_in(&dump(on).await), None);

    let own = id_of(&admin.get("/me").await.expect(200).json());
    admin.delete(&format!("/admin/users/{own}")).await.expect_problem(409, "own_account");
    let unknown = uuid::Uuid::nil();
    admin.delete(&format!("/admin/users/{unknown}")).await.expect_problem(404, "not_found");
}

async fn closing_is_refused_while_it_would_lose_something(on: &mut Installation) {
    let customer = Customer::with_balance(on, 2 * PRICE).await;
    let client = &customer.client;
    close(client, &json!({ "password": "not the password" })).await.expect_problem(422, "invalid_request");
    close(client, &json!({})).await.expect_any_problem(422);
    close(client, &json!({ "password": PASSWORD })).await.expect_problem(409, "balance_not_zero");
    let key = json!({ "name": "a key", "scope": "write" });
    let key = client.post("/api-keys").json(&key).await.expect(201).json();
    let by_key = on.anonymous().with_token(key["key"].as_str().unwrap());
    let body = json!({ "password": PASSWORD, "forfeit_balance": true });
    close(&by_key, &body).await.expect_problem(403, "forbidden");
    close(&on.anonymous(), &body).await.expect_problem(401, "unauthenticated");

    // A prediction that nobody works on, as the tables tell.
    let service = on.service("logistic", PRICE).await;
    let prediction = customer.predict(&service, generated(2, 921).await).await;
    customer.succeeded(&prediction).await;
    let mut database = on.database().await;
    let state = |change: &str| {
        format!(
            "BEGIN; SET LOCAL ROLE augur_system; UPDATE jobs SET {change} WHERE subject_id = '{prediction}'; COMMIT"
        )
    };
    let far = "dispatched_at = now() + interval '1 hour', not_before = now() + interval '1 hour'";
    database.execute(&state(&format!("state = 'queued', finished_at = NULL, {far}"))).await;
    close(client, &body).await.expect_problem(409, "prediction_not_finished");
    database.execute(&state("state = 'succeeded', finished_at = now()")).await;
    // Nothing of the refusals had an effect.
    assert_eq!(customer.balance().await, PRICE);
    assert!(!customer.result(&prediction).await.is_empty());
    close(client, &body).await.expect(204);
    close(client, &body).await.expect_problem(401, "unauthenticated");
    by_key.get("/me").await.expect(401);
}

async fn orders_that_were_not_used_are_given_back_before_an_account_closes(on: &Installation) {
    let customer = Customer::with_balance(on, 2 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let (one, other) = (customer.order(&service).await, customer.order(&service).await);
    assert_eq!(customer.balance().await, 0);
    let refused = close(&customer.client, &json!({ "password": PASSWORD })).await;
    refused.expect_problem(409, "balance_not_zero");
    assert_eq!(customer.order_now(&one).await["status"], "paid", "a refusal has no effect");
    let body = json!({ "password": PASSWORD, "forfeit_balance": true });
    close(&customer.client, &body).await.expect(204);
    let refunded =
        format!("SELECT count(*) FROM orders WHERE id IN ('{one}', '{other}') AND status = 'refunded'");
    assert_eq!(on.database().await.number(&refunded).await, 2);
}

async fn nothing_is_accepted_beside_closing_that_outlives_it(on: &Installation) {
    let service = on.service("logistic", PRICE).await;
    let file = generated(200, 922).await;
    for _ in 0..5 {
        let customer = Customer::with_balance(on, 20 * PRICE).await;
        let order = customer.order(&service).await;
        let body = json!({ "password": PASSWORD, "forfeit_balance": true });
        let path = format!("/predictions?service_id={service}");
        let (closed, by_order, by_service, placed) = tokio::join!(
            close(&customer.client, &body),
            customer.try_upload(&order, file.clone()),
            customer.client.post(&path).file("customers.csv", file.clone()),
            customer.try_order(&service),
        );
        assert!(matches!(closed.status, 204 | 409), "{}", closed.text());
        for answer in [&by_order, &by_service, &placed] {
            assert!(matches!(answer.status, 201 | 202 | 401 | 409), "{}: {}", answer.asked, answer.text());
        }
        if closed.status == 409 {
            continue;
        }
        let tenant = customer.user["tenant_id"].as_str().unwrap();
        let alive = format!(
            "SELECT count(*) FROM orders o LEFT JOIN predictions p ON p.order_id = o.id \
             WHERE o.tenant_id = '{tenant}' AND (o.status IN ('paid', 'in_use') OR p.objects_gone_at IS NULL \
             AND p.id IS NOT NULL)"
        );
        eventually("nothing is left", ERASED_WITHIN, async || {
            (on.database().await.number(&alive).await == 0).then_some(())
        })
        .await;
    }
}

async fn the_last_administrator_cannot_close_their_account(on: &mut Installation) {
    let (first, _) = on.new_admin().await;
    let body = json!({ "password": PASSWORD });
    close(&first, &body).await.expect_problem(409, "last_administrator");
    let (second, _) = on.new_admin().await;
    let both = tokio::join!(close(&first, &body), close(&second, &body));
    let mut answers = [both.0.status, both.1.status];
    answers.sort_unstable();
    assert_eq!(answers, [204, 409], "one of the two stays");
}
