//! Trains a model.
//!
//! 1. A part of the customers is held out. On the others a search, where one is asked for, chooses
//!    parameters by cross-validation, and the recipe with these is fitted and calibrated.
//! 2. The customers held out judge it. They had no part in the choice of parameters, threshold and
//!    calibration; but which columns are features was decided on the whole file.
//! 3. The same recipe goes through cross-validation over everybody, for the figures of each fold and for
//!    the calibration, and is fitted on everybody. A threshold that is not fixed is chosen on these customers,
//!    and so were the parameters where a search chose them: then the figures of step 2 are the honest ones.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use scoring::Training;
use serde_json::Value;

use crate::cross_validation::{Unseen, cross_validate};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::held_out::HeldOutCustomers;
use crate::labelled::{self, Labelled};
use crate::metrics::Auc;
use crate::options::{TrainOptions, description_of};
use crate::quality::importance::{permutation, summarise};
use crate::quality::{self, Evidence, Groups, Importance};
use crate::recipe::{Fitted, Recipe};
use crate::reference::reference;
use crate::table::Table;
use crate::trained_model::TrainedModel;
use crate::{calibration, folds, levers, profile};

/// Fewer leavers or stayers than this in a fold measure nothing.
const FOLD_CLASS_MIN: usize = 2;
/// Tells the part held out from the folds of the same seed.
const HELD_OUT_SEED: u64 = 0x2545_f491_4f6c_dd1d;

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Fits that are done.
    pub fits_done: usize,
    /// Fits altogether.
    pub fits_total: usize,
}

/// Trains a model on a labelled customer file.
///
/// `progress` is called before the first fit and after each, from any thread, and may stop the training by
/// answering false.
pub fn train(
    data: &Path,
    options: &TrainOptions,
    progress: &(dyn Fn(Progress) -> bool + Sync),
) -> Result<TrainedModel, Error> {
    options.check()?;
    let table = Table::read(data)?;
    let Labelled { dataset, rows, report } = labelled::read(&table, &options.data)?;
    let levers = levers::declared(&dataset.schema, &options.levers)?;
    let groups = Groups::find(&table, &rows, options.groups.as_deref())?;
    let folds = options.folds as usize;
    let positives = dataset.positives();
    if positives.min(dataset.rows() - positives) < FOLD_CLASS_MIN * folds {
        let message = format!("{folds} folds need {FOLD_CLASS_MIN} leavers and stayers each");
        return Err(Error::Data(message));
    }
    let trainer = Trainer::new(options, progress)?;
    trainer.start()?;
    let choice = trainer.choose(&dataset, &rows)?;
    let recipe = choice.recipe;
    let unseen = match choice.unseen {
        Some(unseen) => unseen,
        None => trainer.cross_validate(&dataset, &recipe)?,
    };
    let Fitted { mut manifest, file } = recipe.fit(&dataset, options.seed)?;
    trainer.report()?;
    manifest.name.clone_from(&options.name);
    manifest.version.clone_from(&options.version);
    manifest.description = description_of(options.algorithm).to_owned();
    manifest.calibration =
        calibration::fit(options.calibration, &unseen.scores, &dataset.labels, options.seed);
    let probabilities = unseen.probabilities(&dataset.labels, options.calibration, options.seed);
    manifest.threshold = options.threshold.choose(&probabilities, &dataset.labels)?;
    manifest.profile = Some(profile::profile(&dataset, &probabilities, report.duplicates.dropped));
    manifest.training = Some(Training {
        file_name: table.file_name.clone(),
        sha256: table.sha256.clone(),
        rows: dataset.rows() as u64,
        positives: positives as u64,
        target: Some(report.target.clone()),
        positive: Some(report.positive.clone()),
        is_positive_named: options.data.positive.is_some(),
        folds: options.folds,
        seed: options.seed,
        parameters: Value::Object(recipe.settings()?),
    });
    manifest.reference = reference(&manifest, &file, &dataset)?;
    manifest.levers = Some(levers);
    manifest.effects = levers::effects(&manifest, &file, &dataset)?;
    let held_out = choice.held_out.as_ref();
    let kept = held_out.map(|part| part.kept(&table.sha256, &rows));
    let quality = quality::measure(Evidence {
        manifest: &manifest,
        left_out: &report.left_out,
        data: &dataset,
        fold_of: &unseen.fold_of,
        probabilities: &probabilities,
        held_out: held_out.map(|HeldOut { labels, probabilities, threshold, .. }| quality::HeldOut {
            labels,
            probabilities,
            threshold: *threshold,
        }),
        costs: options.threshold.costs(),
        importance: importance(&unseen, &dataset, options.seed)?,
        groups: &groups,
    });
    manifest.metrics = quality.unseen.metrics.clone();
    Ok(TrainedModel { manifest, file, data: report, quality, held_out: kept })
}

