//! A million customers in bounded memory.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use tests::customer::Customer;
use tests::flows;
use tests::installation::{Installation, Profile};
use tests::program;

flows! {
    alone: a_million_rows_are_uploaded_and_scored_in_150_mb;
    embedded: a_million_rows_are_scored_by_one_process_in_bounded_memory;
}

const ROWS: u64 = 1_000_000;
const MEMORY_BYTES_MAX: u64 = 150 << 20;
const LIMIT: Duration = Duration::from_secs(150);

async fn million_customers() -> Bytes {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("customers.csv");
    let rows = ROWS.to_string();
    program::run_well(&["demo-data", "--rows", &rows, "--seed", "7", "-o", path.to_str().unwrap()], &[])
        .await;
    let bytes = Bytes::from(std::fs::read(&path).unwrap());
    assert!(bytes.len() > 90 << 20, "{} bytes", bytes.len());
    bytes
}

async fn a_million_rows_are_uploaded_and_scored_in_150_mb(on: &mut Installation) {
    assert_eq!(on.profile, Profile::Distributed);
    score_and_download(on).await;
    for process in std::iter::once(&on.server).chain(&on.workers) {
        let peak = process.peak_memory_bytes();
        println!("{}: {} MB at most", process.log().display(), peak >> 20);
        assert!(peak < MEMORY_BYTES_MAX, "{}: {peak} bytes", process.log().display());
    }
}

async fn a_million_rows_are_scored_by_one_process_in_bounded_memory(on: &mut Installation) {
    score_and_download(on).await;
    let peak = on.server.peak_memory_bytes();
    assert!(peak < 2 * MEMORY_BYTES_MAX, "{peak} bytes");
}

async fn score_and_download(on: &Installation) {
    let customer = Customer::with_balance(on, 100_000).await;
    let service = customer.seeded_service("catboost").await;
    let order = customer.order(service["id"].as_str().unwrap()).await;
    let input = million_customers().await;
    let started = Instant::now();
    let prediction = customer.upload(&order, input.clone()).await;
    let uploaded = started.elapsed();
    let ended = customer.ended_within(&prediction, LIMIT).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(ended["summary"]["rows"], ROWS);
    println!("a million rows: uploaded in {uploaded:?}, scored after {:?}", started.elapsed());
    let (lines, bytes) = download(&customer, &prediction).await;
    assert_eq!(lines, ROWS + 1);
    // Each line got a comma, a digit, a comma and eight characters; the header its two names.
    let names = ",stays,churn_probability".len() as u64;
    assert_eq!(bytes, input.len() as u64 + ROWS * 11 + names);
    assert_eq!(customer.order_now(&order).await["status"], "provided");
}

/// Lines and bytes of a result, read as a stream.
async fn download(customer: &Customer, prediction: &str) -> (u64, u64) {
    let response = customer.client.get(&format!("/predictions/{prediction}/result")).open().await;
    assert_eq!(response.status(), 200);
    let mut stream = response.bytes_stream();
    let (mut lines, mut bytes) = (0, 0);
    while let Some(piece) = stream.next().await {
        let piece = piece.unwrap();
        lines += piece.iter().filter(|&&byte| byte == b'\n').count() as u64;
        bytes += piece.len() as u64;
    }
    (lines, bytes)
}
