//! What comes out of files with something wrong in them.

use std::io::{self, Read};

use scoring::problem::code;
use scoring::{OnError, ScoreError, ScoreOptions, score_csv};

use crate::shop::{dialect, model, score_bytes, score_error};

const HEADER: &str = "tenure,MonthlyCharges,Contract,SeniorCitizen";

/// The code, line and column of a file's first problem.
fn fault(rows: &str) -> (&'static str, u64, String) {
    let error = score_error(format!("{HEADER}\n{rows}").as_bytes(), OnError::Fail);
    let problem = error.problems.first().expect("a place");
    assert!(error.message.contains(&format!("Line {}", problem.line)));
    (error.code, problem.line, problem.column.clone())
}

#[test]
fn what_is_no_number_has_a_line_and_a_column() {
    let good = "1,2,One year,0\n";
    for bad in ["soon", "NaN", "inf", "-inf", "1e400", "1 234", "\"1,234\"", "0x1F", "1_000", "--3"] {
        let (code, line, column) = fault(&format!("{good}\n{bad},2,One year,0\n{good}"));
        assert_eq!((code, line, column.as_str()), (code::NOT_A_NUMBER, 4, "tenure"), "{bad}");
    }
    let text = "tenure;MonthlyCharges;Contract;SeniorCitizen\n1;53,85;;\n2;1.234,5;;\n";
    let error = score_error(text.as_bytes(), OnError::Fail);
    assert_eq!((error.code, error.problems[0].line), (code::NOT_A_NUMBER, 3));
    assert!(error.message.contains("thousands"));
}

#[test]
fn lines_are_counted_through_quoted_cells_and_blank_lines() {
    let (code, line, column) = fault("1,2,\"One\nyear\",0\r\n\r\n1,\"3\n\",x,0\n1,x,One year,0\n");
    assert_eq!((code, line, column.as_str()), (code::NOT_A_NUMBER, 7, "MonthlyCharges"));
    // The line is the cell's own, not its record's.
    let (_, line, column) = fault("\"1\n\",x,,0\n");
    assert_eq!((line, column.as_str()), (3, "MonthlyCharges"));
}

#[test]
fn any_number_of_blank_lines_may_stand_before_the_header() {
    let text = format!("{}{HEADER}\n1,2,,0\nx,2,,0\n", "\r\n".repeat(300_000));
    assert_eq!(score_error(text.as_bytes(), OnError::Fail).problems[0].line, 300_003);
}

#[test]
fn every_bad_cell_of_a_part_is_told() {
    let error = score_error(format!("{HEADER}\nx,y,,\n1,z,,\n1,2\n").as_bytes(), OnError::Fail);
    let places: Vec<_> =
        error.problems.iter().map(|problem| (problem.line, problem.column.as_str())).collect();
    assert_eq!(places, [(2, "tenure"), (2, "MonthlyCharges"), (3, "MonthlyCharges"), (4, "Contract")]);
    let many = format!("{HEADER}\n{}", "x,1,,\n".repeat(500));
    assert_eq!(score_error(many.as_bytes(), OnError::Fail).problems.len(), 100);
}

#[test]
fn ragged_rows_are_told() {
    assert_eq!(fault("1,2,,0\n1,2,\n"), (code::RAGGED_ROW, 3, "SeniorCitizen".to_owned()));
    assert_eq!(fault("1,2,,0\n1,2,,0,5\n"), (code::RAGGED_ROW, 3, "5".to_owned()));
}

#[test]
fn quotes_that_never_close_are_told_where_they_open() {
    assert_eq!(fault("1,2,,0\n1,\"2,,0\n1,2,,0\n"), (code::UNCLOSED_QUOTE, 3, "MonthlyCharges".to_owned()));
    let long = format!("1,2,,0\n1,2,\"{}", "x\n".repeat(2 << 20));
    assert_eq!(fault(&long), (code::UNCLOSED_QUOTE, 3, "Contract".to_owned()));
}