/// The fits of one training, counted.
struct Trainer<'a> {
    options: &'a TrainOptions,
    /// The recipes to choose from, at least one.
    recipes: Vec<Recipe>,
    progress: &'a (dyn Fn(Progress) -> bool + Sync),
    fits_done: AtomicUsize,
    fits_total: usize,
}

/// What a training has settled before the model itself is fitted.
struct Choice {
    recipe: Recipe,
    /// The recipe's cross-validation over everybody, where it has already been made.
    unseen: Option<Unseen>,
    held_out: Option<HeldOut>,
}

/// Customers who had no part in any choice, and what was said of them.
struct HeldOut {
    /// Their places among the customers to learn from.
    places: Vec<usize>,
    labels: Vec<bool>,
    probabilities: Vec<f64>,
    /// Chosen on the others.
    threshold: f64,
}

impl HeldOut {
    /// These customers as others may be judged on them; `rows` are the places of all customers in the file.
    fn kept(&self, file_sha256: &str, rows: &[usize]) -> HeldOutCustomers {
        HeldOutCustomers {
            file_sha256: file_sha256.to_owned(),
            rows: self.places.iter().map(|&place| rows[place] as u64).collect(),
            labels: self.labels.clone(),
            probabilities: self.probabilities.clone(),
        }
    }
}

impl TrainOptions {
    /// How many fits a training takes; refuses options and parameters that make no sense, as training would.
    pub fn fits(&self) -> Result<usize, Error> {
        self.check()?;
        Ok(Trainer::new(self, &|_| true)?.fits_total)
    }
}

