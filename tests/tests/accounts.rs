//! Accounts, logins and keys: who may do what, and for how long.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::answer::statuses;
use tests::client::Client;
use tests::customer::{Customer, new_email};
use tests::flows;
use tests::installation::{Installation, PASSWORD, id_of};

flows! {
    shared:
        a_registration_makes_a_user_a_tenant_and_a_balance_of_0,
        an_address_is_registered_once_in_whatever_case,
        passwords_are_as_long_as_they_must_be_and_not_common,
        unknown_fields_and_bad_addresses_are_refused,
        a_login_takes_the_password_exactly_as_it_was_given,
        refresh_tokens_rotate_and_a_used_one_ends_the_login,
        a_logout_ends_both_tokens_of_its_login_only,
        a_changed_password_ends_every_other_login,
        api_keys_read_or_write_until_they_are_revoked,
        a_disabled_user_is_out_at_once,
        a_role_that_was_removed_counts_no_more_at_once,
        the_eleventh_failed_login_is_refused_and_the_owner_elsewhere_is_not,
        only_hashes_of_secrets_are_stored,
        security_events_are_in_the_audit_log;
    own:
        there_is_no_default_administrator,
        hundreds_of_logins_at_once_hold_up_nobody_and_take_little_memory,
        tokens_survive_a_restart_of_the_server;
}

async fn a_registration_makes_a_user_a_tenant_and_a_balance_of_0(on: &Installation) {
    let email = new_email();
    let body = json!({ "email": email, "password": PASSWORD, "name": "<b>Ann</b>" });
    let user = on.anonymous().post("/auth/register").json(&body).await.expect(201).json()["user"].clone();
    assert_eq!(
        (&user["email"], &user["name"], &user["role"]),
        (&json!(email), &json!("<b>Ann</b>"), &json!("user"))
    );
    assert!(
        user["id"].is_string() && user["tenant_id"].is_string() && user["created_at"].is_string(),
        "{user}"
    );
    let client = on.log_in(&email, PASSWORD).await;
    assert_eq!(client.get("/me").await.expect(200).json(), user);
    assert_eq!(client.get("/balance").await.expect(200).json(), json!({ "amount": 0, "currency": "RUB" }));
}

async fn an_address_is_registered_once_in_whatever_case(on: &Installation) {
    let email = new_email();
    let register = async |email: String| {
        let body = json!({ "email": email, "password": PASSWORD });
        on.anonymous().post("/auth/register").json(&body).await
    };
    let answers = futures::future::join_all((0..5).map(|_| register(email.clone()))).await;
    assert_eq!(statuses(&answers), [(201, 1), (409, 4)]);
    register(email.to_uppercase()).await.expect_any_problem(409);
    on.log_in(&email.to_uppercase(), PASSWORD).await;
}

async fn passwords_are_as_long_as_they_must_be_and_not_common(on: &Installation) {
    let register = async |password: &str| {
        let body = json!({ "email": new_email(), "password": password });
        on.anonymous().post("/auth/register").json(&body).await
    };
    for good in ["k7#pZ-q2", &"long-".repeat(13)[..64], "пароль из слов"] {
        register(good).await.expect(201);
    }
    for bad in ["k7#pZ-q", "", "password1", "PASSWORD1", "12345678", "iloveyou", &"x".repeat(129)] {
        let problem = register(bad).await.expect_problem(422, "invalid_request");
        assert_eq!(problem["errors"][0]["field"], "password", "{problem}");
    }
    let huge = register(&"x".repeat(1 << 20)).await;
    assert!(matches!(huge.status, 413 | 422), "{}", huge.status);
}

