//! The same comes out whatever the number of threads, and however a file is cut.

use std::io::Write;

use scoring::problem::code;
use scoring::{Dialect, InputError, OnError, ScoreError, ScoreOptions, Summary, score_csv};

use crate::shop::{dialect, model};

const HEADER: &str = "id,tenure,MonthlyCharges,Contract,SeniorCitizen\n";

/// A small generator: tests must be the same every time.
struct Dice(u64);

impl Dice {
    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        choices[(self.0 % choices.len() as u64) as usize]
    }
}

const IDS: &[&str] = &[
    "C0000017",
    "\"Smith, J\"",
    "\"two\nlines\"",
    "\"say \"\"hi\"\"\"",
    "5\" disk",
    "",
    "\"\"",
    "\u{438}\u{43c}\u{44f}",
];
const TENURES: &[&str] = &["1", "72", "", "\"12\"", " 7 ", "+3", "1e1", "00000000012", "-4"];
const CHARGES: &[&str] = &["29.85", "70", ".5", "5.", "\"99.95\"", "123456789.5", "1234.567"];
const CONTRACTS: &[&str] = &[
    "Month-to-month",
    "\"One year\"",
    "two_year",
    "Weekly",
    "",
    "\"say \"\"what\"\"\"",
    "a contract whose name is far longer than that of any that is listed anywhere",
];
const SENIORS: &[&str] = &["0", "1", "Yes", "\"no\"", "perhaps", " 1"];
const ENDS: &[&str] = &["\n", "\n", "\n", "\r\n", "\n\n", "\r\n  \n"];
const BAD: &[&str] = &["soon", "1,2,3,4,5,6,7", "1.2.3", "\"1 000\"", "1", "NaN"];

/// A record with its line end; about one in `good` of them cannot be scored.
fn record(dice: &mut Dice, good: usize) -> String {
    let is_bad = good > 0 && dice.pick(&["x"; 1]) == "x" && dice.0.is_multiple_of(good as u64);
    let tenure = if is_bad { dice.pick(BAD) } else { dice.pick(TENURES) };
    let cells = [dice.pick(IDS), tenure, dice.pick(CHARGES), dice.pick(CONTRACTS), dice.pick(SENIORS)];
    cells.join(",") + dice.pick(ENDS)
}

fn file(seed: u64, records: usize, good: usize) -> String {
    let mut dice = Dice(seed);
    let mut text = HEADER.to_owned();
    (0..records).for_each(|_| text.push_str(&record(&mut dice, good)));
    text
}

type Scored = Result<(Vec<u8>, Summary), InputError>;

