//! Whatever gets past the guards is found: by `augur audit`, and by the sweeper of a running server.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::database::Database;
use tests::flows;
use tests::installation::{Installation, METRICS_TOKEN};
use tests::patience::eventually;

flows! {
    own:
        the_audit_reads_every_file_again,
        the_audit_finds_what_the_tables_should_not_hold,
        an_input_that_changed_in_the_store_is_not_scored_and_refunded;
    distributed:
        the_audit_finds_what_has_expired_and_was_not_erased;
    embedded:
        the_sweeper_finds_a_damaged_result_and_tells_the_metrics,
        what_was_ever_paid_in_fits_so_that_every_refund_does;
}

const PRICE: i64 = 10;

async fn system(on: &Installation) -> Database {
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    database
}

/// What the audit finds: the name of each broken invariant and what it says.
async fn violations(on: &Installation) -> Vec<(String, String)> {
    let output = on.try_command(&["audit", "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = report["violations"].as_array().unwrap().iter();
    let word = |violation: &Value, name: &str| violation[name].as_str().unwrap().to_owned();
    let found: Vec<_> = found.map(|one| (word(one, "invariant"), word(one, "detail"))).collect();
    assert_eq!(output.status.success(), found.is_empty(), "{report}");
    found
}

/// The audit finds one thing, of this name, that says this.
async fn expect_violation(on: &Installation, invariant: &str, detail: &str) {
    let found = violations(on).await;
    let is_it = |(name, said): &(String, String)| name == invariant && said.contains(detail);
    assert!(found.len() == 1 && found.iter().all(is_it), "wanted {invariant}, {detail}: {found:?}");
}

async fn scored(on: &Installation, rows: usize) -> (Customer, String) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let prediction = customer.predict(&service, generated(rows, 120).await).await;
    customer.succeeded(&prediction).await;
    (customer, prediction)
}

async fn the_audit_reads_every_file_again(on: &mut Installation) {
    let (_customer, prediction) = scored(on, 20).await;
    let input: PathBuf = on.objects().join("inputs").join(&prediction);
    let result = on.objects().join("results").join(&prediction).join("1");
    for (file, name) in [(&input, "the input"), (&result, "the result")] {
        let whole = std::fs::read(file).unwrap();
        std::fs::write(file, &whole[..whole.len() - 1]).unwrap();
        expect_violation(on, "result_can_be_read", &format!("the SHA-256 of {name}")).await;
        std::fs::remove_file(file).unwrap();
        expect_violation(on, "result_can_be_read", &format!("{name} is missing")).await;
        std::fs::write(file, whole).unwrap();
        assert_eq!(violations(on).await, []);
    }
    // A result that lost a row together with its hash.
    let whole = std::fs::read_to_string(&result).unwrap();
    let shorter: String = whole.lines().take(20).map(|line| format!("{line}\n")).collect();
    std::fs::write(&result, &shorter).unwrap();
    let mut database = system(on).await;
    let set = |text: &str| {
        let text = text.replace('\'', "''");
        format!(
            "UPDATE predictions SET result_sha256 = sha256(convert_to('{text}', 'UTF8')) WHERE id = '{prediction}'"
        )
    };
    database.execute(&set(&shorter)).await;
    expect_violation(on, "result_can_be_read", "the result has 19 rows where 20 customers were scored").await;
    std::fs::write(&result, &whole).unwrap();
    database.execute(&set(&whole)).await;
}

async fn the_audit_finds_what_the_tables_should_not_hold(on: &mut Installation) {
    let (customer, prediction) = scored(on, 3).await;
    let tenant = customer.user["tenant_id"].as_str().unwrap();
    let mut database = system(on).await;
    let key = |answer: &str| {
        format!(
            "INSERT INTO idempotency_keys (scope, key, request_hash, answer) \
             VALUES ('{tenant}', gen_random_uuid()::text, sha256('x'), '{answer}')"
        )
    };
    let forget = format!("DELETE FROM idempotency_keys WHERE scope = '{tenant}'");
    database.execute(&key(&json!(uuid::Uuid::nil()).to_string())).await;
    expect_violation(on, "key_has_one_effect", "names nothing").await;
    database.execute(&forget).await;
    for _ in 0..2 {
        database.execute(&key(&json!(prediction).to_string())).await;
    }
    expect_violation(on, "key_has_one_effect", "names what another key names").await;
    database.execute(&forget).await;

    let gone = "erased_at = now() - interval '1 hour', objects_gone_at = now() - interval '1 hour'";
    database.execute(&format!("UPDATE predictions SET {gone} WHERE id = '{prediction}'")).await;
    expect_violation(on, "erased_is_gone", "the object store holds a file of it").await;
    let kept = "erased_at = NULL, objects_gone_at = NULL";
    database.execute(&format!("UPDATE predictions SET {kept} WHERE id = '{prediction}'")).await;
    assert_eq!(violations(on).await, []);
}

async fn the_audit_finds_what_has_expired_and_was_not_erased(on: &mut Installation) {
    let (_customer, prediction) = scored(on, 3).await;
    // Nobody is left who would erase it.
    on.server.kill();
    for worker in &mut on.workers {
        worker.kill();
    }
    let mut database = system(on).await;
    let expire = |at: &str| format!("UPDATE predictions SET expires_at = {at} WHERE id = '{prediction}'");
    database.execute(&expire("now() - interval '2 hours'")).await;
    expect_violation(on, "expired_is_erased", "not erased").await;
    database.execute(&expire("now() + interval '1 day'")).await;
}

async fn an_input_that_changed_in_the_store_is_not_scored_and_refunded(on: &mut Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    // Results cannot be stored for now, so that the job is tried again later.
    let results = on.objects().join("results");
    let _ = std::fs::remove_dir_all(&results);
    std::fs::write(&results, "").unwrap();
    let prediction = customer.predict(&service, generated(20, 121).await).await;
    let input = on.objects().join("inputs").join(&prediction);
    let whole = std::fs::read_to_string(&input).unwrap();
    std::fs::write(&input, whole.replacen('1', "2", 1)).unwrap();
    std::fs::remove_file(&results).unwrap();
    let failed = customer.failed(&prediction, "input_damaged").await;
    assert!(
        failed["error"]["message"].as_str().unwrap().contains("not the one that was uploaded"),
        "{failed}"
    );
    assert_eq!(customer.balance().await, PRICE);
}

async fn the_sweeper_finds_a_damaged_result_and_tells_the_metrics(on: &mut Installation) {
    on.restart_server_with(&[("INVARIANT_INTERVAL_SECONDS", "1")]).await;
    let (customer, prediction) = scored(on, 20).await;
    let metric = async |depth: &str| {
        let metrics =
            customer.client.with_token(METRICS_TOKEN).get_at_root("/metrics").await.expect(200).text();
        let name = format!("augur_invariant_violations{{depth=\"{depth}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&name).map(str::to_owned))
    };
    let limit = Duration::from_secs(30);
    eventually("the files are found well", limit, async || (metric("files").await? == "0").then_some(()))
        .await;
    assert_eq!(metric("tables").await.as_deref(), Some("0"));
    let result = on.objects().join("results").join(&prediction).join("1");
    let whole = std::fs::read(&result).unwrap();
    std::fs::write(&result, &whole[1..]).unwrap();
    eventually("the damage is found", limit, async || (metric("files").await? != "0").then_some(())).await;
    on.server.has_logged(&["an invariant is broken", "result_can_be_read", &prediction], limit).await;
    std::fs::write(&result, &whole).unwrap();
    eventually("all is well again", limit, async || (metric("files").await? == "0").then_some(())).await;
}

async fn what_was_ever_paid_in_fits_so_that_every_refund_does(on: &mut Installation) {
    let customer = Customer::with_balance(on, i64::MAX - 5).await;
    let order = customer.order(&on.service("logistic", PRICE).await).await;
    assert_eq!(customer.balance().await, i64::MAX - 15);
    // Now the balance would have room, and the refund would find it gone.
    customer.deposit(on, 6).await.expect_problem(422, "invalid_request");
    customer.deposit(on, 5).await.expect(201);
    customer.client.post(&format!("/orders/{order}/cancel")).await.expect(200);
    assert_eq!(customer.balance().await, i64::MAX);
}
