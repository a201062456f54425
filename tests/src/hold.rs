//! Holds at failpoints: an order is caught at one moment of its life, and goes on when it is released.
//! They need a program that was built with the feature `failpoints`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::patience::eventually;

/// A place at which a process waits; dropping it lets the process go on.
pub struct Hold {
    file: PathBuf,
}

impl Hold {
    /// A hold with a file of its own in `directory`.
    pub fn new(directory: &Path) -> Hold {
        let file = directory.join(format!("hold-{}", uuid::Uuid::new_v4().simple()));
        std::fs::write(&file, "").expect("the hold's file");
        Hold { file }
    }

    /// What FAILPOINTS says so that a process waits at `failpoint` once, the first time it gets there.
    pub fn once_at(&self, failpoint: &str) -> String {
        format!("{failpoint}=1*return(hold:{})", self.file.display())
    }

    /// Waits until a process waits there.
    pub async fn reached(&self, limit: Duration) {
        let what = format!("something waits at {}", self.file.display());
        eventually(&what, limit, async || self.is_reached().then_some(())).await;
    }

    /// Whether a process has got there.
    pub fn is_reached(&self) -> bool {
        PathBuf::from(format!("{}.reached", self.file.display())).exists()
    }

    /// Lets the process go on.
    pub fn release(&self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.release();
    }
}

/// The variable that tells a process what to do at its failpoints.
pub fn failpoints(instructions: &[String]) -> (String, String) {
    ("FAILPOINTS".to_owned(), instructions.join(";"))
}
