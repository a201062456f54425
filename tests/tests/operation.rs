//! Running it: health, figures, logs, documentation, and the headers of every answer.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::{Installation, METRICS_TOKEN, PASSWORD, Profile};
use tests::program;
use tests::services::Outage;

flows! {
    shared:
        liveness_and_readiness_name_each_dependency,
        metrics_are_behind_their_token,
        a_request_id_follows_an_order_into_the_log_of_the_worker,
        logs_hold_no_secret,
        the_document_lists_every_route_of_the_contract,
        every_operation_has_its_group_an_example_or_a_description,
        swagger_ui_loads_nothing_from_elsewhere,
        every_answer_has_its_security_headers,
        what_is_wrong_is_a_problem_with_a_code,
        other_origins_are_not_let_in;
    own:
        metrics_count_what_happened;
    alone:
        readiness_tells_which_dependency_is_away;
}

async fn liveness_and_readiness_name_each_dependency(on: &Installation) {
    on.anonymous().get_at_root("/livez").await.expect(200);
    let readiness = on.anonymous().get_at_root("/readyz").await.expect(200).json();
    assert_eq!(readiness["ready"], true);
    let names: Vec<&str> = readiness["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    let wanted: &[&str] = match on.profile {
        Profile::Embedded => &["database"],
        Profile::Distributed => &["database", "rabbitmq", "redis"],
    };
    for name in wanted {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    assert!(names.iter().any(|name| name.contains("object")), "{names:?}");
}

async fn readiness_tells_which_dependency_is_away(on: &mut Installation) {
    let Some(outage) = Outage::begin("rabbitmq").await else { return };
    let client = on.anonymous();
    let readiness = tests::patience::eventually("it is told", Duration::from_secs(15), async || {
        let readiness = client.get_at_root("/readyz").await.json();
        let dependencies = readiness["dependencies"].as_array().unwrap().clone();
        let broker = dependencies.iter().find(|one| one["name"] == "rabbitmq").unwrap();
        (broker["healthy"] == false).then_some(readiness)
    });
    let readiness = readiness.await;
    let healthy = |name: &str| {
        let dependencies = readiness["dependencies"].as_array().unwrap().iter();
        dependencies.clone().find(|one| one["name"] == name).unwrap()["healthy"].clone()
    };
    assert_eq!((healthy("database"), healthy("redis")), (json!(true), json!(true)));
    client.get_at_root("/livez").await.expect(200);
    outage.end().await;
}

async fn metrics(on: &Installation) -> String {
    on.anonymous().with_token(METRICS_TOKEN).get_at_root("/metrics").await.expect(200).text()
}

async fn metrics_are_behind_their_token(on: &Installation) {
    for client in [on.anonymous(), on.anonymous().with_token("wrong"), on.admin().await] {
        let status = client.get_at_root("/metrics").await.status;
        assert!(matches!(status, 401 | 403 | 404), "{status}");
    }
    let text = metrics(on).await;
    assert!(text.contains("# TYPE http_requests_total counter"), "{text}");
}

async fn metrics_count_what_happened(on: &mut Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", 10).await;
    let prediction = customer.predict(&service, generated(37, 111).await).await;
    customer.succeeded(&prediction).await;
    let text = metrics(on).await;
    let has = |parts: &[&str]| {
        text.lines().any(|line| !line.starts_with('#') && parts.iter().all(|part| line.contains(part)))
    };
    for parts in [
        &["http_requests_total", "route=\"/api/v1/predictions\"", "method=\"POST\"", "status=\"202\"", " 1"]
            [..],
        &["augur_jobs", "state=\"queued\"", " 0"],
        &["augur_jobs", "state=\"running\"", " 0"],
        &["augur_queue_lag_seconds"],
        &["augur_dependency_up", "name=\"database\"", " 1"],
        &["augur_money_moved", "kind=\"deposit\"", " 100"],
        &["augur_money_moved", "kind=\"debit\"", " 10"],
    ] {
        assert!(has(parts), "{parts:?} in {text}");
    }
    // Rows are counted where they are scored.
    if on.profile == Profile::Embedded {
        assert!(has(&["augur_rows_scored_total", " 37"]), "{text}");
    }
}

async fn a_request_id_follows_an_order_into_the_log_of_the_worker(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    let service = on.service("logistic", 10).await;
    let request_id = format!("journey-{}", uuid::Uuid::new_v4().simple());
    let path = format!("/predictions?service_id={service}");
    let request = customer.client.post(&path).header("x-request-id", &request_id);
    let answer = request.file("a.csv", generated(5, 112).await).await.expect(202);
    assert_eq!(answer.header("x-request-id"), request_id);
    let prediction = answer.json()["id"].as_str().unwrap().to_owned();
    customer.succeeded(&prediction).await;
    on.server.has_logged(&[&request_id, "/api/v1/predictions"], Duration::from_secs(5)).await;
    let limit = Duration::from_secs(5);
    tests::patience::eventually("the worker has logged the request's id", limit, async || {
        let logs = std::iter::once(&on.server).chain(&on.workers).map(|process| process.logged());
        let is_workers = |line: &str| line.contains(&request_id) && line.contains(&prediction);
        logs.into_iter().any(|log| log.lines().any(is_workers)).then_some(())
    })
    .await;
    let forged = on.anonymous().get("/me").header("x-request-id", "a b{}\"").await;
    assert_ne!(forged.header("x-request-id"), "a b{}\"");
    assert!(!on.anonymous().get("/me").await.header("x-request-id").is_empty());
}

async fn logs_hold_no_secret(on: &Installation) {
    let customer = Customer::poor(on).await;
    let name = "ann\r\n\u{1b}[31mforged@line.example";
    let form = [("grant_type", "password"), ("username", name), ("password", "my-secret-guess")];
    on.anonymous().post("/auth/token").form(&form).await;
    let token = customer.client.token();
    for log in std::iter::once(&on.server).chain(&on.workers).map(|process| process.logged()) {
        for secret in [PASSWORD, token, "my-secret-guess", METRICS_TOKEN] {
            assert!(!log.contains(secret), "a secret is in the log");
        }
        assert!(!log.contains('\u{1b}'), "a control character is in the log");
    }
}

const ROUTES: &str = "
    POST /auth/register
    POST /auth/token
    POST /auth/logout
    GET /me
    DELETE /me
    POST /me/password
    GET /export
    GET /api-keys
    POST /api-keys
    DELETE /api-keys/{id}
    GET /balance
    GET /transactions
    GET /services
    GET /services/{id}
    POST /orders
    GET /orders
    GET /orders/{id}
    POST /orders/{id}/cancel
    POST /files/check
    POST /predictions
    GET /predictions
    GET /predictions/{id}
    GET /predictions/{id}/events
    GET /predictions/{id}/result
    DELETE /predictions/{id}
    GET /predictions/{id}/erasure
    POST /predict
    POST /admin/deposits
    GET /admin/users
    PATCH /admin/users/{id}
    DELETE /admin/users/{id}
    POST /admin/services
    PATCH /admin/services/{id}
    GET /admin/orders
    GET /admin/predictions
    GET /admin/audit-log
    POST /admin/orders/{id}/refund
    GET /admin/ledger/check
";

async fn document(on: &Installation) -> Value {
    on.anonymous().get_at_root("/api/openapi.json").await.expect(200).json()
}

async fn the_document_lists_every_route_of_the_contract(on: &Installation) {
    let document = document(on).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for route in ROUTES.trim().lines() {
        let (method, path) = route.trim().split_once(' ').unwrap();
        let operation = &document["paths"][format!("/api/v1{path}")][method.to_lowercase()];
        assert!(operation.is_object(), "{route}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{route}: {answers:?}");
    }
    let printed = program::run_for_json(&["openapi"], &[]).await;
    assert_eq!(printed, document);
}

async fn every_operation_has_its_group_an_example_or_a_description(on: &Installation) {
    let document = document(on).await;
    let order: Vec<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut seen: Vec<&str> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let tag = operation["tags"][0].as_str().unwrap_or_else(|| panic!("{method} {path} has no group"));
            assert!(order.contains(&tag), "{tag}");
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{method} {path}");
            seen.push(tag);
        }
    }
    assert!(order.iter().all(|tag| seen.contains(tag)), "{order:?}");
    let schemes = document["components"]["securitySchemes"].to_string();
    assert!(schemes.contains("/api/v1/auth/token"), "Authorize has somewhere to go: {schemes}");
    let upload = &document["paths"]["/api/v1/predictions"]["post"]["requestBody"]["content"];
    assert!(upload["multipart/form-data"].is_object(), "{upload}");
}

