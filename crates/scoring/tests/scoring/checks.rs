//! What a file's owner is told for free.

use scoring::contract::{Contract, Expected, Finding, Freshness, PLACES_MAX};
use scoring::moment::seconds_of;
use scoring::monitoring::{FeatureProfile, NumberProfile, Profile};
use scoring::problem::code;
use scoring::{CheckReport, Schema, ScoreError, check_contract, check_csv};

use crate::shop::{self, dialect, gzip, schema};

fn check(schema: &Schema, bytes: &[u8]) -> Result<CheckReport, ScoreError> {
    check_csv(schema, &dialect(bytes), bytes)
}

#[test]
fn columns_rows_and_missing_shares_are_told() {
    let text = "id,ClientPeriod,MonthlyCharges,Contract,SeniorCitizen,Churn\n\
                a,1,,x,0,Yes\nb, ,,One year,0,No\n\nc,3,5,,0,\nd,4,5,\"\",0,No\n";
    for file in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
        let report = check(&schema(), &file).unwrap();
        assert_eq!((report.rows, report.problem_count), (4, 0));
        let columns: Vec<_> = report
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.matched_to.as_deref(), column.missing_share))
            .collect();
        assert_eq!(
            columns,
            [
                ("id", None, 0.0),
                ("ClientPeriod", Some("tenure"), 0.25),
                ("MonthlyCharges", Some("MonthlyCharges"), 0.5),
                ("Contract", Some("Contract"), 0.5),
                ("SeniorCitizen", Some("SeniorCitizen"), 0.0),
                ("Churn", None, 0.25),
            ]
        );
    }
}

#[test]
fn problems_are_listed_up_to_a_hundred_and_counted() {
    let text = format!("tenure,MonthlyCharges,Contract,SeniorCitizen\n{}1,2\n", "x,y,,\n".repeat(80));
    let report = check(&schema(), text.as_bytes()).unwrap();
    assert_eq!((report.rows, report.problems.len(), report.problem_count), (81, 100, 161));
    assert_eq!((report.problems[1].line, report.problems[1].column.as_str()), (2, "MonthlyCharges"));
}

#[test]
fn a_fault_that_hides_the_rest_ends_the_list() {
    let text = "tenure,MonthlyCharges,Contract,SeniorCitizen\nx,2,,0\n1,\"2,,0\n1,2,,0\n";
    let report = check(&schema(), text.as_bytes()).unwrap();
    assert_eq!((report.rows, report.problem_count), (1, 2));
    assert_eq!((report.problems[1].line, report.problems[1].column.as_str()), (3, "MonthlyCharges"));
}

#[test]
fn a_header_that_does_not_fit_is_an_error() {
    let error = check(&schema(), b"tenure\n1\n");
    assert!(matches!(error, Err(ScoreError::Input(error)) if error.code == code::MISSING_COLUMNS));
    let report = check(&Schema::default(), b"tenure\n1\n").unwrap();
    assert_eq!((report.rows, report.columns[0].matched_to.as_deref()), (1, None));
}

/// A contract of a hundred customers: tenure 0 to 72 and never missing, charges 20 to 120 and missing for a tenth.
fn contract() -> Contract {
    let mut manifest = shop::model().manifest().clone();
    let numbers = |low: f64, high: f64| (0..100).map(move |row| low + (high - low) * f64::from(row) / 99.0);
    let mut charges: Vec<f64> = numbers(20.0, 120.0).collect();
    charges[..10].fill(f64::NAN);
    let features = vec![
        FeatureProfile::of_numbers("tenure", &numbers(0.0, 72.0).collect::<Vec<f64>>()),
        FeatureProfile::of_numbers("MonthlyCharges", &charges),
        FeatureProfile::of_codes("Contract", &[0; 100], 3),
        FeatureProfile::of_codes("SeniorCitizen", &[0; 100], 2),
    ];
    let probability = NumberProfile::default();
    manifest.profile = Some(Profile {
        rows: 100,
        duplicates: 0,
        features,
        probability,
        mean_probability: 0.3,
        estimated_auc: None,
    });
    Contract::of(&manifest)
}

fn findings(text: &str, expected: &Expected) -> Vec<Finding> {
    let (contract, bytes) = (contract(), text.as_bytes());
    check_contract(&schema(), &contract, expected, &dialect(bytes), bytes).unwrap().findings
}

const HEADER: &str = "id,tenure,MonthlyCharges,Contract,SeniorCitizen,seen\n";

#[test]
fn what_is_as_it_was_learned_is_not_told_of() {
    let rows: String = (0..100)
        .map(|row| {
            let charges = if row % 10 == 0 { String::new() } else { (21 + row).to_string() };
            format!("c{row},{},{charges},Two year,0,2026-03-30\n", row % 73)
        })
        .collect();
    let now = seconds_of("2026-04-01T00:00Z", 0).unwrap();
    let freshness = Some(Freshness { column: "seen".to_owned(), days_max: 2, now });
    let expected = Expected { key: Some("ID".to_owned()), freshness };
    assert_eq!(findings(&format!("{HEADER}{rows}"), &expected), []);
    // A number may leave the range by a tenth of its width; the next one is told of.
    let at_the_edge = format!("{HEADER}a,79.2,130,,0,\nb,79.3,9.9,One year,1,\n");
    let found = findings(&at_the_edge, &Expected::default());
    let places: Vec<_> = found.iter().map(|one| (one.kind.as_str(), one.places[0].line)).collect();
    assert_eq!(places, [("out_of_range", 3), ("out_of_range", 3), ("missing", 2)]);
}

#[test]
fn what_is_otherwise_is_told_by_line_and_column_and_counted() {
    let rows: String = (0..40)
        .map(|row| match row % 2 {
            0 => "a,900,,\"Five\nyears\",0,2026-01-01\n".to_owned(),
            _ => format!("b{row},1,50,Two year,0,yesterday\n"),
        })
        .collect();
    let now = seconds_of("2026-04-01T00:00Z", 0).unwrap();
    let freshness = Some(Freshness { column: "seen".to_owned(), days_max: 30, now });
    let expected = Expected { key: Some("id".to_owned()), freshness };
    let found = findings(&format!("{HEADER}{rows}"), &expected);
    let seen: Vec<_> =
        found.iter().map(|one| (one.kind.as_str(), one.column.as_deref().unwrap(), one.count)).collect();
    assert_eq!(
        seen,
        [
            ("out_of_range", "tenure", 20),
            ("missing", "MonthlyCharges", 20),
            ("unknown_category", "Contract", 20),
            ("duplicates", "id", 19),
            ("stale", "seen", 40),
        ]
    );
    assert!(found.iter().all(|one| one.places.len() == PLACES_MAX), "told of ten places at most");
    assert_eq!(
        (found[0].places[1].line, found[2].places[1].line),
        (5, 5),
        "a cell of two lines counts as two"
    );
    assert_eq!(found[3].places[0].message, "this is on line 2 already");
    assert_eq!(found[4].message, "the newest date is 90 days old; 30 at most are expected");
    let whole_rows = findings(&format!("{HEADER}{rows}"), &Expected::default());
    assert!((whole_rows.iter().find(|one| one.column.is_none()).unwrap().share - 19.0 / 40.0).abs() < 1e-9);
    let unknown = Expected { key: Some("customer".to_owned()), freshness: None };
    let error =
        check_contract(&schema(), &contract(), &unknown, &dialect(rows.as_bytes()), HEADER.as_bytes());
    assert!(matches!(error, Err(ScoreError::Input(error)) if error.missing == ["customer"]));
}
