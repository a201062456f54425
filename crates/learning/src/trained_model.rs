//! A trained model and how it gets onto the disk: whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use scoring::model::MANIFEST_FILE;
use scoring::{Manifest, Model};

use crate::error::Error;
use crate::features::LeftOut;
use crate::held_out::HeldOutCustomers;
use crate::labelled::DataReport;
use crate::quality::{QUALITY_FILE, Quality};
use crate::report::{self, REPORT_FILE};

/// A trained model with everything that is to be known of it.
#[derive(Debug, Clone)]
pub struct TrainedModel {
    pub(crate) manifest: Manifest,
    pub(crate) file: Vec<u8>,
    pub(crate) data: DataReport,
    pub(crate) quality: Quality,
    pub(crate) held_out: Option<HeldOutCustomers>,
}

impl TrainedModel {
    /// The manifest, with the metrics of the cross-validation.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of the model file.
    #[must_use]
    pub fn model_file(&self) -> &[u8] {
        &self.file
    }

    /// The columns of the training file that are no features, and why.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.data.left_out
    }

    /// What was made of the training file: target, features, rows that repeat others.
    #[must_use]
    pub fn data(&self) -> &DataReport {
        &self.data
    }

    /// Everything that was measured.
    #[must_use]
    pub fn quality(&self) -> &Quality {
        &self.quality
    }

    /// The customers held out, with what a model that had not seen them said of them; none where nobody was.
    #[must_use]
    pub fn held_out(&self) -> Option<&HeldOutCustomers> {
        self.held_out.as_ref()
    }

    /// The bytes of the manifest's file.
    pub fn manifest_json(&self) -> Result<Vec<u8>, Error> {
        let mut json = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| Error::Training(format!("the manifest: {error}")))?;
        json.push(b'\n');
        Ok(json)
    }

    /// The model, ready to score.
    pub fn load(&self) -> Result<Model, Error> {
        Ok(Model::from_parts(&self.manifest_json()?, &self.file)?)
    }

    /// Refuses a place that holds anything but a model that can be replaced. Whoever trains asks before, so
    /// that no long training ends in a refusal.
    pub fn check_place(directory: &Path) -> Result<(), Error> {
        let failed = |source| Error::Write { path: directory.to_owned(), source };
        if may_be_replaced(directory).map_err(failed)? {
            return Ok(());
        }
        let reason = "there is something else than a model of this program, which is not replaced";
        Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, reason)))
    }

    /// Writes the model's directory. It is made beside its place and renamed into it when it is complete,
    /// so that nobody ever finds half a model. A model that is there already is replaced; a directory that
    /// has anything else in it is left alone.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        // What cannot be loaded is not written.
        self.load()?;
        TrainedModel::check_place(directory)?;
        let failed = |source| Error::Write { path: directory.to_owned(), source };
        let next = beside(directory, "next");
        let (manifest_json, quality_json) = (self.manifest_json()?, self.quality.to_json()?);
        let report = report::html(&self.quality)?;
        // The manifest is last: where it is, all is.
        let files: [(&str, &[u8]); 4] = [
            (&self.manifest.file, &self.file),
            (QUALITY_FILE, &quality_json),
            (REPORT_FILE, report.as_bytes()),
            (MANIFEST_FILE, &manifest_json),
        ];
        let result = write_files(&next, &files).and_then(|()| put_in_place(&next, directory));
        if result.is_err() {
            let _ = fs::remove_dir_all(&next);
        }
        result.map_err(failed)
    }
}

/// Whether there is nothing, an empty directory, or one with a model's files and no others.
fn may_be_replaced(directory: &Path) -> io::Result<bool> {
    if !directory.try_exists()? {
        return Ok(true);
    }
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.file_name()));
    let names = entries.collect::<io::Result<Vec<_>>>()?;
    if names.is_empty() {
        return Ok(true);
    }
    let manifest = directory.join(MANIFEST_FILE);
    if !manifest.is_file() {
        return Ok(false);
    }
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&fs::read(manifest)?) else { return Ok(false) };
    let own = [MANIFEST_FILE, &manifest.file, QUALITY_FILE, REPORT_FILE];
    Ok(names.iter().all(|name| own.iter().any(|own| name == own)))
}

/// A hidden directory on the same file system, of this process alone.
fn beside(directory: &Path, what: &str) -> PathBuf {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    directory.with_file_name(format!(".{name}.{what}-{}", process::id()))
}

fn write_files(directory: &Path, files: &[(&str, &[u8])]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, bytes) in files {
        let mut file = File::create(directory.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    File::open(directory)?.sync_all()
}

/// A directory can only be renamed over an empty one, so an old model is moved away first.
fn put_in_place(next: &Path, directory: &Path) -> io::Result<()> {
    if !directory.exists() {
        return fs::rename(next, directory);
    }
    let old = beside(directory, "old");
    fs::rename(directory, &old)?;
    if let Err(error) = fs::rename(next, directory) {
        fs::rename(&old, directory)?;
        return Err(error);
    }
    // The new model is in place: what is left of the old one is no failure of the training.
    let _ = fs::remove_dir_all(&old);
    Ok(())
}
