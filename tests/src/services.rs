//! PostgreSQL, RabbitMQ and Redis for the distributed profile, as scripts/test_services gives them:
//! one migrated template database, and for each installation names of its own on the shared servers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::program;

/// Redis has 16 databases unless told otherwise; 0 is left to whoever looks at it by hand.
const REDIS_DATABASES: u32 = 15;
const DROP_TRIES: usize = 20;
const DROP_INTERVAL: Duration = Duration::from_millis(250);

/// The servers of this run.
pub struct Services {
    database_url: String,
    amqp_url: String,
    redis_url: String,
    template: String,
    /// The object store that belongs to the template: the shipped models are in it.
    objects: TempDir,
}

/// What one installation uses of them.
pub struct Share {
    /// The database's name.
    pub database: String,
    /// The database's URL, for its owner.
    pub database_url: String,
    /// The broker's URL.
    pub amqp_url: String,
    /// What the names of this installation's queues begin with.
    pub amqp_namespace: String,
    /// A Redis database.
    pub redis_url: String,
}

static SERVICES: OnceCell<Services> = OnceCell::const_new();

impl Services {
    /// The servers, with the template database made at the first call.
    pub async fn get() -> &'static Services {
        SERVICES.get_or_init(Services::prepare).await
    }

    /// Whether servers were given at all; without them only the embedded profile can be tested.
    pub fn are_given() -> bool {
        ["TEST_DATABASE_URL", "TEST_AMQP_URL", "TEST_REDIS_URL"]
            .iter()
            .all(|name| std::env::var(name).is_ok())
    }

    async fn prepare() -> Services {
        let given = |name: &str| {
            let hint = "run the tests by `make test`, or start servers with: eval \"$(make -s services)\"";
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; {hint}"))
        };
        let services = Services {
            database_url: given("TEST_DATABASE_URL"),
            amqp_url: given("TEST_AMQP_URL"),
            redis_url: given("TEST_REDIS_URL"),
            template: format!("augur_flows_{}", std::process::id()),
            objects: tempfile::tempdir().expect("a temporary directory"),
        };
        services.execute(&format!("CREATE DATABASE {}", services.template)).await;
        let environment = [
            ("DATABASE_URL".to_owned(), services.url_of(&services.template)),
            ("STORAGE_URL".to_owned(), format!("file://{}", services.objects.path().display())),
        ];
        program::run_well(&["migrate"], &environment).await;
        services
    }

    /// A freshly migrated database with its object store in `objects`, and names that nobody else uses.
    pub async fn share(&self, objects: &Path) -> Share {
        static SHARES: AtomicU32 = AtomicU32::new(0);
        let number = SHARES.fetch_add(1, Ordering::Relaxed);
        let database = format!("{}_{number}", self.template);
        self.execute(&format!("CREATE DATABASE {database} TEMPLATE {}", self.template)).await;
        copy_all(self.objects.path(), objects).expect("the models can be copied");
        Share {
            database_url: self.url_of(&database),
            amqp_url: self.amqp_url.clone(),
            amqp_namespace: database.clone(),
            redis_url: format!("{}/{}", self.redis_url.trim_end_matches('/'), number % REDIS_DATABASES + 1),
            database,
        }
    }

    /// Drops the database of a share and the broker's queues.
    pub async fn remove(&self, share: &Share) {
        self.drop_by_name(&share.database).await;
        if let Ok(connection) = lapin::Connection::connect(&share.amqp_url, Default::default()).await {
            let channel = connection.create_channel().await.expect("a channel");
            for queue in ["jobs.predictions", "dead.predictions"] {
                let name = format!("{}.{queue}", share.amqp_namespace);
                let _ = channel.queue_delete(name.into(), Default::default()).await;
            }
        }
    }

    /// Makes an empty database beside the one of a share, and returns its URL.
    pub async fn empty_database(&self, share: &Share) -> String {
        let database = format!("{}_restored", share.database);
        self.execute(&format!("CREATE DATABASE {database}")).await;
        self.url_of(&database)
    }

    /// Drops the database of a URL that was made by [`Services::empty_database`].
    pub async fn drop_database(&self, url: &str) {
        let (base, _) = url.split_once('?').unwrap_or((url, ""));
        let (_, database) = base.rsplit_once('/').expect("a URL with a database");
        self.drop_by_name(database).await;
    }

    /// Drops the template.
    pub async fn close() {
        if let Some(services) = SERVICES.get() {
            services.drop_by_name(&services.template).await;
        }
    }

    fn url_of(&self, database: &str) -> String {
        let (base, query) = self.database_url.split_once('?').unwrap_or((&self.database_url, ""));
        let (server, _) = base.rsplit_once('/').expect("a URL with a database");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{server}/{database}{mark}{query}")
    }

    /// An autovacuum worker that is at work in a database is a superuser's process, which nobody else may
    /// end; it ends by itself.
    async fn drop_by_name(&self, database: &str) {
        let statement = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        for _ in 0..DROP_TRIES {
            if self.try_execute(&statement).await.is_ok() {
                return;
            }
            tokio::time::sleep(DROP_INTERVAL).await;
        }
        self.execute(&statement).await;
    }

    async fn execute(&self, statement: &str) {
        let done = self.try_execute(statement).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    async fn try_execute(&self, statement: &str) -> Result<(), sqlx::Error> {
        let mut connection = PgConnection::connect(&self.database_url).await.expect("the test's PostgreSQL");
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await;
        let _ = connection.close().await;
        done.map(|_| ())
    }
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A server that a test takes down and brings back; dropping it brings it back too.
pub struct Outage {
    service: &'static str,
    is_over: bool,
}

impl Outage {
    /// Takes `rabbitmq`, `redis` or `postgresql` down, as a crash does. None where the server is not ours
    /// to stop.
    pub async fn begin(service: &'static str) -> Option<Outage> {
        if !is_ours(service) {
            eprintln!("skipped: {service} was given, and is not ours to stop");
            return None;
        }
        control("pause", service).await;
        Some(Outage { service, is_over: false })
    }

    /// Brings it back, on its port and with its data.
    pub async fn end(mut self) {
        control("resume", self.service).await;
        self.is_over = true;
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        if !self.is_over {
            let script = program::checkout().join("scripts/test_services");
            let _ = std::process::Command::new(script).args(["resume", self.service]).status();
        }
    }
}

/// Whether `rabbitmq`, `redis` or `postgresql` is ours to do harm to.
pub fn is_ours(service: &str) -> bool {
    std::env::var_os("TEST_SERVICES_DIR")
        .is_some_and(|directory| PathBuf::from(directory).join(service).join("port").exists())
}

/// Runs a command of `rabbitmqctl` on our broker.
pub async fn rabbitmqctl(command: &str) {
    control("rabbitmqctl", command).await;
}

/// Sends a signal to our Redis.
pub fn signal_redis(name: &str) {
    let directory = PathBuf::from(std::env::var_os("TEST_SERVICES_DIR").expect("servers of ours"));
    let process = std::fs::read_to_string(directory.join("redis/pid")).expect("the id of its process");
    let sent = std::process::Command::new("kill").arg(format!("-{name}")).arg(process.trim()).status();
    assert!(sent.expect("kill runs").success(), "signal {name} was not sent");
}

async fn control(action: &str, service: &str) {
    let script = program::checkout().join("scripts/test_services");
    let status = tokio::process::Command::new(script).args([action, service]).status().await;
    assert!(status.expect("the script runs").success(), "{action} {service}");
}