async fn unknown_fields_and_bad_addresses_are_refused(on: &Installation) {
    let email = new_email();
    let body =
        json!({ "email": email, "password": PASSWORD, "is_admin": true, "balance": 1e9, "role": "admin" });
    on.anonymous().post("/auth/register").json(&body).await.expect_problem(422, "invalid_request");
    let form = [("grant_type", "password"), ("username", email.as_str()), ("password", PASSWORD)];
    on.anonymous().post("/auth/token").form(&form).await.expect_any_problem(401);
    for bad in [
        "",
        "a",
        "a@",
        "@b.example",
        "a b@c.example",
        "a@b\u{0}.example",
        "a\r\n@b.example",
        &"a".repeat(300),
    ] {
        let body = json!({ "email": bad, "password": PASSWORD });
        on.anonymous().post("/auth/register").json(&body).await.expect_any_problem(422);
    }
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", 10).await;
    let body = json!({ "service_id": service, "price": 0 });
    customer.client.post("/orders").json(&body).await.expect_problem(422, "invalid_request");
    assert_eq!(customer.balance().await, 100);
}

async fn try_log_in(on: &Installation, email: &str, password: &str) -> tests::answer::Answer {
    let form = [("grant_type", "password"), ("username", email), ("password", password), ("scope", "")];
    on.anonymous().post("/auth/token").form(&form).await
}

async fn a_login_takes_the_password_exactly_as_it_was_given(on: &Installation) {
    let customer = Customer::poor(on).await;
    let token = try_log_in(on, &customer.email, PASSWORD).await.expect(200).json();
    assert_eq!(token["token_type"], "bearer");
    assert!(token["expires_in"].as_u64().unwrap() >= 15 * 60, "{token}");
    let wrong = [format!("{PASSWORD} "), PASSWORD.to_uppercase(), String::new(), "' OR 1=1--".to_owned()];
    let mut bodies = Vec::new();
    for password in &wrong {
        bodies.push(try_log_in(on, &customer.email, password).await.expect_any_problem(401));
    }
    bodies.push(try_log_in(on, &new_email(), PASSWORD).await.expect_any_problem(401));
    assert!(bodies.iter().all(|body| *body == bodies[0]), "they tell nothing apart: {bodies:?}");
}

async fn refresh(on: &Installation, token: &Value) -> tests::answer::Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token["refresh_token"].as_str().unwrap())];
    on.anonymous().post("/auth/token").form(&form).await
}

fn client_of(on: &Installation, token: &Value) -> Client {
    on.anonymous().with_token(token["access_token"].as_str().unwrap())
}

async fn refresh_tokens_rotate_and_a_used_one_ends_the_login(on: &Installation) {
    let customer = Customer::poor(on).await;
    let first = try_log_in(on, &customer.email, PASSWORD).await.expect(200).json();
    let second = refresh(on, &first).await.expect(200).json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    client_of(on, &second).get("/me").await.expect(200);
    on.anonymous()
        .with_token(first["refresh_token"].as_str().unwrap())
        .get("/me")
        .await
        .expect_any_problem(401);

    refresh(on, &first).await.expect_any_problem(401);
    refresh(on, &second).await.expect_any_problem(401);
    client_of(on, &second).get("/me").await.expect_any_problem(401);
    customer.client.get("/me").await.expect(200);
}

async fn a_logout_ends_both_tokens_of_its_login_only(on: &Installation) {
    let customer = Customer::poor(on).await;
    let login = try_log_in(on, &customer.email, PASSWORD).await.expect(200).json();
    client_of(on, &login).post("/auth/logout").await.expect(204);
    client_of(on, &login).get("/me").await.expect_any_problem(401);
    refresh(on, &login).await.expect_any_problem(401);
    customer.client.get("/me").await.expect(200);
}

async fn a_changed_password_ends_every_other_login(on: &Installation) {
    let customer = Customer::poor(on).await;
    let other = try_log_in(on, &customer.email, PASSWORD).await.expect(200).json();
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        customer.client.post("/me/password").json(&body).await
    };
    let wrong = change("not the password", "another good 1").await;
    assert!(matches!(wrong.status, 401 | 403 | 422), "{}", wrong.status);
    change(PASSWORD, "short").await.expect_any_problem(422);
    change(PASSWORD, "another good 1").await.expect(204);
    customer.client.get("/me").await.expect(200);
    client_of(on, &other).get("/me").await.expect_any_problem(401);
    refresh(on, &other).await.expect_any_problem(401);
    try_log_in(on, &customer.email, PASSWORD).await.expect_any_problem(401);
    on.log_in(&customer.email, "another good 1").await;
}

