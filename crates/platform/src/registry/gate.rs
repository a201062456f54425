//! The gate before production: a challenger must be better than the champion on customers that neither has learned
//! from, by the paired comparison of [`PairedComparison`].
//!
//! A model that is handed out has learned from everybody in its file. So each training keeps what a model of the
//! same recipe, fitted without the customers held out, said of these; all trainings on one file hold out the same
//! customers. Champion and challenger of one file are compared by that. A champion of another file is itself
//! asked about the customers whom the challenger held out. Where they were in its own file, too, that flatters the
//! champion: the gate may refuse too much by that, and never lets too much pass. A retraining holds out only customers
//! whom the champion has not learned from.

use super::db::Made;
use super::{Version, db};
use crate::objects::{HELD_OUT_NAME, training_input_path, training_result_path};
use crate::{Error, Platform, models};
use learning::{HeldOutCustomers, PairedComparison};
use serde::{Deserialize, Serialize};

/// A challenger without a champion must be better than chance: the lower end of its area's 95 % interval.
const FIRST_AUC_LOW_MIN: f64 = 0.5;

/// Whom the gate asked about whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// There was no champion: the version's own quality.
    QualityBar,
    /// Customers of one file that both trainings had held out.
    HeldOutByBoth,
    /// Customers whom the challenger had held out; the champion may have learned from some of them.
    HeldOutByChallenger,
    /// Customers with outcomes whom a retraining held out, and whom the champion has not learned from.
    NewCustomers,
}

/// What the gate decided, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// The first version, and better than chance.
    FirstVersion,
    /// Better than the champion: the whole interval of the difference is above zero.
    Better,
    /// The first version, and not surely better than chance.
    NoBetterThanChance,
    /// Not surely better than the champion.
    NotBetter,
    /// The challenger's training held nobody out.
    NobodyHeldOut,
    /// The customers held out were erased.
    DataErased,
    /// The challenger's file lacks columns that the champion reads.
    ColumnsMissing,
    /// Too few leavers or stayers were held out.
    TooFewCustomers,
}

impl GateVerdict {
    /// Whether the gate is open.
    pub fn is_passed(self) -> bool {
        matches!(self, GateVerdict::FirstVersion | GateVerdict::Better)
    }

    /// Why it is as it is, as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            GateVerdict::FirstVersion => "the first version, and better than chance",
            GateVerdict::Better => "better than the version in production on the same customers",
            GateVerdict::NoBetterThanChance => "the version is not surely better than chance",
            GateVerdict::NotBetter => {
                "not surely better than the version in production on the same customers: the interval of the \
                 difference reaches zero"
            }
            GateVerdict::NobodyHeldOut => {
                "the training held nobody out (hold_out=0), so that nothing can be compared"
            }
            GateVerdict::DataErased => {
                "the customers held out were erased, so that nothing can be compared; train again"
            }
            GateVerdict::ColumnsMissing => {
                "the training's file lacks columns that the version in production reads"
            }
            GateVerdict::TooFewCustomers => "too few leavers or stayers were held out to tell a difference",
        }
    }
}

/// What the gate measured and decided. Counts and areas, never a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// What it decided.
    pub verdict: GateVerdict,
    /// Whom it asked about whom.
    pub basis: Basis,
    /// Champion and challenger on the same customers, where both could be asked.
    pub comparison: Option<PairedComparison>,
    /// The area under the curve of a first version with its interval.
    pub own_auc: Option<[f64; 3]>,
}

impl Gate {
    fn refused(verdict: GateVerdict, basis: Basis) -> Gate {
        Gate { verdict, basis, comparison: None, own_auc: None }
    }

    fn compared(comparison: Option<PairedComparison>, basis: Basis) -> Gate {
        let verdict = match &comparison {
            None => GateVerdict::TooFewCustomers,
            Some(comparison) if comparison.is_better() => GateVerdict::Better,
            Some(_) => GateVerdict::NotBetter,
        };
        Gate { verdict, basis, comparison, own_auc: None }
    }
}

