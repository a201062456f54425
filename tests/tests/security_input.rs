//! Hostile input, made of the OpenAPI document: fields that nobody offered, values of other types, SQL in every text.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::customer::Customer;
use tests::customers_file::{generated, with_cell};
use tests::document::{Operation, operations, takes};
use tests::flows;
use tests::installation::{Installation, PASSWORD};

flows! {
    shared:
        edited_cursors_are_refused,
        a_hundred_megabytes_in_one_field_and_a_million_columns_are_refused_or_give_the_money_back;
    own:
        fields_that_nobody_offered_are_refused_everywhere_and_nothing_is_stored,
        values_of_another_type_are_refused_everywhere,
        hostile_values_of_parameters_are_refused_or_harmless,
        sql_and_script_in_every_text_are_text,
        a_forced_internal_error_shows_an_id_and_logs_the_cause;
}

/// Fields that would be worth something if they were taken.
const HOPES: [&str; 11] = [
    "is_admin",
    "role",
    "balance",
    "price",
    "amount",
    "tenant_id",
    "user_id",
    "id",
    "status",
    "currency",
    "__proto__",
];
const INJECTIONS: [&str; 6] = [
    "' OR 1=1--",
    "'; DROP TABLE users; --",
    "\" UNION SELECT password_hash FROM users --",
    "<img src=x onerror=alert(1)>",
    "${jndi:ldap://127.0.0.1/a} {{7*7}} $(id) `id`",
    "\\'; SELECT pg_sleep(30); --",
];

/// The operation's path with an id in it that nothing has.
fn path_of(operation: &Operation) -> String {
    let id = uuid::Uuid::now_v7().to_string();
    operation.path.replace("{id}", &id).replace("{version_id}", &id)
}

async fn send(client: &Client, operation: &Operation, body: &Value) -> u16 {
    client.ask_at_root(operation.method.clone(), &path_of(operation)).json(body).await.status
}

/// How many rows there are of everything that a request could make.
async fn rows(on: &Installation) -> i64 {
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let tables = ["users", "tenants", "api_keys", "services", "orders", "transactions", "predictions"];
    let counts = tables.map(|table| format!("(SELECT count(*) FROM {table})"));
    database.number(&format!("SELECT {}", counts.join(" + "))).await
}

/// The operations that take JSON, but for the one that has what it takes stored on purpose.
async fn with_json(on: &Installation) -> Vec<Operation> {
    let mut operations = operations(on).await;
    operations.retain(|operation| operation.json.is_some());
    assert!(operations.len() >= 9, "{}", operations.len());
    operations
}

async fn fields_that_nobody_offered_are_refused_everywhere_and_nothing_is_stored(on: &mut Installation) {
    let (admin, operations) = (on.admin().await, with_json(on).await);
    let before = rows(on).await;
    for operation in &operations {
        let known: Vec<String> = operation.fields().into_iter().map(|(name, _)| name).collect();
        for name in HOPES.into_iter().filter(|name| !known.iter().any(|known| known == name)) {
            let mut body = operation.example();
            body[name] = json!(1);
            let status = send(&admin, operation, &body).await;
            assert_eq!(status, 422, "{} with {name}", operation.name());
        }
    }
    assert_eq!(rows(on).await, before, "nothing was stored");
}

async fn values_of_another_type_are_refused_everywhere(on: &mut Installation) {
    let (admin, operations) = (on.admin().await, with_json(on).await);
    let mut tried = 0;
    let deep: Value = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!("x"),
        json!([]),
        json!({}),
        deep,
    ];
    for operation in &operations {
        for (name, schema) in operation.fields() {
            for value in values.iter().filter(|value| !takes(&schema, value)) {
                let mut body = operation.example();
                body[&name] = value.clone();
                let status = send(&admin, operation, &body).await;
                assert!(matches!(status, 400 | 422), "{} with {name}: {value}: {status}", operation.name());
                tried += 1;
            }
        }
        for body in [json!([]), json!("text"), json!(null), json!(7)] {
            let status = send(&admin, operation, &body).await;
            assert!(matches!(status, 400 | 422), "{} with {body}: {status}", operation.name());
        }
        let bomb = format!("{{\"a\":{}", "[".repeat(10_000));
        let request = admin.ask_at_root(operation.method.clone(), &path_of(operation));
        let status = request.body("application/json", bomb).await.status;
        assert!(matches!(status, 400 | 422), "{}: {status}", operation.name());
    }
    assert!(tried > 100, "{tried}");
}

async fn hostile_values_of_parameters_are_refused_or_harmless(on: &mut Installation) {
    let admin = on.admin().await;
    let values = [
        "",
        "abc",
        "1e9",
        "1000000000",
        "-1",
        "0",
        "99999999999999999999",
        "%00",
        "%FF",
        "%F0%9F%92%A9",
        "id;drop",
        "'%20OR%201=1--",
        "..%2F..%2Fetc%2Fpasswd",
        "%0d%0aset-cookie:a=b",
    ];
    let mut tried = 0;
    for operation in operations(on).await {
        for (name, _) in &operation.query {
            for value in values {
                let path = format!("{}?{name}={value}", path_of(&operation));
                let answer = admin.ask_at_root(operation.method.clone(), &path).await;
                assert!(
                    (400..500).contains(&answer.status),
                    "{} {path}: {}",
                    operation.method,
                    answer.status
                );
                assert!(answer.header("set-cookie").is_empty());
                tried += 1;
            }
        }
        let path = format!("{}?sort=id;drop", path_of(&operation));
        let status = admin.ask_at_root(operation.method.clone(), &path).await.status;
        assert!(status < 500, "{} {path}: {status}", operation.method);
    }
    assert!(tried > 200, "{tried}");
}

