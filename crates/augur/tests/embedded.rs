//! The embedded database on real files and processes: what was committed is there after the worst
//! of ends, and nothing is left running.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use augur::data_directory::DataDirectory;
use augur::embedded::Embedded;
use sqlx::{Connection, PgConnection};

/// A data directory that the database's user can reach, removed afterwards.
fn data_directory() -> (tempfile::TempDir, DataDirectory) {
    let root = tempfile::tempdir().unwrap();
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let directory = DataDirectory::open(Some(&root.path().join("data"))).unwrap();
    (root, directory)
}

async fn count(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut connection).await.unwrap()
}

fn server_process(directory: &DataDirectory) -> i32 {
    let text = std::fs::read_to_string(directory.path().join("postgres/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

fn kill(process: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(process).unwrap(), signal).unwrap();
}

/// Runs the test below in a process of its own, which can be killed.
fn writer(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "writes_until_it_is_killed"])
        .env("AUGUR_TEST_DIRECTORY", directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The child process of the next test; without its directory there is nothing to do.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os("AUGUR_TEST_DIRECTORY") else { return };
    let directory = DataDirectory::open(Some(&PathBuf::from(path))).unwrap();
    let embedded = Embedded::serve(&directory).await.unwrap();
    let mut connection = PgConnection::connect(embedded.database_url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept (id bigint)").execute(&mut connection).await.unwrap();
    for id in 1_i64.. {
        sqlx::query("INSERT INTO kept VALUES ($1)").bind(id).execute(&mut connection).await.unwrap();
        println!("\nkept {id}");
    }
}

#[tokio::test]
async fn rows_acknowledged_before_kill_9_are_there_after_it() {
    let (_root, directory) = data_directory();
    let mut child = writer(directory.path());
    let mut acknowledged = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(id) = line.unwrap().strip_prefix("kept ") {
            acknowledged = id.parse().unwrap();
        }
        if acknowledged == 200 {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let started = Instant::now();
    let embedded = Embedded::serve(&directory).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    assert!(count(embedded.database_url()).await >= acknowledged);
    embedded.stop().await.unwrap();
    assert!(!directory.path().join("postgres/postmaster.pid").exists());
}

#[tokio::test]
async fn the_server_goes_when_its_parent_is_killed() {
    let (_root, directory) = data_directory();
    let mut child = writer(directory.path());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "kept 1"));
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    while directory.path().join("postgres/postmaster.pid").exists() {
        assert!(started.elapsed() < Duration::from_secs(10), "the server outlives its parent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_serves_and_others_attach_or_start_for_themselves() {
    let (_root, directory) = data_directory();
    let serving = Embedded::serve(&directory).await.unwrap();
    let error = Embedded::serve(&directory).await.unwrap_err().to_string();
    assert!(error.contains("another augur") && error.contains("--data-dir"), "{error}");

    let attached = Embedded::attach_or_start(&directory).await.unwrap();
    assert_eq!(attached.database_url(), serving.database_url());
    let mut connection = PgConnection::connect(attached.database_url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept (id bigint)").execute(&mut connection).await.unwrap();
    let superuser: String = sqlx::query_scalar("SELECT current_setting('is_superuser')")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(superuser, "off");
    attached.stop().await.unwrap();
    assert_eq!(count(serving.database_url()).await, 0);
    serving.stop().await.unwrap();

    let use_for_a_moment = || async {
        let own = Embedded::attach_or_start(&directory).await.unwrap();
        assert_eq!(count(own.database_url()).await, 0);
        own.stop().await.unwrap();
    };
    tokio::join!(use_for_a_moment(), use_for_a_moment());
}

#[tokio::test]
async fn a_server_that_dies_is_started_again() {
    let (_root, directory) = data_directory();
    let embedded = Embedded::serve(&directory).await.unwrap();
    let mut connection = PgConnection::connect(embedded.database_url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept (id bigint); INSERT INTO kept VALUES (1)")
        .execute(&mut connection)
        .await
        .unwrap();
    kill(server_process(&directory), rustix::process::Signal::KILL);
    let started = Instant::now();
    let rows: i64 = loop {
        if let Ok(mut connection) = PgConnection::connect(embedded.database_url()).await {
            let found = sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut connection).await;
            if let Ok(rows) = found {
                break rows;
            }
        }
        assert!(started.elapsed() < Duration::from_secs(20), "it does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(rows, 1);
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn closed_parents_and_long_names_do_not_matter() {
    let root = tempfile::tempdir().unwrap();
    let closed = root.path().join("closed");
    std::fs::DirBuilder::new().mode(0o700).create(&closed).unwrap();
    let directory = DataDirectory::open(Some(&closed.join("name ".repeat(20)))).unwrap();
    let embedded = Embedded::serve(&directory).await.unwrap();
    let mut connection = PgConnection::connect(embedded.database_url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept (id bigint)").execute(&mut connection).await.unwrap();
    embedded.stop().await.unwrap();
    let again = Embedded::serve(&directory).await.unwrap();
    assert_eq!(count(again.database_url()).await, 0);
    again.stop().await.unwrap();
}
