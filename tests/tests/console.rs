//! The console's walls: who sees which page, which forms are taken, and what browsers are told. What its pages do is
//! tried in a real browser, see scripts/console.

use bytes::Bytes;
use reqwest::Method;
use serde_json::json;
use tests::customer::{Customer, TRAINING_PRICE, TRAINING_SERVICE};
use tests::customers_file::{generated, labelled};
use tests::flows;
use tests::installation::{Installation, PASSWORD, id_of};
use tests::program::checkout;
use tests::visitor::Visitor;

flows! {
    shared:
        forms_are_taken_from_pages_of_ours_alone,
        cookies_are_kept_from_scripts_and_from_other_sites,
        pages_run_and_load_nothing_but_ours_and_are_kept_by_nobody,
        a_cookie_opens_nothing_of_the_api,
        whoever_signs_out_or_changes_the_password_ends_the_cookies_they_should,
        a_cookie_that_was_not_made_here_opens_nothing,
        guests_are_sent_to_the_login_and_come_back_to_where_they_wanted,
        pages_of_another_tenant_and_of_administration_are_not_there,
        script_in_whatever_text_is_shown_as_text,
        nobody_is_led_to_another_site,
        stylesheet_and_scripts_come_compressed_and_are_kept_for_ever;
    own:
        cookies_behind_tls_are_bound_to_this_host;
}

/// The cheapest line of the price list, whose id is the same everywhere.
const SERVICE: &str = "01980000-0000-7000-8000-000000000001";

/// The pages of the console and the forms that it takes, as its own list has them, so that a new one is tried the day it
/// is added.
fn listed(method: &str) -> Vec<String> {
    let source = std::fs::read_to_string(checkout().join("crates/api/src/console/mod.rs")).unwrap();
    let list = source.split_once("fn listed_pages()").unwrap().1.split_once("\n}").unwrap().0;
    let pages: Vec<&str> = list.split("(\"/").skip(1).collect();
    assert!(pages.len() >= 7, "{list}");
    pages
        .iter()
        .filter_map(|part| part.split_once('"'))
        .filter(|(_, rest)| rest.contains(&format!("{method}(")))
        .map(|(path, _)| format!("/{path}"))
        .collect()
}

/// What comes before the login.
fn is_before_login(path: &str) -> bool {
    matches!(path, "/sign-in" | "/sign-up" | "/preferences" | "/sample-customers.csv")
}

/// A customer with a prediction, an order and a key, and their ids.
struct Victim {
    customer: Customer,
    prediction: String,
    order: String,
    key: String,
    plan: String,
    training: String,
    /// The model that it made, and the version.
    model: [String; 2],
    webhook: String,
    delivery: String,
    source: String,
}

impl Victim {
    async fn on(on: &Installation) -> Victim {
        let customer = Customer::with_balance(on, 100 + TRAINING_PRICE).await;
        let service = on.service("logistic", 10).await;
        let training = customer.train("mine", labelled(150, 301).await).await;
        let model = ["id", "version_id"].map(|name| training["model"][name].as_str().unwrap().to_owned());
        let training = id_of(&training);
        let prediction = customer.predict(&service, generated(20, 300).await).await;
        customer.succeeded(&prediction).await;
        let order = customer.order(&service).await;
        let path = format!("/predictions/{prediction}/plans");
        let plan = customer.client.post(&path).json(&json!({ "contacts": 2 })).await.expect(201).json();
        let plan = id_of(&plan);
        let body = json!({ "name": "mine", "scope": "read" });
        let key = id_of(&customer.client.post("/api-keys").json(&body).await.expect(201).json());
        let body = json!({ "url": "https://hooks.augur.example/", "events": ["balance.low"] });
        let webhook = id_of(&customer.client.post("/webhooks").json(&body).await.expect(201).json());
        let delivery = customer.client.post(&format!("/webhooks/{webhook}/test")).await.expect(202);
        let delivery = id_of(&delivery.json());
        let place = json!({ "kind": "url", "url": "https://files.augur.example/customers.csv" });
        let body = json!({ "name": "CRM", "place": place });
        let source = id_of(&customer.client.post("/sources").json(&body).await.expect(201).json());
        Victim { customer, prediction, order, key, plan, webhook, delivery, source, training, model }
    }

