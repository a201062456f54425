//! The wall between tenants: what is another's is not there.

use reqwest::Method;
use serde_json::{Value, json};
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::{Installation, id_of};

flows! {
    shared:
        what_belongs_to_another_tenant_is_not_found_and_stays_as_it_was,
        ids_that_are_no_ids_are_not_found,
        lists_hold_what_is_ones_own,
        every_route_refuses_the_anonymous,
        every_route_of_administration_refuses_customers;
    own:
        without_a_tenant_the_database_shows_nothing,
        a_tenant_sees_its_own_rows_only_even_in_sql;
}

async fn what_belongs_to_another_tenant_is_not_found_and_stays_as_it_was(on: &Installation) {
    let (owner, stranger) = (Customer::with_balance(on, 100).await, Customer::with_balance(on, 100).await);
    let service = on.service("logistic", 10).await;
    let (paid, used) = (owner.order(&service).await, owner.order(&service).await);
    let prediction = owner.upload(&used, generated(3, 71).await).await;
    owner.succeeded(&prediction).await;
    let body = json!({ "name": "mine", "scope": "read" });
    let key = id_of(&owner.client.post("/api-keys").json(&body).await.expect(201).json());
    for (method, path) in [
        (Method::GET, format!("/orders/{paid}")),
        (Method::POST, format!("/orders/{paid}/cancel")),
        (Method::GET, format!("/predictions/{prediction}")),
        (Method::GET, format!("/predictions/{prediction}/result")),
        (Method::GET, format!("/predictions/{prediction}/events")),
        (Method::DELETE, format!("/predictions/{prediction}")),
        (Method::DELETE, format!("/api-keys/{key}")),
    ] {
        stranger.client.ask(method, &path).await.expect_problem(404, "not_found");
    }
    let upload = stranger.try_upload(&paid, generated(3, 71).await).await;
    upload.expect_problem(404, "not_found");
    assert_eq!(owner.order_now(&paid).await["status"], "paid");
    assert_eq!(owner.prediction_now(&prediction).await["status"], "succeeded");
    owner.result(&prediction).await;
    assert_eq!((owner.balance().await, stranger.balance().await), (80, 100));
}

async fn ids_that_are_no_ids_are_not_found(on: &Installation) {
    let customer = Customer::poor(on).await;
    let unknown = uuid::Uuid::now_v7().to_string();
    for id in [unknown.as_str(), "1", "' OR 1=1--", "..%2F..%2Fetc%2Fpasswd", "%00", "null"] {
        for path in ["/orders", "/predictions", "/services"] {
            let path = format!("{path}/{}", id.replace(' ', "%20"));
            customer.client.get(&path).await.expect_problem(404, "not_found");
        }
    }
    customer.try_order(&unknown).await.expect_any_problem(422);
}

async fn lists_hold_what_is_ones_own(on: &Installation) {
    let (owner, stranger) = (Customer::with_balance(on, 100).await, Customer::poor(on).await);
    let service = on.service("logistic", 10).await;
    let prediction = owner.predict(&service, generated(3, 72).await).await;
    owner.succeeded(&prediction).await;
    owner.client.post("/api-keys").json(&json!({ "name": "a", "scope": "write" })).await.expect(201);
    for path in ["/orders", "/predictions", "/transactions", "/api-keys"] {
        let list = stranger.client.get(path).await.expect(200).json();
        assert_eq!(list["data"], json!([]), "{path}");
        let own = owner.client.get(path).await.expect(200).json();
        assert!(!own["data"].as_array().unwrap().is_empty(), "{path}");
    }
    let first = owner.client.get("/transactions?limit=1").await.expect(200).json();
    let cursor = first["next_cursor"].as_str().expect("a second page");
    let page = stranger.client.get(&format!("/transactions?cursor={cursor}")).await;
    assert!(page.status == 400 || page.json()["data"] == json!([]), "{}", page.text());
}

/// Every operation of the OpenAPI document: method, path with ids filled in, and what it says.
async fn operations(on: &Installation) -> Vec<(Method, String)> {
    let document = on.anonymous().get_at_root("/api/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, _) in item.as_object().unwrap().iter().filter(|(name, _)| !name.starts_with("param")) {
            let path = path.replace("{id}", &uuid::Uuid::now_v7().to_string());
            operations.push((method.to_uppercase().parse().unwrap(), path));
        }
    }
    assert!(operations.len() > 30, "{}", operations.len());
    operations
}

async fn every_route_refuses_the_anonymous(on: &Installation) {
    for (method, path) in operations(on).await {
        let is_open = matches!(path.as_str(), "/livez" | "/readyz")
            || path.ends_with("/auth/register")
            || path.ends_with("/auth/token");
        if is_open {
            continue;
        }
        for token in [None, Some("nonsense"), Some("eyJhbGciOiJub25lIn0.e30.")] {
            let client = token.map_or_else(|| on.anonymous(), |token| on.anonymous().with_token(token));
            let answer = client.ask_at_root(method.clone(), &path).await;
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
            answer.expect_any_problem(401);
        }
    }
}

