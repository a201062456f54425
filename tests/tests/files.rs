//! Files that cannot be scored: refused at the door, or failed with line and column and the money back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use tests::answer::Answer;
use tests::customer::Customer;
use tests::customers_file::{generated, with_cell, without_column};
use tests::dialect::gzipped;
use tests::flows;
use tests::installation::Installation;

flows! {
    shared:
        files_that_hold_no_customers_are_refused_and_the_order_stays_usable,
        a_missing_column_is_named,
        headers_that_cannot_be_matched_are_refused,
        archives_are_refused_by_their_first_bytes,
        a_word_in_a_number_fails_with_line_and_column_and_refunds,
        numbers_that_are_no_numbers_fail,
        a_ragged_row_fails_with_its_line,
        an_unclosed_quote_fails_with_its_line,
        bad_utf_8_is_refused_with_its_line,
        more_rows_than_the_service_takes_fail_and_refund,
        hostile_file_names_reach_no_path_and_no_header,
        script_in_names_stays_text,
        forms_that_are_no_form_with_one_file_are_refused,
        a_broken_upload_leaves_the_order_usable;
    own:
        zeros_in_gzip_end_early,
        an_upload_over_the_limit_ends_early;
}

/// A customer with one order, and what became of it.
struct Attempt {
    customer: Customer,
    order: String,
}

impl Attempt {
    async fn new(on: &Installation) -> Attempt {
        let customer = Customer::with_balance(on, 10).await;
        let order = customer.order(&on.service("logistic", 10).await).await;
        Attempt { customer, order }
    }

    async fn upload(&self, content: impl Into<Bytes>) -> Answer {
        self.customer.try_upload(&self.order, content).await
    }

    /// The file is refused at the door with this status and code, and the order can still be used.
    async fn expect_refused(&self, content: impl Into<Bytes>, status: u16, code: &str) -> serde_json::Value {
        let problem = self.upload(content).await.expect_problem(status, code);
        assert_eq!(self.customer.order_now(&self.order).await["status"], "paid");
        problem
    }

    /// The file is refused at the door or fails later, in either case at this line and column; if it was accepted
    /// the money is back.
    async fn expect_fault(&self, content: impl Into<Bytes>, code: &str, line: u64, column: &str) {
        let answer = self.upload(content).await;
        let error = match answer.status {
            422 => answer.expect_problem(422, code),
            _ => {
                let accepted = answer.expect(202).json();
                let ended = self.customer.failed(accepted["id"].as_str().unwrap(), code).await;
                let order = self.customer.order_now(&self.order).await;
                assert_eq!((&order["status"], &order["is_provided"]), (&json!("refunded"), &json!(false)));
                assert_eq!(self.customer.balance().await, 10);
                assert_eq!(self.customer.movements().await[0], ("refund".to_owned(), 10));
                let path = format!("/predictions/{}/result", accepted["id"].as_str().unwrap());
                self.customer.client.get(&path).await.expect_problem(409, "prediction_failed");
                ended["error"].clone()
            }
        };
        let first = &error["errors"][0];
        assert_eq!((&first["line"], &first["column"]), (&json!(line), &json!(column)), "{error}");
    }
}

async fn files_that_hold_no_customers_are_refused_and_the_order_stays_usable(on: &Installation) {
    let attempt = Attempt::new(on).await;
    let csv = generated(3, 81).await;
    let header = csv.lines().next().unwrap().to_owned();
    let binary: Vec<u8> =
        (0..4_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    attempt.expect_refused("", 422, "empty_file").await;
    attempt.expect_refused("\r\n \n\n", 422, "empty_file").await;
    attempt.expect_refused(header.clone(), 422, "no_rows").await;
    attempt.expect_refused(format!("{header}\r\n\r\n"), 422, "no_rows").await;
    attempt.expect_refused(binary, 422, "binary_file").await;
    attempt.expect_refused(format!("{csv}\u{0}"), 422, "binary_file").await;
    attempt.expect_refused(&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], 422, "binary_file").await;
    let prediction = attempt.customer.upload(&attempt.order, csv).await;
    attempt.customer.succeeded(&prediction).await;
}

