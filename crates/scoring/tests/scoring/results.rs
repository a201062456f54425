//! What comes out of a good file.

use std::fmt::Write as _;

use scoring::{ExtraColumn, OnError, RiskTiers, ScoreError, ScoreOptions, score_csv};

use crate::shop::{
    Customer, dialect, gzip, model, probability, score, score_bytes, six_decimals, utf_16, windows_1251,
};

const CUSTOMER: Customer =
    Customer { tenure: Some(2.0), charges: Some(70.7), contract: Some(0), senior: Some(1) };

fn expected() -> String {
    six_decimals(probability(CUSTOMER))
}

#[test]
fn every_record_is_echoed_with_two_more_columns() {
    let (result, summary) =
        score("id,tenure,MonthlyCharges,Contract,SeniorCitizen\nx,2,70.7,Month-to-month,1\n");
    let expected = expected();
    assert_eq!(
        result,
        format!(
            "id,tenure,MonthlyCharges,Contract,SeniorCitizen,stays,churn_probability\n\
             x,2,70.7,Month-to-month,1,0,{expected}\n"
        )
    );
    assert_eq!((summary.rows, summary.stays, summary.leaves, summary.rows_skipped), (1, 0, 1, 0));
    assert_eq!(six_decimals(summary.mean_churn_probability), expected);
    assert_eq!((summary.histogram.len(), summary.histogram.iter().sum::<u64>()), (20, 1));
    assert!(summary.unknown_categories.is_empty());
}

#[test]
fn columns_come_under_any_name_and_in_any_order() {
    let expected = expected();
    for header in [
        "tenure;MonthlyCharges;Contract;SeniorCitizen",
        "ClientPeriod;MonthlySpending;HasContractPhone;IsSeniorCitizen",
        "Tenure Months;Monthly Charges;Contract;Senior Citizen",
        "TENURE_MONTHS; monthly_charges ;\"CONTRACT\";seniorcitizen",
    ] {
        let (result, _) = score(&format!("{header};Churn;Churn Value\n2;70,7;month to Month;Yes;Yes;1\n"));
        assert!(result.ends_with(&format!(";Yes;1;0;{}\n", expected.replace('.', ","))), "{result}");
    }
    let (result, _) =
        score("Contract,Churn,SeniorCitizen,tenure,,,MonthlyCharges\nMonth-to-month,No,Yes,2,,,70.7\n");
    assert!(result.ends_with(&format!("2,,,70.7,0,{expected}\n")));
}

#[test]
fn a_record_keeps_its_bytes_and_its_own_line_end() {
    let text = "\u{feff}name;tenure;MonthlyCharges;Contract;SeniorCitizen\r\n\
                \"Smith; \"\"J\"\"\nJr\";2;70,7;Month-to-month;1\n\
                \r\n\
                5\" disk; 2 ;\"70,7\";\"Month-to-month\"; yes \r\n\
                \n\
                last;+2;707e-1;MONTH-TO-MONTH;true";
    let (result, summary) = score(text);
    let end = format!("0;{}", expected().replace('.', ","));
    assert_eq!(
        result,
        format!(
            "\u{feff}name;tenure;MonthlyCharges;Contract;SeniorCitizen;stays;churn_probability\r\n\
             \"Smith; \"\"J\"\"\nJr\";2;70,7;Month-to-month;1;{end}\n\
             5\" disk; 2 ;\"70,7\";\"Month-to-month\"; yes ;{end}\r\n\
             last;+2;707e-1;MONTH-TO-MONTH;true;{end}"
        )
    );
    assert_eq!(summary.rows, 3);
}

