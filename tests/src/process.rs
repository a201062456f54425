//! A server process: started with its log in a file, signalled, waited for, and never left behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::patience::eventually;
use crate::program;

/// A running server; dropping it kills it.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `augur` with these arguments and variables; what it says goes to `log`.
    pub fn start(arguments: &[String], environment: &[(String, String)], log: PathBuf) -> Process {
        let output = File::options().create(true).append(true).open(&log).expect("a log file");
        let child = command_that_dies_with_us()
            .args(arguments)
            .env_clear()
            .envs(program::inherited_environment())
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .expect("the program starts");
        Process { child, log }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it writes its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Sends a signal by its name: `KILL`, `TERM`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(sent.expect("kill runs").success(), "signal {name} was not sent");
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the process can be waited for")
    }

    /// Waits until it has ended by itself.
    pub async fn end(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("the process behind {} ends", self.log.display());
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything that it has logged so far.
    pub fn logged(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until its log has a line with all of `parts`, and returns the line.
    pub async fn has_logged(&self, parts: &[&str], limit: Duration) -> String {
        let what = format!("a line with {parts:?} in {}", self.log.display());
        eventually(&what, limit, async || {
            let is_wanted = |line: &&str| parts.iter().all(|part| line.contains(part));
            self.logged().lines().find(is_wanted).map(str::to_owned)
        })
        .await
    }

    /// The most memory that it ever held, in bytes.
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("a live process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kibibytes * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// On Linux the kernel ends the server when this program is killed before it could.
fn command_that_dies_with_us() -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new(program::path());
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program::path());
    command
}
