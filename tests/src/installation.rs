//! A whole installation on real servers, in one of the two profiles.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::client::Client;
use crate::database::Database;
use crate::patience::eventually;
use crate::process::Process;
use crate::program;
use crate::proxy::Proxy;
use crate::services::{Services, Share};

/// How long a server may take until it is ready; far more than it needs.
const START_LIMIT: Duration = Duration::from_secs(40);
/// Ports are taken from here on: below the range that the system takes for outgoing connections.
const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 7_000;

/// The password of every user that the tests make.
pub const PASSWORD: &str = "correct-horse-7-battery";
/// What opens /metrics on the public port.
pub const METRICS_TOKEN: &str = "metrics-token-of-the-tests-0123456789";
/// What the report of a broken invariant begins with.
pub(crate) const AUDIT_FAILED: &str = "the audit found something";
const JWT_SECRET: &str = "a-secret-of-the-tests-that-is-long-enough-0123456789";

/// How the parts are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `augur serve`: one process with a database of its own.
    Embedded,
    /// `augur api` and `augur worker` processes on PostgreSQL, RabbitMQ and Redis.
    Distributed,
}

/// How an installation is to differ from the usual.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Further variables.
    pub environment: Vec<(String, String)>,
    /// Worker processes, where they are processes.
    pub workers: usize,
    /// Further variables of the server's first process alone.
    pub server_environment: Vec<(String, String)>,
    /// Whether the processes reach PostgreSQL, RabbitMQ and Redis through proxies.
    pub through_proxies: bool,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup { environment: Vec::new(), workers: 2, server_environment: Vec::new(), through_proxies: false }
    }
}

/// What lies between an installation's processes and the shared servers.
pub struct Proxies {
    /// Before PostgreSQL.
    pub postgresql: Proxy,
    /// Before RabbitMQ.
    pub rabbitmq: Proxy,
    /// Before Redis.
    pub redis: Proxy,
}

impl Proxies {
    /// Proxies before everything that a share names, and the variables that lead through them.
    async fn before(share: &Share) -> (Proxies, Vec<(String, String)>) {
        let (postgresql, database_url) = Proxy::before(&share.database_url).await;
        let (rabbitmq, amqp_url) = Proxy::before(&share.amqp_url).await;
        let (redis, redis_url) = Proxy::before(&share.redis_url).await;
        let variables = [("DATABASE_URL", database_url), ("AMQP_URL", amqp_url), ("REDIS_URL", redis_url)];
        let variables = variables.map(|(name, url)| (name.to_owned(), url));
        (Proxies { postgresql, rabbitmq, redis }, variables.to_vec())
    }
}

/// An installation, which is gone without a trace but its logs when it is dropped.
pub struct Installation {
    /// Its profile.
    pub profile: Profile,
    /// `augur serve` or `augur api`.
    pub server: Process,
    /// `augur worker` processes; none in the embedded profile.
    pub workers: Vec<Process>,
    port: u16,
    logs: PathBuf,
    /// What its processes get, and the commands beside them.
    environment: Vec<(String, String)>,
    proxies: Option<Proxies>,
    /// What leads the processes, and not the commands, through the proxies.
    detour: Vec<(String, String)>,
    http: reqwest::Client,
    admin: OnceCell<Client>,
    share: Option<Share>,
    /// The data directory or the object store.
    directory: TempDir,
}