fn score(bytes: &[u8], dialect: &Dialect, on_error: OnError, threads: usize) -> Scored {
    let options = ScoreOptions { on_error, rows_max: 10_000_000, threads, extra: Vec::new() };
    let mut result = Vec::new();
    match score_csv(&model(), dialect, bytes, &mut result, &options, &mut |_| true) {
        Ok(summary) => Ok((result, summary)),
        Err(ScoreError::Input(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// Scores with every number of threads, and gives what all of them gave.
fn same_for_all(bytes: &[u8], on_error: OnError) -> Scored {
    let dialect = dialect(file(1, 3, 0).as_bytes());
    let expected = score(bytes, &dialect, on_error, 1);
    for threads in [2, 99] {
        let found = score(bytes, &dialect, on_error, threads);
        assert!(found == expected, "{threads} threads: {:?} and {:?}", found.err(), expected.err());
    }
    expected
}

#[test]
fn good_files_come_out_the_same_for_any_number_of_threads() {
    let (result, summary) = same_for_all(file(3, 150_000, 0).as_bytes(), OnError::Fail).unwrap();
    assert!(result.len() > 6 << 20, "several chunks");
    assert_eq!((summary.rows, summary.rows_skipped), (150_000, 0));
    assert!(summary.unknown_categories.iter().all(|unknown| unknown.count > 10_000));
}

#[test]
fn skipped_customers_come_out_the_same_for_any_number_of_threads() {
    let text = file(5, 150_000, 500);
    let (_, summary) = same_for_all(text.as_bytes(), OnError::Skip).unwrap();
    assert!(summary.rows_skipped > 100, "{}", summary.rows_skipped);
    // Of a file of which nobody can be scored, the first problems are told.
    let nobody = HEADER.to_owned() + &"x,soon,1,,0\n".repeat(200_000);
    let error = same_for_all(nobody.as_bytes(), OnError::Skip).unwrap_err();
    assert_eq!((error.code, error.problems.len()), (code::NO_ROW_SCORED, 100));
    assert_eq!((error.problems[0].line, error.problems[99].line), (2, 101));
}

#[test]
fn the_first_of_several_faults_is_told() {
    let good = "C1,1,2,One year,0\n".repeat(200_000);
    let bad = "C1,soon,2,One year,0\n";
    let fault = |text: String| {
        let error = same_for_all(text.as_bytes(), OnError::Fail).unwrap_err();
        (error.code, error.problems[0].line)
    };
    assert_eq!(fault(format!("{HEADER}{good}{bad}{good}{bad}{good}")), (code::NOT_A_NUMBER, 200_002));
    assert_eq!(fault(format!("{HEADER}{good}{bad}{good}C1,\"{good}")), (code::NOT_A_NUMBER, 200_002));
    assert_eq!(fault(format!("{HEADER}{good}C1\n{good}\0{good}")), (code::RAGGED_ROW, 200_002));
    assert_eq!(fault(format!("{HEADER}{good}\0{good}{bad}")), (code::BINARY_FILE, 200_002));
    assert_eq!(fault(format!("{HEADER}{good}{bad}\0{good}")), (code::BINARY_FILE, 200_003));
    assert_eq!(fault(format!("{HEADER}{good}C1,\"{good}")), (code::UNCLOSED_QUOTE, 200_002));
    let long = "x".repeat(2 << 20);
    assert_eq!(fault(format!("{HEADER}{good}{long},1,2,,0\n{bad}")), (code::RECORD_TOO_LONG, 200_002));
    assert_eq!(fault(format!("{HEADER}{good}{bad}{good}{long}\n")), (code::NOT_A_NUMBER, 200_002));
}

#[test]
fn threads_hold_the_limit_of_customers_and_stop_when_told() {
    let text = format!("{HEADER}{}", "C1,1,2,One year,0\n".repeat(300_000));
    let dialect = dialect(text.as_bytes());
    for threads in [1, 4] {
        let score = |rows_max, stop_at: u64| {
            let options = ScoreOptions { on_error: OnError::Fail, rows_max, threads, extra: Vec::new() };
            let mut heard = Vec::new();
            let mut written = Written(0);
            let result =
                score_csv(&model(), &dialect, text.as_bytes(), &mut written, &options, &mut |rows| {
                    heard.push(rows);
                    rows < stop_at
                });
            assert!(heard.is_sorted());
            (result, heard, written.0)
        };
        let (result, ..) = score(299_999, u64::MAX);
        assert!(matches!(result, Err(ScoreError::Input(error)) if error.code == code::TOO_MANY_ROWS));
        let (result, heard, _) = score(300_000, u64::MAX);
        assert!(result.is_ok() && heard.last() == Some(&300_000));
        // Nothing is written behind the place where it was told to stop.
        let (result, heard, written) = score(300_000, 1);
        assert!(matches!(result, Err(ScoreError::Stopped)) && heard.len() == 1);
        assert!(written < 2 << 20, "{written}");
    }
}

struct Written(usize);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// At the end of a text, cells are read one byte after the other; in the middle of one, all at once.
#[test]
fn a_customer_is_scored_alone_as_among_others() {
    let mut dice = Dice(9);
    let records: Vec<String> = (0..3000).map(|_| record(&mut dice, 40)).collect();
    let dialect = dialect(file(1, 3, 0).as_bytes());
    let (together, summary) =
        score((HEADER.to_owned() + &records.concat()).as_bytes(), &dialect, OnError::Skip, 1).unwrap();
    let mut alone = Vec::new();
    let mut skipped = 0;
    for record in &records {
        match score((HEADER.to_owned() + record).as_bytes(), &dialect, OnError::Skip, 1) {
            Ok((result, _)) => {
                let after_header = result.iter().position(|&byte| byte == b'\n').unwrap() + 1;
                alone.extend_from_slice(&result[after_header..]);
            }
            Err(error) => {
                // What is wrong is told with another line, so that only the beginning can be compared.
                assert_eq!(error.code, code::NO_ROW_SCORED);
                skipped += 1;
                let cells = record.trim_ascii_end();
                assert!(together.windows(cells.len()).any(|window| window == cells.as_bytes()));
            }
        }
    }
    assert_eq!(summary.rows_skipped, skipped);
    let lines = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let is_scored = |line: &&str| line.ends_with(',') && !line.contains(",,,");
        text.lines().filter(is_scored).map(str::to_owned).collect()
    };
    assert!(lines(&alone).len() > 1000);
    assert_eq!(
        lines(&together[together.iter().position(|&byte| byte == b'\n').unwrap() + 1..]),
        lines(&alone)
    );
}