async fn every_route_of_administration_refuses_customers(on: &Installation) {
    let customer = Customer::poor(on).await;
    let mut refused = 0;
    for (method, path) in operations(on).await.into_iter().filter(|(_, path)| path.contains("/admin/")) {
        let body = example_of(&path, &customer);
        let request = customer.client.ask_at_root(method.clone(), &path);
        let answer = if method == Method::GET { request.await } else { request.json(&body).await };
        answer.expect_any_problem(403);
        refused += 1;
    }
    assert_eq!(refused, 13);
    assert_eq!(customer.balance().await, 0);
}

fn example_of(path: &str, customer: &Customer) -> Value {
    match path {
        path if path.ends_with("/deposits") => json!({ "email": customer.email, "amount": 1_000_000 }),
        path if path.ends_with("/refund") => json!({ "note": "please" }),
        path if path.contains("/users/") => json!({ "role": "admin" }),
        path if path.ends_with("/services") => json!({ "name": "free", "model": "logistic", "price": 1 }),
        _ => json!({}),
    }
}

const TENANT_TABLES: [&str; 15] = [
    "tenants",
    "users",
    "memberships",
    "api_keys",
    "idempotency_keys",
    "accounts",
    "transactions",
    "transaction_notes",
    "orders",
    "predictions",
    "jobs",
    "models",
    "sessions",
    "audit_log",
    "erasures",
];

async fn busy_customer(on: &Installation) -> Customer {
    let customer = Customer::poor(on).await;
    let body = json!({ "email": customer.email, "amount": 100, "note": "a note" });
    on.admin().await.post("/admin/deposits").json(&body).await.expect(201);
    let service = on.service("logistic", 10).await;
    customer.client.post("/api-keys").json(&json!({ "name": "a", "scope": "read" })).await.expect(201);
    let order = json!({ "service_id": service });
    customer.client.post("/orders").key("a").json(&order).await.expect(201);
    let prediction = customer.predict(&service, generated(2, 73).await).await;
    customer.succeeded(&prediction).await;
    let deleted = customer.predict(&service, generated(2, 74).await).await;
    customer.succeeded(&deleted).await;
    customer.client.delete(&format!("/predictions/{deleted}")).await.expect(204);
    customer
}

async fn without_a_tenant_the_database_shows_nothing(on: &mut Installation) {
    busy_customer(on).await;
    let mut database = on.database().await;
    for table in TENANT_TABLES {
        let count = async |database: &mut tests::database::Database, role: &str| {
            database.execute(&format!("SET ROLE {role}")).await;
            database.number(&format!("SELECT count(*) FROM (SELECT 1 FROM {table}) AS rows")).await
        };
        assert!(count(&mut database, "augur_system").await > 0, "{table}");
        let shared = if table == "models" { 4 } else { 0 };
        assert_eq!(count(&mut database, "augur_app").await, shared, "{table}");
    }
    for secret in ["SELECT count(*) FROM refresh_tokens", "SELECT password_hash FROM users"] {
        let said = database.refuses(secret).await;
        assert!(said.contains("permission denied"), "{secret}: {said}");
    }
}

async fn a_tenant_sees_its_own_rows_only_even_in_sql(on: &mut Installation) {
    let (one, other) = (busy_customer(on).await, busy_customer(on).await);
    let mut database = on.database().await;
    let (own, foreign) = (one.user["tenant_id"].as_str().unwrap(), other.user["tenant_id"].as_str().unwrap());
    database.execute(&format!("SET ROLE augur_app; SET app.tenant = '{own}'")).await;
    let tables = ["memberships", "api_keys", "accounts", "transactions", "orders", "predictions", "jobs"];
    for table in tables.into_iter().chain(["sessions", "audit_log", "erasures"]) {
        let count = format!("SELECT count(*) FROM {table} WHERE tenant_id = ");
        assert!(database.number(&format!("{count}'{own}'")).await > 0, "{table}");
        assert_eq!(database.number(&format!("{count}'{foreign}'")).await, 0, "{table}");
    }
    let steal =
        format!("UPDATE accounts SET balance = balance + 1 WHERE tenant_id = '{foreign}' RETURNING 1");
    let stolen = database.number(&format!("WITH stolen AS ({steal}) SELECT count(*) FROM stolen")).await;
    assert_eq!(stolen, 0);
    let said = database
        .refuses(&format!(
            "INSERT INTO idempotency_keys VALUES ('{foreign}', 'k', decode(repeat('00', 32), 'hex'), '1')"
        ))
        .await;
    assert!(said.contains("row-level security"), "{said}");
}
