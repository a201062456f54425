//! The monitoring's figures against SciPy's and scikit-learn's (`reference/make_monitoring.py`), and the second
//! look at a result.

use scoring::monitoring::significance::{chi_square_tail, kolmogorov_tail, normal_tail, two_sample_tail};
use scoring::monitoring::{
    Counts, DriftLevel, DriftReport, FeatureProfile, Judged, Look, NumberProfile, Observation, Profile, Test,
    Thresholds, estimated, observe,
};
use scoring::{CategoryValue, Feature, FeatureKind, Manifest, OnError, Schema, ScoreError};
use serde_json::Value;

use crate::shop;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/monitoring.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn close(found: f64, wanted: &Value, tolerance: f64) {
    let wanted = wanted.as_f64().unwrap();
    assert!((found - wanted).abs() <= tolerance * wanted.abs().max(1e-12), "{found} is not {wanted}");
}

#[test]
fn tails_are_those_of_scipy() {
    let reference = reference();
    let rows = |name: &str| reference[name].as_array().unwrap().clone();
    for row in rows("chi_square") {
        close(chi_square_tail(row[0].as_f64().unwrap(), row[1].as_u64().unwrap() as u32), &row[2], 1e-9);
    }
    for row in rows("normal") {
        close(normal_tail(row[0].as_f64().unwrap()), &row[1], 1e-9);
    }
    for row in rows("kolmogorov") {
        close(kolmogorov_tail(row[0].as_f64().unwrap()), &row[1], 1e-9);
    }
    for row in rows("two_sample") {
        // The limit, corrected, beside the exact distribution.
        let found =
            two_sample_tail(row[0].as_f64().unwrap(), row[1].as_u64().unwrap(), row[2].as_u64().unwrap());
        close(found, &row[3], 0.1);
    }
}

fn counts_of(profile: &NumberProfile, values: &[f64]) -> Counts {
    let mut cells = vec![0; profile.points.len() + 1];
    values.iter().for_each(|&value| cells[profile.cell(value)] += 1);
    Counts { cells, missing: 0 }
}

/// One number and one category, and what was seen of them.
fn compared(then: &[f64], now: &[f64], then_values: &[u64], now_values: &[u64]) -> DriftReport {
    let value = |place: usize| CategoryValue { value: place.to_string(), aliases: Vec::new() };
    let values = (0..then_values.len()).map(value).collect();
    let feature = |name: &str, kind| Feature { name: name.to_owned(), aliases: Vec::new(), kind };
    let features = vec![feature("n", FeatureKind::Number), feature("c", FeatureKind::Category { values })];
    let schema = Schema { features, outcomes: Vec::new() };
    let codes: Vec<u32> =
        (0..).zip(then_values).flat_map(|(code, &count)| vec![code; count as usize]).collect();
    let number = NumberProfile::of(then.iter().copied());
    let profile = Profile {
        rows: then.len() as u64,
        duplicates: 0,
        features: vec![
            FeatureProfile::of_numbers("n", then),
            FeatureProfile::of_codes("c", &codes, then_values.len()),
        ],
        probability: NumberProfile::of([0.5].into_iter()),
        mean_probability: 0.5,
        estimated_auc: None,
    };
    let rows = now.len() as u64;
    let mut cells = now_values.to_vec();
    cells.push(0);
    let seen = Observation {
        rows,
        rows_read: rows,
        features: vec![counts_of(&number, now), Counts { cells, missing: 0 }],
        probability: Counts { cells: vec![rows, 0], missing: 0 },
        probabilities: vec![(0.5, rows)],
    };
    DriftReport::new(&profile, &schema, &seen)
}

