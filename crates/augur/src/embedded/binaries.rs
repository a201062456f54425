//! Finds the installed PostgreSQL programs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The oldest version that the schema and its queries are made for.
const MAJOR_MIN: u32 = 15;

const ADVICE: &str = "install PostgreSQL (Debian and Ubuntu: apt-get install postgresql; \
    macOS: brew install postgresql@17), name the directory of its programs in AUGUR_POSTGRES_BIN, \
    or name a running server in DATABASE_URL";

/// Places whose subdirectories hold one version each.
const VERSIONED: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// One installed version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binaries {
    major: u32,
    directory: PathBuf,
}

impl Binaries {
    /// The programs for a cluster made by version `wanted`, or the newest ones for a new cluster.
    pub fn find(wanted: Option<u32>) -> Result<Self> {
        if let Some(directory) = std::env::var_os("AUGUR_POSTGRES_BIN") {
            let directory = PathBuf::from(directory);
            let found = Self::probe(&directory).with_context(|| {
                format!("AUGUR_POSTGRES_BIN: no PostgreSQL programs in {}", directory.display())
            })?;
            return choose([found].into(), wanted);
        }
        let found = candidates().iter().filter_map(|directory| Self::probe(directory)).collect();
        choose(found, wanted)
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn probe(directory: &Path) -> Option<Self> {
        if !directory.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(directory.join("postgres")).arg("--version").output().ok()?;
        let major = major_of(std::str::from_utf8(&output.stdout).ok()?)?;
        Some(Self { major, directory: directory.to_owned() })
    }
}

/// Reads "postgres (PostgreSQL) 15.8 (Debian 15.8-0)", and "17beta1" as 17.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

fn choose(found: BTreeSet<Binaries>, wanted: Option<u32>) -> Result<Binaries> {
    let versions: Vec<String> = found.iter().map(|one| one.major.to_string()).collect();
    let suitable = |one: &Binaries| wanted.map_or(one.major >= MAJOR_MIN, |major| one.major == major);
    if let Some(best) = found.into_iter().rev().find(suitable) {
        return Ok(best);
    }
    match wanted {
        Some(major) => bail!(
            "the data directory belongs to PostgreSQL {major}, whose programs are not installed \
             (installed: {}); install version {major}, or name its programs in AUGUR_POSTGRES_BIN",
            if versions.is_empty() { "none".to_owned() } else { versions.join(", ") }
        ),
        None if versions.is_empty() => bail!("PostgreSQL is not installed; {ADVICE}"),
        None => bail!("PostgreSQL {MAJOR_MIN} or newer is needed, found {}; {ADVICE}", versions.join(", ")),
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for (parent, prefix, bin) in VERSIONED {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let versions = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        directories.extend(versions.map(|entry| entry.path().join(bin)));
    }
    directories.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(major: u32) -> Binaries {
        Binaries { major, directory: PathBuf::from(format!("/opt/{major}")) }
    }

    #[test]
    fn versions_are_read_from_what_the_program_prints() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_of("something else"), None);
    }

    #[test]
    fn a_new_cluster_gets_the_newest_and_an_old_one_its_own() {
        let found = || BTreeSet::from([binaries(15), binaries(17), binaries(16)]);
        assert_eq!(choose(found(), None).unwrap().major, 17);
        assert_eq!(choose(found(), Some(15)).unwrap().major, 15);
        let message = choose(found(), Some(14)).unwrap_err().to_string();
        assert!(message.contains("PostgreSQL 14") && message.contains("15, 16, 17"), "{message}");
        assert!(choose(BTreeSet::new(), None).unwrap_err().to_string().contains("not installed"));
        assert!(choose([binaries(9)].into(), None).is_err());
    }
}