    /// A path with the id of something that is the victim's.
    fn own(&self, path: &str) -> String {
        let id = match path.trim_start_matches("/admin").split('/').nth(1) {
            Some("predictions") => &self.prediction,
            Some("orders") => &self.order,
            Some("api-keys") => &self.key,
            Some("plans") => &self.plan,
            Some("trainings") => &self.training,
            Some("models") => &self.model[0],
            Some("webhooks") => &self.webhook,
            Some("sources") => &self.source,
            Some("webhook-deliveries") => &self.delivery,
            Some("users") => self.customer.user["id"].as_str().unwrap(),
            _ => SERVICE,
        };
        // What some cannot do without is in the address, and read before the form.
        let query = match path {
            "/predict/pay" => format!("?service_id={SERVICE}"),
            "/train" => format!("?training_service_id={TRAINING_SERVICE}&algorithm=logistic"),
            "/money/statement.csv" => "?month=2026-01".to_owned(),
            _ => String::new(),
        };
        path.replace("{id}", id).replace("{version_id}", &self.model[1]) + &query
    }
}

/// How a POST is answered whose body is a form of some kind.
async fn statuses_of_forms(visitor: &Visitor, path: &str, headers: &[(&str, &str)], token: &str) -> Vec<u16> {
    let urlencoded = ("application/x-www-form-urlencoded", format!("csrf={token}"));
    let field =
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\na\r\n--x--\r\n";
    let multipart = ("multipart/form-data; boundary=x", field.to_owned());
    let mut statuses = Vec::new();
    for (kind, body) in [urlencoded, multipart] {
        let mut request = visitor.ask(Method::POST, path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        statuses.push(request.body(kind, Bytes::from(body)).await.status);
    }
    statuses
}

async fn forms_are_taken_from_pages_of_ours_alone(on: &Installation) {
    let victim = Victim::on(on).await;
    let email = &victim.customer.email;
    let visitor = Visitor::signed_in(on, email, PASSWORD).await;
    let other = Visitor::signed_in(on, email, PASSWORD).await;
    let before = (victim.customer.balance().await, victim.customer.order_now(&victim.order).await);
    for path in listed("post") {
        let path = victim.own(&path);
        let forged = [
            ("no token", vec![], ""),
            ("a token of nobody's", vec![], "0000"),
            ("a token of another login", vec![], other.token()),
            ("evil Origin", vec![("origin", "https://evil.example")], visitor.token()),
            ("null Origin", vec![("origin", "null")], visitor.token()),
            ("another site", vec![("sec-fetch-site", "cross-site")], visitor.token()),
        ];
        for (what, headers, token) in forged {
            let statuses = statuses_of_forms(&visitor, &path, &headers, token).await;
            // Of the two kinds of form, one is not this page's.
            assert!(
                statuses.contains(&403) && statuses.iter().all(|status| matches!(status, 403 | 415)),
                "{path} with {what}: {statuses:?}"
            );
        }
        let plain = visitor.ask(Method::POST, &path);
        let body = Bytes::from(format!("csrf={}", visitor.token()));
        let plain = plain.header("x-csrf-token", visitor.token()).body("text/plain", body);
        plain.await.expect(415);
    }
    on.log_in(email, PASSWORD).await;
    let after = (victim.customer.balance().await, victim.customer.order_now(&victim.order).await);
    assert_eq!(before, after, "nothing was done");
    victim.customer.prediction_now(&victim.prediction).await;
    let keys = victim.customer.client.get("/api-keys").await.expect(200).json();
    assert_eq!(keys["data"][0]["id"], victim.key, "the key is not revoked");
}

/// The cookies that are set on the way in, with what is said of them.
async fn cookies_on_the_way_in(on: &Installation) -> Vec<String> {
    let customer = Customer::poor(on).await;
    let mut visitor = Visitor::new(on);
    let page = visitor.get("/sign-in").await.expect(200);
    let form = [("email", customer.email.as_str()), ("password", PASSWORD)];
    let signed_in = visitor.send("/sign-in", &form).await.expect(303);
    let cookies: Vec<String> = [page, signed_in]
        .iter()
        .flat_map(|answer| answer.headers.get_all("set-cookie"))
        .map(|cookie| cookie.to_str().unwrap().to_owned())
        .collect();
    assert!(cookies.iter().any(|cookie| cookie.contains("session=")), "{cookies:?}");
    cookies
}

async fn cookies_are_kept_from_scripts_and_from_other_sites(on: &Installation) {
    for cookie in cookies_on_the_way_in(on).await {
        for part in ["; HttpOnly", "; SameSite=", "; Path=/;", "; Max-Age="] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!cookie.contains("SameSite=None") && !cookie.contains("Domain="), "{cookie}");
    }
}