#[test]
fn distances_are_those_of_scipy() {
    let reference = reference();
    let (then, now) = (numbers(&reference["numbers"]["then"]), numbers(&reference["numbers"]["now"]));
    let categories = &reference["categories"];
    let whole = |name: &str| numbers(&categories[name]).iter().map(|&n| n as u64).collect::<Vec<u64>>();
    let report = compared(&then, &now, &whole("then"), &whole("now"));
    let [number, category] = &report.features[..] else { panic!("two features") };
    assert_eq!((number.test, category.test), (Test::KolmogorovSmirnov, Test::ChiSquare));
    close(number.statistic, &reference["numbers"]["statistic"], 1e-12);
    close(category.statistic, &categories["statistic"], 1e-12);
    close(category.p_value, &categories["p_value"], 1e-6);
    close(category.psi_raw, &categories["psi_raw"], 1e-12);
    close(category.psi_by_chance, &categories["psi_by_chance"], 1e-12);
    assert_eq!(category.psi, category.psi_raw - category.psi_by_chance);
    assert_eq!(number.bins.len(), 10);
    assert!(number.bins.iter().all(|bin| (bin.then - 0.1).abs() < 0.03), "{:?}", number.bins);
    let total: f64 = number.bins.iter().map(|bin| bin.now).sum();
    assert!((total - 1.0).abs() < 1e-12);
    assert_eq!(report.level_of(number, &Thresholds::default()), DriftLevel::Major);
}

#[test]
fn a_small_file_is_noise_and_no_drift() {
    let then: Vec<f64> = (0..5000).map(|row| f64::from(row % 97)).collect();
    // Every so-manieth customer of the same kind.
    let of = |rows: usize| -> Vec<f64> { (0..rows).map(|row| then[(row * 7919) % 5000]).collect() };
    let report = |rows: usize| compared(&then, &of(rows), &[2500, 2500], &[rows as u64 / 2, rows as u64 / 2]);
    assert_eq!(report(199).level(&Thresholds::default()), DriftLevel::TooFew);
    let few = report(220);
    assert!(few.features[0].psi_raw > 0.0 && few.features[0].psi < 0.02, "{:?}", few.features[0].psi);
    assert_eq!(few.level(&Thresholds::default()), DriftLevel::Stable);
    // All customers beyond what was ever seen.
    let beyond = compared(&then, &vec![500.0; 300], &[2500, 2500], &[150, 150]);
    assert_eq!(beyond.level(&Thresholds::default()), DriftLevel::Major);
    assert_eq!(beyond.level(&Thresholds { moderate: 50.0, major: 60.0 }), DriftLevel::Stable);
}

#[test]
fn performance_is_that_of_scikit_learn() {
    let reference = &reference()["judged"];
    let probabilities = numbers(&reference["probabilities"]);
    let left = numbers(&reference["left"]);
    let threshold = reference["threshold"].as_f64().unwrap();
    let mut halves = [Judged::default(), Judged::default()];
    for (row, (p, left)) in probabilities.iter().zip(&left).enumerate() {
        halves[row % 2].add((p * 1e6).round() as u32, *left == 1.0, threshold);
    }
    let [mut judged, second] = halves;
    judged.merge(&second);
    let judged = Judged::from_bytes(&judged.to_bytes()).unwrap();
    assert_eq!(judged.rows(), 900);
    let auc = judged.auc().unwrap();
    close(auc.area, &reference["auc"], 1e-12);
    close(auc.error, &reference["error"], 1e-9);
    close(judged.average_precision().unwrap(), &reference["average_precision"], 1e-9);
    close(judged.precision().unwrap(), &reference["precision"], 1e-12);
    close(judged.recall().unwrap(), &reference["recall"], 1e-12);
    close(judged.brier().unwrap(), &reference["brier"], 1e-9);
    let test = judged.spiegelhalter().unwrap();
    close(test.z, &reference["z"], 1e-9);
    close(test.p_value, &reference["z_p_value"], 1e-6);
    let bins = judged.calibration();
    assert_eq!(bins.iter().map(|bin| bin.rows).sum::<u64>(), 900);
    assert!(bins.len() >= 6 && bins.windows(2).all(|two| two[0].mean_probability < two[1].mean_probability));
    assert!(Judged::default().auc().is_none() && Judged::from_bytes(&[1]).is_none());
    let mut groups: Vec<(f64, u64)> = probabilities.iter().map(|&p| (p, 1)).collect();
    groups.sort_by(|left, right| left.0.total_cmp(&right.0));
    let estimate = estimated(&groups).unwrap();
    close(estimate.area, &reference["estimated_auc"], 1e-9);
    assert!(
        estimate.low < estimate.area && estimate.area < estimate.high && estimated(&groups[..99]).is_none()
    );
}

