//! What can be done with a prediction besides waiting for it.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use tests::customer::Customer;
use tests::customers_file::{customers_of, generated, with_cell, without_column};
use tests::dialect::{european, with_bom};
use tests::flows;
use tests::installation::Installation;
use tests::vocabulary;

flows! {
    shared:
        skipped_customers_keep_their_line_and_say_why,
        a_file_of_which_nothing_can_be_scored_fails_even_with_skip,
        formulas_are_quoted_only_on_request,
        a_result_is_a_download_that_nobody_caches,
        a_deleted_prediction_is_gone_and_its_money_trail_stays,
        prefer_wait_answers_with_the_finished_prediction,
        events_end_with_the_terminal_one,
        a_few_customers_are_scored_in_one_call,
        one_to_a_hundred_customers_are_taken_in_one_call,
        a_file_is_checked_for_free,
        lists_are_paged_newest_first;
    own:
        an_expired_result_is_gone;
    distributed:
        events_come_from_whichever_api_is_asked;
}

const PRICE: i64 = 10;

async fn customer_and_service(on: &Installation) -> (Customer, String) {
    (Customer::with_balance(on, 10 * PRICE).await, on.service("logistic", PRICE).await)
}

async fn skipped_customers_keep_their_line_and_say_why(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let csv = with_cell(&generated(4, 31).await, 2, "tenure", "long");
    let path = format!("/predictions?service_id={service}&on_error=skip");
    let accepted = customer.client.post(&path).file("a.csv", csv.clone()).await.expect(202).json();
    let prediction = accepted["id"].as_str().unwrap();
    let summary = customer.succeeded(prediction).await["summary"].clone();
    assert_eq!((&summary["rows"], &summary["rows_skipped"]), (&json!(4), &json!(1)), "{summary}");
    assert_eq!(summary["stays"].as_u64().unwrap() + summary["leaves"].as_u64().unwrap(), 3, "{summary}");

    let result = String::from_utf8(customer.result(prediction).await.to_vec()).unwrap();
    let (before, after): (Vec<&str>, Vec<&str>) = (csv.lines().collect(), result.lines().collect());
    assert_eq!(after[0], format!("{},stays,churn_probability,problem", before[0]));
    let problem = after[2].strip_prefix(&format!("{},,,", before[2])).expect("empty cells and a problem");
    assert!(problem.contains("tenure"), "{problem}");
    for row in [1, 3, 4] {
        assert!(after[row].starts_with(before[row]) && after[row].ends_with(','), "{}", after[row]);
    }
}

async fn a_file_of_which_nothing_can_be_scored_fails_even_with_skip(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let csv = with_cell(&generated(1, 32).await, 1, "tenure", "long");
    let path = format!("/predictions?service_id={service}&on_error=skip");
    let accepted = customer.client.post(&path).file("a.csv", csv).await.expect(202).json();
    customer.failed(accepted["id"].as_str().unwrap(), "no_row_scored").await;
    assert_eq!(customer.balance().await, 10 * PRICE);
}

async fn formulas_are_quoted_only_on_request(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let cells = ["=1+1", "+7", "@SUM(A1)", "-cmd", "-12.5", "plain"];
    let csv = generated(cells.len(), 33).await;
    let marked = |(number, line): (usize, &str)| match number {
        0 => format!("note,{line}\n"),
        _ => format!("{},{line}\n", cells[number - 1]),
    };
    let csv: String = csv.lines().enumerate().map(marked).collect();
    let prediction = customer.predict(&service, csv.clone()).await;
    customer.succeeded(&prediction).await;
    let first_cells = |text: &str| -> Vec<String> {
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
    };
    let plain = String::from_utf8(customer.result(&prediction).await.to_vec()).unwrap();
    assert_eq!(first_cells(&plain), cells);
    let path = format!("/predictions/{prediction}/result?spreadsheet_safe=true");
    let safe = customer.client.get(&path).await.expect(200).text();
    assert_eq!(first_cells(&safe)[..4], ["'=1+1", "'+7", "'@SUM(A1)", "'-cmd"].map(str::to_owned));
    assert_eq!(first_cells(&safe)[4..], ["-12.5", "plain"].map(str::to_owned), "numbers stay numbers");
    assert_eq!(safe.lines().count(), plain.lines().count());
}

async fn a_result_is_a_download_that_nobody_caches(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let prediction = customer.predict(&service, generated(2, 34).await).await;
    customer.succeeded(&prediction).await;
    let answer = customer.client.get(&format!("/predictions/{prediction}/result")).await.expect(200);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    let disposition = answer.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"customers"), "{disposition}");
    let shown = customer.prediction_now(&prediction).await;
    assert_eq!(shown["result_url"], format!("/api/v1/predictions/{prediction}/result"));
    assert!(shown["expires_at"].as_str() > shown["finished_at"].as_str(), "{shown}");
}

