//! Upgrades under load, and a backup that is restored: nothing fails, and nothing is lost.

mod load;

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::balancer::Balancer;
use tests::client::Client;
use tests::cluster::{Cluster, Member};
use tests::customers_file::generated;
use tests::database::Database;
use tests::flows;
use tests::installation::{PASSWORD, client_of, free_port};
use tests::patience::eventually;
use tests::process::Process;
use tests::program;
use tests::services::Services;

use load::{Load, PRICE};

flows! {
    plain:
        a_rolling_restart_under_load_fails_no_request,
        an_older_version_serves_on_an_expanded_schema_and_refuses_to_migrate_it,
        a_backup_is_restored_elsewhere_with_every_result_and_all_money;
}

const CUSTOMERS: usize = 5;
const RESTARTS: usize = 3;
const READY_WITHIN: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
/// Longer than a client keeps an idle connection.
const DRAIN_DELAY: (&str, &str) = ("DRAIN_DELAY_SECONDS", "1");

/// Two APIs and two workers under load behind a balancer.
async fn under_load(name: &str) -> (Cluster, Balancer, Load) {
    let cluster = Cluster::start(name, 2, 2, &[DRAIN_DELAY]).await;
    let balancer = Balancer::before(&cluster.urls).await;
    let load = Load::begin(&cluster, &balancer.url(), CUSTOMERS).await;
    (cluster, balancer, load)
}

/// Has every process end in order and start again, one after the other.
async fn restart_all(cluster: &Cluster) {
    for (number, member) in cluster.members.iter().enumerate() {
        restart(member).await;
        if let Some(url) = cluster.urls.get(number) {
            ready(&cluster.anonymous().at(url)).await;
        }
    }
}

async fn restart(member: &Member) {
    let mut process = member.process.lock().await;
    process.signal("TERM");
    let status = process.end(STOPPED_WITHIN).await;
    assert!(status.success(), "{} ended with {status}", member.name);
    member.start(&mut process);
}

async fn ready(client: &Client) {
    eventually("the API is ready", READY_WITHIN, async || {
        let answer = client.get_at_root("/readyz").try_send().await.ok()?;
        (answer.status == 200).then_some(())
    })
    .await;
}

/// Every file was charged once and scored, and the audit finds nothing.
async fn expect_nothing_lost(cluster: &Cluster) {
    let mut database = Database::at(&cluster.share.database_url).await;
    database.execute("SET ROLE augur_system").await;
    for query in [
        "SELECT count(*) FROM predictions WHERE status <> 'succeeded'",
        "SELECT count(*) FROM orders WHERE status <> 'provided'",
        "SELECT count(*) FROM jobs WHERE failures > 0",
    ] {
        assert_eq!(database.number(query).await, 0, "{query}");
    }
    cluster.audit().await.unwrap();
}

async fn a_rolling_restart_under_load_fails_no_request() {
    let (cluster, _balancer, load) = under_load("upgrades-rolling").await;
    for _ in 0..RESTARTS {
        restart_all(&cluster).await;
    }
    let done = load.end().await;
    assert!(done.requests > 200 && done.files > 20, "{} requests, {} files", done.requests, done.files);
    expect_nothing_lost(&cluster).await;
    cluster.remove().await;
}

async fn an_older_version_serves_on_an_expanded_schema_and_refuses_to_migrate_it() {
    let (cluster, _balancer, load) = under_load("upgrades-expanded").await;
    let mut database = Database::at(&cluster.share.database_url).await;
    // What a later version would do: columns that this one does not know, in tables that it uses all the time;
    // one table in a transaction, so that no request can wait for it in a circle.
    database.execute("SET lock_timeout = '5s'").await;
    database.execute("ALTER TABLE orders ADD COLUMN campaign text").await;
    database.execute("ALTER TABLE predictions ADD COLUMN explained boolean NOT NULL DEFAULT false").await;
    database
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9000, 'of a later version', true, '\\x00', 0)",
        )
        .await;
    restart_all(&cluster).await;
    load.end().await;
    expect_nothing_lost(&cluster).await;
    expect_refused(&cluster.command(&["migrate"]).await, "newer version of Augur");
    // A later version has contracted the schema: this one must not serve on it.
    database.execute("UPDATE settings SET value = '9000' WHERE name = 'oldest_program_migration'").await;
    let listen = format!("127.0.0.1:{}", free_port());
    for arguments in [&["api", "--listen", &listen][..], &["worker"], &["migrate"]] {
        expect_refused(&cluster.command(arguments).await, "newer");
    }
    cluster.remove().await;
}

