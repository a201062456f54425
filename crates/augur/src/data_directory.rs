//! The directory that holds everything of an embedded installation: the database, the files, the
//! secrets. Knows nothing of PostgreSQL.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::TryRngCore;
use secrecy::SecretString;
use url::Url;

const SECRET_BYTES: usize = 32;

/// An existing directory, by its canonical path.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    path: PathBuf,
}

/// What a process that holds the lock does with the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// `augur serve`: runs until it is stopped, and others may use its database beside it.
    Serve,
    /// A command that ends by itself, and stops the database when it does.
    Command,
}

/// The exclusive lock on a data directory, released when it is dropped or its process ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

/// What an attempt to lock the directory came to.
#[derive(Debug)]
pub enum LockAttempt {
    /// The lock is ours.
    Taken(DirectoryLock),
    /// Another process has it; what it does, where it has said so already, and its process id.
    Held {
        /// What the other process does.
        holder: Option<Holder>,
        /// The other process' id as text, empty where it is not known yet.
        process: String,
    },
}

impl DataDirectory {
    /// Opens the chosen directory or the user's default one, and makes it where it is missing.
    pub fn open(chosen: Option<&Path>) -> Result<Self> {
        let wanted = match chosen {
            Some(path) => path.to_owned(),
            None => default_path()?,
        };
        let made = || -> std::io::Result<PathBuf> {
            if let Some(parent) = wanted.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                fs::create_dir_all(parent)?;
            }
            match DirBuilder::new().mode(0o700).create(&wanted) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            wanted.canonicalize()
        };
        let path = made().with_context(|| format!("cannot use the data directory {}", wanted.display()))?;
        Ok(Self { path })
    }

    /// The directory's canonical path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The object store in this directory, closed to other users: a `file://` URL.
    pub fn storage_url(&self) -> Result<String> {
        let path = self.path.join("objects");
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot make {}", path.display()));
            }
            _ => {}
        }
        match Url::from_directory_path(&path) {
            Ok(url) => Ok(url.into()),
            Err(()) => bail!("{} cannot be written as a URL", path.display()),
        }
    }

    /// The secret that signs access tokens: made at the first call and kept, so that tokens survive
    /// a restart.
    pub fn jwt_secret(&self) -> Result<SecretString> {
        let path = self.path.join("jwt_secret");
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= SECRET_BYTES => return Ok(text.trim().into()),
            Ok(_) => bail!("{} is too short; remove it to have a new one made", path.display()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        let mut bytes = [0_u8; SECRET_BYTES];
        rand::rngs::OsRng.try_fill_bytes(&mut bytes).context("the system gives no random bytes")?;
        let secret = hex::encode(bytes);
        self.write_private("jwt_secret", secret.as_bytes())?;
        Ok(secret.into())
    }

    /// Writes a file that only its owner reads: whole or not at all, also across a power failure.
    pub fn write_private(&self, name: &str, contents: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            file.write_all(contents)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            File::open(&self.path)?.sync_all()
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Tries to take the lock without waiting.
    pub fn try_lock(&self, holder: Holder) -> Result<LockAttempt> {
        let path = self.path.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{} {}", holder.word(), std::process::id())?;
                Ok(LockAttempt::Taken(DirectoryLock { _file: file }))
            }
            Err(fs::TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.read_to_string(&mut text)?;
                let (word, process) = text.trim().split_once(' ').unwrap_or_default();
                Ok(LockAttempt::Held { holder: Holder::from_word(word), process: process.to_owned() })
            }
            Err(fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Takes the lock, waiting for a command that ends by itself, but not for another `serve`.
    pub async fn lock_to_serve(&self, patience: Duration) -> Result<DirectoryLock> {
        let started = Instant::now();
        loop {
            match self.try_lock(Holder::Serve)? {
                LockAttempt::Taken(lock) => return Ok(lock),
                LockAttempt::Held { holder, process } => {
                    if holder == Some(Holder::Serve) || started.elapsed() > patience {
                        bail!(
                            "another augur (process {process}) runs on the data directory {}; \
                             stop it first, or choose another with --data-dir",
                            self.path.display()
                        );
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

impl Holder {
    fn word(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Command => "command",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Serve, Self::Command].into_iter().find(|holder| holder.word() == word)
    }
}

fn default_path() -> Result<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/augur"));
    }
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(base) = absolute("XDG_DATA_HOME") {
        return Ok(base.join("augur"));
    }
    let home = absolute("HOME").context("HOME is not set; name a data directory with --data-dir")?;
    Ok(if cfg!(target_os = "macos") {
        home.join("Library/Application Support/augur")
    } else {
        home.join(".local/share/augur")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_secret_is_made_once_and_kept_private() {
        let root = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(Some(&root.path().join("a/b"))).unwrap();
        let first = directory.jwt_secret().unwrap();
        assert!(first.expose_secret().len() >= 32);
        assert_eq!(first.expose_secret(), directory.jwt_secret().unwrap().expose_secret());
        let mode = fs::metadata(directory.path().join("jwt_secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_lock_tells_who_holds_it_and_is_free_after_a_drop() {
        let root = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(Some(root.path())).unwrap();
        let LockAttempt::Taken(lock) = directory.try_lock(Holder::Serve).unwrap() else { panic!("held") };
        let LockAttempt::Held { holder, process } = directory.try_lock(Holder::Command).unwrap() else {
            panic!("taken twice")
        };
        assert_eq!(holder, Some(Holder::Serve));
        assert_eq!(process, std::process::id().to_string());
        drop(lock);
        assert!(matches!(directory.try_lock(Holder::Command).unwrap(), LockAttempt::Taken(_)));
    }
}
