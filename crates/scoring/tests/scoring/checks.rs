//! What a file's owner is told for free.

use scoring::problem::code;
use scoring::{CheckReport, Schema, ScoreError, check_csv};

use crate::shop::{dialect, gzip, schema};

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