#[track_caller]
fn expect_refused(output: &Output, reason: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(reason), "{said}");
}

/// The steps of docs/operations.md.
async fn a_backup_is_restored_elsewhere_with_every_result_and_all_money() {
    let cluster = Cluster::start("upgrades-backup", 1, 1, &[]).await;
    let admin = cluster.admin().await;
    let service = json!({ "name": "kept", "model": "logistic", "price": PRICE });
    let service = admin.post("/admin/services").json(&service).await.expect(201).json();
    let email = "kept@augur.example";
    let body = json!({ "email": email, "password": PASSWORD });
    cluster.anonymous().post("/auth/register").json(&body).await.expect(201);
    let deposit = json!({ "email": email, "amount": 100 * PRICE });
    admin.post("/admin/deposits").json(&deposit).await.expect(201);
    let client = cluster.log_in(email).await;
    let path = format!("/predictions?service_id={}", service["id"].as_str().unwrap());
    let (file, mut results) = (generated(50, 7).await, Vec::new());
    for _ in 0..5 {
        let prediction = upload(&client, &path, &file).await;
        results.push((prediction.clone(), result(&client, &prediction).await));
    }
    // One is accepted, and nobody has begun with it.
    cluster.members[1].process.lock().await.kill();
    let waiting = upload(&client, &path, &file).await;
    let before = money(&client).await;

    let backup = tempfile::tempdir().unwrap();
    let dump = backup.path().join("augur.dump");
    let dumping = ["--format=custom", "--enable-row-security", "--role=augur_system"];
    run("pg_dump", &[&dumping[..], &["--file", &shown(&dump), &cluster.share.database_url]].concat()).await;
    // What happens after the backup is not in it.
    upload(&client, &path, &file).await;
    let objects = backup.path().join("objects");
    run("cp", &["--recursive", "--dereference", &shown(&cluster.objects()), &shown(&objects)]).await;

    let url = Services::get().await.empty_database(&cluster.share).await;
    run("psql", &["--quiet", &url, "--command", "GRANT USAGE, CREATE ON SCHEMA public TO augur_system"])
        .await;
    run("pg_restore", &["--exit-on-error", "--single-transaction", "--dbname", &url, &shown(&dump)]).await;
    run("psql", &["--quiet", &url, "--command", "REVOKE CREATE ON SCHEMA public FROM augur_system"]).await;
    let mut environment = cluster.environment_with(&[
        ("DATABASE_URL", &url),
        ("AMQP_NAMESPACE", &cluster.share.database.replace("flows", "restored")),
    ]);
    environment.push(("STORAGE_URL".to_owned(), format!("file://{}", objects.display())));
    program::run_well(&["audit"], &environment).await;

    let listen = format!("127.0.0.1:{}", free_port());
    let start = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Process::start(&arguments, &environment, backup.path().join("log"))
    };
    let (_api, _worker) = (start(&["api", "--listen", &listen]), start(&["worker"]));
    let restored = client_of(&format!("http://{listen}")).with_token(client.token());
    ready(&restored).await;
    assert_eq!(money(&restored).await, before);
    for (prediction, content) in &results {
        assert_eq!(result(&restored, prediction).await, *content);
    }
    assert_eq!(result(&restored, &waiting).await, results[0].1, "what waited goes on");
    program::run_well(&["audit"], &environment).await;
    drop((_api, _worker));
    Services::get().await.drop_database(&url).await;
    cluster.remove().await;
}

async fn upload(client: &Client, path: &str, file: &str) -> String {
    let answer = client.post(path).file("customers.csv", file.to_owned()).await.expect(202);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Waits for a prediction, and reads its result.
async fn result(client: &Client, prediction: &str) -> String {
    let started = Instant::now();
    loop {
        let answer = client.get(&format!("/predictions/{prediction}/result")).await;
        if answer.status == 200 {
            return answer.text();
        }
        answer.expect_problem(409, "prediction_not_ready");
        assert!(started.elapsed() < READY_WITHIN, "{prediction} has not ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The balance and all transactions.
async fn money(client: &Client) -> (Value, Value) {
    let balance = client.get("/balance").await.expect(200).json();
    (balance, client.get("/transactions?limit=100").await.expect(200).json())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

async fn run(command: &str, arguments: &[&str]) {
    let output = tokio::process::Command::new(command).args(arguments).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command} {arguments:?}: {said}");
}
