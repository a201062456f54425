//! Runs PostgreSQL's programs as a user that PostgreSQL accepts: it refuses to run as root, so root
//! hands it to the user `postgres` (else `nobody`), also below directories that are closed to others.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A user and its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's id.
    pub user: u32,
    /// The group's id.
    pub group: u32,
}

/// How a program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `setpriv` changes the user and then asks for a signal at the parent's death, in this order:
    /// a change of user forgets the request.
    Setpriv,
    /// As above, and the program may pass directories that are closed to its user. Nothing else of
    /// root's is left to it.
    SetprivPassing,
    /// Without `setpriv`: nothing tells the program that its parent has died.
    Plain,
}

/// Starts programs as the right user.
#[derive(Clone, Debug)]
pub struct Launcher {
    account: Option<Account>,
    way: Way,
}

impl Launcher {
    /// Finds out how `program` can be run so that it reaches `directory`. `owner` is the account
    /// that an existing cluster belongs to.
    pub fn find(directory: &Path, program: &Path, owner: Option<Account>) -> Result<Self> {
        let is_root = rustix::process::geteuid().is_root();
        let account = if is_root { Some(owner.map_or_else(unprivileged_account, Ok)?) } else { None };
        let ways: &[Way] = if is_root {
            open_to_passing(directory)?;
            &[Way::Setpriv, Way::SetprivPassing, Way::Plain]
        } else {
            &[Way::Setpriv, Way::Plain]
        };
        let launchers = ways.iter().map(|&way| Self { account, way });
        match launchers.into_iter().find(|launcher| launcher.reaches(directory, program)) {
            Some(launcher) => Ok(launcher),
            None => bail!(
                "the user that runs the database (id {}) cannot reach {} or {}, because a directory above \
                 is closed to it; choose another --data-dir, open the directories above it \
                 (chmod o+x), or run augur as an ordinary user",
                account.map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.user),
                directory.display(),
                program.display()
            ),
        }
    }

    /// A command that runs as the right user, below none of our environment. Where the system can
    /// do it, the process gets SIGINT when the thread that spawned it ends.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = match self.way {
            Way::Plain => Command::new(program),
            Way::Setpriv | Way::SetprivPassing => Command::new("setpriv"),
        };
        command.env_clear().env("LC_ALL", "C").env("PATH", path()).current_dir("/").stdin(Stdio::null());
        if self.way == Way::Plain {
            if let Some(account) = self.account {
                command.uid(account.user).gid(account.group);
            }
            return command;
        }
        if let Some(account) = self.account {
            command.args(["--reuid", &account.user.to_string(), "--regid", &account.group.to_string()]);
            command.arg("--clear-groups");
        }
        if self.way == Way::SetprivPassing {
            for set in ["--inh-caps", "--ambient-caps", "--bounding-set"] {
                command.args([set, "-all,+dac_read_search"]);
            }
        }
        command.args(["--pdeathsig", "INT", "--"]).arg(program);
        command
    }

    /// Who owns the cluster's files; none means the user that runs this process.
    pub fn account(&self) -> Option<Account> {
        self.account
    }

    fn reaches(&self, directory: &Path, program: &Path) -> bool {
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", r#"cd -- "$1" && test -x "$2""#, "sh"]).arg(directory).arg(program);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }
}

/// The owner of an existing path.
pub fn owner_of(path: &Path) -> Result<Option<Account>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(Account { user: metadata.uid(), group: metadata.gid() })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}

/// Lets others pass our own directory, though not list it: the secrets in it are closed one by one.
fn open_to_passing(directory: &Path) -> Result<()> {
    let change = || -> std::io::Result<()> {
        let mode = fs::metadata(directory)?.permissions().mode();
        if mode & 0o011 == 0o011 {
            return Ok(());
        }
        fs::set_permissions(directory, fs::Permissions::from_mode(mode | 0o011))
    };
    change().with_context(|| format!("cannot let the database's user into {}", directory.display()))
}

fn unprivileged_account() -> Result<Account> {
    let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| account_in(&users, name))
        .context("the database cannot run as root, and there is no user postgres or nobody to run it")
}

fn account_in(users: &str, name: &str) -> Option<Account> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let account = Account { user: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? };
    (account.user != 0).then_some(account)
}

fn path() -> PathBuf {
    std::env::var_os("PATH").map_or_else(|| PathBuf::from("/usr/bin:/bin"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_by_their_whole_name_and_never_root() {
        let users =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:7:8::/:/\npostgres:x:101:104:,,,:/:/\nodd:x:0:5::/:/\n";
        assert_eq!(account_in(users, "postgres"), Some(Account { user: 101, group: 104 }));
        assert_eq!(account_in(users, "nobody"), None);
        assert_eq!(account_in(users, "odd"), None);
    }
}
