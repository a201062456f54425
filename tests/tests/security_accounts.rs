//! Logins under attack: what their duration tells, what is hashed, what is logged, and tokens that name their own key.

use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tests::client::Request;
use tests::customer::{Customer, new_email};
use tests::flows;
use tests::installation::{Installation, PASSWORD};

flows! {
    shared:
        a_hash_of_weaker_parameters_is_made_anew_at_the_next_login,
        a_token_that_names_its_own_key_is_refused_and_nobody_is_asked_for_it,
        a_refresh_token_used_twice_is_in_the_audit_log;
    own:
        every_line_of_the_log_is_one_whatever_a_client_sends;
    alone:
        how_long_a_login_takes_tells_nothing_of_the_address,
        a_password_over_the_limit_is_never_hashed;
}

/// The hash of `PASSWORD` with 4 MiB and one pass.
const WEAK_HASH: &str =
    "$argon2id$v=19$m=4096,t=1,p=1$SZJofXN3xsZZsTvE9fU1HA$jNME/S1G7PwPGp87wFm3vj68ttYU7NwS+pTT7ugN6IE";
/// Medians of two kinds are compared again with more samples when another process was in the way.
const TRIES: usize = 6;
const SAMPLES: usize = 40;

fn login(on: &Installation, email: &str, password: &str) -> Request {
    on.anonymous().post("/auth/token").form(&[("username", email), ("password", password)])
}

fn registration(on: &Installation, email: &str, password: &str) -> Request {
    on.anonymous().post("/auth/register").json(&json!({ "email": email, "password": password }))
}

async fn a_hash_of_weaker_parameters_is_made_anew_at_the_next_login(on: &Installation) {
    let customer = Customer::poor(on).await;
    let mut database = on.database().await;
    let own = format!("WHERE email = '{}'", customer.email);
    let weaken = format!("UPDATE users SET password_hash = '{WEAK_HASH}' {own}");
    database.execute(&format!("SET ROLE augur_system; {weaken}")).await;
    let hash = format!("SELECT password_hash FROM users {own}");
    login(on, &customer.email, "not the password").await.expect(401);
    assert_eq!(database.text(&hash).await, WEAK_HASH);
    login(on, &customer.email, PASSWORD).await.expect(200);
    let renewed = database.text(&hash).await;
    assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{renewed}");
    login(on, &customer.email, PASSWORD).await.expect(200);
    assert_eq!(database.text(&hash).await, renewed, "a good hash stays");
}

async fn a_token_that_names_its_own_key_is_refused_and_nobody_is_asked_for_it(on: &Installation) {
    let customer = Customer::poor(on).await;
    let keys = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/keys", keys.local_addr().unwrap());
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(customer.client.token()).unwrap();
    let typed = || Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
    for header in [
        Header { jku: Some(url.clone()), ..typed() },
        Header { x5u: Some(url.clone()), ..typed() },
        Header { kid: Some(url.clone()), ..typed() },
        Header { kid: Some("../../../dev/null".to_owned()), ..typed() },
        Header { kid: Some("' UNION SELECT 'key'--".to_owned()), ..typed() },
    ] {
        for secret in [&b""[..], b"key", b"a secret that the server does not have, long enough"] {
            let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
            on.anonymous().with_token(&token).get("/me").await.expect_any_problem(401);
        }
    }
    let asked = tokio::time::timeout(Duration::from_millis(300), keys.accept()).await;
    assert!(asked.is_err(), "the server has connected to where the token told it to");
}

async fn a_refresh_token_used_twice_is_in_the_audit_log(on: &Installation) {
    let customer = Customer::poor(on).await;
    let login = login(on, &customer.email, PASSWORD).await.expect(200).json();
    let refresh = async || {
        let token = login["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        on.anonymous().post("/auth/token").form(&form).await
    };
    refresh().await.expect(200);
    refresh().await.expect_any_problem(401);
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let tenant = customer.user["tenant_id"].as_str().unwrap();
    let events = format!(
        "SELECT count(*) FROM audit_log WHERE action LIKE '%reuse%' AND \
         (tenant_id = '{tenant}' OR actor_user_id = '{}')",
        customer.user["id"].as_str().unwrap()
    );
    assert_eq!(database.number(&events).await, 1);
}

async fn every_line_of_the_log_is_one_whatever_a_client_sends(on: &mut Installation) {
    let forged = "ann\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\u{1b}[31m\u{9b}31m\u{2028}";
    login(on, forged, forged).await;
    registration(on, &new_email(), PASSWORD).await.expect(201);
    let path = "/api/v1/x%0d%0a%1b%5b31m%7b%22level%22%3a%22forged%22%7d";
    let request = on.anonymous().get_at_root(path).header("user-agent", "\u{9b}31m forged");
    request.header("x-forwarded-for", "1.2.3.4 forged").await.expect(404);
    on.anonymous().post("/auth/register").json(&json!({ forged: forged })).await.expect(422);
    // What was typed where no route is stays unsaid.
    on.server.has_logged(&["unmatched"], Duration::from_secs(5)).await;
    for line in on.server.logged().lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(entry["level"].is_string() && entry["message"] != "forged", "{line}");
        assert!(!line.contains(|character: char| character.is_control()), "{line:?}");
    }
}

fn median(samples: &mut [Duration]) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// A request that is made again and again, and the status that it must have.
type Asked<'a> = (&'a (dyn Fn() -> Request + Send + Sync), u16);

/// The medians of two requests, asked for in turn, so that whatever else happens happens to both.
async fn medians(one: Asked<'_>, other: Asked<'_>) -> (Duration, Duration) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..SAMPLES {
        for ((request, status), times) in [one, other].into_iter().zip(&mut times) {
            let started = Instant::now();
            request().await.expect(status);
            times.push(started.elapsed());
        }
    }
    let [mut ones, mut others] = times;
    (median(&mut ones), median(&mut others))
}

async fn how_long_a_login_takes_tells_nothing_of_the_address(on: &mut Installation) {
    on.restart_server_with(&[("FAILED_LOGINS_MAX", "100000")]).await;
    let on = &*on;
    let customer = Customer::poor(on).await;
    let known = || login(on, &customer.email, "not the password");
    let unknown = || login(on, "nobody@augur.example", "not the password");
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let (known, unknown) = medians((&known, 401), (&unknown, 401)).await;
        seen.push((known, unknown));
        if known.max(unknown) <= known.min(unknown) * 11 / 10 {
            break;
        }
        assert!(seen.len() < TRIES, "known and unknown addresses: {seen:?}");
    }
    // A taken address is told; but it is not told sooner than a hash takes.
    let taken = || registration(on, &customer.email, PASSWORD);
    let (taken, unknown) = medians((&taken, 409), (&unknown, 401)).await;
    assert!(taken * 2 > unknown, "taken {taken:?}, a login {unknown:?}");
}

async fn a_password_over_the_limit_is_never_hashed(on: &mut Installation) {
    on.restart_server_with(&[("FAILED_LOGINS_MAX", "100000")]).await;
    let on = &*on;
    for (bytes, status) in [(129, 422), (50_000, 422), (1 << 20, 413)] {
        let password = "x".repeat(bytes);
        let refused = || registration(on, "long@augur.example", &password);
        let hashed = || login(on, "nobody@augur.example", "not the password");
        let mut seen = Vec::new();
        for _ in 0..TRIES {
            let (refused, hashed) = medians((&refused, status), (&hashed, 401)).await;
            seen.push((refused, hashed));
            if refused * 2 < hashed {
                break;
            }
            assert!(seen.len() < TRIES, "{bytes} bytes against a hash: {seen:?}");
        }
    }
}
