//! The files of the private database: where they are, how they are made, where its socket is.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::binaries::Binaries;
use super::launcher::{Account, Launcher, owner_of};
use crate::data_directory::DataDirectory;

/// The name of the database and of the role that owns it, which is no superuser.
pub const NAME: &str = "augur";
/// The role that initdb makes; used only to make the other one.
pub const SUPERUSER: &str = "postgres";
/// Only names the socket; nothing listens on a port.
const PORT: u16 = 5432;
/// The longest path that a unix socket may have (sun_path less its closing zero).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The private database's files.
#[derive(Clone, Debug)]
pub struct Cluster {
    directory: PathBuf,
    socket_directory: PathBuf,
    log: PathBuf,
}

impl Cluster {
    /// The cluster of a data directory, whether or not it exists yet.
    pub fn of(data_directory: &DataDirectory) -> Result<Self> {
        let directory = data_directory.path().join("postgres");
        if directory.to_str().is_none() {
            bail!("the data directory's name {} is not UTF-8", directory.display());
        }
        let socket_directory = socket_directory(&directory);
        Ok(Self { directory, socket_directory, log: data_directory.path().join("postgres.log") })
    }

    /// The cluster's directory, the `-D` of PostgreSQL's programs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the server writes its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The URL of the database for its owner.
    pub fn database_url(&self) -> Result<String> {
        let mut url = Url::parse(&format!("postgres:///{NAME}"))?;
        let socket_directory = self.socket_directory.to_str().context("the socket's path is not UTF-8")?;
        url.query_pairs_mut()
            .append_pair("host", socket_directory)
            .append_pair("port", &PORT.to_string())
            .append_pair("user", NAME)
            .append_pair("sslmode", "disable");
        Ok(url.into())
    }

    /// How to connect as the superuser, to the database that always exists.
    pub fn superuser_options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_directory)
            .port(PORT)
            .username(SUPERUSER)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
    }

    /// Makes the cluster where it is missing, and says how its programs are run.
    pub fn ensure(&self) -> Result<(Binaries, Launcher)> {
        let binaries = Binaries::find(self.version()?)?;
        let parent = self.directory.parent().context("the cluster has no parent directory")?;
        let owner = owner_of(&self.directory)?;
        let launcher = Launcher::find(parent, &binaries.program("postgres"), owner)?;
        if owner.is_none() {
            self.initialise(parent, &binaries, &launcher)?;
        }
        self.ensure_socket_directory(launcher.account())?;
        Ok((binaries, launcher))
    }

    /// Tidies up after a stopped server, where its socket had a directory of its own.
    pub fn remove_socket_directory(&self) {
        if self.socket_directory != self.directory {
            // An empty directory does no harm; the next start uses it again.
            let _ = fs::remove_dir(&self.socket_directory);
        }
    }

    /// The server's settings: durable, modest in memory, deaf to the network.
    pub fn settings(&self) -> Vec<OsString> {
        let mut quoted = OsString::from("unix_socket_directories=");
        quoted.push(format!("\"{}\"", self.socket_directory.display().to_string().replace('"', "\"\"")));
        let fixed = [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "shared_buffers=64MB",
            "max_connections=100",
            "jit=off",
            "logging_collector=off",
            "log_destination=stderr",
            // The detail of an error quotes values, such as the e-mail address that is taken.
            "log_error_verbosity=terse",
            "log_line_prefix=%m [%p] ",
            "log_timezone=UTC",
            "timezone=UTC",
            "cluster_name=augur",
        ];
        let port = OsString::from(format!("port={PORT}"));
        fixed.into_iter().map(OsString::from).chain([port, quoted]).collect()
    }

    /// The version that made the cluster; none where there is no cluster yet.
    fn version(&self) -> Result<Option<u32>> {
        let path = self.directory.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => {
                Ok(Some(text.trim().parse().with_context(|| format!("{} is damaged", path.display()))?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| {
                format!("cannot read {}: was the data directory made by another user?", path.display())
            }),
        }
    }

    /// Makes the cluster beside its place, writes it through to the disk and then renames it, so
    /// that a half-made one is never taken for a cluster.
    fn initialise(&self, parent: &Path, binaries: &Binaries, launcher: &Launcher) -> Result<()> {
        let unfinished = self.directory.with_extension("unfinished");
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", unfinished.display()));
            }
            _ => {}
        }
        make_private(&unfinished, launcher.account())?;
        let initdb = |arguments: &[&str]| -> Result<()> {
            let mut command = launcher.command(&binaries.program("initdb"));
            let output = command.arg("--pgdata").arg(&unfinished).args(arguments).output()?;
            if !output.status.success() {
                bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
            Ok(())
        };
        initdb(&["--username", SUPERUSER, "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync"])?;
        initdb(&["--sync-only"])?;
        let place = || -> std::io::Result<()> {
            fs::rename(&unfinished, &self.directory)?;
            File::open(parent)?.sync_all()
        };
        place().with_context(|| format!("cannot make {}", self.directory.display()))
    }

    /// Makes the socket's directory where it is not the cluster's own. It lies where everybody may
    /// write, so one that somebody else made before us is refused.
    fn ensure_socket_directory(&self, account: Option<Account>) -> Result<()> {
        if self.socket_directory == self.directory || make_private(&self.socket_directory, account).is_ok() {
            return Ok(());
        }
        let metadata = fs::symlink_metadata(&self.socket_directory)
            .with_context(|| format!("cannot make {}", self.socket_directory.display()))?;
        let user = account.map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.user);
        if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o077 != 0 {
            bail!(
                "{} belongs to somebody else; remove it, or choose a shorter --data-dir",
                self.socket_directory.display()
            );
        }
        Ok(())
    }
}

/// The cluster's own directory, or a short one where the socket's path would be too long. It does
/// not depend on the environment: every augur on this data directory must find the same.
fn socket_directory(cluster: &Path) -> PathBuf {
    let socket = cluster.join(format!(".s.PGSQL.{PORT}"));
    if socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return cluster.to_owned();
    }
    let hash = hex::encode(Sha256::digest(cluster.as_os_str().as_bytes()));
    Path::new("/tmp").join(format!("augur-{}", &hash[..16]))
}

fn make_private(path: &Path, account: Option<Account>) -> Result<()> {
    let make = || -> std::io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)?;
        match account {
            Some(account) => std::os::unix::fs::chown(path, Some(account.user), Some(account.group)),
            None => Ok(()),
        }
    };
    make().with_context(|| format!("cannot make {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_moves_the_socket_and_every_process_finds_the_same() {
        let short = Path::new("/srv/augur/postgres");
        assert_eq!(socket_directory(short), short);
        let long = Path::new("/srv").join("x".repeat(120));
        assert_eq!(socket_directory(&long), socket_directory(&long));
        assert!(socket_directory(&long).as_os_str().len() < 40);
    }

    #[test]
    fn the_url_survives_odd_characters() {
        let root = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(Some(&root.path().join("a b&c=d\"e"))).unwrap();
        let cluster = Cluster::of(&directory).unwrap();
        let options: PgConnectOptions = cluster.database_url().unwrap().parse().unwrap();
        assert_eq!(options.get_socket().map(PathBuf::as_path), Some(cluster.directory()));
        assert_eq!(options.get_username(), NAME);
        assert_eq!(options.get_database(), Some(NAME));
    }
}
