//! CSV as people have it: every dialect and vocabulary means the same customers.

use bytes::Bytes;
use tests::customer::Customer;
use tests::customers_file::{Scored, generated, scored_rows, with_header};
use tests::dialect::{european, gzipped, tabbed, utf16, windows_1251, with_bom};
use tests::flows;
use tests::installation::Installation;
use tests::vocabulary;

flows! {
    shared:
        three_vocabularies_give_the_same_scores,
        a_european_spreadsheet_keeps_its_mark_its_commas_and_its_line_ends,
        tabs_stay_tabs,
        utf_16_comes_back_as_utf_8,
        windows_1251_comes_back_as_utf_8,
        a_gzip_file_comes_back_as_plain_csv,
        quoted_cells_come_back_as_they_were,
        the_outcome_in_the_file_changes_nothing,
        a_column_of_our_name_keeps_its_place_and_ours_gets_a_suffix,
        blank_lines_are_left_out_and_blank_numbers_are_missing,
        unknown_values_are_scored_and_counted;
}

const ROWS: usize = 40;

/// Scores a file with the logistic model and returns the result's text.
async fn score(on: &Installation, content: impl Into<Bytes>) -> String {
    let customer = Customer::with_balance(on, 7).await;
    let service = on.service("logistic", 7).await;
    String::from_utf8(customer.score(&service, content).await.to_vec()).unwrap()
}

/// What the plain form of a file scores.
async fn plain_scores(on: &Installation, csv: &str) -> Vec<Scored> {
    scored_rows(csv, &score(on, csv.to_owned()).await, ',', '.')
}

fn with_decimal_commas(scored: Vec<Scored>) -> Vec<Scored> {
    let comma = |row: Scored| Scored { churn_probability: row.churn_probability.replace('.', ","), ..row };
    scored.into_iter().map(comma).collect()
}

async fn three_vocabularies_give_the_same_scores(on: &Installation) {
    let csv = generated(ROWS, 11).await;
    let wanted = plain_scores(on, &csv).await;
    for rename in [vocabulary::of_the_predecessor, vocabulary::of_the_extended_edition] {
        let renamed = with_header(&csv, rename);
        assert_ne!(renamed, csv);
        assert_eq!(plain_scores(on, &renamed).await, wanted);
    }
    let shouted = with_header(&csv, |name| format!(" {}_", name.to_uppercase()));
    assert_eq!(plain_scores(on, &shouted).await, wanted, "case, spaces and underscores do not matter");
}

async fn a_european_spreadsheet_keeps_its_mark_its_commas_and_its_line_ends(on: &Installation) {
    let csv = generated(ROWS, 12).await;
    let renamed = with_header(&csv, vocabulary::of_the_extended_edition);
    let european = with_bom(&european(&renamed));
    let scored = scored_rows(&european, &score(on, european.clone()).await, ';', ',');
    assert_eq!(scored, with_decimal_commas(plain_scores(on, &csv).await));
}

async fn tabs_stay_tabs(on: &Installation) {
    let csv = generated(ROWS, 13).await;
    let tabbed = tabbed(&csv);
    assert_eq!(
        scored_rows(&tabbed, &score(on, tabbed.clone()).await, '\t', '.'),
        plain_scores(on, &csv).await
    );
}

/// A generated file whose every customer has a Russian name in a column of its own.
async fn with_russian_names(seed: u64) -> (String, String) {
    let csv = generated(ROWS, seed).await;
    let named = |(number, line): (usize, &str)| match number {
        0 => format!("Имя,{line}\n"),
        _ => format!("Алёна Щукина,{line}\n"),
    };
    let russian = csv.lines().enumerate().map(named).collect();
    (csv, russian)
}

async fn utf_16_comes_back_as_utf_8(on: &Installation) {
    let (csv, russian) = with_russian_names(14).await;
    let result = score(on, utf16(&russian)).await;
    let scored = scored_rows(&with_bom(&russian), &result, ',', '.');
    assert_eq!(scored, plain_scores(on, &csv).await);
}

