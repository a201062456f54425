//! `augur models report`: where a model's report lies, or a copy of it.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use learning::report::{self, REPORT_FILE};
use serde_json::json;

use crate::commands::Global;
use crate::model_source::ModelSource;
use crate::output::{Output, print_json, print_line};

/// Tell where a model's report lies, or write it
///
/// The report is one HTML file that needs no network: curves, metrics with intervals, what matters to the
/// model, how it treats groups, and its model card.
#[derive(Args)]
pub struct Arguments {
    /// A model's directory or name
    model: PathBuf,
    /// Write the report here; - is standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Look here first
    #[arg(long, value_name = "DIR")]
    models_dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let found = ModelSource::new(arguments.models_dir.as_deref()).find(&arguments.model)?;
    let name = arguments.model.display();
    let Some(path) = &arguments.out else {
        let lying = found.directory.map(|directory| directory.join(REPORT_FILE));
        let path = lying.filter(|path| path.is_file());
        return tell(
            &path.with_context(|| format!("{name} has no report on disk; --out FILE writes one"))?,
            global,
        );
    };
    let quality = found.quality()?.with_context(|| {
        format!(
            "{name} was never measured: no quality.json belongs to it; augur evaluate judges it on a file"
        )
    })?;
    let page = report::html(&quality)?;
    let is_standard = path.as_os_str() == "-";
    let mut output = Output::open(Some(path.as_path()).filter(|_| !is_standard))?;
    output.write_all(page.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    output.finish()?;
    if is_standard { Ok(()) } else { tell(path, global) }
}

fn tell(path: &Path, global: &Global) -> Result<()> {
    if global.json { print_json(&json!({ "report": path })) } else { print_line(&path.display().to_string()) }
}