async fn cookies_behind_tls_are_bound_to_this_host(on: &mut Installation) {
    on.restart_server_with(&[("PUBLIC_TLS", "true")]).await;
    for cookie in cookies_on_the_way_in(on).await {
        assert!(cookie.starts_with("__Host-"), "{cookie}");
        for part in ["; Secure", "; HttpOnly", "; SameSite=", "; Path=/;"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!cookie.contains("Domain="), "{cookie}");
    }
    let customer = Customer::poor(on).await;
    let visitor = Visitor::signed_in(on, &customer.email, PASSWORD).await;
    let page = visitor.ask(Method::GET, "/account").await.expect(200);
    assert!(page.header("strict-transport-security").contains("max-age="));
    // The name without the prefix, which a page of another host could have set, counts for nothing.
    let (name, value) = visitor.cookies().iter().find(|(name, _)| name.contains("session")).unwrap();
    let plain_name = name.strip_prefix("__Host-").unwrap();
    let planted = Visitor::new(on).with_cookie(plain_name, value);
    planted.ask(Method::GET, "/account").await.expect(303);
}

async fn pages_run_and_load_nothing_but_ours_and_are_kept_by_nobody(on: &Installation) {
    let victim = Victim::on(on).await;
    let (_, admin_email) = on.new_admin().await;
    let customer = Visitor::signed_in(on, &victim.customer.email, PASSWORD).await;
    let admin = Visitor::signed_in(on, &admin_email, PASSWORD).await;
    let mut pages = 0;
    for path in listed("get") {
        let visitor = if path.starts_with("/admin") { &admin } else { &customer };
        let visitor = if is_before_login(&path) { &Visitor::new(on) } else { visitor };
        let path = victim.own(&path);
        let answer = visitor.ask(Method::GET, &path).await;
        assert!(matches!(answer.status, 200 | 303), "{path}: {}", answer.status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        if !is_before_login(&path) || answer.header("content-type").starts_with("text/html") {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        if answer.status != 200 || !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        pages += 1;
        let policy = answer.header("content-security-policy");
        if policy.starts_with("sandbox; default-src 'none'") {
            // A report is a document of its own, in which nothing runs.
            continue;
        }
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        let html = answer.text();
        assert!(!html.contains(" style=\"") && !html.contains("<style"), "{path} has a style inside");
        for script in html.split("<script").skip(1) {
            assert!(script.trim_start().starts_with("src=\"/assets/"), "{path} has a script inside");
        }
        // What is between the tags, or a value in quotes, is what other flows have had shown as text.
        for tag in html.split('<').skip(1).filter_map(|tag| tag.split('>').next()) {
            let names: String = tag.split('"').step_by(2).collect();
            assert!(!names.contains(" on"), "{path} has a script in <{tag}>");
        }
        assert!(!html.contains("\"javascript:"), "{path} has a script in an address");
    }
    assert!(pages >= 3, "{pages} pages were looked at");
}

async fn a_cookie_opens_nothing_of_the_api(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let visitor = Visitor::signed_in(on, &customer.email, PASSWORD).await;
    for path in ["/api/v1/me", "/api/v1/balance", "/api/v1/orders", "/api/v1/export"] {
        visitor.ask(Method::GET, path).await.expect(401);
    }
    let service = on.service("logistic", 10).await;
    let order = visitor.ask(Method::POST, "/api/v1/orders").header("x-csrf-token", visitor.token());
    order.json(&json!({ "service_id": service })).await.expect(401);
    assert_eq!(customer.balance().await, 100);
}

async fn whoever_signs_out_or_changes_the_password_ends_the_cookies_they_should(on: &Installation) {
    let customer = Customer::poor(on).await;
    let mut first = Visitor::signed_in(on, &customer.email, PASSWORD).await;
    let mut second = Visitor::signed_in(on, &customer.email, PASSWORD).await;
    let kept = first.clone();
    let answer = first.send("/sign-out", &[]).await.expect(303);
    assert!(answer.header("location").starts_with("/sign-in"), "{}", answer.header("location"));
    assert!(!first.cookies().keys().any(|name| name.contains("session")), "the browser forgets it");
    let answer = kept.ask(Method::GET, "/account").await.expect(303);
    assert!(answer.header("location").starts_with("/sign-in"), "the old cookie is nobody's");
    second.page("/account").await;
    let third = Visitor::signed_in(on, &customer.email, PASSWORD).await;
    let form = [("current_password", PASSWORD), ("new_password", "nine purple bicycles")];
    second.send("/account/password", &form).await.expect(303);
    second.page("/account").await;
    third.ask(Method::GET, "/account").await.expect(303);
    Visitor::signed_in(on, &customer.email, "nine purple bicycles").await;
}

async fn a_cookie_that_was_not_made_here_opens_nothing(on: &Installation) {
    let customer = Customer::poor(on).await;
    let other = Customer::poor(on).await;
    let visitor = Visitor::signed_in(on, &customer.email, PASSWORD).await;
    let others = Visitor::signed_in(on, &other.email, PASSWORD).await;
    let (name, value) = visitor.cookies().iter().find(|(name, _)| name.contains("session")).unwrap();
    let others_value = &others.cookies()[name];
    let (id, seal) = value.split_once('.').expect("an id and a seal");
    let (others_id, _) = others_value.split_once('.').unwrap();
    for forged in [
        String::new(),
        id.to_owned(),
        format!("{id}."),
        format!("{others_id}.{seal}"),
        format!("{id}.{}", "0".repeat(seal.len())),
        format!("{id}.{}", &seal[..seal.len() - 2]),
        customer.client.token().to_owned(),
        "%00".to_owned(),
        "a".repeat(3000),
    ] {
        let answer = visitor.with_cookie(name, &forged).ask(Method::GET, "/account").await;
        assert_eq!(answer.status, 303, "{forged}");
    }
    visitor.ask(Method::GET, "/account").await.expect(200);
}

async fn guests_are_sent_to_the_login_and_come_back_to_where_they_wanted(on: &Installation) {
    let victim = Victim::on(on).await;
    for path in listed("get").into_iter().filter(|path| !is_before_login(path)) {
        let path = victim.own(&path);
        let answer = Visitor::new(on).ask(Method::GET, &path).await.expect(303);
        let location = answer.header("location");
        assert!(location.starts_with("/sign-in?next=%2F"), "{path}: {location}");
        // A part of a page is asked for by a script, which is told where to go.
        let part = Visitor::new(on).ask(Method::GET, &path).header("hx-request", "true").await.expect(401);
        assert!(part.header("hx-redirect").starts_with("/sign-in"), "{path}: {:?}", part.headers);
    }
    for path in listed("post").into_iter().filter(|path| !is_before_login(path)) {
        let answer = Visitor::new(on).ask(Method::POST, &victim.own(&path)).form(&[("csrf", "")]).await;
        assert!(matches!(answer.status, 303 | 403 | 415), "{path}: {}", answer.status);
    }
    let mut visitor = Visitor::new(on);
    visitor.page("/sign-in?next=%2Faccount").await;
    let form = [("email", victim.customer.email.as_str()), ("password", PASSWORD), ("next", "/account")];
    assert_eq!(visitor.send("/sign-in", &form).await.expect(303).header("location"), "/account");
}

async fn pages_of_another_tenant_and_of_administration_are_not_there(on: &Installation) {
    let victim = Victim::on(on).await;
    let before = victim.customer.order_now(&victim.order).await;
    let stranger = Customer::with_balance(on, 100).await;
    let mut visitor = Visitor::signed_in(on, &stranger.email, PASSWORD).await;
    let is_others = |path: &String| path.contains("{id}") || path.starts_with("/admin");
    for path in listed("get").into_iter().filter(is_others) {
        let answer = visitor.get(&victim.own(&path)).await;
        assert_eq!(answer.status, 404, "GET {path}");
    }
    visitor.page("/account").await;
    for path in listed("post").into_iter().filter(is_others) {
        let fields = [("note", "mine"), ("amount", "1"), ("idempotency_key", "a-key-of-the-test")];
        let answer = visitor.send(&victim.own(&path), &fields).await;
        // Who revokes a key twice, or one that is not theirs, is told that there is none that works.
        let wanted = if path == "/api-keys/{id}/revoke" { 303 } else { 404 };
        assert_eq!(answer.status, wanted, "POST {path}");
    }
    assert_eq!(victim.customer.order_now(&victim.order).await, before);
    victim.customer.prediction_now(&victim.prediction).await;
    let keys = victim.customer.client.get("/api-keys").await.expect(200).json();
    assert_eq!(keys["data"][0]["id"], victim.key, "the key still works");
    assert_eq!(stranger.balance().await, 100);
}

async fn script_in_whatever_text_is_shown_as_text(on: &Installation) {
    const SCRIPT: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let email = tests::customer::new_email();
    let body = json!({ "email": email, "password": PASSWORD, "name": SCRIPT });
    on.anonymous().post("/auth/register").json(&body).await.expect(201);
    let client = on.log_in(&email, PASSWORD).await;
    let deposit = json!({ "email": email, "amount": 100, "note": SCRIPT });
    on.admin().await.post("/admin/deposits").json(&deposit).await.expect(201);
    client.post("/api-keys").json(&json!({ "name": SCRIPT, "scope": "read" })).await.expect(201);
    let service = on.service("logistic", 10).await;
    let column = format!("\"{}\"", SCRIPT.replace('"', "\"\""));
    let customers = generated(5, 301).await.replacen("customerID", &column, 1);
    let path = format!("/predictions?service_id={service}");
    let upload = client.post(&path).header("prefer", "wait=30").file(SCRIPT, customers);
    let prediction = id_of(&upload.await.expect(200).json());
    let (_, admin_email) = on.new_admin().await;
    let customer = Visitor::signed_in(on, &email, PASSWORD).await;
    let admin = Visitor::signed_in(on, &admin_email, PASSWORD).await;
    let mut seen = 0;
    for path in listed("get").into_iter().filter(|path| !is_before_login(path)) {
        if path.contains("{id}") && !path.starts_with("/predictions/{id}") {
            continue;
        }
        let visitor = if path.starts_with("/admin") { &admin } else { &customer };
        let answer = visitor.ask(Method::GET, &path.replace("{id}", &prediction)).await;
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        let html = answer.text();
        assert!(!html.contains("<script>alert") && !html.contains("<img src=x"), "{path}");
        seen += usize::from(html.contains("alert(1)"));
    }
    assert!(seen >= 1, "the text is shown on {seen} pages");
}

async fn nobody_is_led_to_another_site(on: &Installation) {
    let customer = Customer::poor(on).await;
    for elsewhere in ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"] {
        let mut visitor = Visitor::new(on);
        visitor.page("/sign-in").await;
        let form = [("email", customer.email.as_str()), ("password", PASSWORD), ("next", elsewhere)];
        let answer = visitor.send("/sign-in", &form).await.expect(303);
        assert_eq!(answer.header("location"), "/", "{elsewhere}");
        let query = serde_json::to_string(elsewhere).unwrap().replace('"', "").replace('\\', "%5C");
        let answer = visitor.ask(Method::GET, &format!("/preferences?theme=dark&next={query}")).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{elsewhere}");
    }
}

async fn stylesheet_and_scripts_come_compressed_and_are_kept_for_ever(on: &Installation) {
    let mut visitor = Visitor::new(on);
    let html = visitor.page("/sign-in").await;
    let addresses: Vec<&str> =
        html.split("\"/assets/").skip(1).map(|part| part.split('"').next().unwrap()).collect();
    assert!(addresses.len() >= 3, "{html}");
    for address in addresses {
        let path = format!("/assets/{address}");
        let answer = visitor.ask(Method::GET, &path).header("accept-encoding", "gzip").await.expect(200);
        assert_eq!(answer.header("content-encoding"), "gzip", "{path}");
        assert!(answer.header("cache-control").contains("immutable"), "{path}");
        let plain = visitor.ask(Method::GET, &path).await.expect(200);
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        assert!(answer.body.len() < plain.body.len(), "{path}");
        let (_, name) = address.split_once('/').unwrap();
        let other = visitor.ask(Method::GET, &format!("/assets/000000000000/{name}")).await;
        assert!(!other.header("cache-control").contains("immutable"), "another version is not kept for ever");
    }
    visitor.ask(Method::GET, "/assets/0/../../etc/passwd").await.expect(404);
}
