//! Finds a model by its directory or its name: in the directory given, in AUGUR_MODELS_DIR, in
//! `models/`, and at last among the models that are built into the program.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use learning::quality::{QUALITY_FILE, Quality};
use scoring::Model;
use scoring::model::MANIFEST_FILE;

use crate::shipped_models::{self, SHIPPED, Shipped};

/// The directories in which models are looked up, in this order.
pub struct ModelSource {
    directories: Vec<PathBuf>,
}

/// A model and where it was found.
pub struct FoundModel {
    /// The model.
    pub model: Model,
    /// Its directory; none for one that is built in.
    pub directory: Option<PathBuf>,
}

impl FoundModel {
    /// What was measured of it, where that was written.
    pub fn quality(&self) -> Result<Option<Quality>> {
        let Some(directory) = &self.directory else {
            let bytes = self.shipped().map(|shipped| shipped.quality_json);
            return Ok(bytes.map(Quality::read).transpose()?);
        };
        let path = directory.join(QUALITY_FILE);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let quality = Quality::read(&bytes);
                Ok(Some(quality.with_context(|| format!("{} cannot be used", path.display()))?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// The size of the model file.
    pub fn model_bytes(&self) -> Result<u64> {
        let Some(directory) = &self.directory else {
            return Ok(self.shipped().map_or(0, |shipped| shipped.model.model_file.len() as u64));
        };
        let path = directory.join(&self.model.manifest().file);
        let metadata = std::fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(metadata.len())
    }

    fn shipped(&self) -> Option<&'static Shipped> {
        SHIPPED.iter().find(|shipped| shipped.name == self.model.manifest().name)
    }
}

impl ModelSource {
    /// The usual directories, after `chosen` if there is one.
    pub fn new(chosen: Option<&Path>) -> Self {
        let configured = std::env::var_os("AUGUR_MODELS_DIR").filter(|value| !value.is_empty());
        let usual = [configured.map(PathBuf::from), Some(PathBuf::from("models"))];
        let directories = chosen.map(Path::to_owned).into_iter().chain(usual.into_iter().flatten());
        Self { directories: directories.collect() }
    }

    /// Finds the model of this directory or name.
    pub fn find(&self, wanted: &Path) -> Result<FoundModel> {
        let by_name = self.directories.iter().map(|directory| directory.join(wanted));
        let is_name =
            wanted.components().count() == 1 && !wanted.starts_with(".") && !wanted.starts_with("..");
        let candidates: Vec<PathBuf> =
            if is_name { by_name.chain([wanted.to_owned()]).collect() } else { vec![wanted.to_owned()] };
        if let Some(directory) =
            candidates.into_iter().find(|directory| directory.join(MANIFEST_FILE).is_file())
        {
            let model = load(&directory)?;
            return Ok(FoundModel { model, directory: Some(directory) });
        }
        let shipped = SHIPPED.iter().find(|shipped| is_name && Path::new(shipped.name) == wanted);
        match shipped {
            Some(shipped) => Ok(FoundModel { model: shipped_models::load(shipped)?, directory: None }),
            None => bail!(
                "there is no model {}; known are {}",
                wanted.display(),
                self.list()?.into_keys().collect::<Vec<_>>().join(", ")
            ),
        }
    }

    /// Every model that a name finds.
    pub fn list(&self) -> Result<BTreeMap<String, FoundModel>> {
        let mut found = BTreeMap::new();
        for shipped in SHIPPED {
            found.insert(
                shipped.name.to_owned(),
                FoundModel { model: shipped_models::load(shipped)?, directory: None },
            );
        }
        for directory in self.directories.iter().rev() {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()).filter(|path| path.join(MANIFEST_FILE).is_file()) {
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                found.insert(name, FoundModel { model: load(&path)?, directory: Some(path) });
            }
        }
        Ok(found)
    }

    /// Where an imported model goes.
    pub fn directory_for_new(&self) -> &Path {
        self.directories.first().map_or(Path::new("models"), PathBuf::as_path)
    }
}

fn load(directory: &Path) -> Result<Model> {
    Model::load(directory).with_context(|| format!("the model in {} cannot be used", directory.display()))
}
