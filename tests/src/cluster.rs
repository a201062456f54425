//! A distributed installation whose every process reaches each server through a proxy of its own, and that
//! starts again what has ended, as a supervisor does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::installation::{PASSWORD, client_of, free_port};
use crate::process::Process;
use crate::program;
use crate::proxy::{Proxy, Stalled};
use crate::services::{Services, Share};
use tempfile::TempDir;
use tokio::sync::Mutex;

/// How long starting may take.
const START_LIMIT: Duration = Duration::from_secs(60);
const SUPERVISION_INTERVAL: Duration = Duration::from_millis(300);
const JWT_SECRET: &str = "a-secret-of-the-schedules-that-is-long-enough-0123456789";
/// The directories of the object store that can be taken away.
const STORES: [&str; 2] = ["inputs", "results"];

/// The servers behind the proxies, in their order.
pub const SERVERS: [&str; 3] = ["postgresql", "rabbitmq", "redis"];

/// One `augur api` or `augur worker`.
pub struct Member {
    /// Its name in reports and its log's.
    pub name: String,
    /// Its proxies, in the order of [`SERVERS`].
    pub proxies: Vec<Proxy>,
    /// Held by a fault as long as it lasts, so that nobody starts the process meanwhile.
    pub process: Mutex<Process>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
}

/// The installation.
pub struct Cluster {
    /// The processes: APIs first.
    pub members: Vec<Member>,
    /// What it uses of the servers.
    pub share: Share,
    /// Where each API answers.
    pub urls: Vec<String>,
    /// Held by a fault of the object store.
    pub store: Mutex<()>,
    /// For commands, without a proxy.
    environment: Vec<(String, String)>,
    directory: TempDir,
}

impl Member {
    /// Starts its process anew; the one before must have ended.
    pub fn start(&self, process: &mut Process) {
        *process = Process::start(&self.arguments, &self.environment, self.log.clone());
    }

