//! How the customers of a prediction differ, as a part of pages.

use askama::Template;
use platform::monitoring::{self, PredictionDrift};
use platform::{Access, Error, PredictionId};
use scoring::monitoring::{Bin, BinKind, DRIFT_ROWS_MIN, DriftLevel, DriftReport, FeatureDrift, Test};

use crate::console::shell::Shell;
use crate::console::text::{Watch, fill};
use crate::state::Api;

/// So many features are shown at least; those that have not moved come behind them in words.
const FEATURES_SHOWN_MIN: usize = 8;
const FEATURES_SHOWN_MAX: usize = 40;
/// Bars reach this far beyond the upper threshold at least.
const BEYOND: f64 = 1.4;

/// What was seen of a prediction's customers.
#[derive(Template)]
#[template(path = "console/_drift.html")]
pub struct DriftPart {
    t: &'static Watch,
    model: String,
    class: &'static str,
    level: &'static str,
    said: String,
    estimated: String,
    estimated_hint: String,
    mean: String,
    mean_then: String,
    thresholds: String,
    moderate_x: String,
    major_x: String,
    features: Vec<Row>,
    more: Option<String>,
}

struct Row {
    name: String,
    label: String,
    class: &'static str,
    level: &'static str,
    psi: String,
    width: String,
    test: String,
    by_chance: String,
    bins: Vec<Pair>,
}

/// A bin of a feature, then and now.
struct Pair {
    name: String,
    then: String,
    now: String,
    then_width: String,
    now_width: String,
}