async fn a_missing_column_is_named(on: &Installation) {
    let attempt = Attempt::new(on).await;
    let csv = generated(3, 82).await;
    let lacking = without_column(&without_column(&csv, "tenure"), "Contract");
    let problem = attempt.expect_refused(lacking, 422, "missing_columns").await;
    assert_eq!(problem["missing_columns"], json!(["tenure", "Contract"]), "{problem}");
    attempt.expect_refused("a,b\n1,2\n", 422, "missing_columns").await;
}

async fn headers_that_cannot_be_matched_are_refused(on: &Installation) {
    let attempt = Attempt::new(on).await;
    let csv = generated(2, 83).await;
    let doubled = csv.lines().enumerate().map(|(number, line)| match number {
        0 => format!("{line},tenure\n"),
        _ => format!("{line},1\n"),
    });
    attempt.expect_refused(doubled.collect::<String>(), 422, "duplicate_columns").await;
    let meaning_the_same = csv.lines().enumerate().map(|(number, line)| match number {
        0 => format!("{line},ClientPeriod\n"),
        _ => format!("{line},1\n"),
    });
    attempt.expect_refused(meaning_the_same.collect::<String>(), 422, "duplicate_columns").await;
    let wide: String = (0..50_000).map(|number| format!("c{number},")).collect();
    let answer = attempt.upload(format!("{wide}\n{wide}\n")).await;
    let code = answer.expect_any_problem(422)["code"].clone();
    assert!(code == "too_many_columns" || code == "record_too_long", "{code}");
}

async fn archives_are_refused_by_their_first_bytes(on: &Installation) {
    let attempt = Attempt::new(on).await;
    let csv = generated(2, 84).await;
    for magic in [
        &b"PK\x03\x04\x14\0"[..],
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07\0",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
    ] {
        let file = [magic, csv.as_bytes()].concat();
        attempt.expect_refused(file, 415, "unsupported_archive").await;
    }
    attempt.expect_refused(gzipped(&gzipped(csv.as_bytes())), 415, "unsupported_archive").await;
    let path = format!("/predictions?order_id={}", attempt.order);
    let request =
        attempt.customer.client.post(&path).header("content-encoding", "br").file("a.csv", csv.clone());
    request.await.expect_any_problem(415);
    let mut cut = gzipped(csv.as_bytes());
    cut.truncate(cut.len() - 9);
    attempt.expect_refused(cut, 422, "bad_gzip").await;
}

async fn a_word_in_a_number_fails_with_line_and_column_and_refunds(on: &Installation) {
    let attempt = Attempt::new(on).await;
    let csv = with_cell(&generated(300, 85).await, 250, "tenure", "twelve");
    attempt.expect_fault(csv, "not_a_number", 251, "tenure").await;
}

async fn numbers_that_are_no_numbers_fail(on: &Installation) {
    let csv = generated(5, 86).await;
    for value in ["1e400", "NaN", "inf", "-Infinity", "0x10", "1 2", "--1"] {
        let attempt = Attempt::new(on).await;
        attempt
            .expect_fault(with_cell(&csv, 3, "MonthlyCharges", value), "not_a_number", 4, "MonthlyCharges")
            .await;
    }
}

async fn a_ragged_row_fails_with_its_line(on: &Installation) {
    let csv = generated(5, 87).await;
    for edit in
        [|line: &str| format!("{line},extra"), |line: &str| line.rsplit_once(',').unwrap().0.to_owned()]
    {
        let attempt = Attempt::new(on).await;
        let lines = csv.lines().enumerate();
        let ragged: String = lines
            .map(|(number, line)| if number == 4 { edit(line) } else { line.to_owned() } + "\n")
            .collect();
        let accepted = attempt.upload(ragged).await.expect(202).json();
        let ended = attempt.customer.failed(accepted["id"].as_str().unwrap(), "ragged_row").await;
        assert_eq!(ended["error"]["errors"][0]["line"], 5, "{ended}");
        assert_eq!(attempt.customer.balance().await, 10);
    }
}

