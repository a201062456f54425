//! The server's process: started from a thread of its own, started again if it dies, stopped with us.
//!
//! The thread matters: the signal at the parent's death is sent when the *thread* that spawned the
//! child ends, and threads of an async runtime come and go.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::cluster::Cluster;
use super::db;

/// Replaying the log after a crash takes a while; with the default log size this is ample.
const START_PATIENCE: Duration = Duration::from_secs(120);
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const RESTART_PAUSE: Duration = Duration::from_millis(200);
const POLL_PAUSE: Duration = Duration::from_millis(15);
const LOG_BYTES_MAX: u64 = 10 << 20;

/// What a server says where the one before it has not gone altogether; it is worth another try.
const LEFTOVERS: [&str; 3] =
    ["pre-existing shared memory block", "lock file \"postmaster.pid\"", "is already in use"];

/// A running server. Dropping it stops it too.
#[derive(Debug)]
pub struct Server {
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Pid>,
    stopping: bool,
}

impl Server {
    /// Starts the server and waits until it accepts connections.
    pub async fn start(cluster: &Cluster) -> Result<Self> {
        let preparing = cluster.clone();
        let (command, log_start) = tokio::task::spawn_blocking(move || prepare_start(&preparing)).await??;
        let (server, exits) = Self::spawn(command)?;
        let started = Instant::now();
        loop {
            if let Ok(exit) = exits.try_recv() {
                let said = read_from(cluster.log(), log_start);
                if !LEFTOVERS.iter().any(|words| said.contains(words)) {
                    bail!("the embedded PostgreSQL ended at once ({exit}): {}", said.trim());
                }
            }
            if db::accepts_connections(cluster).await {
                return Ok(server);
            }
            if started.elapsed() > START_PATIENCE {
                bail!("the embedded PostgreSQL does not answer; see {}", cluster.log().display());
            }
            tokio::time::sleep(POLL_PAUSE).await;
        }
    }

    /// Stops the server and waits until it is gone.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn spawn(command: Command) -> Result<(Self, mpsc::Receiver<String>)> {
        let state = Arc::new(Mutex::new(State::default()));
        let (exits, exited) = mpsc::channel();
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("postgresql".to_owned())
            .spawn(move || supervise(command, &shared, &exits))
            .context("cannot start a thread")?;
        Ok((Self { state, thread: Some(thread) }, exited))
    }

    fn end(&mut self) -> Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        lock(&self.state).stopping = true;
        let started = Instant::now();
        while !thread.is_finished() {
            // A server that has not set its signals up yet may miss the first one.
            let signal = if started.elapsed() < STOP_PATIENCE { Signal::INT } else { Signal::QUIT };
            if let Some(process) = lock(&self.state).process {
                let _ = kill_process(process, signal);
            }
            if started.elapsed() > 2 * STOP_PATIENCE {
                bail!("the embedded PostgreSQL does not stop");
            }
            wait_for(|| thread.is_finished(), Duration::from_millis(500));
        }
        thread.join().map_err(|_| anyhow!("the embedded PostgreSQL's thread panicked"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!("{error:#}");
        }
    }
}

/// Everything that blocks: making the cluster, waiting for a server that a killed process left.
fn prepare_start(cluster: &Cluster) -> Result<(Command, u64)> {
    let (binaries, launcher) = cluster.ensure()?;
    end_leftover(cluster.directory())?;
    let log = open_log(cluster.log()).with_context(|| format!("cannot write {}", cluster.log().display()))?;
    let log_start = log.metadata()?.len();
    let mut command = launcher.command(&binaries.program("postgres"));
    command.arg("-D").arg(cluster.directory());
    for setting in cluster.settings() {
        command.arg("-c").arg(setting);
    }
    // A process group of its own: Ctrl-C in a terminal reaches us alone, and we stop the database last.
    command.process_group(0).stdout(log.try_clone()?).stderr(log);
    Ok((command, log_start))
}

/// Runs the server until it is told to stop, and again whenever it ends by itself.
fn supervise(mut command: Command, state: &Mutex<State>, exits: &mpsc::Sender<String>) {
    loop {
        let child = {
            let mut state = lock(state);
            if state.stopping {
                return;
            }
            let child = command.spawn();
            state.process = child.as_ref().ok().map(Pid::from_child);
            child
        };
        let exit = child.and_then(|mut child: Child| child.wait());
        let stopping = {
            let mut state = lock(state);
            state.process = None;
            state.stopping
        };
        if stopping {
            return;
        }
        let exit = exit.map_or_else(|error| error.to_string(), |status| status.to_string());
        tracing::warn!(exit, "the embedded PostgreSQL ended by itself; starting it again");
        // Nobody listens once the first start is over.
        let _ = exits.send(exit);
        thread::sleep(RESTART_PAUSE);
    }
}

/// Stops a server of this cluster that a killed process left behind. The caller holds the data
/// directory's lock, so that nobody else uses it.
fn end_leftover(directory: &Path) -> Result<()> {
    let Some(process) = leftover(directory) else { return Ok(()) };
    tracing::info!(process = process.as_raw_nonzero(), "stopping the database that an earlier run left");
    for signal in [Signal::INT, Signal::QUIT] {
        let _ = kill_process(process, signal);
        if wait_for(|| leftover(directory) != Some(process), STOP_PATIENCE) {
            return Ok(());
        }
    }
    bail!("process {} still runs on {} and does not stop", process.as_raw_nonzero(), directory.display())
}

/// The process of the cluster's pid file, if it lives and really is this cluster's server: after a
/// restart of the machine the number may be anybody's.
fn leftover(directory: &Path) -> Option<Pid> {
    let text = fs::read_to_string(directory.join("postmaster.pid")).ok()?;
    let process = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
    test_kill_process(process).ok()?;
    let id = process.as_raw_nonzero().to_string();
    let arguments = if cfg!(target_os = "linux") {
        fs::read(format!("/proc/{id}/cmdline")).ok()?
    } else {
        Command::new("ps").args(["-o", "command=", "-p", &id]).output().ok()?.stdout
    };
    let wanted = directory.to_str()?.as_bytes();
    arguments.windows(wanted.len()).any(|window| window == wanted).then_some(process)
}

fn wait_for(condition: impl Fn() -> bool, patience: Duration) -> bool {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > patience {
            return false;
        }
        thread::sleep(POLL_PAUSE);
    }
    true
}

/// Opens the log to append, after putting a long one aside.
fn open_log(path: &Path) -> std::io::Result<File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn read_from(path: &Path, start: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(64 << 10).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => error.to_string(),
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