/// Reads what was seen of a prediction; nothing where nothing was.
pub async fn part(
    api: &Api,
    access: &Access,
    shell: &Shell,
    id: PredictionId,
) -> Result<Option<DriftPart>, Error> {
    match monitoring::of_prediction(&api.platform, access, id).await {
        Ok(drift) => Ok(Some(DriftPart::new(shell, &drift))),
        Err(Error::Conflict { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A level's word and the class of its tag.
pub fn level_of(shell: &Shell, level: DriftLevel) -> (&'static str, &'static str) {
    let t = Watch::of(shell.language);
    match level {
        DriftLevel::TooFew => (t.level_few, "quiet"),
        DriftLevel::Stable => (t.level_stable, "good"),
        DriftLevel::Moderate => (t.level_moderate, "warn"),
        DriftLevel::Major => (t.level_major, "bad"),
    }
}

impl DriftPart {
    fn new(shell: &Shell, drift: &PredictionDrift) -> DriftPart {
        let t = Watch::of(shell.language);
        let (report, thresholds) = (&drift.report, &drift.thresholds);
        let overall = report.level(thresholds);
        let (level, class) = level_of(shell, overall);
        let mut moved: Vec<&FeatureDrift> = report.features.iter().chain([&report.probability]).collect();
        moved.sort_by(|left, right| right.psi.total_cmp(&left.psi));
        let greatest = moved.first().map_or(0.0, |feature| feature.psi);
        let end = greatest.max(thresholds.major * BEYOND);
        let x = |value: f64| format!("{:.1}", 100.0 * (value / end).clamp(0.0, 1.0));
        let is_shown = |place: usize, feature: &FeatureDrift| {
            place < FEATURES_SHOWN_MIN || (feature.psi > 0.0 && place < FEATURES_SHOWN_MAX)
        };
        // Of too few customers the shares are noise, and a page of noise helps nobody.
        let shown: Vec<&FeatureDrift> = match overall {
            DriftLevel::TooFew => Vec::new(),
            _ => moved
                .iter()
                .enumerate()
                .filter(|(place, one)| is_shown(*place, one))
                .map(|(_, one)| *one)
                .collect(),
        };
        let rest = (moved.len() - shown.len()) as u64;
        let is_probability = |feature: &FeatureDrift| std::ptr::eq(feature, &raw const report.probability);
        let rows = shown.iter().map(|feature| {
            let (level, class) = level_of(shell, report.level_of(feature, thresholds));
            let name = if is_probability(feature) { t.probability } else { &feature.name };
            row(shell, feature, name, (level, class), x(feature.psi))
        });
        let (estimated, estimated_hint) = estimate(shell, report);
        DriftPart {
            t,
            model: drift.model.to_string(),
            class,
            level,
            said: said(shell, overall),
            estimated,
            estimated_hint,
            mean: shell.share(report.mean_probability),
            mean_then: fill(t.then, &[("share", &shell.share(report.mean_probability_then))]),
            thresholds: fill(
                t.thresholds_hint,
                &[
                    ("moderate", &shell.fraction(thresholds.moderate, 2)),
                    ("major", &shell.fraction(thresholds.major, 2)),
                ],
            ),
            moderate_x: x(thresholds.moderate),
            major_x: x(thresholds.major),
            features: rows.collect(),
            more: (rest > 0 && overall != DriftLevel::TooFew).then(|| shell.count(rest, t.more_features)),
        }
    }
}

/// What a level means, in a sentence.
fn said(shell: &Shell, level: DriftLevel) -> String {
    let t = Watch::of(shell.language);
    match level {
        DriftLevel::TooFew => fill(t.drift_few, &[("rows", &shell.number(DRIFT_ROWS_MIN))]),
        DriftLevel::Stable => t.drift_stable.to_owned(),
        DriftLevel::Moderate => t.drift_moderate.to_owned(),
        DriftLevel::Major => t.drift_major.to_owned(),
    }
}

/// The area under the curve that the probabilities promise, and its interval beside that of the training.
fn estimate(shell: &Shell, report: &DriftReport) -> (String, String) {
    let t = Watch::of(shell.language);
    let auc = |value: f64| shell.fraction(value, 3);
    let Some(area) = report.estimated_auc else { return ("—".to_owned(), t.estimated_none.to_owned()) };
    let then = report.estimated_auc_then.map_or_else(|| "—".to_owned(), auc);
    let places = [("low", auc(area.low)), ("high", auc(area.high)), ("then", then)];
    let places = places.each_ref().map(|(name, value)| (*name, value.as_str()));
    (auc(area.area), fill(t.estimated_hint, &places))
}

fn row(
    shell: &Shell,
    feature: &FeatureDrift,
    name: &str,
    (level, class): (&'static str, &'static str),
    width: String,
) -> Row {
    let t = Watch::of(shell.language);
    let psi = shell.fraction(feature.psi, 3);
    let widest = feature.bins.iter().map(|bin| bin.then.max(bin.now)).fold(f64::MIN_POSITIVE, f64::max);
    let p = match feature.p_value {
        p if p < 0.001 => format!("< {}", shell.fraction(0.001, 3)),
        p => shell.fraction(p, 3),
    };
    let test = match feature.test {
        Test::KolmogorovSmirnov => t.test_ks,
        Test::ChiSquare => t.test_chi,
    };
    Row {
        label: fill(t.feature_label, &[("name", name), ("psi", &psi), ("level", level)]),
        name: name.to_owned(),
        class,
        level,
        width,
        test: fill(test, &[("statistic", &shell.fraction(feature.statistic, 3)), ("p", &p)]),
        by_chance: fill(t.by_chance, &[("psi", &shell.fraction(feature.psi_by_chance, 3))]),
        psi,
        bins: feature
            .bins
            .iter()
            .map(|bin| Pair {
                name: bin_name(shell, bin),
                then: shell.share(bin.then),
                now: shell.share(bin.now),
                then_width: format!("{:.1}", 100.0 * bin.then / widest),
                now_width: format!("{:.1}", 100.0 * bin.now / widest),
            })
            .collect(),
    }
}

fn bin_name(shell: &Shell, bin: &Bin) -> String {
    let t = Watch::of(shell.language);
    let number = |value: f64| match value.fract() == 0.0 {
        true => shell.fraction(value, 0),
        false => shell.fraction(value, 2),
    };
    match &bin.kind {
        BinKind::Range { from: None, to: Some(to) } => fill(t.up_to, &[("to", &number(*to))]),
        BinKind::Range { from: Some(from), to: None } => fill(t.above, &[("from", &number(*from))]),
        BinKind::Range { from: Some(from), to: Some(to) } => {
            fill(t.between, &[("from", &number(*from)), ("to", &number(*to))])
        }
        BinKind::Range { from: None, to: None } => "—".to_owned(),
        BinKind::Value { value } => value.clone(),
        BinKind::Other => t.other_values.to_owned(),
        BinKind::Unknown => t.unknown_values.to_owned(),
        BinKind::Missing => t.no_value.to_owned(),
    }
}
