//! What is erased is gone from everywhere and leaves a receipt; no log holds a personal value; every event of
//! security and administration is written down for good.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tests::customer::{Customer, new_email};
use tests::customers_file::{generated, with_cell};
use tests::flows;
use tests::installation::{Installation, PASSWORD, Profile, Setup, id_of};
use tests::marked::Marked;
use tests::patience::eventually;
use tests::suite::BOTH;

flows! {
    shared:
        a_deletion_erases_every_copy_and_leaves_a_receipt,
        a_receipt_is_written_once_and_completed_once;
    plain:
        what_expires_is_erased_from_every_store,
        no_log_holds_a_personal_value_or_a_secret;
    own:
        every_event_of_security_and_administration_is_in_the_audit_log,
        what_a_late_worker_writes_for_an_erased_prediction_is_erased;
}

const PRICE: i64 = 10;
/// Far longer than erasing takes; the sweeper looks every minute at the latest.
const ERASED_WITHIN: Duration = Duration::from_secs(90);

/// Files of a prediction in the object store.
fn files_of(directory: &Path, prediction: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_of(&path, prediction));
        } else if path.to_string_lossy().contains(prediction) {
            found.push(path);
        }
    }
    found
}

/// Keys in Redis that hold something of a prediction.
async fn keys_of(on: &Installation, prediction: &str) -> Vec<String> {
    if on.profile == Profile::Embedded {
        return Vec::new();
    }
    let client = redis::Client::open(on.share().redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let pattern = format!("*{prediction}*");
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.unwrap();
    // That it was erased is remembered for a day.
    keys.into_iter().filter(|key| !key.starts_with("augur:erased:")).collect()
}

async fn erasure(customer: &Customer, prediction: &str) -> tests::answer::Answer {
    customer.client.get(&format!("/predictions/{prediction}/erasure")).await
}

/// Waits until the receipt says that no copy is left, and looks whether that is true.
async fn erased(on: &Installation, customer: &Customer, prediction: &str, reason: &str) -> Value {
    let receipt = eventually("no copy is left", ERASED_WITHIN, async || {
        let receipt = erasure(customer, prediction).await;
        let is_complete = receipt.status == 200 && receipt.json()["completed_at"].is_string();
        is_complete.then(|| receipt.json())
    })
    .await;
    assert_eq!(receipt["reason"], reason, "{receipt}");
    assert_eq!(files_of(&on.objects(), prediction), Vec::<PathBuf>::new());
    assert_eq!(keys_of(on, prediction).await, Vec::<String>::new());
    receipt
}

/// The SHA-256 as the database computes it.
async fn sha256(on: &Installation, bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    on.database().await.text(&format!("SELECT encode(sha256(decode('{digits}', 'hex')), 'hex')")).await
}

async fn a_deletion_erases_every_copy_and_leaves_a_receipt(on: &Installation) {
    let customer = Customer::with_balance(on, 10 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let file = generated(9, 911).await;
    let prediction = customer.predict(&service, file.clone()).await;
    customer.succeeded(&prediction).await;
    let result = customer.result(&prediction).await;
    assert_eq!(files_of(&on.objects(), &prediction).len(), 2, "input and result");
    if on.profile == Profile::Distributed {
        eventually("Redis has it", Duration::from_secs(10), async || {
            keys_of(on, &prediction).await.iter().any(|key| key.contains("result")).then_some(())
        })
        .await;
    }
    erasure(&customer, &prediction).await.expect_problem(409, "prediction_not_erased");
    let stranger = Customer::poor(on).await;
    erasure(&stranger, &prediction).await.expect_problem(404, "not_found");

    let path = format!("/predictions/{prediction}");
    customer.client.delete(&path).await.expect(204);
    let receipt = erased(on, &customer, &prediction, "deleted").await;
    assert_eq!(receipt["input"], json!({ "bytes": file.len(), "sha256": sha256(on, file.as_bytes()).await }));
    assert_eq!(receipt["result"], json!({ "bytes": result.len(), "sha256": sha256(on, &result).await }));
    customer.client.get(&format!("{path}/result")).await.expect_problem(410, "gone");
    customer.client.delete(&path).await.expect(204);
    assert_eq!(erasure(&customer, &prediction).await.json(), receipt, "a second deletion changes nothing");
    erasure(&stranger, &prediction).await.expect_problem(404, "not_found");

    let bad = with_cell(&file, 2, "MonthlyCharges", "many");
    let failed = customer.predict(&service, bad).await;
    customer.failed(&failed, "not_a_number").await;
    customer.client.delete(&format!("/predictions/{failed}")).await.expect(204);
    let receipt = erased(on, &customer, &failed, "deleted").await;
    assert_eq!(receipt["result"], Value::Null, "{receipt}");
    assert!(!customer.prediction_now(&failed).await.to_string().contains("many"), "the error quotes no cell");
}

async fn a_receipt_is_written_once_and_completed_once(on: &Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let prediction = customer.predict(&service, generated(2, 912).await).await;
    customer.succeeded(&prediction).await;
    customer.client.delete(&format!("/predictions/{prediction}")).await.expect(204);
    erased(on, &customer, &prediction, "deleted").await;
    let mut database = on.database().await;
    for change in [
        format!("UPDATE erasures SET completed_at = now() WHERE prediction_id = '{prediction}'"),
        format!("UPDATE erasures SET completed_at = NULL WHERE prediction_id = '{prediction}'"),
        format!("UPDATE erasures SET reason = 'expired' WHERE prediction_id = '{prediction}'"),
        format!("DELETE FROM erasures WHERE prediction_id = '{prediction}'"),
        "TRUNCATE erasures".to_owned(),
    ] {
        let said = database.refuses(&change).await;
        assert!(said.contains("append-only"), "{change}: {said}");
    }
    for role in ["augur_app", "augur_system"] {
        let said = database.refuses(&format!("SET ROLE {role}; DELETE FROM erasures")).await;
        assert!(said.contains("permission denied"), "{role}: {said}");
        database.execute("RESET ROLE").await;
    }
}

async fn what_expires_is_erased_from_every_store() {
    for &profile in BOTH {
        let retention = ("RETENTION_SECONDS".to_owned(), "4".to_owned());
        let setup = Setup { environment: vec![retention], ..Setup::default() };
        let on = Installation::start(profile, "privacy-expiry", &setup).await;
        let customer = Customer::with_balance(&on, 10 * PRICE).await;
        let service = on.service("logistic", PRICE).await;
        let prediction = customer.predict(&service, generated(50, 913).await).await;
        customer.succeeded(&prediction).await;
        let receipt = erased(&on, &customer, &prediction, "expired").await;
        assert!(receipt["input"]["bytes"].as_i64().unwrap() > 1000, "{receipt}");
        let path = format!("/predictions/{prediction}/result");
        customer.client.get(&path).await.expect_problem(410, "gone");
        assert_eq!(customer.prediction_now(&prediction).await["file_name"], "");
        assert_eq!(customer.balance().await, 9 * PRICE, "the money trail stays");
        on.audit().await;
        on.remove().await;
    }
}

async fn no_log_holds_a_personal_value_or_a_secret() {
    for &profile in BOTH {
        let level = ("AUGUR_LOG".to_owned(), "debug".to_owned());
        let setup = Setup { environment: vec![level], ..Setup::default() };
        let on = Installation::start(profile, "privacy-logs", &setup).await;
        let marked = Marked::live(&on).await;
        for prediction in [&marked.succeeded, &marked.failed] {
            marked.customer.client.delete(&format!("/predictions/{prediction}")).await.expect(204);
        }
        let change = json!({ "current_password": PASSWORD, "new_password": format!("new {}", marked.mark) });
        marked.customer.client.post("/me/password").json(&change).await.expect(204);
        let mut logs: Vec<String> =
            std::iter::once(&on.server).chain(&on.workers).map(|process| process.logged()).collect();
        assert!(logs.iter().any(|log| log.contains("\"DEBUG\"")), "the logs are those of debugging");
        if profile == Profile::Embedded {
            let log = on.data_directory().join("postgres.log");
            logs.push(std::fs::read_to_string(&log).expect("PostgreSQL's own log"));
            assert!(logs[1].contains("users_email_key"), "a refused address was logged: {}", logs[1]);
        }
        for log in &logs {
            assert_eq!(marked.found_in(log), None);
        }
        let audit_log = "SELECT string_agg(entry::text, chr(10)) FROM audit_log AS entry";
        let events = on.database().await.text(audit_log).await;
        assert_eq!(marked.found_in(&events), None);
        on.audit().await;
        on.remove().await;
    }
}

/// The actions in the audit log, with how often each was written.
async fn actions(on: &Installation, condition: &str) -> String {
    let query = format!(
        "SELECT coalesce(string_agg(action || ' ' || times, ', ' ORDER BY action), '') FROM \
         (SELECT action, count(*) AS times FROM audit_log WHERE {condition} GROUP BY action) AS actions"
    );
    on.database().await.text(&query).await
}

async fn every_event_of_security_and_administration_is_in_the_audit_log(on: &mut Installation) {
    let (admin, _) = on.new_admin().await;
    let me = id_of(&admin.get("/me").await.expect(200).json());
    let customer = administer(on, &admin).await;
    let done = actions(on, &format!("actor_user_id = '{me}'")).await;
    assert_eq!(
        done,
        "account.closed 1, deposit.made 1, login.succeeded 1, order.refunded 1, service.changed 1, \
         service.created 1, user.changed 2"
    );
    let tenant = live_as_a_customer(on).await;
    let done = actions(on, &format!("tenant_id = '{tenant}'")).await;
    assert_eq!(
        done,
        "account.closed 1, api_key.created 1, api_key.revoked 1, data.exported 1, deposit.made 1, \
         login.failed 10, login.limited 1, login.succeeded 4, prediction.deleted 1, refresh_token.reused 1, \
         session.ended 1, user.password_changed 1, user.registered 1"
    );
    let on_command_line = format!("actor_user_id = '{}'", uuid::Uuid::nil());
    assert_eq!(actions(on, &on_command_line).await, "deposit.made 1, user.registered 2");
    let listed = admin.get("/admin/audit-log?limit=100").await.expect(200).text();
    assert!(listed.contains("login.limited") && listed.contains(&customer), "administrators see it");
    let mut database = on.database().await;
    for change in ["UPDATE audit_log SET action = 'nothing'", "DELETE FROM audit_log", "TRUNCATE audit_log"] {
        let said = database.refuses(change).await;
        assert!(said.contains("append-only"), "{change}: {said}");
    }
}

/// Everything that an administrator can do, to a customer whose id is returned.
async fn administer(on: &Installation, admin: &tests::client::Client) -> String {
    let body = json!({ "name": "one of its own", "model": "logistic", "price": PRICE });
    let service = id_of(&admin.post("/admin/services").json(&body).await.expect(201).json());
    let path = format!("/admin/services/{service}");
    admin.patch(&path).json(&json!({ "price": PRICE + 1 })).await.expect(200);
    let customer = Customer::poor(on).await;
    let deposit = json!({ "email": customer.email, "amount": 10 * PRICE });
    admin.post("/admin/deposits").json(&deposit).await.expect(201);
    let order = customer.order(&service).await;
    let refund = json!({ "note": "as agreed" });
    admin.post(&format!("/admin/orders/{order}/refund")).json(&refund).await.expect(200);
    let id = id_of(&customer.user);
    let path = format!("/admin/users/{id}");
    admin.patch(&path).json(&json!({ "role": "admin" })).await.expect(200);
    admin.patch(&path).json(&json!({ "disabled": true })).await.expect(200);
    admin.delete(&format!("{path}?forfeit_balance=true")).await.expect(204);
    id
}

/// Every event that a customer can cause; returns the tenant.
async fn live_as_a_customer(on: &Installation) -> String {
    let customer = Customer::poor(on).await; // signs in for the first time
    let tenant = customer.user["tenant_id"].as_str().unwrap().to_owned();
    on.command(&["admin", "deposit", "--email", &customer.email, "--amount", "100"]).await;
    let client = &customer.client;
    let key = json!({ "name": "a key", "scope": "read" });
    let key = id_of(&client.post("/api-keys").json(&key).await.expect(201).json());
    client.delete(&format!("/api-keys/{key}")).await.expect(204);
    client.get("/export").await.expect(200);
    let service = on.service("logistic", PRICE).await;
    let prediction = customer.predict(&service, generated(2, 914).await).await;
    customer.succeeded(&prediction).await;
    client.delete(&format!("/predictions/{prediction}")).await.expect(204);
    on.log_in(&customer.email, PASSWORD).await.post("/auth/logout").await.expect(204);
    let form = [("grant_type", "password"), ("username", customer.email.as_str()), ("password", PASSWORD)];
    let login = on.anonymous().post("/auth/token").form(&form).await.expect(200).json();
    let refresh = login["refresh_token"].as_str().unwrap();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    on.anonymous().post("/auth/token").form(&refresh).await.expect(200);
    on.anonymous().post("/auth/token").form(&refresh).await.expect(401);
    let password = "another-horse-8-battery";
    let change = json!({ "current_password": PASSWORD, "new_password": password });
    client.post("/me/password").json(&change).await.expect(204);
    let client = on.log_in(&customer.email, password).await;
    let wrong = [("username", customer.email.as_str()), ("password", "a wrong guess")];
    for _ in 0..10 {
        on.anonymous().post("/auth/token").form(&wrong).await.expect(401);
    }
    for _ in 0..3 {
        on.anonymous().post("/auth/token").form(&wrong).await.expect_problem(429, "too_many_failed_logins");
    }
    let nobody = new_email();
    let wrong = [("username", nobody.as_str()), ("password", "a wrong guess")];
    on.anonymous().post("/auth/token").form(&wrong).await.expect(401);
    let body = json!({ "password": password, "forfeit_balance": true });
    client.ask(reqwest::Method::DELETE, "/me").json(&body).await.expect(204);
    tenant
}

async fn what_a_late_worker_writes_for_an_erased_prediction_is_erased(on: &mut Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let prediction = customer.predict(&service, generated(2, 915).await).await;
    customer.succeeded(&prediction).await;
    customer.client.delete(&format!("/predictions/{prediction}")).await.expect(204);
    erased(on, &customer, &prediction, "deleted").await;
    // As a worker that was stopped at its last step does, when it goes on hours later.
    let late = on.objects().join("results").join(&prediction);
    std::fs::create_dir_all(&late).unwrap();
    std::fs::write(late.join("7"), "customerID,stays\nC1,1\n").unwrap();
    eventually("the sweeper has found it", Duration::from_secs(100), async || {
        files_of(&on.objects(), &prediction).is_empty().then_some(())
    })
    .await;
}
