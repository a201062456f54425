//! What commands write: results to standard output or a file that is replaced at once, progress to a
//! terminal only.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tempfile::{Builder, NamedTempFile};

/// Whoever read our standard output has gone, as in `augur demo-data | head`: nothing is wrong.
#[derive(Debug)]
pub struct ReaderGone;

impl ReaderGone {
    /// Whether this is why a command ended.
    pub fn is_cause_of(error: &anyhow::Error) -> bool {
        let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
        causes.any(|cause| cause.get_ref().is_some_and(|inner| inner.is::<Self>()))
    }

    /// Tells a broken pipe on standard output from one elsewhere, such as the database's connection.
    fn mark<T>(result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => io::Error::new(ErrorKind::BrokenPipe, Self),
            _ => error,
        })
    }
}

impl Display for ReaderGone {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("nobody reads standard output any more")
    }
}

impl Error for ReaderGone {}

/// Where a command's rows go.
pub enum Output {
    /// Standard output.
    Standard(BufWriter<io::Stdout>),
    /// A device or pipe, which cannot be replaced.
    Stream(BufWriter<File>),
    /// A file beside its place, which it takes when it is complete.
    File {
        /// What is written so far.
        writer: BufWriter<NamedTempFile>,
        /// Where it goes.
        path: PathBuf,
    },
}

impl Output {
    /// Opens the place that `-o` names, or standard output.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::Standard(BufWriter::new(io::stdout()))) };
        let open = || -> io::Result<Self> {
            // A link stays a link: what it points to is replaced.
            let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
                return Ok(Self::Stream(BufWriter::new(File::options().write(true).open(&path)?)));
            }
            let mode = path.metadata().map_or(0o666, |metadata| metadata.permissions().mode() & 0o777);
            let mut builder = Builder::new();
            builder.prefix(".augur-").permissions(PermissionsExt::from_mode(mode));
            let file = builder.tempfile_in(directory_of(&path))?;
            Ok(Self::File { writer: BufWriter::new(file), path })
        };
        open().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes everything through; a file takes its place only now.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::Standard(mut writer) => ReaderGone::mark(writer.flush())?,
            Self::Stream(mut writer) => writer.flush()?,
            Self::File { writer, path } => {
                let place = || -> io::Result<()> {
                    let file = writer.into_inner().map_err(|error| error.into_error())?;
                    file.as_file().sync_all()?;
                    file.persist(&path)?;
                    File::open(directory_of(&path))?.sync_all()
                };
                place().with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(writer) => ReaderGone::mark(writer.write(bytes)),
            Self::Stream(writer) => writer.write(bytes),
            Self::File { writer, .. } => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(writer) => ReaderGone::mark(writer.flush()),
            Self::Stream(writer) => writer.flush(),
            Self::File { writer, .. } => writer.flush(),
        }
    }
}

/// Prints a line to standard output.
pub fn print_line(line: &str) -> Result<()> {
    Ok(ReaderGone::mark(writeln!(io::stdout().lock(), "{line}"))?)
}

/// Prints a value as JSON to standard output.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print_line(&serde_json::to_string_pretty(value)?)
}

/// A bar of `total` steps on a terminal, and nothing elsewhere; without a total, a spinner.
pub fn progress(total: Option<u64>, unit: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => format!("{{wide_bar}} {{human_pos}}/{{human_len}} {unit}, {{eta}} left"),
        None => format!("{{spinner}} {{human_pos}} {unit}, {{elapsed}}"),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_when_it_is_complete() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("out.csv");
        std::fs::write(&path, "old").unwrap();
        let mut output = Output::open(Some(&path)).unwrap();
        output.write_all(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        output.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        drop(Output::open(Some(&path)).unwrap());
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_reader_that_has_gone_is_no_error() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        assert!(!ReaderGone::is_cause_of(&broken().into()));
        let marked = ReaderGone::mark::<()>(Err(broken())).unwrap_err();
        assert!(ReaderGone::is_cause_of(&anyhow::Error::from(marked).context("cannot be scored")));
    }

    #[test]
    fn links_and_devices_stay_what_they_are() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("link"));
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut output = Output::open(Some(&link)).unwrap();
        output.write_all(b"new").unwrap();
        output.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert!(matches!(Output::open(Some(Path::new("/dev/null"))).unwrap(), Output::Stream(_)));
    }
}