async fn an_unclosed_quote_fails_with_its_line(on: &Installation) {
    let csv = generated(400, 88).await;
    let quoted = |wanted: usize| -> String {
        let opened = |line: &str| {
            let (first, rest) = line.split_once(',').unwrap();
            format!("\"{first},{rest}\n")
        };
        let lines = csv.lines().enumerate();
        lines
            .map(|(number, line)| if number == wanted { opened(line) } else { format!("{line}\n") })
            .collect()
    };
    for line in [0, 1] {
        Attempt::new(on).await.expect_refused(quoted(line), 422, "unclosed_quote").await;
    }
    let attempt = Attempt::new(on).await;
    let column = csv.split(',').next().unwrap();
    attempt.expect_fault(quoted(300), "unclosed_quote", 301, column).await;
}

async fn bad_utf_8_is_refused_with_its_line(on: &Installation) {
    let attempt = Attempt::new(on).await;
    let csv = generated(5, 89).await;
    // Alone the byte could be Windows-1251; beside good UTF-8 it cannot.
    let csv = with_cell(&with_cell(&csv, 2, "PaymentMethod", "Crédit"), 4, "PaymentMethod", "Überweisung");
    let mut bytes = csv.into_bytes();
    let place = bytes.windows(2).position(|pair| pair == "é".as_bytes()).unwrap();
    bytes.splice(place..place + 2, [0xe9]);
    let problem = attempt.upload(bytes).await.expect_problem(422, "bad_encoding");
    assert_eq!(
        (&problem["errors"][0]["line"], &problem["errors"][0]["column"]),
        (&json!(3), &json!("PaymentMethod"))
    );
}

async fn zeros_in_gzip_end_early(on: &mut Installation) {
    let attempt = Attempt::new(on).await;
    // As much as is read off after an early answer, so that the client gets it.
    let zeros = gzipped(&vec![0; 200 << 20]);
    let letters = gzipped(&vec![b'a'; 200 << 20]);
    for bomb in [zeros, letters] {
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        let started = Instant::now();
        let status = attempt.upload(bomb).await.status;
        assert!(matches!(status, 413 | 422), "{status}");
        assert!(started.elapsed() < Duration::from_secs(4), "took {:?}", started.elapsed());
        let peak = on.server.peak_memory_bytes();
        assert!(peak < 200 << 20, "{peak} bytes");
    }
}

async fn more_rows_than_the_service_takes_fail_and_refund(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    let body = json!({ "name": new_name(), "model": "logistic", "price": 10, "max_rows": 3 });
    let service = on.admin().await.post("/admin/services").json(&body).await.expect(201).json();
    let service = service["id"].as_str().unwrap();
    let csv = generated(4, 90).await;
    let prediction = customer.predict(service, csv.clone()).await;
    customer.failed(&prediction, "too_many_rows").await;
    assert_eq!(customer.balance().await, 10);
    let three: String = csv.lines().take(4).map(|line| format!("{line}\n")).collect();
    customer.score(service, three).await;
}

fn new_name() -> String {
    format!("small {}", uuid::Uuid::new_v4().simple())
}

async fn hostile_file_names_reach_no_path_and_no_header(on: &Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("logistic", 10).await;
    let csv = generated(1, 91).await;
    let long = "x".repeat(10_000);
    let names = [
        "../../etc/passwd",
        "a%00.csv",
        &long,
        "\u{202e}vsc.exe",
        "..",
        "a\"; filename=\"b.csv",
        "клиенты.csv",
    ];
    for name in names {
        let request =
            customer.client.post(&format!("/predictions?service_id={service}")).file(name, csv.clone());
        let prediction = request.await.expect(202).json();
        let prediction = prediction["id"].as_str().unwrap();
        let ended = customer.succeeded(prediction).await;
        let kept = ended["file_name"].as_str().unwrap();
        assert!(kept.chars().count() <= 255 && !kept.contains(['/', '\\', '\u{202e}']), "{kept}");
        let answer = customer.client.get(&format!("/predictions/{prediction}/result")).await.expect(200);
        let disposition = answer.header("content-disposition");
        assert_eq!(disposition.matches('"').count(), 2, "{disposition}");
        assert!(
            disposition.starts_with("attachment; filename=\"") && disposition.is_ascii(),
            "{disposition}"
        );
    }
}

