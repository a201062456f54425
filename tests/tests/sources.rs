//! Sources: files come from where they lie, are held against the contract, and are paid for once or not at all.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::crm::Crm;
use tests::customer::{Customer, TRAINING_PRICE, TRAINING_SERVICE};
use tests::customers_file::{generated, labelled, with_cell, without_column};
use tests::file_server::FileServer;
use tests::flows;
use tests::hold::failpoints;
use tests::installation::{Installation, Profile, Setup, id_of};
use tests::patience::eventually;
use tests::program;
use tests::suite::BOTH;

flows! {
    shared:
        a_source_leads_to_the_public_internet_alone,
        a_check_tells_what_is_otherwise_than_learned;
    plain:
        files_come_from_where_they_lie_and_are_paid_for_once,
        a_crash_between_order_and_settlement_pays_once,
        the_command_line_holds_files_against_the_contract_and_adds_events;
}

const PRICE: i64 = 10;
const ENDED_WITHIN: Duration = Duration::from_secs(60);
const SECRET: &str = "a-password-that-nobody-sees-9d1c";

fn private(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    [("SOURCES_ALLOW_PRIVATE", "true")].iter().chain(more).map(owned).collect()
}

async fn source(customer: &Customer, place: Value, credentials: Value, policy: Value) -> String {
    let body = json!({ "name": "a source", "place": place, "credentials": credentials, "policy": policy });
    let made = customer.client.post("/sources").json(&body).await.expect(201).json();
    assert!(!made.to_string().contains(SECRET), "{made}");
    id_of(&made)
}

async fn start(customer: &Customer, source: &str, body: &Value) -> String {
    id_of(&customer.client.post(&format!("/sources/{source}/intakes")).json(body).await.expect(202).json())
}

async fn ended(customer: &Customer, intake: &str) -> Value {
    eventually("the intake ends", ENDED_WITHIN, async || {
        let now = customer.client.get(&format!("/intakes/{intake}")).await.expect(200).json();
        (!matches!(now["status"].as_str(), Some("queued" | "running"))).then_some(now)
    })
    .await
}

async fn taken(customer: &Customer, source: &str, body: &Value) -> Value {
    ended(customer, &start(customer, source, body).await).await
}

fn predict(service: &str) -> Value {
    json!({ "purpose": "predict", "service_id": service })
}

fn failed_with(intake: &Value) -> &str {
    assert_eq!(intake["status"], "failed", "{intake}");
    intake["error"]["code"].as_str().unwrap()
}