impl<'a> Trainer<'a> {
    fn new(
        options: &'a TrainOptions,
        progress: &'a (dyn Fn(Progress) -> bool + Sync),
    ) -> Result<Trainer<'a>, Error> {
        let usual = Recipe::new(options.algorithm).with(&options.settings)?;
        let combinations = options.search.combinations(options.seed)?;
        let recipes = combinations.iter().map(|settings| usual.with(settings));
        let recipes = recipes.collect::<Result<Vec<_>, Error>>()?;
        let folds = options.folds as usize;
        let final_fits = folds + 1;
        let fits_total = match (options.held_out > 0.0, recipes.len()) {
            (true, recipes) => recipes * folds + 1 + final_fits,
            (false, recipes) => recipes * folds + 1,
        };
        Ok(Trainer { options, recipes, progress, fits_done: AtomicUsize::new(0), fits_total })
    }

    fn start(&self) -> Result<(), Error> {
        let begin = Progress { fits_done: 0, fits_total: self.fits_total };
        if (self.progress)(begin) { Ok(()) } else { Err(Error::Stopped) }
    }

    fn report(&self) -> Result<(), Error> {
        let fits_done = self.fits_done.fetch_add(1, Ordering::Relaxed) + 1;
        let now = Progress { fits_done, fits_total: self.fits_total };
        if (self.progress)(now) { Ok(()) } else { Err(Error::Stopped) }
    }

    fn cross_validate(&self, data: &Dataset, recipe: &Recipe) -> Result<Unseen, Error> {
        let report = || self.report();
        cross_validate(data, recipe, self.options.folds as usize, self.options.seed, &report)
    }

    /// Chooses the recipe, and has it judged where customers are held out; `rows` are the places of the customers
    /// in the file.
    fn choose(&self, data: &Dataset, rows: &[usize]) -> Result<Choice, Error> {
        if self.options.held_out == 0.0 {
            let (recipe, unseen) = self.best(data)?;
            return Ok(Choice { recipe, unseen: Some(unseen), held_out: None });
        }
        let (inside, outside) = self.part(data, rows);
        let (held, rest) = (data.select(&inside), data.select(&outside));
        self.check_parts(&held, &rest)?;
        let (recipe, unseen) = self.best(&rest)?;
        let mut fitted = recipe.fit(&rest, self.options.seed)?;
        self.report()?;
        let TrainOptions { calibration: method, seed, .. } = self.options;
        fitted.manifest.calibration = calibration::fit(*method, &unseen.scores, &rest.labels, *seed);
        let seen = unseen.probabilities(&rest.labels, *method, *seed);
        let threshold = self.options.threshold.choose(&seen, &rest.labels)?;
        let probabilities = fitted.probabilities(&held)?;
        let held_out = Some(HeldOut { places: inside, labels: held.labels, probabilities, threshold });
        Ok(Choice { recipe, unseen: None, held_out })
    }

    /// The places of the customers who are held out, and of the others.
    fn part(&self, data: &Dataset, rows: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let may_be = |row: usize| self.options.held_out_rows.is_none_or(|first| (row as u64) < first);
        let ground: Vec<usize> = (0..rows.len()).filter(|&place| may_be(rows[place])).collect();
        let labels: Vec<bool> = ground.iter().map(|&place| data.labels[place]).collect();
        let seed = self.options.held_out_seed.unwrap_or(self.options.seed) ^ HELD_OUT_SEED;
        let (held, _) = folds::parted(&labels, self.options.held_out, seed);
        let mut is_held = vec![false; rows.len()];
        held.into_iter().for_each(|place| is_held[ground[place]] = true);
        (0..rows.len()).partition(|&place| is_held[place])
    }

    /// Both parts need leavers and stayers enough to be learned from and judged by.
    fn check_parts(&self, held: &Dataset, rest: &Dataset) -> Result<(), Error> {
        let rarest = |data: &Dataset| data.positives().min(data.rows() - data.positives());
        let wanted = FOLD_CLASS_MIN * self.options.folds as usize;
        if rarest(held) >= FOLD_CLASS_MIN && rarest(rest) >= wanted {
            return Ok(());
        }
        Err(Error::Data(format!(
            "too few leavers or stayers to hold some out: the part held out needs {FOLD_CLASS_MIN} of each and \
             has {}, the others need {wanted} of each and have {}; hold none out (--hold-out 0)",
            rarest(held),
            rarest(rest)
        )))
    }

    /// The recipe with the greatest area under the curve, the first of equals.
    fn best(&self, data: &Dataset) -> Result<(Recipe, Unseen), Error> {
        let mut best: Option<(f64, &Recipe, Unseen)> = None;
        for recipe in &self.recipes {
            let unseen = self.cross_validate(data, recipe)?;
            let area = Auc::mean(&unseen.fold_aucs(&data.labels)).area;
            if area.is_nan() {
                return Err(Error::Training("a fold cannot be judged: its scores are no numbers".to_owned()));
            }
            if best.as_ref().is_none_or(|(best_area, ..)| area > *best_area) {
                best = Some((area, recipe, unseen));
            }
        }
        let (_, recipe, unseen) = best.ok_or_else(|| Error::Options("nothing to try".to_owned()))?;
        Ok((recipe.clone(), unseen))
    }
}

/// How much each feature matters to the models of the folds, on the customers that they had not seen.
fn importance(unseen: &Unseen, data: &Dataset, seed: u64) -> Result<Vec<Importance>, Error> {
    let drops = unseen.models.par_iter().enumerate().map(|(fold, fitted)| {
        let inside: Vec<usize> = (0..data.rows()).filter(|&row| unseen.fold_of[row] == fold).collect();
        Ok(permutation(&fitted.load()?, &data.select(&inside), seed))
    });
    Ok(summarise(&data.schema, &drops.collect::<Result<Vec<_>, Error>>()?))
}