/// Judges whether a challenger may take the champion's place.
pub(super) async fn judge(
    platform: &Platform,
    challenger: &Version,
    champion: Option<&Version>,
) -> Result<Gate, Error> {
    let (made, champion_made) = {
        let mut connection = platform.system.acquire().await?;
        let made = db::select_made(&mut connection, challenger.id).await?;
        let champion_made = match champion {
            Some(champion) => db::select_made(&mut connection, champion.id).await?,
            None => None,
        };
        (made.ok_or(Error::NotFound("training"))?, champion_made)
    };
    let Some(champion) = champion else { return Ok(first(&made)) };
    if made.metrics.held_out.is_none() {
        return Ok(Gate::refused(GateVerdict::NobodyHeldOut, Basis::HeldOutByChallenger));
    }
    let Some(held_out) = held_out(platform, &made).await? else {
        return Ok(Gate::refused(GateVerdict::DataErased, Basis::HeldOutByChallenger));
    };
    let champions = match &champion_made {
        Some(champion) if champion.input_sha256 == made.input_sha256 => {
            self::held_out(platform, champion).await?
        }
        _ => None,
    };
    if let Some(champions) = champions {
        let (theirs, own, labels) = held_out.shared_with(&champions);
        return Ok(Gate::compared(measured(&theirs, &own, &labels), Basis::HeldOutByBoth));
    }
    ask(platform, champion, &made, held_out).await
}

/// A first version has no champion, and passes by its own quality.
fn first(made: &Made) -> Gate {
    let figures = made.metrics.held_out.as_ref().unwrap_or(&made.metrics.unseen);
    let area = [figures.metrics.auc, figures.metrics.auc_low, figures.metrics.auc_high];
    let own_auc = match area {
        [Some(auc), Some(low), Some(high)] => Some([auc, low, high]),
        _ => None,
    };
    let is_passed = own_auc.is_some_and(|[_, low, _]| low > FIRST_AUC_LOW_MIN);
    let verdict = if is_passed { GateVerdict::FirstVersion } else { GateVerdict::NoBetterThanChance };
    Gate { verdict, basis: Basis::QualityBar, comparison: None, own_auc }
}

/// Asks the champion itself about the customers whom the challenger held out.
async fn ask(
    platform: &Platform,
    champion: &Version,
    made: &Made,
    held_out: HeldOutCustomers,
) -> Result<Gate, Error> {
    let basis = match made.retrained_against {
        Some(against) if against == champion.id => Basis::NewCustomers,
        _ => Basis::HeldOutByChallenger,
    };
    let file = match platform.objects.to_temporary_file(&training_input_path(made.training)).await {
        Ok((file, _)) => file,
        Err(Error::NotFound(_)) => return Ok(Gate::refused(GateVerdict::DataErased, basis)),
        Err(error) => return Err(error),
    };
    let model = models::load(platform, champion.id).await?;
    let asked = move || {
        let said = held_out.scored_by(&model, file.path());
        said.map(|said| measured(&said, &held_out.probabilities, &held_out.labels))
    };
    match tokio::task::spawn_blocking(asked).await.map_err(Error::internal)? {
        Ok(comparison) => Ok(Gate::compared(comparison, basis)),
        Err(learning::Error::Input(_)) => Ok(Gate::refused(GateVerdict::ColumnsMissing, basis)),
        // A cell that is no number for the champion's feature is as good as a column that is not there.
        Err(learning::Error::Cell { .. }) => Ok(Gate::refused(GateVerdict::ColumnsMissing, basis)),
        Err(error) => Err(Error::internal(error)),
    }
}

fn measured(champion: &[f64], challenger: &[f64], labels: &[bool]) -> Option<PairedComparison> {
    PairedComparison::measure(champion, challenger, labels)
}

/// The customers that a training held out; none once they were erased.
async fn held_out(platform: &Platform, made: &Made) -> Result<Option<HeldOutCustomers>, Error> {
    if made.erased || made.metrics.held_out.is_none() {
        return Ok(None);
    }
    let path = training_result_path(made.training, made.attempt, HELD_OUT_NAME);
    match platform.objects.get(&path).await {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(Error::internal),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