async fn a_deleted_prediction_is_gone_and_its_money_trail_stays(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let prediction = customer.predict(&service, generated(2, 35).await).await;
    customer.succeeded(&prediction).await;
    let path = format!("/predictions/{prediction}");
    customer.client.delete(&path).await.expect(204);
    customer.client.get(&format!("{path}/result")).await.expect_any_problem(410);
    customer.client.delete(&path).await.expect(204);
    assert_eq!(customer.balance().await, 9 * PRICE);
    assert_eq!(customer.movements().await[0], ("debit".to_owned(), PRICE));
    let left = tests::patience::eventually("its files go", Duration::from_secs(20), async || {
        let left = files_named(&on.objects(), &prediction);
        left.is_empty().then_some(())
    });
    left.await;
    assert_eq!(customer.prediction_now(&prediction).await["result_url"], Value::Null);
}

async fn an_expired_result_is_gone(on: &mut Installation) {
    let (customer, service) = customer_and_service(on).await;
    let prediction = customer.predict(&service, generated(2, 42).await).await;
    customer.succeeded(&prediction).await;
    let path = format!("/predictions/{prediction}/result");
    customer.client.get(&path).await.expect(200);
    let mut database = on.database().await;
    let expire = format!("UPDATE predictions SET expires_at = now() WHERE id = '{prediction}'");
    database.execute(&format!("BEGIN; SET LOCAL ROLE augur_system; {expire}; COMMIT")).await;
    customer.client.get(&path).await.expect_any_problem(410);
    assert_eq!(customer.prediction_now(&prediction).await["status"], "succeeded");
    assert_eq!(customer.balance().await, 9 * PRICE);
}

/// Files below a directory whose path has this text in it.
fn files_named(directory: &std::path::Path, text: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_named(&path, text));
        } else if path.to_string_lossy().contains(text) {
            found.push(path);
        }
    }
    found
}

async fn prefer_wait_answers_with_the_finished_prediction(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let path = format!("/predictions?service_id={service}");
    let file = generated(20, 36).await;
    let started = Instant::now();
    let request = customer.client.post(&path).header("prefer", "wait=30").file("a.csv", file.clone());
    let answer = request.await.expect(200);
    assert_eq!(answer.json()["status"], "succeeded");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "it answers when it is done, not when the time is up"
    );
    let answer = customer.client.post(&path).header("prefer", "wait=0").file("a.csv", file).await;
    assert!(matches!(answer.status, 200 | 202), "{}", answer.status);
    customer.succeeded(answer.json()["id"].as_str().unwrap()).await;
}

async fn events_end_with_the_terminal_one(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let prediction = customer.predict(&service, generated(2_000, 37).await).await;
    expect_events(&customer, &customer.client, &prediction).await;
    // A finished prediction has one event left to tell.
    let events = events_of(&customer.client, &prediction).await;
    assert_eq!(events.len(), 1, "{events:?}");
}

async fn events_come_from_whichever_api_is_asked(on: &mut Installation) {
    let (customer, service) = customer_and_service(on).await;
    let (_second, url) = on.start_second_api().await;
    let prediction = customer.predict(&service, generated(20_000, 38).await).await;
    expect_events(&customer, &customer.client.at(&url), &prediction).await;
}

async fn expect_events(customer: &Customer, client: &tests::client::Client, prediction: &str) {
    let events = events_of(client, prediction).await;
    let statuses: Vec<&str> = events.iter().map(|event| event["status"].as_str().unwrap()).collect();
    assert_eq!(statuses.last(), Some(&"succeeded"), "{statuses:?}");
    assert!(!statuses[..statuses.len() - 1].contains(&"succeeded"), "{statuses:?}");
    assert_eq!(*events.last().unwrap(), customer.prediction_now(prediction).await);
}

/// Reads an event stream to its end.
async fn events_of(client: &tests::client::Client, prediction: &str) -> Vec<Value> {
    let response = client.get(&format!("/predictions/{prediction}/events")).open().await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.bytes_stream();
    let mut text = String::new();
    while let Some(piece) = stream.next().await {
        text += std::str::from_utf8(&piece.expect("the stream ends in order")).unwrap();
    }
    let is_event = |block: &&str| block.contains("event:");
    let events = text.split("\n\n").filter(is_event).map(|block| {
        assert!(block.contains("event: progress"), "{block}");
        let data = block.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
        serde_json::from_str(data).unwrap()
    });
    events.collect()
}

