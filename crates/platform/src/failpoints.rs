//! Places between debit and acknowledgement at which a test makes a process die, wait or panic.
//!
//! They exist only in a build with the feature `failpoints`, which no shipped program has; without it
//! a call is nothing. A test sets `FAILPOINTS` (the syntax of the crate `fail`) to
//! `name=return(ACTION)`, where the action is `kill`, which ends the process as SIGKILL does;
//! `hold:PATH`, which writes `PATH.reached` and waits for as long as `PATH` exists; or `panic`.

/// Whether this build has failpoints.
pub const ARE_BUILT_IN: bool = cfg!(feature = "failpoints");

/// Reads `FAILPOINTS`. To be called once, at the start of the process.
pub fn set_up() {
    #[cfg(feature = "failpoints")]
    built_in::set_up();
}

/// A place in asynchronous code.
pub async fn at(name: &'static str) {
    #[cfg(feature = "failpoints")]
    built_in::at(name).await;
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

/// A place on a thread that may block.
pub fn at_blocking(name: &'static str) {
    #[cfg(feature = "failpoints")]
    built_in::at_blocking(name);
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

#[cfg(feature = "failpoints")]
mod built_in {
    use std::path::PathBuf;
    use std::time::Duration;

    /// How often a held process looks whether it may go on.
    const HOLD_INTERVAL: Duration = Duration::from_millis(10);

    /// What a test wants to happen.
    enum Action {
        Kill,
        Panic,
        Hold(PathBuf),
    }

    pub(super) fn set_up() {
        // The scenario ends with the process.
        std::mem::forget(fail::FailScenario::setup());
    }

    pub(super) async fn at(name: &'static str) {
        if let Some(file) = reached(name) {
            while file.exists() {
                tokio::time::sleep(HOLD_INTERVAL).await;
            }
        }
    }

    pub(super) fn at_blocking(name: &'static str) {
        if let Some(file) = reached(name) {
            while file.exists() {
                std::thread::sleep(HOLD_INTERVAL);
            }
        }
    }

    /// Does what is to be done at once, and returns the file to wait for, if any.
    fn reached(name: &'static str) -> Option<PathBuf> {
        let action = fail::eval(name, |argument| read(name, &argument.unwrap_or_default()))?;
        tracing::warn!(failpoint = name, "A failpoint was reached");
        match action {
            Action::Kill => {
                // Nothing is tidied up, and nothing after this line runs.
                let _ =
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                std::process::abort();
            }
            Action::Panic => panic!("the failpoint {name}"),
            Action::Hold(file) => {
                let reached = PathBuf::from(format!("{}.reached", file.display()));
                if let Err(error) = std::fs::write(&reached, name) {
                    panic!("the failpoint {name}: {}: {error}", reached.display());
                }
                Some(file)
            }
        }
    }

    fn read(name: &str, argument: &str) -> Action {
        match argument.split_once(':') {
            Some(("hold", path)) => Action::Hold(PathBuf::from(path)),
            _ if argument == "kill" => Action::Kill,
            _ if argument == "panic" => Action::Panic,
            _ => panic!("the failpoint {name} knows no action {argument:?}"),
        }
    }
}