async fn script_in_names_stays_text(on: &Installation) {
    let customer = Customer::with_balance(on, 10).await;
    let service = on.service("logistic", 10).await;
    let script = "<img src=x onerror=alert(1)>";
    let csv: String = generated(2, 92).await.lines().map(|line| format!("{script},{line}\n")).collect();
    let request =
        customer.client.post(&format!("/predictions?service_id={service}")).file(script, csv.clone());
    let prediction = request.await.expect(202).json();
    let prediction = prediction["id"].as_str().unwrap();
    customer.succeeded(prediction).await;
    let answer = customer.client.get(&format!("/predictions/{prediction}")).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let result = customer.result(prediction).await;
    let result = std::str::from_utf8(&result).unwrap();
    tests::customers_file::scored_rows(&csv, result, ',', '.');
}

async fn forms_that_are_no_form_with_one_file_are_refused(on: &Installation) {
    let attempt = Attempt::new(on).await;
    let post = || attempt.customer.client.post(&format!("/predictions?order_id={}", attempt.order));
    let csv = generated(1, 93).await;
    post().body("text/csv", csv.clone()).await.expect_any_problem(415);
    post().json(&json!({ "file": csv })).await.expect_any_problem(415);
    let form = "multipart/form-data; boundary=x";
    let status = post().body("multipart/form-data", csv.clone()).await.status;
    assert!(matches!(status, 400 | 415), "{status}");
    for body in [
        "--x--\r\n".to_owned(),
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"data\"; filename=\"a\"\r\n\r\n{csv}\r\n--x--\r\n"
        ),
        format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{csv}"),
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{csv}\r\n\
             --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b\"\r\n\r\n{csv}\r\n--x--\r\n"
        ),
    ] {
        let status = post().body(form, body).await.status;
        assert!(matches!(status, 400 | 422), "{status}");
    }
    assert_eq!(attempt.customer.order_now(&attempt.order).await["status"], "paid");
}

async fn a_broken_upload_leaves_the_order_usable(on: &Installation) {
    use tokio::io::AsyncWriteExt;

    let attempt = Attempt::new(on).await;
    let csv = generated(200, 94).await;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", on.port())).await.unwrap();
    let head = format!(
        "POST /api/v1/predictions?order_id={} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=x\r\ncontent-length: 1000000\r\n\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n{csv}",
        attempt.order,
        attempt.customer.client.token()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    let prediction = attempt.customer.upload(&attempt.order, csv).await;
    attempt.customer.succeeded(&prediction).await;
    let list = attempt.customer.client.get("/predictions").await.expect(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

async fn an_upload_over_the_limit_ends_early(on: &mut Installation) {
    on.restart_server_with(&[("UPLOAD_BYTES_MAX", "100000")]).await;
    let attempt = Attempt::new(on).await;
    let csv = generated(2_000, 95).await;
    assert!(csv.len() > 200_000);
    attempt.upload(csv.clone()).await.expect_any_problem(413);
    // Small as it is sent, and large once it is unpacked.
    let packed = gzipped(csv.as_bytes());
    assert!(packed.len() < 100_000);
    attempt.upload(packed).await.expect_any_problem(413);
    assert_eq!(attempt.customer.order_now(&attempt.order).await["status"], "paid");
    let small: String = csv.lines().take(100).map(|line| format!("{line}\n")).collect();
    let prediction = attempt.customer.upload(&attempt.order, small).await;
    attempt.customer.succeeded(&prediction).await;
}