/// The shop's model with a profile of two thousand customers.
fn profiled() -> Manifest {
    let mut manifest = shop::model().manifest().clone();
    let tenures: Vec<f64> = (0..2000).map(|row| f64::from(row % 72)).collect();
    let codes: Vec<u32> = (0..2000).map(|row| row % 3).collect();
    let two: Vec<u32> = (0..2000).map(|row| row % 2).collect();
    manifest.profile = Some(Profile {
        rows: 2000,
        duplicates: 0,
        features: vec![
            FeatureProfile::of_numbers("tenure", &tenures),
            FeatureProfile::of_numbers("MonthlyCharges", &tenures),
            FeatureProfile::of_codes("Contract", &codes, 3),
            FeatureProfile::of_codes("SeniorCitizen", &two, 2),
        ],
        probability: NumberProfile::of(tenures.iter().map(|tenure| tenure / 72.0)),
        mean_probability: 0.5,
        estimated_auc: None,
    });
    manifest
}

#[test]
fn a_result_is_read_again_with_keys_and_probabilities() {
    let manifest = profiled();
    let mut file = "id;tenure;MonthlyCharges;Contract;SeniorCitizen;churn_probability\r\n".to_owned();
    for row in 0..3000 {
        let tenure = if row % 10 == 0 { String::new() } else { (row % 72).to_string() };
        let contract = ["One year", "Two year", "Month-to-month", "Never"][row % 4];
        let charges = if row == 5 { "many".to_owned() } else { format!("{},5", row % 90) };
        file += &format!("\"A;\"\"{row}\" ;{tenure};{charges};{contract};1;0\r\n");
    }
    let (result, summary) = shop::score_bytes(file.as_bytes(), OnError::Skip).unwrap();
    assert_eq!((summary.rows, summary.rows_skipped), (3000, 1));
    let mut look = Look {
        manifest: &manifest,
        delimiter: ';',
        decimal: ',',
        rows: 3000,
        rows_read_max: 10_000,
        key: Some("ID"),
    };
    let mut kept = Vec::new();
    let mut keep = |key: &[u8], millionths: u32, group: u8| {
        kept.push((String::from_utf8(key.to_vec()).unwrap(), millionths, group));
        Ok(())
    };
    let seen = observe(&look, result.as_bytes(), &mut keep, &mut || true).unwrap();
    assert_eq!((seen.rows, seen.rows_read, kept.len()), (2999, 2999, 2999));
    assert_eq!((kept[0].0.as_str(), kept[5].0.as_str(), kept[0].2), ("A;\"0", "A;\"6", 0));
    let mean = kept.iter().map(|one| f64::from(one.1)).sum::<f64>() / 2999.0 / 1e6;
    assert!((mean - summary.mean_churn_probability).abs() < 1e-9);
    assert_eq!(seen.features[0].missing, 300);
    // The values that the model knows, in its order, and the one that it does not.
    let contracts = &seen.features[2].cells;
    assert_eq!((contracts.iter().sum::<u64>(), contracts[3]), (2999, 750));
    assert_eq!(seen.probability.cells.iter().sum::<u64>(), 2999);
    let report = DriftReport::new(manifest.profile.as_ref().unwrap(), &manifest.schema, &seen);
    assert_eq!(report.level(&Thresholds::default()), DriftLevel::Major);
    assert!(report.features[2].psi > 0.25 && report.features[0].missing_now > 0.09, "{report:?}");

    look.rows_read_max = 300;
    let sampled = observe(&look, result.as_bytes(), &mut |_, _, _| Ok(()), &mut || true).unwrap();
    assert_eq!((sampled.rows, sampled.rows_read), (2999, 300));
    look.key = Some("nobody");
    let error = observe(&look, result.as_bytes(), &mut |_, _, _| Ok(()), &mut || true).unwrap_err();
    assert!(matches!(error, ScoreError::Input(error) if error.missing == ["nobody"]));
    look.key = None;
    let stopped = observe(&look, result.as_bytes(), &mut |_, _, _| Ok(()), &mut || false).unwrap_err();
    assert!(matches!(stopped, ScoreError::Stopped));
}
