//! The command line, as a person types it and a program reads it.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::customers_file::{generated, scored_rows, with_cell};
use tests::flows;
use tests::installation::{Installation, PASSWORD, Profile, Setup};
use tests::patience::eventually;
use tests::process::Process;
use tests::program;

flows! {
    plain:
        every_command_explains_itself_and_wrong_usage_ends_with_2,
        demo_data_is_the_same_for_the_same_seed,
        the_shipped_models_are_listed_with_their_quality,
        a_file_is_scored_and_replaced_whole,
        a_file_that_cannot_be_scored_ends_with_1_and_says_where,
        a_model_can_be_trained_evaluated_and_used,
        the_demo_prints_what_a_stranger_needs_and_keeps_it,
        a_weak_secret_is_refused_at_the_start,
        a_schema_that_is_behind_is_told;
    shared:
        an_administrator_and_a_deposit_are_made_beside_the_running_server,
        the_doctor_finds_everything_well,
        the_audit_speaks_to_people_and_to_programs;
    embedded:
        commands_start_the_database_for_their_own_time;
}

const MODELS: [&str; 4] = ["logistic", "svm", "random_forest", "catboost"];

async fn every_command_explains_itself_and_wrong_usage_ends_with_2() {
    for command in [
        "serve",
        "api",
        "worker",
        "migrate",
        "admin",
        "audit",
        "train",
        "evaluate",
        "predict",
        "plan",
        "models",
        "demo-data",
        "openapi",
        "doctor",
    ] {
        let help = program::run_well(&[command, "--help"], &[]).await;
        assert!(help.contains("Usage: augur") && help.lines().count() > 5, "{command}: {help}");
    }
    for wrong in
        [&["nonsense"][..], &["predict"], &["serve", "--listen", "nowhere"], &["demo-data", "--rows", "many"]]
    {
        let status = program::run(wrong, &[]).await.status;
        assert_eq!(status.code(), Some(2), "{wrong:?}");
    }
    assert!(program::run_well(&["--version"], &[]).await.starts_with("augur "));
}

async fn demo_data_is_the_same_for_the_same_seed() {
    let (one, again, other) = (generated(50, 1).await, generated(50, 1).await, generated(50, 2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert_eq!(one.lines().count(), 51);
    let labelled = program::run_well(&["demo-data", "--rows", "400", "--seed", "1", "--labels"], &[]).await;
    let header = labelled.lines().next().unwrap();
    assert!(header.split(',').any(|name| name == "Churn"), "{header}");
    let left = labelled.lines().filter(|line| line.ends_with(",Yes")).count();
    assert!((40..200).contains(&left), "{left} of 400 left");
}

async fn the_shipped_models_are_listed_with_their_quality() {
    let models = program::run_for_json(&["models", "list", "--json"], &[]).await;
    let names: Vec<&str> =
        models.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    for name in MODELS {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for model in models.as_array().unwrap() {
        assert_eq!(model["sha256"].as_str().unwrap().len(), 64);
        assert!(model["metrics"]["auc"].as_f64().unwrap() > 0.8, "{model}");
    }
}

async fn a_file_is_scored_and_replaced_whole() {
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("in.csv"), directory.path().join("out.csv"));
    let csv = generated(30, 121).await;
    std::fs::write(&input, &csv).unwrap();
    std::fs::write(&output, "what was there before").unwrap();
    let (from, to) = (input.to_str().unwrap(), output.to_str().unwrap());
    let mut seen = Vec::new();
    for model in MODELS {
        let printed = program::run_well(&["predict", "--model", model, from], &[]).await;
        program::run_well(&["predict", "--model", model, from, "-o", to], &[]).await;
        assert_eq!(std::fs::read_to_string(&output).unwrap(), printed);
        let scored = scored_rows(&csv, &printed, ',', '.');
        assert!(!seen.contains(&scored), "{model} is a model of its own");
        seen.push(scored);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left beside");
}

async fn a_file_that_cannot_be_scored_ends_with_1_and_says_where() {
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("in.csv"), directory.path().join("out.csv"));
    std::fs::write(&input, with_cell(&generated(30, 122).await, 7, "tenure", "long")).unwrap();
    std::fs::write(&output, "what was there before").unwrap();
    let arguments =
        ["predict", "--model", "logistic", input.to_str().unwrap(), "-o", output.to_str().unwrap()];
    let ended = program::run(&arguments, &[]).await;
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("8") && said.contains("tenure"), "{said}");
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "what was there before");
    let unknown = program::run(&["predict", "--model", "nobody", input.to_str().unwrap()], &[]).await;
    assert_eq!(unknown.status.code(), Some(1));
}

