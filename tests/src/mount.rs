//! File systems that say no: read-only, empty or full, mounted over a directory for as long as a test
//! wants. Only root may mount, and not everywhere.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Something mounted over a directory; dropping it takes it away.
pub struct Mount {
    directory: PathBuf,
}

impl Mount {
    /// Whether this machine lets us mount.
    pub fn is_allowed() -> bool {
        let directory = tempfile::tempdir().expect("a directory");
        Mount::empty(directory.path()).is_some()
    }

    /// The directory itself, in which nothing can be written any more.
    pub fn read_only(directory: &Path) -> Option<Mount> {
        let path = directory.display().to_string();
        let mounted = Mount::with(&["--bind", &path, &path], directory)?;
        run(&["-o", "remount,ro,bind", &path]).then_some(mounted)
    }

    /// An empty directory in its place, which takes nothing: as a disk that is not there.
    pub fn empty(directory: &Path) -> Option<Mount> {
        let path = directory.display().to_string();
        Mount::with(&["-t", "tmpfs", "-o", "ro,size=64k", "none", &path], directory)
    }

    /// An empty directory in its place, on a disk without a free byte.
    pub fn full(directory: &Path) -> Option<Mount> {
        std::fs::create_dir_all(directory).expect("a directory");
        let path = directory.display().to_string();
        let mounted = Mount::with(&["-t", "tmpfs", "-o", "size=64k", "none", &path], directory)?;
        let filled = std::fs::write(directory.join("filler"), vec![0; 128 << 10]);
        assert!(filled.is_err(), "the disk is not full");
        Some(mounted)
    }

    fn with(arguments: &[&str], directory: &Path) -> Option<Mount> {
        run(arguments).then(|| Mount { directory: directory.to_owned() })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.directory).status();
    }
}

fn run(arguments: &[&str]) -> bool {
    let status = Command::new("mount").args(arguments).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