async fn a_source_leads_to_the_public_internet_alone(on: &Installation) {
    let customer = Customer::poor(on).await;
    let database = |host: &str, tls: &str| {
        json!({ "kind": "postgresql", "host": host, "database": "crm", "user": "reader", "tls": tls,
            "query": "SELECT 1" })
    };
    let store = |endpoint: &str| json!({ "kind": "s3", "endpoint": endpoint, "region": "any", "bucket": "crm", "path": "a.csv" });
    for (field, place) in [
        ("url", json!({ "kind": "url", "url": "http://files.augur.example/a.csv" })),
        ("url", json!({ "kind": "url", "url": "https://169.254.169.254/latest" })),
        ("url", json!({ "kind": "url", "url": "file:///etc/passwd" })),
        ("endpoint", store("https://127.0.0.1/")),
        ("host", database("localhost", "verify")),
        ("host", database("/var/run/postgresql", "verify")),
        ("host", database("10.0.0.1", "verify")),
        ("tls", database("db.augur.example", "disable")),
    ] {
        let body = json!({ "name": "inside", "place": place });
        let problem = customer.client.post("/sources").json(&body).await;
        let problem = problem.expect_problem(422, "invalid_request");
        assert_eq!(problem["errors"][0]["field"], field, "{place}: {problem}");
    }
    // What a name leads to is looked at when the connection is made: here the row leads inside by now.
    let good = json!({ "kind": "url", "url": "https://files.augur.example/a.csv" });
    let id = source(&customer, good, json!({}), json!({})).await;
    let mut owner = on.database().await;
    for place in [
        json!({ "kind": "url", "url": "https://localhost:1/a.csv" }),
        json!({ "kind": "url", "url": "https://127.0.0.1:1/a.csv" }),
        database("localhost", "verify"),
    ] {
        let mut place = place;
        if place["kind"] == "postgresql" {
            place["port"] = json!(5432);
        }
        let change = format!("UPDATE sources SET place = '{place}' WHERE id = '{id}'");
        owner.execute(&format!("SET ROLE augur_system; {change}")).await;
        let tested = customer.client.post(&format!("/sources/{id}/test")).await.expect(200).json();
        assert_eq!(tested["error"]["code"], "address_refused", "{place}: {tested}");
    }
    // Whoever changes the place must know what opens it.
    let body = json!({ "place": { "kind": "url", "url": "https://elsewhere.augur.example/" } });
    let path = format!("/sources/{id}");
    customer.client.patch(&path).json(&json!({ "credentials": { "password": SECRET } })).await.expect(200);
    customer.client.patch(&path).json(&body).await.expect_problem(422, "invalid_request");
    let shown = customer.client.get(&path).await.expect(200).json();
    assert_eq!((&shown["has_credentials"], shown.to_string().contains(SECRET)), (&json!(true), false));
    Customer::poor(on).await.client.get(&path).await.expect_problem(404, "not_found");
    customer.client.delete(&path).await.expect(204);
    customer.client.get(&path).await.expect_problem(404, "not_found");
}

async fn a_check_tells_what_is_otherwise_than_learned(on: &Installation) {
    let customer = Customer::poor(on).await;
    let service = on.service("logistic", PRICE).await;
    let csv = with_cell(&generated(30, 71).await, 2, "MonthlyCharges", "9000");
    let csv = with_cell(&csv, 3, "Contract", "For ever");
    let path = format!("/files/check?service_id={service}&key=customerID");
    let checked = customer.client.post(&path).file("customers.csv", csv).await.expect(200).json();
    let findings = checked["findings"].as_array().unwrap();
    let found: Vec<_> = findings
        .iter()
        .map(|one| {
            (one["kind"].as_str().unwrap(), one["column"].as_str().unwrap(), &one["places"][0]["line"])
        })
        .collect();
    let wanted = [("out_of_range", "MonthlyCharges"), ("unknown_category", "Contract")];
    for (kind, column) in wanted {
        assert!(found.iter().any(|one| (one.0, one.1) == (kind, column)), "{kind}: {checked}");
    }
    assert!(findings.iter().all(|one| one["kind"] != "duplicates"), "{checked}");
}

async fn the_command_line_holds_files_against_the_contract_and_adds_events() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let good = generated(300, 61).await;
    std::fs::write(path("good.csv"), &good).unwrap();
    std::fs::write(path("bad.csv"), with_cell(&good, 4, "tenure", "4000")).unwrap();
    let contract = ["contract", "--model", "logistic"];
    let said = program::run_well(&contract, &[]).await;
    assert!(said.contains("tenure: 0 to 72"), "{said}");
    let check = |file: &str| path(file);
    let good_file = check("good.csv");
    program::run_well(&["contract", "--model", "logistic", &good_file, "--refuse", "out_of_range"], &[])
        .await;
    let bad_file = check("bad.csv");
    let refused =
        program::run(&["contract", "--model", "logistic", &bad_file, "--refuse", "out_of_range"], &[]).await;
    let said = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("line 5, column tenure: \"4000\" is not between"), "{said}");

    let ids: Vec<&str> = good.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let events = format!("customerID,at\n{},2026-03-01\n{},2026-04-01T02:00+03:00\n", ids[0], ids[1]);
    std::fs::write(path("events.csv"), events).unwrap();
    let (customers, log, output) = (path("good.csv"), path("events.csv"), path("with.csv"));
    let arguments =
        ["events", "--customers", &customers, "--events", &log, "--key", "customerID", "--time", "at"];
    let more = ["--as-of", "2026-04-01", "-o", &output];
    program::run_well(&[&arguments[..], &more[..]].concat(), &[]).await;
    let with = std::fs::read_to_string(&output).unwrap();
    let lines: Vec<&str> = with.lines().collect();
    assert!(lines[0].ends_with("is_silent,is_falling") && lines.len() == 301, "{}", lines[0]);
    assert!(lines[1].contains(",0,1,1,0,0,0,0,31,31,"), "31 days ago: {}", lines[1]);
    assert!(lines[2].contains(",1,1,1,"), "an hour before, in its own zone: {}", lines[2]);
    // Scored as it is: the columns pass through a model that does not know them.
    program::run_well(&["predict", "--model", "logistic", &output, "-o", &path("result.csv")], &[]).await;
}