async fn a_model_can_be_trained_evaluated_and_used() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("labelled.csv");
    let labelled = program::run_well(&["demo-data", "--rows", "1500", "--seed", "5", "--labels"], &[]).await;
    std::fs::write(&data, labelled).unwrap();
    let (data, model) = (data.to_str().unwrap(), directory.path().join("mine"));
    let model = model.to_str().unwrap();
    program::run_well(&["train", "--algorithm", "logistic", "--data", data, "--out", model], &[]).await;
    let judged = program::run_for_json(&["evaluate", "--model", model, "--data", data, "--json"], &[]).await;
    let auc = auc_of(&judged).unwrap_or_else(|| panic!("no AUC: {judged}"));
    assert!(auc > 0.7, "{judged}");
    let fresh = directory.path().join("fresh.csv");
    let csv = generated(20, 6).await;
    std::fs::write(&fresh, &csv).unwrap();
    let printed = program::run_well(&["predict", "--model", model, fresh.to_str().unwrap()], &[]).await;
    assert_eq!(scored_rows(&csv, &printed, ',', '.').len(), 20);
}

/// The AUC, wherever in the report it is.
fn auc_of(report: &Value) -> Option<f64> {
    report["auc"].as_f64().or_else(|| report["metrics"]["auc"].as_f64())
}

async fn the_demo_prints_what_a_stranger_needs_and_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let first = Demo::start(directory.path()).await;
    let user = &first.shown["user"];
    let form = [
        ("grant_type", "password"),
        ("username", user["email"].as_str().unwrap()),
        ("password", user["password"].as_str().unwrap()),
    ];
    let token = first.client.post("/auth/token").form(&form).await.expect(200).json();
    let signed_in = first.client.with_token(token["access_token"].as_str().unwrap());
    let by_key = first.client.with_token(first.shown["api_key"].as_str().unwrap());
    for client in [&signed_in, &by_key] {
        let balance = client.get("/balance").await.expect(200).json();
        assert_eq!(balance, first.shown["balance"]);
        assert!(balance["amount"].as_i64().unwrap() >= 100_000, "{balance}");
    }
    let kept = std::fs::metadata(directory.path().join("data/demo.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&kept.permissions()) & 0o777, 0o600);
    let shown = first.shown.clone();
    drop(first);
    let second = Demo::start(directory.path()).await;
    assert_eq!((&second.shown["user"], &second.shown["api_key"]), (&shown["user"], &shown["api_key"]));
}

/// `augur serve --demo`, ready.
struct Demo {
    _process: Process,
    client: Client,
    shown: Value,
}

impl Demo {
    async fn start(directory: &Path) -> Demo {
        let log = directory.join("log");
        let _ = std::fs::remove_file(&log);
        let data = directory.join("data").display().to_string();
        let port = tests::installation::free_port();
        let address = format!("127.0.0.1:{port}");
        let arguments =
            ["serve", "--demo", "--json", "--listen", &address, "--data-dir", &data].map(str::to_owned);
        let process = Process::start(&arguments, &[], log);
        let client = tests::installation::client_of(&format!("http://{address}"));
        eventually("the demo is ready", Duration::from_secs(40), async || {
            let answer = client.get_at_root("/readyz").try_send().await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
        // Printed before the server is ready, among the lines of the log.
        let logged = process.logged();
        let mut values =
            logged.char_indices().filter(|&(_, character)| character == '{').filter_map(|(start, _)| {
                let first = serde_json::Deserializer::from_str(&logged[start..]).into_iter::<Value>().next();
                first.and_then(Result::ok).filter(|value| value["api_key"].is_string())
            });
        let shown = values.next().unwrap_or_else(|| panic!("nothing was shown: {logged}"));
        Demo { _process: process, client, shown }
    }
}

async fn a_weak_secret_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data").display().to_string();
    for (name, value) in [("JWT_SECRET", "short"), ("AMQP_URL", "amqp://guest:guest@broker.example:5672/%2f")]
    {
        let environment = [(name.to_owned(), value.to_owned())];
        let address = format!("127.0.0.1:{}", tests::installation::free_port());
        let ended = program::run(&["serve", "--listen", &address, "--data-dir", &data], &environment).await;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(name) && !said.contains(value), "{said}");
    }
}

async fn a_schema_that_is_behind_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let installation =
        Installation::start(Profile::Distributed, "command_line-behind", &Setup::default()).await;
    let mut database = installation.database().await;
    database
        .execute("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .await;
    let environment = [
        ("DATABASE_URL".to_owned(), installation.share().database_url.clone()),
        ("STORAGE_URL".to_owned(), format!("file://{}", directory.path().display())),
    ];
    let ended = program::run(&["audit"], &environment).await;
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1));
    assert!(said.contains("augur migrate"), "{said}");
    installation.remove().await;
}

