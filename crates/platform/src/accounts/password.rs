//! Passwords: what is accepted, and hashing that cannot starve the rest.

use super::hashes::Workplace;
use crate::Error;
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};
use tokio::sync::oneshot;

/// How many hashes may wait for a turn before the next one is refused.
const WAITING_MAX: usize = 64;

/// What the hash is of that an unknown user's password is checked against.
const DECOY: &[u8] = b"a password that nobody has";

const LENGTH_MIN: usize = 8;
const LENGTH_MAX: usize = 128;

/// Passwords of at least eight characters that many people use; guessing begins with them.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// A new password that may be used: 8 to 128 characters, and not one that everybody uses.
pub struct Password(SecretString);

impl Password {
    /// Takes a password as it was typed; spaces and case count.
    pub fn parse(field: &'static str, text: SecretString) -> Result<Password, Error> {
        // The length in bytes bounds the work before the characters are counted.
        let exposed = text.expose_secret();
        if exposed.len() > LENGTH_MAX * 4 || exposed.chars().count() > LENGTH_MAX {
            return Err(Error::invalid(field, "a password has at most 128 characters"));
        }
        if exposed.chars().count() < LENGTH_MIN {
            return Err(Error::invalid(field, "a password has at least 8 characters"));
        }
        if COMMON.contains(exposed.to_lowercase().as_str()) {
            return Err(Error::invalid(field, "this password is among those tried first by attackers"));
        }
        Ok(Password(text))
    }
}

/// What checking a password found.
pub(crate) struct Verification {
    pub(crate) matches: bool,
    /// Whether the stored hash was made with weaker parameters than today's.
    pub(crate) outdated: bool,
}

/// A hash to make or to check, and where its answer goes.
type Task = Box<dyn FnOnce(&mut Workplace) + Send>;

/// Argon2id on threads of its own: one core stays free, a bounded number waits, and all hashes of a thread are
/// made in the same memory.
pub struct PasswordHashing {
    waiting: SyncSender<Task>,
    /// The hash that an unknown user's password is checked against, so that it takes as long.
    decoy: String,
}

impl PasswordHashing {
    /// Hashing on `max(1, cores - 1)` threads, which end with this value.
    pub fn new() -> Result<PasswordHashing, Error> {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let (waiting, tasks) = sync_channel::<Task>(WAITING_MAX);
        let tasks = Arc::new(Mutex::new(tasks));
        for _ in 0..cores.saturating_sub(1).max(1) {
            let tasks = tasks.clone();
            std::thread::Builder::new()
                .name("password".to_owned())
                .spawn(move || run_tasks(&tasks))
                .map_err(Error::internal)?;
        }
        Ok(PasswordHashing { waiting, decoy: Workplace::default().hash(DECOY)? })
    }

    pub(crate) async fn hash(&self, password: Password) -> Result<String, Error> {
        self.run(move |workplace| workplace.hash(password.0.expose_secret().as_bytes())).await?
    }

    /// Checks a password against a stored hash, or against nobody's where there is none.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<Verification, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        self.run(move |workplace| {
            let exposed = password.expose_secret();
            // No accepted password is longer; hashing it would only be work for an attacker.
            let plausible = exposed.len() <= LENGTH_MAX * 4;
            let tried = if plausible { exposed.as_bytes() } else { b"" };
            let (matches, outdated) = workplace.compare(tried, &stored)?;
            Ok(Verification { matches: matches && plausible && known, outdated })
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Workplace) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, answer) = oneshot::channel();
        let task = move |workplace: &mut Workplace| {
            // Nobody waits for the answer of a client that has hung up.
            if !sender.is_closed() {
                let _ = sender.send(work(workplace));
            }
        };
        self.waiting.try_send(Box::new(task)).map_err(|_| Error::Busy)?;
        answer.await.map_err(Error::internal)
    }
}

/// Takes one task after the other, until there can be no more.
fn run_tasks(tasks: &Mutex<Receiver<Task>>) {
    let mut workplace = Workplace::default();
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match task {
            // A panic is the caller's to see, whose answer never comes; the thread goes on.
            Ok(task) => drop(catch_unwind(AssertUnwindSafe(|| task(&mut workplace)))),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> bool {
        Password::parse("password", SecretString::from(text)).is_ok()
    }

    #[test]
    fn lengths_and_common_passwords_are_judged() {
        assert!(!parse("sevench"));
        assert!(parse("eight-ch"));
        assert!(parse(&"long pass word ".repeat(4)));
        assert!(!parse(&"x".repeat(1_000_000)));
        for common in ["password", "Password123", "12345678", "qwertyuiop"] {
            assert!(!parse(common), "{common}");
        }
    }

    #[tokio::test]
    async fn hashes_are_argon2id_and_verify() {
        let hashing = PasswordHashing::new().unwrap();
        let password = Password::parse("password", SecretString::from("correct horse")).unwrap();
        let hash = hashing.hash(password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (tried, expected) in
            [("correct horse", true), ("Correct horse", false), ("correct horse ", false)]
        {
            let found = hashing.verify(SecretString::from(tried), Some(hash.clone())).await.unwrap();
            assert_eq!(found.matches, expected, "{tried}");
            assert!(!found.outdated);
        }
        let decoy = SecretString::from("a password that nobody has");
        assert!(!hashing.verify(decoy, None).await.unwrap().matches);
    }
}