async fn swagger_ui_loads_nothing_from_elsewhere(on: &Installation) {
    let client = on.anonymous();
    let redirect = client.get_at_root("/docs").await;
    assert!(matches!(redirect.status, 301..=308), "{}", redirect.status);
    let page = client.get_at_root("/docs/").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let html = page.text();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    let mut files = 0;
    for attribute in ["src=\"", "href=\""] {
        for part in html.split(attribute).skip(1) {
            let file = part.split('"').next().unwrap().trim_start_matches("./");
            client.get_at_root(&format!("/docs/{file}")).await.expect(200);
            files += 1;
        }
    }
    assert!(files >= 4, "{html}");
    let start = client.get_at_root("/docs/swagger-initializer.js").await.expect(200).text();
    assert!(start.contains("/api/openapi.json"), "{start}");
}

async fn every_answer_has_its_security_headers(on: &Installation) {
    let customer = Customer::poor(on).await;
    for path in ["/me", "/balance", "/services", "/orders/1", "/nowhere"] {
        let answer = customer.client.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(answer.header("server"), "", "{path}");
    }
}

async fn what_is_wrong_is_a_problem_with_a_code(on: &Installation) {
    let customer = Customer::poor(on).await;
    let client = &customer.client;
    client.get("/nowhere").await.expect_problem(404, "not_found");
    client.get_at_root("/nowhere").await.expect_problem(404, "not_found");
    let answer = client.ask(Method::PUT, "/me").await;
    assert!(answer.header("allow").contains("GET"), "{}", answer.header("allow"));
    answer.expect_problem(405, "method_not_allowed");
    client.post("/orders").body("text/plain", "{}").await.expect_problem(415, "unsupported_media_type");
    client.post("/orders").body("application/json", "{").await.expect_any_problem(400);
    let deep = format!("{{\"service_id\":{}", "[".repeat(10_000));
    let status = client.post("/orders").body("application/json", deep).await.status;
    assert!(matches!(status, 400 | 422), "{status}");
    client.post("/orders").json(&json!({ "service_id": 7 })).await.expect_any_problem(422);
    client.post("/orders").json(&json!([])).await.expect_any_problem(422);
    let huge = format!("{{\"service_id\":\"{}\"}}", "x".repeat(512 << 10));
    client.post("/orders").body("application/json", huge).await.expect_any_problem(413);
    let status = client.ask(Method::TRACE, "/me").await.status;
    assert_eq!(status, 405);
}

async fn other_origins_are_not_let_in(on: &Installation) {
    for origin in ["https://evil.example", "null"] {
        let preflight = on.anonymous().ask(Method::OPTIONS, "/me").header("origin", origin);
        let preflight = preflight.header("access-control-request-method", "GET").await;
        assert_eq!(preflight.header("access-control-allow-origin"), "", "{origin}");
        let answer = on.anonymous().get("/me").header("origin", origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
}