async fn windows_1251_comes_back_as_utf_8(on: &Installation) {
    let (csv, russian) = with_russian_names(15).await;
    let result = score(on, windows_1251(&russian)).await;
    assert_eq!(scored_rows(&russian, &result, ',', '.'), plain_scores(on, &csv).await);
}

async fn a_gzip_file_comes_back_as_plain_csv(on: &Installation) {
    let csv = generated(ROWS, 16).await;
    let result = score(on, gzipped(csv.as_bytes())).await;
    assert_eq!(scored_rows(&csv, &result, ',', '.'), plain_scores(on, &csv).await);
}

async fn quoted_cells_come_back_as_they_were(on: &Installation) {
    let csv = generated(ROWS, 17).await;
    let quoted = |(number, line): (usize, &str)| match number {
        0 => format!("\"note, quoted\",{line}\r\n"),
        _ => format!("\"a \"\"note\"\", {number}\",{line}\r\n"),
    };
    let quoted: String = csv.lines().enumerate().map(quoted).collect();
    assert_eq!(
        scored_rows(&quoted, &score(on, quoted.clone()).await, ',', '.'),
        plain_scores(on, &csv).await
    );
}

async fn the_outcome_in_the_file_changes_nothing(on: &Installation) {
    let csv = generated(ROWS, 18).await;
    let wanted = plain_scores(on, &csv).await;
    for (column, values) in
        [("Churn", ["Yes", "No"]), ("Churn Value", ["1", "0"]), ("CLTV", ["6000", "2000"])]
    {
        let labelled = |(number, line): (usize, &str)| match number {
            0 => format!("{column},{line}\n"),
            _ => format!("{},{line}\n", values[number % 2]),
        };
        let labelled: String = csv.lines().enumerate().map(labelled).collect();
        assert_eq!(plain_scores(on, &labelled).await, wanted, "{column}");
    }
}

async fn a_column_of_our_name_keeps_its_place_and_ours_gets_a_suffix(on: &Installation) {
    let csv = generated(2, 19).await;
    let taken: String = csv
        .lines()
        .enumerate()
        .map(|(number, line)| if number == 0 { format!("stays,{line}\n") } else { format!("maybe,{line}\n") })
        .collect();
    let result = score(on, taken.clone()).await;
    let header = result.lines().next().unwrap();
    assert!(
        header.starts_with("stays,") && header.ends_with(",stays_predicted,churn_probability"),
        "{header}"
    );
    assert!(result.lines().nth(1).unwrap().starts_with("maybe,"));
}

async fn blank_lines_are_left_out_and_blank_numbers_are_missing(on: &Installation) {
    let csv = generated(3, 20).await;
    let lines: Vec<&str> = csv.lines().collect();
    let missing = tests::customers_file::with_cell(&csv, 2, "TotalCharges", " ");
    assert_eq!(plain_scores(on, &missing).await.len(), 3);
    let spaced = format!("{}\n{}\n\n{}\n   \n{}\n\n", lines[0], lines[1], lines[2], lines[3]);
    assert_eq!(scored_rows(&csv, &score(on, spaced).await, ',', '.').len(), 3);
}

async fn unknown_values_are_scored_and_counted(on: &Installation) {
    let csv = generated(4, 21).await;
    let csv = tests::customers_file::with_cell(&csv, 1, "PaymentMethod", "Barter");
    let csv = tests::customers_file::with_cell(&csv, 3, "PaymentMethod", "Barter");
    let customer = Customer::with_balance(on, 7).await;
    let service = on.service("catboost", 7).await;
    let prediction = customer.predict(&service, csv.clone()).await;
    let summary = customer.succeeded(&prediction).await["summary"].clone();
    let unknown = serde_json::json!([{ "column": "PaymentMethod", "count": 2 }]);
    assert_eq!(summary["unknown_categories"], unknown, "{summary}");
    let result = customer.result(&prediction).await;
    assert_eq!(scored_rows(&csv, std::str::from_utf8(&result).unwrap(), ',', '.').len(), 4);
}