#[test]
fn every_encoding_becomes_utf_8() {
    let text = "имя;tenure;MonthlyCharges;Contract;SeniorCitizen\r\nПётр;2;70,7;Month-to-month;1\r\n";
    let plain = score(text).0;
    let marked = format!("\u{feff}{plain}");
    let result = |bytes: &[u8]| score_bytes(bytes, OnError::Fail).unwrap().0;
    assert!(plain.contains("\r\nПётр;2;70,7;Month-to-month;1;0;0,"));
    assert_eq!(result(&windows_1251(text)), plain);
    assert_eq!(result(&gzip(text.as_bytes())), plain);
    assert_eq!(result(&gzip(&windows_1251(text))), plain);
    assert_eq!(result(&utf_16(text, true)), marked);
    assert_eq!(result(&utf_16(text, false)), marked);
    assert_eq!(result(format!("\u{feff}{text}").as_bytes()), marked);
}

#[test]
fn missing_values_are_no_errors() {
    let (result, summary) =
        score("tenure,MonthlyCharges,Contract,SeniorCitizen\n,70.7,Month-to-month,1\n2,  ,,\"\"\n,,,\n");
    let mut lines = result.lines().skip(1);
    for customer in [
        Customer { tenure: None, ..CUSTOMER },
        Customer { charges: None, contract: None, senior: None, ..CUSTOMER },
        Customer { tenure: None, charges: None, contract: None, senior: None },
    ] {
        let line = lines.next().unwrap();
        assert!(line.ends_with(&six_decimals(probability(customer))), "{line}");
    }
    assert!(summary.unknown_categories.is_empty());
}

#[test]
fn unknown_categories_are_scored_and_counted_by_column() {
    let (result, summary) = score(
        "tenure,MonthlyCharges,HasContractPhone,SeniorCitizen\n\
         2,70.7,Weekly,1\n2,70.7,weekly,perhaps\n2,70.7,One year,0\n",
    );
    let unknown = Customer { contract: None, ..CUSTOMER };
    assert!(result.lines().nth(1).unwrap().ends_with(&six_decimals(probability(unknown))));
    let counts: Vec<_> =
        summary.unknown_categories.iter().map(|unknown| (unknown.column.as_str(), unknown.count)).collect();
    assert_eq!(counts, [("HasContractPhone", 2), ("SeniorCitizen", 1)]);
}

#[test]
fn columns_that_the_file_has_already_get_a_suffix() {
    let (result, _) = score(
        "tenure,MonthlyCharges,Contract,SeniorCitizen,Stays,Churn Probability,stays_predicted\n2,70.7,,1,1,0.1,x\n",
    );
    assert!(result.starts_with(
        "tenure,MonthlyCharges,Contract,SeniorCitizen,Stays,Churn Probability,stays_predicted,\
         stays_predicted_predicted,churn_probability_predicted\n"
    ));
}

#[test]
fn a_result_can_be_scored_again() {
    let text = "tenure,MonthlyCharges,Contract,SeniorCitizen\n2,70.7,Month-to-month,1\n";
    let once = score(text).0;
    let twice = score(&once).0;
    assert!(twice.lines().nth(1).unwrap().starts_with(once.lines().nth(1).unwrap()));
}

#[test]
fn decimal_commas_between_commas_are_quoted() {
    let (result, _) = score("tenure,MonthlyCharges,Contract,SeniorCitizen\n2,\"70,7\",Month-to-month,1\n");
    assert!(result.ends_with(&format!(",1,0,\"{}\"\n", expected().replace('.', ","))), "{result}");
}

#[test]
fn tabs_and_bars_separate_too() {
    let expected = expected();
    for delimiter in ["\t", "|"] {
        let text =
            "tenure,MonthlyCharges,Contract,SeniorCitizen\n2,70.7,Month-to-month,1\n".replace(',', delimiter);
        assert!(score(&text).0.ends_with(&format!("{delimiter}0{delimiter}{expected}\n")));
    }
}