async fn an_administrator_and_a_deposit_are_made_beside_the_running_server(on: &Installation) {
    let (admin, email) = on.new_admin().await;
    assert_eq!(admin.get("/me").await.expect(200).json()["role"], "admin");
    let printed = on.command(&["admin", "deposit", "--email", &email, "--amount", "250", "--json"]).await;
    let deposit: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&deposit["amount"], &deposit["balance_after"]), (&json!(250), &json!(250)));
    assert_eq!(admin.get("/balance").await.expect(200).json()["amount"], 250);
    let user = format!("user-{email}");
    on.command(&["admin", "create-user", "--email", &user, "--password", PASSWORD]).await;
    let user = on.log_in(&user, PASSWORD).await;
    assert_eq!(user.get("/me").await.expect(200).json()["role"], "user");
    for refused in [
        &["admin", "create-user", "--email", &email, "--password", PASSWORD][..],
        &["admin", "create-user", "--email", "new@augur.example", "--password", "short"],
        &["admin", "deposit", "--email", &email, "--amount", "0"],
        &["admin", "deposit", "--email", "nobody@augur.example", "--amount", "1"],
    ] {
        assert_eq!(on.try_command(refused).await.status.code(), Some(1), "{refused:?}");
    }
}

async fn the_doctor_finds_everything_well(on: &Installation) {
    let found: Value = serde_json::from_str(&on.command(&["doctor", "--json"]).await).unwrap();
    for one in found.as_array().unwrap() {
        assert_eq!(one["healthy"], true, "{one}");
    }
    let names: Vec<&str> =
        found.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"database") && names.contains(&"models"), "{names:?}");
    let address = format!("127.0.0.1:{}", on.port());
    on.command(&["doctor", "--alive", "--listen", &address]).await;
    let nobody = format!("127.0.0.1:{}", tests::installation::free_port());
    assert_eq!(on.try_command(&["doctor", "--alive", "--listen", &nobody]).await.status.code(), Some(1));
}

async fn the_audit_speaks_to_people_and_to_programs(on: &Installation) {
    let text = on.command(&["audit"]).await;
    assert!(text.contains("accounts") && text.contains("transactions"), "{text}");
    let report: Value = serde_json::from_str(&on.command(&["audit", "--json"]).await).unwrap();
    assert_eq!((&report["ok"], &report["violations"]), (&json!(true), &json!([])));
}

async fn commands_start_the_database_for_their_own_time(on: &mut Installation) {
    let (admin, email) = on.new_admin().await;
    on.command(&["admin", "deposit", "--email", &email, "--amount", "5"]).await;
    on.server.signal("TERM");
    on.server.end(Duration::from_secs(40)).await;
    let pid = on.data_directory().join("postgres/postmaster.pid");
    assert!(!pid.exists(), "the database ends with its server");
    on.command(&["admin", "deposit", "--email", &email, "--amount", "5"]).await;
    on.command(&["audit"]).await;
    assert!(!pid.exists(), "the database ends with its command");
    on.restart_server().await;
    assert_eq!(admin.get("/balance").await.expect(200).json()["amount"], 10);
}