/// Every text of every body holds SQL or script once; whatever is accepted is kept as it came.
async fn sql_and_script_in_every_text_are_text(on: &mut Installation) {
    let (admin, operations) = (on.admin().await, with_json(on).await);
    for operation in &operations {
        for (name, _) in operation.fields().iter().filter(|(_, schema)| takes(schema, &json!("text"))) {
            for injection in INJECTIONS {
                let mut body = operation.example();
                body[name] = json!(injection);
                let answer =
                    admin.ask_at_root(operation.method.clone(), &path_of(operation)).json(&body).await;
                assert!(answer.status < 500, "{} {name}: {}", operation.name(), answer.status);
                if answer.status < 300 && !answer.body.is_empty() && name != "password" {
                    let kept = answer.json().to_string().contains(&json!(injection).to_string());
                    assert!(kept, "{} {name}: {}", operation.name(), answer.text());
                }
            }
        }
    }
    for injection in INJECTIONS {
        for fields in [
            [("username", injection), ("password", PASSWORD)],
            [("username", "a@b.example"), ("password", injection)],
        ] {
            let status = on.anonymous().post("/auth/token").form(&fields).await.status;
            assert!(matches!(status, 401 | 422 | 429), "{injection}: {status}");
        }
    }
    let users = admin.get("/admin/users?limit=100").await.expect(200).json();
    assert!(!users["data"].as_array().unwrap().is_empty(), "the users are still there");
}

async fn edited_cursors_are_refused(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    customer.deposit(on, 10).await.expect(201);
    let list = customer.client.get("/transactions?limit=1").await.expect(200).json();
    let cursor = list["next_cursor"].as_str().unwrap().to_owned();
    customer.client.get(&format!("/transactions?cursor={cursor}")).await.expect(200);
    for place in 0..cursor.len() {
        let other = if &cursor[place..=place] == "0" { "1" } else { "0" };
        let edited = format!("{}{other}{}", &cursor[..place], &cursor[place + 1..]);
        let path = format!("/transactions?cursor={edited}");
        customer.client.get(&path).await.expect_problem(400, "bad_cursor");
    }
    for edited in [&cursor[1..], &format!("{cursor}0"), "0", "%00", "é"] {
        customer.client.get(&format!("/transactions?cursor={edited}")).await.expect_any_problem(400);
    }
    customer.client.get(&format!("/orders?cursor={cursor}")).await.expect_problem(400, "bad_cursor");
}

async fn a_hundred_megabytes_in_one_field_and_a_million_columns_are_refused_or_give_the_money_back(
    on: &Installation,
) {
    let customer = Customer::with_balance(on, 10).await;
    let service = on.service("logistic", 10).await;
    let csv = generated(3, 303).await;
    let path = format!("/predictions?service_id={service}");
    // An answer given early is followed by a reset where more than 1 MiB is left unread, which can overtake it.
    let post = async |content: String| {
        let content = bytes::Bytes::from(content);
        for _ in 0..10 {
            if let Ok(answer) = customer.client.post(&path).file("a.csv", content.clone()).try_send().await {
                return answer;
            }
        }
        panic!("ten resets in a row");
    };
    let million: String = (0..1_000_000).map(|number| format!("c{number},")).collect();
    let code = post(format!("{million}\n{million}\n")).await.expect_any_problem(422)["code"].clone();
    assert!(code == "too_many_columns" || code == "record_too_long", "{code}");

    let quoted = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    let in_header = post(format!("{},{csv}", quoted(3 << 20))).await;
    in_header.expect_any_problem(422);
    assert_eq!(customer.balance().await, 10, "what is refused at the door costs nothing");
    let accepted = post(with_cell(&csv, 2, "PaymentMethod", &quoted(100 << 20))).await.expect(202).json();
    let ended = customer.ended(accepted["id"].as_str().unwrap()).await;
    let code = ended["error"]["code"].as_str();
    assert!(matches!(code, Some("record_too_long" | "unclosed_quote")), "{ended}");
    assert_eq!(ended["error"]["errors"][0]["line"], 3, "{ended}");
    assert_eq!(customer.balance().await, 10);
}

async fn a_forced_internal_error_shows_an_id_and_logs_the_cause(on: &mut Installation) {
    let customer = Customer::poor(on).await;
    let mut database = on.database().await;
    let broken = "a hash that cannot be read";
    let update = format!("UPDATE users SET password_hash = '{broken}' WHERE email = '{}'", customer.email);
    database.execute(&format!("SET ROLE augur_system; {update}")).await;
    let form = [("username", customer.email.as_str()), ("password", PASSWORD)];
    let answer = on.anonymous().ask(Method::POST, "/auth/token").form(&form).await;
    let problem = answer.expect_problem(500, "internal_error");
    let mut members: Vec<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["code", "detail", "id", "status", "title", "type"]);
    assert_eq!(problem["detail"], "The server failed. Quote the id to its operator.");
    let id = problem["id"].as_str().unwrap();
    let line = on.server.has_logged(&[id], std::time::Duration::from_secs(5)).await;
    assert!(line.contains("cause") && line.contains("hash"), "{line}");
    assert!(!line.contains(broken) && !line.contains(PASSWORD), "{line}");
}