    /// The last lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

impl Cluster {
    /// Starts `apis` and `workers` with further variables, and waits until they are ready. `name` is where
    /// the logs go.
    pub async fn start(name: &str, apis: usize, workers: usize, variables: &[(&str, &str)]) -> Cluster {
        let directory = tempfile::Builder::new().prefix("augur-chaos-").tempdir().expect("a directory");
        let objects = directory.path().join("objects");
        let share = Services::get().await.share(&objects).await;
        for store in STORES {
            let real = directory.path().join(store);
            std::fs::create_dir(&real).expect("a directory");
            let _ = std::fs::remove_dir_all(objects.join(store));
            std::os::unix::fs::symlink(&real, objects.join(store)).expect("a link");
        }
        std::fs::write(directory.path().join("no-directory"), "").expect("a file");
        let logs = program::target_directory().join("tests").join(name);
        let _ = std::fs::remove_dir_all(&logs);
        std::fs::create_dir_all(&logs).expect("a directory for logs");
        let environment = environment_of(&share, &objects);
        let mut cluster = Cluster {
            members: Vec::new(),
            share,
            urls: Vec::new(),
            store: Mutex::new(()),
            environment,
            directory,
        };
        cluster.environment = cluster.environment_with(variables);
        for number in 1..=apis {
            let listen = format!("127.0.0.1:{}", free_port());
            cluster.urls.push(format!("http://{listen}"));
            cluster.add(format!("api-{number}"), &["api", "--listen", &listen], &logs).await;
        }
        for number in 1..=workers {
            cluster.add(format!("worker-{number}"), &["worker", "--concurrency", "2"], &logs).await;
        }
        cluster.heal(START_LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
        cluster
    }

    async fn add(&mut self, name: String, arguments: &[&str], logs: &Path) {
        let mut environment = self.environment.clone();
        let mut proxies = Vec::new();
        for variable in ["DATABASE_URL", "AMQP_URL", "REDIS_URL"] {
            let (_, url) = environment.iter_mut().find(|(name, _)| name == variable).expect("it is set");
            let (proxy, through) = Proxy::before(url).await;
            *url = through;
            proxies.push(proxy);
        }
        let log = logs.join(format!("{name}.log"));
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let process = Mutex::new(Process::start(&arguments, &environment, log.clone()));
        self.members.push(Member { name, proxies, process, arguments, environment, log });
    }

    /// Where the object store lies.
    pub fn objects(&self) -> PathBuf {
        self.directory.path().join("objects")
    }

    /// The variables of its commands, with some replaced.
    pub fn environment_with(&self, variables: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut environment = self.environment.clone();
        environment.extend(variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        environment
    }

    /// A command of `augur` on it, however it ends.
    pub async fn command(&self, arguments: &[&str]) -> std::process::Output {
        program::run(arguments, &self.environment).await
    }

    /// A caller of one of the APIs without credentials.
    pub fn anonymous(&self) -> Client {
        client_of(&self.urls[0])
    }

    /// A new administrator, who is signed in.
    pub async fn admin(&self) -> Client {
        let email = format!("admin-{}@augur.example", uuid::Uuid::new_v4().simple());
        let create = ["admin", "create-user", "--email", &email, "--password", PASSWORD, "--role", "admin"];
        program::run_well(&create, &self.environment).await;
        self.log_in(&email).await
    }

    /// Signs somebody in.
    pub async fn log_in(&self, email: &str) -> Client {
        let form = [("grant_type", "password"), ("username", email), ("password", PASSWORD)];
        let answer = self.anonymous().post("/auth/token").form(&form).await.expect(200);
        self.anonymous().with_token(answer.json()["access_token"].as_str().expect("a token"))
    }

    /// Starts again what has ended by itself, for ever.
    pub async fn supervise(&self) {
        loop {
            for member in &self.members {
                if let Ok(mut process) = member.process.try_lock()
                    && process.ended().is_some()
                {
                    member.start(&mut process);
                }
            }
            tokio::time::sleep(SUPERVISION_INTERVAL).await;
        }
    }

    /// Makes a directory of the object store something that nobody can write to or read from; 0 is the
    /// inputs, 1 the results.
    pub fn take_store_away(&self, store: usize) {
        self.link_store(store, &self.directory.path().join("no-directory"));
    }

    /// Brings it back with all that is in it.
    pub fn bring_store_back(&self, store: usize) {
        self.link_store(store, &self.directory.path().join(STORES[store]));
    }

    /// In one step, so that no process sees the directory missing and makes another.
    fn link_store(&self, store: usize, target: &Path) {
        let aside = self.directory.path().join(format!("new-{}", STORES[store]));
        std::os::unix::fs::symlink(target, &aside).expect("a link");
        std::fs::rename(aside, self.directory.path().join("objects").join(STORES[store])).expect("renamed");
    }

    /// Heals every proxy, starts what has ended, and waits until every API is ready.
    pub async fn heal(&self, limit: Duration) -> Result<(), String> {
        for proxy in self.members.iter().flat_map(|member| &member.proxies) {
            proxy.heal(Stalled::Reset);
        }
        for store in 0..STORES.len() {
            self.bring_store_back(store);
        }
        let waiting = async {
            for url in &self.urls {
                let client = self.anonymous().at(url);
                loop {
                    let asked = client.get_at_root("/readyz").try_send();
                    let asked = tokio::time::timeout(Duration::from_secs(5), asked).await;
                    if asked.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200)) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        };
        tokio::select! {
            () = waiting => Ok(()),
            () = self.supervise() => Ok(()),
            () = tokio::time::sleep(limit) => Err(format!("not ready within {limit:?} of healing")),
        }
    }

    /// What `augur audit` finds wrong, which must be nothing.
    pub async fn audit(&self) -> Result<(), String> {
        let output = self.command(&["audit", "--json"]).await;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(format!("the audit found something: {}", String::from_utf8_lossy(&said)))
    }

    /// The last lines of every log.
    pub fn log_tails(&self, lines: usize) -> String {
        let tail =
            |member: &Member| format!("\n--- the end of {}'s log\n{}", member.name, member.log_tail(lines));
        self.members.iter().map(tail).collect()
    }

    /// Ends the processes, and removes what lies on the servers.
    pub async fn remove(&self) {
        let started = Instant::now();
        for member in &self.members {
            member.process.lock().await.kill();
        }
        Services::get().await.remove(&self.share).await;
        assert!(started.elapsed() < START_LIMIT, "removing took {:?}", started.elapsed());
    }
}

fn environment_of(share: &Share, objects: &Path) -> Vec<(String, String)> {
    let variables = [
        ("DATABASE_URL", share.database_url.clone()),
        ("AMQP_URL", share.amqp_url.clone()),
        ("AMQP_NAMESPACE", share.amqp_namespace.clone()),
        ("REDIS_URL", share.redis_url.clone()),
        ("STORAGE_URL", format!("file://{}", objects.display())),
        ("JWT_SECRET", JWT_SECRET.to_owned()),
        // A schedule lasts longer than a login otherwise does.
        ("ACCESS_TOKEN_MINUTES", "1440".to_owned()),
        ("DATABASE_CONNECTIONS_APP", "12".to_owned()),
        ("DATABASE_CONNECTIONS_SYSTEM", "8".to_owned()),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