async fn api_keys_read_or_write_until_they_are_revoked(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", 10).await;
    let order = json!({ "service_id": service });
    for (scope, status, left) in [("read", 403, 100), ("write", 201, 90)] {
        let body = json!({ "name": "nightly", "scope": scope });
        let made = customer.client.post("/api-keys").json(&body).await.expect(201).json();
        let (key, prefix) = (made["key"].as_str().unwrap(), made["prefix"].as_str().unwrap());
        assert!(key.starts_with(prefix) && key.len() > prefix.len() + 20, "{made}");
        let program = on.anonymous().with_token(key);
        assert_eq!(program.get("/me").await.expect(200).json()["email"], customer.email);
        program.post("/orders").json(&order).await.expect(status);
        assert_eq!(customer.balance().await, left);
        let listed = customer.client.get("/api-keys").await.expect(200).text();
        assert!(listed.contains(prefix) && !listed.contains(key), "shown once");
        customer.client.delete(&format!("/api-keys/{}", id_of(&made))).await.expect(204);
        program.get("/me").await.expect_any_problem(401);
        on.anonymous()
            .with_token(&format!("{}x", &key[..key.len() - 1]))
            .get("/me")
            .await
            .expect_any_problem(401);
    }
    let body = json!({ "name": "nightly", "scope": "admin" });
    customer.client.post("/api-keys").json(&body).await.expect_any_problem(422);
}

async fn a_disabled_user_is_out_at_once(on: &Installation) {
    let customer = Customer::poor(on).await;
    let body = json!({ "name": "nightly", "scope": "read" });
    let key = customer.client.post("/api-keys").json(&body).await.expect(201).json()["key"].clone();
    let program = on.anonymous().with_token(key.as_str().unwrap());
    let path = format!("/admin/users/{}", id_of(&customer.user));
    let admin = on.admin().await;
    admin.patch(&path).json(&json!({ "disabled": true })).await.expect(200);
    customer.client.get("/me").await.expect_any_problem(401);
    program.get("/me").await.expect_any_problem(401);
    try_log_in(on, &customer.email, PASSWORD).await.expect_any_problem(401);
    admin.patch(&path).json(&json!({ "disabled": false })).await.expect(200);
    on.log_in(&customer.email, PASSWORD).await.get("/me").await.expect(200);
}

async fn a_role_that_was_removed_counts_no_more_at_once(on: &Installation) {
    let (demoted, _) = on.new_admin().await;
    demoted.get("/admin/users").await.expect(200);
    let me = demoted.get("/me").await.expect(200).json();
    assert_eq!(me["role"], "admin");
    let path = format!("/admin/users/{}", id_of(&me));
    demoted.patch(&path).json(&json!({ "role": "user" })).await.expect_any_problem(409);
    on.admin().await.patch(&path).json(&json!({ "role": "user" })).await.expect(200);
    for path in ["/admin/users", "/admin/orders", "/admin/audit-log", "/admin/ledger/check"] {
        demoted.get(path).await.expect_any_problem(403);
    }
    assert_eq!(demoted.get("/me").await.expect(200).json()["role"], "user");
}