/// The customers of a file as JSON objects.
async fn a_few_customers_are_scored_in_one_call(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let csv = generated(5, 39).await;
    let body = json!({ "service_id": service, "customers": customers_of(&csv) });
    let answer = customer.client.post("/predict").json(&body).await.expect(200).json();
    assert_eq!(answer["price"], PRICE);
    let order = customer.order_now(answer["order_id"].as_str().unwrap()).await;
    assert_eq!((&order["status"], &order["is_provided"]), (&json!("provided"), &json!(true)));
    assert_eq!(customer.balance().await, 9 * PRICE);

    let result = customer.score(&service, csv.clone()).await;
    let scored = tests::customers_file::scored_rows(&csv, std::str::from_utf8(&result).unwrap(), ',', '.');
    let answered = answer["predictions"].as_array().unwrap();
    assert_eq!(answered.len(), scored.len());
    for (one, row) in answered.iter().zip(&scored) {
        assert_eq!(one["stays"], i32::from(row.stays));
        assert_eq!(one["churn_probability"].as_f64().unwrap(), row.churn_probability.parse::<f64>().unwrap());
    }
}

async fn one_to_a_hundred_customers_are_taken_in_one_call(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let customers = customers_of(&generated(101, 40).await);
    let call = async |customers: &[Value]| {
        let body = json!({ "service_id": service, "customers": customers });
        customer.client.post("/predict").json(&body).await
    };
    for count in [1, 100] {
        let answer = call(&customers[..count]).await.expect(200).json();
        assert_eq!(answer["predictions"].as_array().unwrap().len(), count);
    }
    for refused in [&customers[..0], &customers[..101]] {
        call(refused).await.expect_any_problem(422);
    }
    let mut lacking = customers[0].clone();
    lacking.as_object_mut().unwrap().remove("tenure");
    let problem = call(&[customers[1].clone(), lacking]).await.expect_problem(422, "missing_columns");
    assert_eq!(problem["errors"][0]["line"], 2, "{problem}");
    assert_eq!(customer.balance().await, 8 * PRICE, "what is refused costs nothing");
}

async fn a_file_is_checked_for_free(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let path = format!("/files/check?service_id={service}");
    let csv = with_cell(&with_cell(&generated(10, 41).await, 3, "tenure", "long"), 5, "TotalCharges", "");
    let report = customer.client.post(&path).file("a.csv", csv.clone()).await.expect(200).json();
    assert_eq!((&report["rows"], &report["problem_count"]), (&json!(10), &json!(1)), "{report}");
    assert_eq!(report["dialect"], json!({ "delimiter": ",", "encoding": "utf-8", "decimal": "." }));
    assert_eq!((&report["price"], &report["currency"]), (&json!(PRICE), &json!("RUB")));
    let problem = &report["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&json!(4), &json!("tenure")), "{report}");
    let column = |name: &str| {
        let columns = report["columns"].as_array().unwrap().iter();
        columns
            .clone()
            .find(|column| column["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {report}"))
            .clone()
    };
    for feature in vocabulary::features() {
        assert_eq!(column(feature)["matched_to"], feature);
    }
    assert_eq!(column("TotalCharges")["missing_share"], 0.1);

    let european =
        with_bom(&european(&tests::customers_file::with_header(&csv, vocabulary::of_the_extended_edition)));
    let report = customer.client.post(&path).file("a.csv", european).await.expect(200).json();
    assert_eq!(report["dialect"], json!({ "delimiter": ";", "encoding": "utf-8", "decimal": "," }));
    let lacking = without_column(&csv, "Contract");
    let problem =
        customer.client.post(&path).file("a.csv", lacking).await.expect_problem(422, "missing_columns");
    assert_eq!(problem["missing_columns"], json!(["Contract"]));
    assert_eq!(customer.balance().await, 10 * PRICE);
    assert_eq!(customer.client.get("/predictions").await.json()["data"], json!([]));
}

async fn lists_are_paged_newest_first(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let mut orders = Vec::new();
    for _ in 0..5 {
        orders.push(customer.order(&service).await);
    }
    orders.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = customer.client.get(&format!("/orders?limit=2{cursor}")).await.expect(200).json();
        seen.extend(page["data"].as_array().unwrap().iter().map(tests::installation::id_of));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, orders);
    for refused in ["limit=0", "limit=101", "limit=1e9", "cursor=nonsense", "limit=-1"] {
        let answer = customer.client.get(&format!("/orders?{refused}")).await;
        assert!(matches!(answer.status, 400 | 422), "{refused}: {}", answer.status);
    }
}