impl Installation {
    /// Starts an installation, and waits until it is ready. `name` is where its logs go.
    pub async fn start(profile: Profile, name: &str, setup: &Setup) -> Installation {
        let directory = tempfile::Builder::new().prefix("augur-flows-").tempdir().expect("a directory");
        let logs = log_directory(profile, name);
        let share = match profile {
            Profile::Embedded => None,
            Profile::Distributed => Some(Services::get().await.share(directory.path()).await),
        };
        let mut environment = environment_of(directory.path(), share.as_ref());
        environment.extend(setup.environment.iter().cloned());
        let (proxies, detour) = match &share {
            Some(share) if setup.through_proxies => {
                let (proxies, detour) = Proxies::before(share).await;
                (Some(proxies), detour)
            }
            _ => (None, Vec::new()),
        };
        let port = free_port();
        let of_server = [environment.as_slice(), &detour, &setup.server_environment].concat();
        let server = start_server(profile, port, &of_server, &logs);
        let mut installation = Installation {
            profile,
            server,
            workers: Vec::new(),
            port,
            logs,
            environment,
            proxies,
            detour,
            http: http_client(IDLE_LIMIT),
            admin: OnceCell::new(),
            share,
            directory,
        };
        if profile == Profile::Distributed {
            for _ in 0..setup.workers {
                installation.start_worker(&[]);
            }
        }
        installation.ready().await;
        installation
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A caller without credentials.
    pub fn anonymous(&self) -> Client {
        Client::anonymous(self.http.clone(), &self.url())
    }

    /// An administrator, made by the command line at the first call.
    pub async fn admin(&self) -> Client {
        self.admin.get_or_init(async || self.new_admin().await.0).await.clone()
    }

    /// Another administrator, and the e-mail address.
    pub async fn new_admin(&self) -> (Client, String) {
        let email = format!("admin-{}@augur.example", uuid::Uuid::new_v4().simple());
        let arguments =
            ["admin", "create-user", "--email", &email, "--password", PASSWORD, "--role", "admin"];
        self.command(&arguments).await;
        (self.log_in(&email, PASSWORD).await, email)
    }

    /// Signs in.
    pub async fn log_in(&self, email: &str, password: &str) -> Client {
        let client = self.anonymous();
        let form = [("grant_type", "password"), ("username", email), ("password", password)];
        let answer = client.post("/auth/token").form(&form).await.expect(200);
        client.with_token(answer.json()["access_token"].as_str().expect("an access token"))
    }

    /// Runs an `augur` command on this installation that must succeed, and returns what it printed.
    pub async fn command(&self, arguments: &[&str]) -> String {
        program::run_well(arguments, &self.environment).await
    }

    /// Runs an `augur` command on this installation, however it ends.
    pub async fn try_command(&self, arguments: &[&str]) -> std::process::Output {
        program::run(arguments, &self.environment).await
    }

    /// A connection to its database, as the owner of the schema.
    pub async fn database(&self) -> Database {
        match &self.share {
            Some(share) => Database::at(&share.database_url).await,
            None => Database::of_data_directory(&self.data_directory()).await,
        }
    }

    /// What it uses of the shared servers.
    pub fn share(&self) -> &Share {
        self.share.as_ref().expect("a distributed installation")
    }

    /// Where `augur serve` keeps everything.
    pub fn data_directory(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where its object store is.
    pub fn objects(&self) -> PathBuf {
        match self.profile {
            Profile::Embedded => self.data_directory().join("objects"),
            Profile::Distributed => self.directory.path().to_owned(),
        }
    }

    /// A further service on the price list, over a shipped model; returns its id.
    pub async fn service(&self, model: &str, price: i64) -> String {
        let name = format!("{model} for {price}, {}", uuid::Uuid::new_v4().simple());
        let body = json!({ "name": name, "model": model, "price": price });
        let answer = self.admin().await.post("/admin/services").json(&body).await.expect(201);
        id_of(&answer.json())
    }

    /// What lies between its processes and the servers.
    pub fn proxies(&self) -> &Proxies {
        self.proxies.as_ref().expect("an installation through proxies")
    }

    /// Starts one more worker process.
    pub fn start_worker(&mut self, arguments: &[&str]) {
        self.start_worker_with(arguments, &[]);
    }

    /// Starts one more worker process, with further variables for it alone.
    pub fn start_worker_with(&mut self, arguments: &[&str], variables: &[(String, String)]) {
        let log = self.logs.join(format!("worker-{}.log", self.workers.len() + 1));
        let arguments = ["worker"].iter().chain(arguments).map(|&argument| argument.to_owned());
        let environment = self.environment_with(variables);
        self.workers.push(Process::start(&arguments.collect::<Vec<_>>(), &environment, log));
    }

    /// Starts `augur serve` or `augur api` again, after it has ended, and waits until it is ready.
    pub async fn restart_server(&mut self) {
        self.start_server_again(&[]);
        self.ready().await;
    }

    /// Starts `augur serve` or `augur api` again, with further variables for this process alone.
    pub fn start_server_again(&mut self, variables: &[(String, String)]) {
        self.server = start_server(self.profile, self.port, &self.environment_with(variables), &self.logs);
    }

    fn environment_with(&self, variables: &[(String, String)]) -> Vec<(String, String)> {
        [self.environment.as_slice(), &self.detour, variables].concat()
    }

    /// Ends every process as a crash does and starts it again.
    pub async fn restart_everything(&mut self) {
        self.server.kill();
        let workers = self.workers.len();
        for mut worker in self.workers.drain(..) {
            worker.kill();
        }
        self.restart_server().await;
        for _ in 0..workers {
            self.start_worker(&[]);
        }
    }

    /// Ends the server as a crash does and starts it with further variables.
    pub async fn restart_server_with(&mut self, variables: &[(&str, &str)]) {
        self.server.kill();
        self.environment.extend(variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        self.restart_server().await;
    }

    /// Starts one more `augur api` beside the first, and returns it with its URL.
    pub async fn start_second_api(&self) -> (Process, String) {
        let port = free_port();
        let arguments = ["api", "--listen", &format!("127.0.0.1:{port}")].map(str::to_owned);
        let environment = self.environment_with(&[]);
        let process = Process::start(&arguments, &environment, self.logs.join("api-2.log"));
        let url = format!("http://127.0.0.1:{port}");
        let client = self.anonymous().at(&url);
        eventually("the second API is ready", START_LIMIT, async || {
            let answer = client.get_at_root("/readyz").try_send().await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
        (process, url)
    }

    /// Waits until everything that a job needs is there: the server and the workers.
    async fn ready(&mut self) {
        let client = self.anonymous();
        let started = std::time::Instant::now();
        loop {
            let readiness = client.get_at_root("/readyz").try_send().await;
            if readiness.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            if let Some(status) = self.server.ended() {
                panic!("the server ended with {status}: {}", self.log_tails(30));
            }
            assert!(started.elapsed() < START_LIMIT, "not ready in time: {}", self.log_tails(30));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `augur audit` finds nothing wrong.
    pub async fn audit(&self) {
        let output = program::run(&["audit", "--json"], &self.environment).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{AUDIT_FAILED}: {said} {complained}");
        let report: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        assert_eq!(report["ok"], true, "{AUDIT_FAILED}: {report}");
    }

    /// Ends the processes and removes what lies on the shared servers.
    pub async fn remove(mut self) {
        for worker in &mut self.workers {
            worker.kill();
        }
        self.server.kill();
        if let Some(share) = &self.share {
            Services::get().await.remove(share).await;
        }
    }

    /// The last lines of every log, for the report of a failure.
    pub fn log_tails(&self, lines: usize) -> String {
        let mut shown = String::new();
        for process in std::iter::once(&self.server).chain(&self.workers) {
            let logged = process.logged();
            let all: Vec<&str> = logged.lines().collect();
            let tail = all[all.len().saturating_sub(lines)..].join("\n");
            shown += &format!("\n--- the end of {}\n{tail}", process.log().display());
        }
        shown
    }
}

/// The id of a thing as the API shows it.
#[track_caller]
pub fn id_of(shown: &Value) -> String {
    shown["id"].as_str().unwrap_or_else(|| panic!("it has no id: {shown}")).to_owned()
}

fn start_server(profile: Profile, port: u16, environment: &[(String, String)], logs: &Path) -> Process {
    let (command, log) = match profile {
        Profile::Embedded => ("serve", "serve.log"),
        Profile::Distributed => ("api", "api.log"),
    };
    let arguments = [command, "--listen", &format!("127.0.0.1:{port}")].map(str::to_owned);
    Process::start(&arguments, environment, logs.join(log))
}

fn environment_of(directory: &Path, share: Option<&Share>) -> Vec<(String, String)> {
    let mut variables = vec![("METRICS_TOKEN", METRICS_TOKEN.to_owned())];
    match share {
        None => variables.push(("AUGUR_DATA_DIR", directory.join("data").display().to_string())),
        Some(share) => variables.extend([
            ("DATABASE_URL", share.database_url.clone()),
            ("AMQP_URL", share.amqp_url.clone()),
            ("AMQP_NAMESPACE", share.amqp_namespace.clone()),
            ("REDIS_URL", share.redis_url.clone()),
            ("STORAGE_URL", format!("file://{}", directory.display())),
            ("JWT_SECRET", JWT_SECRET.to_owned()),
        ]),
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn log_directory(profile: Profile, name: &str) -> PathBuf {
    let directory =
        program::target_directory().join("tests").join(format!("{profile:?}-{name}").to_lowercase());
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory for logs");
    directory
}

/// How long a client keeps an idle connection: less than a server does, so that no request runs into its end.
const IDLE_LIMIT: Duration = Duration::from_secs(4);

fn http_client(idle_limit: Duration) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let builder = builder.pool_idle_timeout(idle_limit).timeout(Duration::from_secs(120));
    builder.build().expect("an HTTP client")
}

/// A caller without credentials of a server that is no installation of ours.
pub fn client_of(url: &str) -> Client {
    Client::anonymous(http_client(IDLE_LIMIT), url)
}

/// The same, which keeps idle connections for another time.
pub fn client_with_idle_limit(url: &str, idle_limit: Duration) -> Client {
    Client::anonymous(http_client(idle_limit), url)
}

/// A port that nobody listens on, and that no other installation of this run gets.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = (std::process::id() % u32::from(PORTS)) as u16;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(offset) % PORTS;
        let port = FIRST_PORT + number;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