#[test]
fn records_beyond_the_limit_are_told() {
    let long = "x".repeat(1 << 20);
    assert_eq!(fault(&format!("1,2,,0\n1,2,{long},0\n")), (code::RECORD_TOO_LONG, 3, "tenure".to_owned()));
    let after = format!("x,2,,0\n1,2,{long},0\n1,2,,0\n");
    assert_eq!(fault(&after), (code::NOT_A_NUMBER, 2, "tenure".to_owned()));
    let longer = "x".repeat(5 << 20);
    assert_eq!(fault(&format!("1,2,,0\n1,2,{longer},0\n")), (code::RECORD_TOO_LONG, 3, "tenure".to_owned()));
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let options = ScoreOptions { on_error: OnError::Skip, rows_max: 10, ..ScoreOptions::default() };
    let good = format!("{HEADER}\n1,2,,0\n");
    let score = |bytes: &[u8]| match score_csv(
        &model(),
        &dialect(good.as_bytes()),
        bytes,
        Vec::new(),
        &options,
        &mut |_| true,
    ) {
        Err(ScoreError::Input(error)) => {
            (error.code, error.problems[0].line, error.problems[0].column.clone())
        }
        other => panic!("an input error was expected, not {other:?}"),
    };
    let with = |bytes: &[u8]| [good.as_bytes(), bytes].concat();
    assert_eq!(score(&with(b"1,\x002,,0\n")), (code::BINARY_FILE, 3, "MonthlyCharges".to_owned()));
    assert_eq!(score(&with(b"1,2,\xff,0\n")), (code::BAD_ENCODING, 3, "Contract".to_owned()));
}

#[test]
fn headers_that_do_not_fit_are_told() {
    let error = score_error(b"tenure,Contract\n1,x\n", OnError::Skip);
    assert_eq!(
        (error.code, error.missing.as_slice()),
        (code::MISSING_COLUMNS, &["MonthlyCharges".to_owned(), "SeniorCitizen".to_owned()][..])
    );
    let error = score_error(format!("{HEADER},ClientPeriod\n1,2,,0,1\n").as_bytes(), OnError::Skip);
    assert_eq!((error.code, error.problems[0].column.as_str()), (code::DUPLICATE_COLUMNS, "ClientPeriod"));
}

#[test]
fn skipped_customers_keep_their_line_and_say_why() {
    let text = format!("{HEADER}\r\nsoon,2,,0\r\n1,2,One year,0\r\n1,2\r\n1,\"x,y\",,0");
    let (result, summary) = score_bytes(text.as_bytes(), OnError::Skip).unwrap();
    let lines: Vec<&str> = result.split("\r\n").collect();
    assert_eq!(lines[0], format!("{HEADER},stays,churn_probability,problem"));
    assert_eq!(lines[1], "soon,2,,0,,,\"line 2, column tenure: \"\"soon\"\" is not a number\"");
    assert!(lines[2].starts_with("1,2,One year,0,") && lines[2].ends_with(','));
    // The lacking cells are filled up, so that the new columns stand under their names.
    assert_eq!(lines[3], "1,2,,,,,\"line 4, column Contract: the row has 2 cells, the header 4\"");
    assert!(lines[4].starts_with("1,\"x,y\",,0,,,\"line 5, column MonthlyCharges: "));
    assert_eq!((summary.rows, summary.rows_skipped, summary.stays + summary.leaves), (4, 3, 1));
}

#[test]
fn a_file_of_which_nobody_can_be_scored_fails() {
    let error = score_error(format!("{HEADER}\nx,2,,0\ny,2,,0\n").as_bytes(), OnError::Skip);
    assert_eq!((error.code, error.problems.len()), (code::NO_ROW_SCORED, 2));
}

#[test]
fn more_customers_than_paid_for_fail() {
    let text = format!("{HEADER}\n{}", "1,2,,0\n".repeat(11));
    let options = |rows_max| ScoreOptions { on_error: OnError::Fail, rows_max, ..ScoreOptions::default() };
    let score = |rows_max| {
        let dialect = dialect(text.as_bytes());
        score_csv(&model(), &dialect, text.as_bytes(), Vec::new(), &options(rows_max), &mut |_| true)
    };
    assert!(score(11).is_ok());
    assert!(matches!(score(10), Err(ScoreError::Input(error)) if error.code == code::TOO_MANY_ROWS));
}

#[test]
fn a_disk_that_fails_is_no_fault_of_the_file() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let options = ScoreOptions { on_error: OnError::Fail, rows_max: 10, ..ScoreOptions::default() };
    let good = format!("{HEADER}\n1,2,,0\n");
    for file in [good.as_bytes().to_vec(), crate::shop::gzip(good.as_bytes())] {
        let dialect = dialect(&file);
        let input = file[..15].chain(Broken);
        let result = score_csv(&model(), &dialect, input, Vec::new(), &options, &mut |_| true);
        assert!(matches!(result, Err(ScoreError::Io(_))));
    }
}