async fn files_come_from_where_they_lie_and_are_paid_for_once() {
    for &profile in BOTH {
        let setup = Setup { environment: private(&[]), workers: 1, ..Setup::default() };
        let on = Installation::start(profile, "sources", &setup).await;
        tokio::join!(
            rows_of_a_query_are_predicted_and_nothing_is_written(&on),
            a_store_hands_out_what_its_credentials_sign(&on),
            what_is_not_as_agreed_costs_nothing(&on),
            a_schedule_starts_each_turn_once(&on),
            what_customers_did_becomes_features_before_the_moment(&on),
        );
        on.audit().await;
        on.remove().await;
    }
}

/// What was said of each customer: the last two cells of each line.
fn scores(result: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(result).unwrap();
    text.lines().map(|line| line.rsplitn(3, ',').take(2).map(str::to_owned).collect()).collect()
}

async fn rows_of_a_query_are_predicted_and_nothing_is_written(on: &Installation) {
    let customer = Customer::with_balance(on, 10 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let csv = generated(40, 81).await;
    let crm = Crm::with(&csv, SECRET).await;
    let password = json!({ "password": SECRET });
    let id = source(&customer, crm.place.clone(), password.clone(), json!({ "key": "customerID" })).await;
    let tested = customer.client.post(&format!("/sources/{id}/test")).await.expect(200).json();
    let columns = tested["columns"].as_array().unwrap_or_else(|| panic!("{tested}"));
    assert_eq!(columns.len(), csv.lines().next().unwrap().split(',').count());
    let intake = taken(&customer, &id, &predict(&service)).await;
    assert_eq!((&intake["status"], &intake["report"]["rows"]), (&json!("succeeded"), &json!(40)), "{intake}");
    let prediction = intake["prediction_id"].as_str().unwrap();
    customer.succeeded(prediction).await;
    let (fetched, sent) = (customer.result(prediction).await, customer.score(&service, csv).await);
    assert_eq!(scores(&fetched), scores(&sent), "a query's rows are scored as the same file is");
    assert_eq!(customer.balance().await, 8 * PRICE);
    let mut owner = on.database().await;
    owner.execute("SET ROLE augur_system").await;
    let kept =
        owner.text(&format!("SELECT encode(credentials, 'escape') FROM sources WHERE id = '{id}'")).await;
    assert!(!kept.contains(SECRET), "{kept}");

    // Whatever is asked can only read, and is one statement.
    for query in [
        "DELETE FROM customers RETURNING *",
        "SELECT 1) TO STDOUT; DROP TABLE customers; COPY (SELECT 1",
        "SELECT 1; DROP TABLE customers",
        "SELECT * FROM nobody",
        "COMMIT",
    ] {
        let id = source(&customer, crm.asking(query), password.clone(), json!({})).await;
        let intake = taken(&customer, &id, &predict(&service)).await;
        assert_eq!(failed_with(&intake), "query_failed", "{query}: {intake}");
    }
    assert_eq!(crm.rows().await, 40, "nothing was written");
    let mut nobody = crm.place.clone();
    nobody["user"] = json!("nobody_at_all");
    let id = source(&customer, nobody, password, json!({})).await;
    let tested = customer.client.post(&format!("/sources/{id}/test")).await.expect(200).json();
    assert_eq!(
        (&tested["ok"], &tested["error"]["code"]),
        (&json!(false), &json!("access_denied")),
        "{tested}"
    );
    assert_eq!(customer.balance().await, 8 * PRICE, "what failed costs nothing");
    crm.remove().await;
}

async fn a_store_hands_out_what_its_credentials_sign(on: &Installation) {
    let customer = Customer::with_balance(on, 2 * PRICE + TRAINING_PRICE).await;
    let server = FileServer::start().await;
    server.put("/crm/exports/labelled.csv", 200, labelled(150, 3).await);
    let place = json!({ "kind": "s3", "endpoint": server.url(""), "region": "any", "bucket": "crm",
        "path": "exports/labelled.csv" });
    let credentials = json!({ "access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET });
    let id = source(&customer, place, credentials, json!({})).await;
    let body = json!({ "purpose": "train", "service_id": TRAINING_SERVICE, "model": "from-the-store",
        "training": { "algorithm": "logistic", "folds": 2 } });
    let path = format!("/sources/{id}/intakes");
    let first = customer.client.post(&path).json(&body).key("once").await.expect(202).json();
    let again = customer.client.post(&path).json(&body).key("once").await.expect(202);
    assert_eq!((id_of(&again.json()), again.header("idempotency-replayed")), (id_of(&first), "true"));
    let intake = ended(&customer, &id_of(&first)).await;
    assert_eq!(intake["status"], "succeeded", "{intake}");
    let training = format!("/trainings/{}", intake["training_id"].as_str().unwrap());
    let training = eventually("the training ends", ENDED_WITHIN, async || {
        let now = customer.client.get(&training).await.expect(200).json();
        matches!(now["status"].as_str(), Some("succeeded" | "failed")).then_some(now)
    })
    .await;
    assert_eq!((&training["status"], &training["file_name"]), (&json!("succeeded"), &json!("labelled.csv")));
    assert_eq!(customer.balance().await, 2 * PRICE, "paid once");
    let asked = server.asked();
    assert!(
        asked[0].target.contains("X-Amz-Signature=") && asked[0].target.contains("AKIDEXAMPLE"),
        "{asked:?}"
    );
    assert!(!format!("{asked:?}").contains(SECRET), "a secret signs and is not sent");

    server.put("/plain.csv", 200, generated(5, 4).await);
    let place = json!({ "kind": "url", "url": server.url("/plain.csv") });
    let id = source(&customer, place, json!({ "token": SECRET }), json!({})).await;
    let service = on.service("logistic", PRICE).await;
    assert_eq!(taken(&customer, &id, &predict(&service)).await["status"], "succeeded");
    let last = server.asked().pop().unwrap();
    assert!(last.head.contains(&format!("authorization: bearer {SECRET}")), "{last:?}");
}

async fn what_is_not_as_agreed_costs_nothing(on: &Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let (server, csv) = (FileServer::start().await, generated(30, 91).await);
    let strange = with_cell(&csv, 2, "MonthlyCharges", "9000");
    server.put("/strange.csv", 200, strange);
    server.put("/broken.csv", 200, with_cell(&csv, 2, "MonthlyCharges", "many"));
    server.put("/short.csv", 200, without_column(&csv, "tenure"));
    server.put("/elsewhere.csv", 302, "");
    server.put("/closed.csv", 403, "");
    server.put("/picture.csv", 200, [0_u8; 64]);
    let of = async |path: &str, policy: Value| {
        let place = json!({ "kind": "url", "url": server.url(path) });
        source(&customer, place, json!({}), policy).await
    };
    for (path, code) in [
        ("/broken.csv", "unreadable_rows"),
        ("/short.csv", "missing_columns"),
        ("/elsewhere.csv", "redirected"),
        ("/closed.csv", "access_denied"),
        ("/nowhere.csv", "not_there"),
        ("/picture.csv", "binary_file"),
    ] {
        let id = of(path, json!({})).await;
        let intake = taken(&customer, &id, &predict(&service)).await;
        assert_eq!(failed_with(&intake), code, "{intake}");
    }
    let strict = of("/strange.csv", json!({ "refuse": ["out_of_range"] })).await;
    let intake = taken(&customer, &strict, &predict(&service)).await;
    assert_eq!(failed_with(&intake), "contract_out_of_range");
    let place = &intake["error"]["errors"][0];
    assert_eq!((&place["line"], &place["column"]), (&json!(3), &json!("MonthlyCharges")), "{intake}");
    let mut dear = predict(&service);
    dear["price_max"] = json!(PRICE - 1);
    assert_eq!(failed_with(&taken(&customer, &strict, &dear).await), "price_above_limit");
    assert_eq!(customer.balance().await, PRICE, "nothing was charged");
    // The same file where its owner refuses nothing: told of, and predicted.
    customer.client.patch(&format!("/sources/{strict}")).json(&json!({ "policy": {} })).await.expect(200);
    let intake = taken(&customer, &strict, &predict(&service)).await;
    assert_eq!(
        (&intake["status"], &intake["report"]["findings"][0]["kind"]),
        (&json!("succeeded"), &json!("out_of_range")),
        "{intake}"
    );
    assert_eq!(failed_with(&taken(&customer, &strict, &predict(&service)).await), "insufficient_funds");
    let list = customer.client.get(&format!("/intakes?source_id={strict}")).await.expect(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 4);
}

async fn what_customers_did_becomes_features_before_the_moment(on: &Installation) {
    let customer = Customer::with_balance(on, TRAINING_PRICE).await;
    let (server, csv) = (FileServer::start().await, labelled(150, 12).await);
    let ids: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let mut events = "customerID,at,paid\n".to_owned();
    for (place, id) in ids.iter().enumerate() {
        events.push_str(&format!("{id},2026-03-{:02} 10:00,{}\n", place % 20 + 1, place % 7));
        events.push_str(&format!("{id},2026-04-01T00:00Z,999\n"));
    }
    server.put("/customers.csv", 200, csv);
    server.put("/events.csv", 200, events.clone());
    let place = |path: &str| json!({ "kind": "url", "url": server.url(path) });
    let id = source(&customer, place("/customers.csv"), json!({}), json!({})).await;
    let log = source(&customer, place("/events.csv"), json!({}), json!({})).await;
    let asked = |time: &str| {
        json!({ "purpose": "train", "service_id": TRAINING_SERVICE, "model": "with-events",
            "training": { "algorithm": "logistic", "folds": 2 },
            "events": { "source_id": log, "key": "customerID", "time": time, "amount": "paid",
                "as_of": "2026-04-01" } })
    };
    assert_eq!(failed_with(&taken(&customer, &id, &asked("when")).await), "missing_columns");
    let intake = taken(&customer, &id, &asked("at")).await;
    assert_eq!(intake["status"], "succeeded", "{intake}");
    let seen = &intake["report"]["events"];
    assert_eq!((&seen["events"], &seen["events_after"]), (&json!(150), &json!(150)), "{seen}");
    let training = format!("/trainings/{}", intake["training_id"].as_str().unwrap());
    let trained = eventually("the training ends", ENDED_WITHIN, async || {
        let now = customer.client.get(&training).await.expect(200).json();
        matches!(now["status"].as_str(), Some("succeeded" | "failed")).then_some(now)
    })
    .await;
    assert_eq!(trained["status"], "succeeded", "{trained}");
    // What is the same for everybody is left out, and told of: the features are there.
    assert!(trained.to_string().contains("events_90d"), "a feature of the events: {trained}");
}

async fn a_schedule_starts_each_turn_once(on: &Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let server = FileServer::start().await;
    server.put("/daily.csv", 200, generated(5, 5).await);
    let place = json!({ "kind": "url", "url": server.url("/daily.csv") });
    let id = source(&customer, place, json!({}), json!({})).await;
    let path = format!("/sources/{id}/schedule");
    let put = async |body: Value| customer.client.ask(Method::PUT, &path).json(&body).await;
    for bad in [
        json!({ "intake": predict(&service) }),
        json!({ "every_hours": 0, "intake": predict(&service) }),
        json!({ "daily_at": "25:00", "intake": predict(&service) }),
    ] {
        put(bad).await.expect_problem(422, "invalid_request");
    }
    let scheduled = put(json!({ "daily_at": "06:30", "intake": predict(&service) })).await.expect(200).json();
    assert!(scheduled["schedule"]["next_at"].as_str().unwrap().contains("T06:30:00"), "{scheduled}");
    let mut owner = on.database().await;
    let due = format!("SET ROLE augur_system; UPDATE sources SET next_at = now() WHERE id = '{id}'");
    let turns = async |count: usize| {
        eventually("the turn ends", ENDED_WITHIN, async || {
            let list = customer.client.get(&format!("/intakes?source_id={id}")).await.expect(200).json();
            let all = list["data"].as_array().unwrap().clone();
            let is_open = all.iter().any(|one| matches!(one["status"].as_str(), Some("queued" | "running")));
            (all.len() >= count && !is_open).then_some(all)
        })
        .await
    };
    owner.execute(&due).await;
    let first = turns(1).await;
    assert_eq!(first[0]["status"], "succeeded", "{first:?}");
    assert!(first[0]["due_at"].is_string());
    owner.execute(&due).await;
    let second = turns(2).await;
    assert_eq!(
        (&second[0]["status"], &second[0]["error"]["code"]),
        (&json!("skipped"), &json!("insufficient_funds"))
    );
    assert_eq!(customer.balance().await, 0);
    let now = customer.client.get(&format!("/sources/{id}")).await.expect(200).json();
    assert!(
        now["schedule"]["next_at"].as_str().unwrap().contains("T06:30:00"),
        "the next turn is set: {now}"
    );
    customer.client.delete(&path).await.expect(204);
    let now = customer.client.get(&format!("/sources/{id}")).await.expect(200).json();
    assert!(now.get("schedule").is_none(), "{now}");
    assert_eq!(turns(2).await.len(), 2, "each turn once");
}

/// The worker dies when the order is paid and the intake does not know it yet.
async fn a_crash_between_order_and_settlement_pays_once() {
    let setup = Setup {
        environment: private(&[]),
        server_environment: vec![failpoints(&["intake.ordered=1*return(kill)".to_owned()])],
        ..Setup::default()
    };
    let mut on = Installation::start(Profile::Embedded, "sources-crash", &setup).await;
    let customer = Customer::with_balance(&on, 5 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let server = FileServer::start().await;
    server.put("/a.csv", 200, generated(5, 6).await);
    let place = json!({ "kind": "url", "url": server.url("/a.csv") });
    let id = source(&customer, place, json!({}), json!({})).await;
    let intake = start(&customer, &id, &predict(&service)).await;
    on.server.end(ENDED_WITHIN).await;
    // What is fetched now would be another file: the order before counts.
    server.put("/a.csv", 200, generated(7, 7).await);
    on.restart_server().await;
    let intake = ended(&customer, &intake).await;
    assert_eq!((&intake["status"], &intake["report"]["rows"]), (&json!("succeeded"), &json!(5)), "{intake}");
    customer.succeeded(intake["prediction_id"].as_str().unwrap()).await;
    assert_eq!((customer.balance().await, customer.movements().await.len()), (4 * PRICE, 2), "paid once");
    on.audit().await;
    on.remove().await;
}
