//! The built program, as a person on the command line has it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

static PATH: OnceLock<PathBuf> = OnceLock::new();

/// The program under test: AUGUR_BINARY, else what the release build of this checkout made.
pub fn path() -> &'static Path {
    PATH.get_or_init(|| built("AUGUR_BINARY", "augur", "cargo build --release -p augur"))
}

/// Has the program with failpoints be the one under test: AUGUR_FAILPOINTS_BINARY, else what
/// scripts/build_with_failpoints made. To be called before anything asks for the program.
pub fn test_with_failpoints() {
    PATH.get_or_init(|| {
        built("AUGUR_FAILPOINTS_BINARY", "augur-failpoints", "scripts/build_with_failpoints")
    });
}

fn built(variable: &str, name: &str, command: &str) -> PathBuf {
    let default = || target_directory().join("release").join(name);
    let path = std::env::var_os(variable).map_or_else(default, PathBuf::from);
    path.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}; build it with: {command}", path.display()))
}

/// The checkout's root.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the checkout")
}

/// Where Cargo puts what it builds, and these tests their logs.
pub fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout().join("target"), PathBuf::from)
}

/// What a process needs of our own environment. Anything else could change what is tested.
pub fn inherited_environment() -> Vec<(String, String)> {
    let is_needed =
        |name: &str| matches!(name, "PATH" | "TMPDIR" | "LANG" | "AUGUR_POSTGRES_BIN" | "AUGUR_LOG");
    std::env::vars().filter(|(name, _)| is_needed(name)).collect()
}

/// Runs a command to its end.
pub async fn run(arguments: &[&str], environment: &[(String, String)]) -> Output {
    tokio::process::Command::new(path())
        .args(arguments)
        .env_clear()
        .envs(inherited_environment())
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the program starts")
}

/// Runs a command that must succeed, and returns what it printed.
pub async fn run_well(arguments: &[&str], environment: &[(String, String)]) -> String {
    let output = run(arguments, environment).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "augur {arguments:?} ended with {}: {said}", output.status);
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}

/// Runs a command that must succeed, and reads the JSON that it printed.
pub async fn run_for_json(arguments: &[&str], environment: &[(String, String)]) -> Value {
    let printed = run_well(arguments, environment).await;
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("augur {arguments:?}: {error}: {printed}"))
}