async fn the_eleventh_failed_login_is_refused_and_the_owner_elsewhere_is_not(on: &Installation) {
    let customer = Customer::poor(on).await;
    let attempts = (0..15).map(|_| try_log_in(on, &customer.email, "a wrong password"));
    let answers = futures::future::join_all(attempts).await;
    assert_eq!(statuses(&answers), [(401, 10), (429, 5)]);
    let refused = try_log_in(on, &customer.email, PASSWORD).await.expect(429);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
    customer.client.get("/me").await.expect(200);
    let other = Customer::poor(on).await;
    on.log_in(&other.email, PASSWORD).await;
    // Whatever a client says of its address, the connection's counts.
    let form = [("grant_type", "password"), ("username", customer.email.as_str()), ("password", PASSWORD)];
    let forged = on.anonymous().post("/auth/token").header("x-forwarded-for", "203.0.113.7").form(&form);
    forged.await.expect_any_problem(429);
}

async fn only_hashes_of_secrets_are_stored(on: &Installation) {
    let customer = Customer::poor(on).await;
    let login = try_log_in(on, &customer.email, PASSWORD).await.expect(200).json();
    let body = json!({ "name": "nightly", "scope": "read" });
    let key = customer.client.post("/api-keys").json(&body).await.expect(201).json();
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let hash = format!("SELECT password_hash FROM users WHERE email = '{}'", customer.email);
    let hash = database.text(&hash).await;
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let secrets = [login["refresh_token"].as_str().unwrap(), key["key"].as_str().unwrap()];
    for (table, secret) in ["refresh_tokens", "api_keys"].into_iter().zip(secrets) {
        let found = format!("SELECT count(*) FROM {table} AS rows WHERE rows::text LIKE '%{secret}%'");
        assert_eq!(database.number(&found).await, 0, "{table}");
    }
}

async fn security_events_are_in_the_audit_log(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    let user = id_of(&customer.user);
    let login = try_log_in(on, &customer.email, PASSWORD).await.expect(200).json();
    refresh(on, &login).await.expect(200);
    refresh(on, &login).await.expect_any_problem(401);
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let actions = format!(
        "SELECT coalesce(string_agg(DISTINCT action, ' ' ORDER BY action), '') FROM audit_log \
         WHERE actor_user_id = '{user}' OR tenant_id = '{}'",
        customer.user["tenant_id"].as_str().unwrap()
    );
    let actions = database.text(&actions).await;
    for part in ["registered", "login.succeeded", "deposit", "reuse"] {
        assert!(actions.contains(part), "{part}: {actions}");
    }
    let listed = on.admin().await.get("/admin/audit-log?limit=5").await.expect(200).json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 5);
    assert!(!listed.to_string().contains(&customer.email), "it holds ids, no addresses");
}

async fn there_is_no_default_administrator(on: &mut Installation) {
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    assert_eq!(database.number("SELECT count(*) FROM users").await, 0);
    for email in ["admin@augur.example", "demo@augur.example", "admin@localhost"] {
        try_log_in(on, email, "admin").await.expect_any_problem(401);
    }
}

async fn hundreds_of_logins_at_once_hold_up_nobody_and_take_little_memory(on: &mut Installation) {
    let customer = Customer::poor(on).await;
    let emails: Vec<String> = (0..300).map(|_| new_email()).collect();
    let logins = futures::future::join_all(emails.iter().map(|email| try_log_in(on, email, PASSWORD)));
    let others = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let started = Instant::now();
            customer.client.get("/balance").await.expect(200);
            slowest = slowest.max(started.elapsed());
        }
        slowest
    };
    let (answers, slowest) = futures::join!(logins, others);
    for answer in answers {
        assert!(matches!(answer.status, 401 | 503), "{}", answer.status);
        assert_eq!(answer.status == 503, !answer.header("retry-after").is_empty());
    }
    assert!(slowest < Duration::from_secs(1), "another route took {slowest:?}");
    let peak = on.server.peak_memory_bytes();
    assert!(peak < 150 << 20, "{peak} bytes");
}

async fn tokens_survive_a_restart_of_the_server(on: &mut Installation) {
    let customer = Customer::with_balance(on, 10).await;
    on.server.signal("TERM");
    let status = on.server.end(Duration::from_secs(40)).await;
    assert!(status.success(), "{status}");
    on.restart_server().await;
    assert_eq!(customer.balance().await, 10);
}