/// More than one chunk, with cells that hold line ends, so that chunks are cut in the right places.
#[test]
fn long_files_come_out_in_order_and_whole() {
    let mut text = "note,tenure,MonthlyCharges,Contract,SeniorCitizen\r\n".to_owned();
    let rows = 60_000u32;
    for row in 0..rows {
        let note = if row % 3 == 0 { "\"two\nlines, \"\"quoted\"\"\"" } else { "plain text of some length" };
        write!(
            text,
            "{note},{},{}.{:02},{},{}\r\n",
            row % 73,
            row % 120,
            row % 100,
            ["Month-to-month", "One year", "Two year"][row as usize % 3],
            row % 2
        )
        .unwrap();
    }
    let mut heard = Vec::new();
    let mut result = Vec::new();
    let options =
        ScoreOptions { on_error: OnError::Fail, rows_max: u64::from(rows), ..ScoreOptions::default() };
    let summary =
        score_csv(&model(), &dialect(text.as_bytes()), text.as_bytes(), &mut result, &options, &mut |rows| {
            heard.push(rows);
            true
        })
        .unwrap();
    let result = String::from_utf8(result).unwrap();
    assert_eq!(summary.rows, u64::from(rows));
    assert!(heard.len() > 2 && heard.is_sorted() && heard.last() == Some(&u64::from(rows)));
    let (mut before, mut after) = (text.split_inclusive("\r\n"), result.split_inclusive("\r\n"));
    after.next();
    before.next();
    for row in 0..rows {
        let customer = Customer {
            tenure: Some(f64::from(row % 73)),
            charges: Some(f64::from(row % 120) + f64::from(row % 100) / 100.0),
            contract: Some(row as usize % 3),
            senior: Some(row as usize % 2),
        };
        let probability = probability(customer);
        let record = before.next().unwrap().trim_end();
        let stays = u8::from((probability * 1e6).round() / 1e6 < 0.5);
        assert_eq!(after.next().unwrap(), format!("{record},{stays},{}\r\n", six_decimals(probability)));
    }
    assert!(after.next().is_none() && summary.stays + summary.leaves == u64::from(rows));
}

#[test]
fn the_caller_may_stop() {
    let text = "tenure,MonthlyCharges,Contract,SeniorCitizen\n2,70.7,,1\n";
    let options = ScoreOptions { on_error: OnError::Fail, rows_max: 10, ..ScoreOptions::default() };
    let stopped =
        score_csv(&model(), &dialect(text.as_bytes()), text.as_bytes(), Vec::new(), &options, &mut |_| false);
    assert!(matches!(stopped, Err(ScoreError::Stopped)));
}

#[test]
fn extra_columns_stand_between_the_probability_and_the_problem() {
    let tiers = vec![(900_000, "very; high".to_owned()), (300_000, "high".to_owned())];
    let extra = vec![ExtraColumn::RiskTier(RiskTiers { tiers })];
    let text = "tenure;MonthlyCharges;Contract;SeniorCitizen;risk_tier\n\
                2;70,7;Month-to-month;1;x\n\
                many;70,7;Month-to-month;1;x\n\
                2;70,7\n\
                70;20,1;Two year;0;x\n\
                0;118,7;Month-to-month;1;x\n";
    let options = ScoreOptions { on_error: OnError::Skip, threads: 1, extra, ..ScoreOptions::default() };
    let mut result = Vec::new();
    let dialect = dialect(text.as_bytes());
    score_csv(&model(), &dialect, text.as_bytes(), &mut result, &options, &mut |_| true).unwrap();
    let result = String::from_utf8(result).unwrap();
    let lines: Vec<&str> = result.lines().collect();
    assert!(lines[0].ends_with(";risk_tier;stays;churn_probability;risk_tier_predicted;problem"), "{result}");
    assert!(lines[1].ends_with(&format!(";x;0;{};high;", expected().replace('.', ","))), "{result}");
    assert!(lines[2].starts_with("many;70,7;Month-to-month;1;x;;;;"), "{result}");
    assert!(lines[3].starts_with("2;70,7;;;;;;;line"), "{result}");
    assert!(lines[4].ends_with(";;"), "{result}");
}
