//! What a ranking promises: the order, the places, and that neither quotes nor sizes disturb them.

use std::sync::Arc;

use super::{Cells, ContactList, ContactOrder, Place, RankedCustomer, Ranking, ValueColumn};
use crate::campaign::{Candidate, Control, Economics, Group, SuccessRate};
use crate::tiers::TierThresholds;

fn ranking(text: &str, run_keys: usize) -> Ranking {
    Ranking::with_runs(',', text.as_bytes(), run_keys).unwrap()
}

/// Every customer of the ranking with the first cell, read at its place.
fn ranked(text: &str, ranking: &Ranking) -> Vec<(String, u32, bool)> {
    let cells = Cells { columns: vec![0], letters_max: 20 };
    let places = ranking.places(0, usize::MAX).unwrap();
    let read = |place: Place| {
        let bytes = &text.as_bytes()[place.offset as usize..];
        let RankedCustomer { leaves, mut cells, .. } = ranking.customer(bytes, true, &cells).unwrap();
        (cells.remove(0), place.millionths, leaves)
    };
    places.into_iter().map(read).collect()
}

fn names(text: &str, run_keys: usize) -> Vec<String> {
    ranked(text, &ranking(text, run_keys)).into_iter().map(|(name, ..)| name).collect()
}

#[test]
fn customers_come_by_descending_probability_and_then_in_the_files_order() {
    let text = "id,stays,churn_probability\nlow,1,0.100000\nfirst,0,0.900000\nmost,0,1.000000\n\
        second,0,0.900000\nnone,1,0.000000\n";
    let ranking = ranking(text, 10);
    let expected = [
        ("most", 1_000_000, true),
        ("first", 900_000, true),
        ("second", 900_000, true),
        ("low", 100_000, false),
        ("none", 0, false),
    ];
    let expected = expected.map(|(name, millionths, leaves)| (name.to_owned(), millionths, leaves));
    assert_eq!(ranked(text, &ranking), expected);
    assert_eq!((ranking.rows(), ranking.skipped(), ranking.columns()), (5, 0, &["id".to_owned()][..]));
}

#[test]
fn quotes_and_line_breaks_in_cells_disturb_no_place() {
    let text = "\u{feff}\"the, id\",note,stays,churn_probability\r\n\"a,\nb\",\"0,0.990000\n\",1,0.200000\r\n\
        \"say \"\"hi\"\"\",5\" disk,0,0.700000\r\n\r\nlast,\"x\",1,\"0,300000\"";
    let ranking = ranking(text, 10);
    assert_eq!(ranking.columns(), ["the, id", "note"]);
    assert_eq!(names(text, 10), ["say \"hi\"", "last", "a,\nb"]);
    let bytes = |place: &Place| &text.as_bytes()[place.offset as usize..];
    let last = ranking.places(1, 1).unwrap();
    assert_eq!(last[0].millionths, 300_000, "a decimal comma in quotes");
    assert!(ranking.customer(bytes(&last[0]), false, &Cells::default()).is_none(), "more may follow");
}

#[test]
fn many_runs_are_one_ranking() {
    let mut text = "id,stays,churn_probability\n".to_owned();
    let mut expected = Vec::new();
    let mut random = 1_u64;
    for number in 0..5_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let millionths = (random >> 33) as u32 % 1000 * 1001;
        text += &format!("c{number},1,{:.6}\n", f64::from(millionths) / 1e6);
        expected.push((std::cmp::Reverse(millionths), number));
    }
    expected.sort_unstable();
    let expected: Vec<String> = expected.into_iter().map(|(_, number)| format!("c{number}")).collect();
    for run_keys in [1, 7, 999, 1000, 2500, 4999, 5000, 6000] {
        assert_eq!(names(&text, run_keys), expected, "runs of {run_keys}");
    }
    let ranking = ranking(&text, 999);
    let page = ranking.places(4_990, 100).unwrap();
    assert_eq!(page, ranking.places(0, 5_000).unwrap()[4_990..]);
    assert!(
        ranking.places(5_000, 10).unwrap().is_empty() && ranking.places(u64::MAX, 10).unwrap().is_empty()
    );
}

#[test]
fn customers_who_were_skipped_are_counted_and_left_out() {
    let text = "id,stays,churn_probability,problem\na,1,0.250000,\nb,,,\"line 3, column x: \"\"0.9,\"\"\"\n\
        c,x,y,,,line 4\nd,,,\ne,0,0.750000,\n";
    let ranking = ranking(text, 10);
    assert_eq!((ranking.rows(), ranking.skipped()), (2, 3));
    assert_eq!(names(text, 10), ["e", "a"]);
}

#[test]
fn records_longer_than_a_piece_are_read_whole() {
    let long = "y".repeat(700_000);
    let text =
        format!("id,stays,churn_probability\n\"{long}\n\",1,0.100000\nb,0,0.800000\n{long},1,0.300000\n");
    assert_eq!(names(&text, 10)[0], "b");
    let ranking = ranking(&text, 10);
    assert_eq!(ranking.record_bytes_max(), 700_000 + "\"\n\",1,0.100000\n".len() as u64);
    let shortened = ranked(&text, &ranking).remove(1).0;
    assert_eq!(shortened, format!("{}...", "y".repeat(20)));
}

#[test]
fn a_file_may_have_columns_of_the_results_names() {
    let text = "churn_probability,problem,stays,churn_probability_predicted,problem_predicted\n\
        0.9,x,1,0.100000,\n0.1,y,0,0.600000,\n";
    let ranking = ranking(text, 10);
    assert_eq!(ranking.columns(), ["churn_probability", "problem"]);
    assert_eq!(names(text, 10), ["0.1", "0.9"]);
}

#[test]
fn what_is_no_result_is_refused() {
    for text in
        ["", "\n", "id,tenure\n1,2\n", "stays,churn_probability\n1,0.5\n", "a,stays,churn_probability\n1\n"]
    {
        let error = Ranking::of_result(',', text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{text:?}");
    }
}

#[test]
fn gains_are_sums_of_probabilities() {
    let mut text = "id,stays,churn_probability\n".to_owned();
    for number in 0..200 {
        text += &format!("{number},1,{}\n", if number % 10 == 0 { "0.800000" } else { "0.100000" });
    }
    let gains = ranking(&text, 64).gains().clone();
    // 20 customers with 0.8 and 180 with 0.1 are 34 expected leavers.
    assert_eq!((gains.customers(), gains.reached(10)), (200, 20));
    assert!((gains.expected_leavers(10) - 16.0).abs() < 1e-9);
    assert!((gains.share(10) - 16.0 / 34.0).abs() < 1e-9 && (gains.share(100) - 1.0).abs() < 1e-12);
    assert!((gains.lift(10) - 16.0 / 34.0 * 10.0).abs() < 1e-9 && (gains.lift(100) - 1.0).abs() < 1e-12);
    assert!((1..=100).all(|percent| gains.share(percent) >= gains.share(percent - 1)));
}

#[test]
fn gains_of_few_customers_or_none_are_no_accident() {
    let gains = ranking("id,stays,churn_probability\na,1,0.100000\nb,0,0.900000\nc,1,0.000000\n", 9);
    let gains = gains.gains();
    assert_eq!([1, 10, 33, 34, 67, 100].map(|percent| gains.reached(percent)), [1, 1, 1, 2, 3, 3]);
    assert!((gains.share(10) - 0.9).abs() < 1e-12 && (gains.lift(10) - 2.7).abs() < 1e-12);
    let none = ranking("id,stays,churn_probability,problem\na,,,bad\n", 9);
    assert_eq!((none.rows(), none.gains().reached(10), none.gains().share(10)), (0, 0, 0.0));
    assert_eq!(none.gains().lift(10), 0.0);
    let sure = ranking("id,stays,churn_probability\na,1,0.000000\n", 9);
    assert_eq!((sure.gains().share(50), sure.gains().lift(10)), (0.0, 0.0));
}

#[test]
fn further_columns_behind_the_probability_disturb_nothing() {
    let text = "id,stays,churn_probability,stays_predicted,churn_probability_predicted,risk_tier,reason_1,problem\n\
        a,0,0.9,1,0.200000,low,pays,\n\"b,\nb\",1,0.5,0,0.800000,high,\"says \"\"no\"\", twice\",\nc,1,0.5,,,,,bad\n\
        d,1,0.5,0,0.500000,,,\n";
    let ranking = ranking(text, 10);
    assert_eq!(ranking.columns(), ["id", "stays", "churn_probability"]);
    assert_eq!(names(text, 10), ["b,\nb", "d", "a"]);
    assert_eq!(ranking.skipped(), 1);
}

#[test]
fn tiers_count_customers_and_expected_leavers() {
    let text =
        "id,stays,churn_probability\na,0,0.900000\nb,0,0.750000\nc,0,0.500000\nd,1,0.100000\ne,1,0.050000\n";
    let counts = ranking(text, 10).tiers(&TierThresholds::default()).unwrap();
    let counts = counts.map(|count| (count.customers, count.leavers_millionths));
    assert_eq!(counts, [(2, 1_650_000), (1, 500_000), (0, 0), (2, 150_000)]);
}

/// A result in a file, as lists read it.
fn file_of(text: &str) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    file
}

#[test]
fn a_list_has_the_customers_own_records_by_gain_and_says_who_is_held_out() {
    let long = "x".repeat(9_000);
    let text = format!(
        "\u{feff}id;value;group;stays;churn_probability\r\na;100,5;{long};0;0,900000\r\n\"b;\n\";2000;;1;0,200000\r\n\
         c;;z;0;0,990000\r\nd;many;z;0;0,990000\r\ne;-5;z;0;0,990000\r\nf;50;z;0;0,990000"
    );
    let ranking = Arc::new(Ranking::of_result(';', text.as_bytes()).unwrap());
    let economics = Economics {
        contact_cost: 10,
        offer_cost: 0,
        stayers_accepting: 1.0,
        success: SuccessRate::sure(0.5),
    };
    let column = ValueColumn { position: 1, decimal: ',', units: 100.0 };
    let gain = |candidate: &Candidate| economics.gain(candidate);
    let order = ContactOrder::by_value(';', text.as_bytes(), &column, gain).unwrap();
    assert_eq!((order.customers(), order.unvalued()), (4, 2));
    let mut candidates = Vec::new();
    let keep = |candidate: &Candidate| {
        candidates.push((candidate.millionths, candidate.value));
        Ok(true)
    };
    order.visit(keep).unwrap();
    let expected = [(200_000, 200_000.0), (900_000, 10_050.0), (990_000, 5_000.0), (990_000, -500.0)];
    assert_eq!(candidates, expected);

    let file = file_of(&text);
    let list = |listed, control, wanted| {
        let list = ContactList { ranking: &ranking, order: &order, listed, control, result: &file };
        let mut output = Vec::new();
        list.write(wanted, &mut output).unwrap();
        String::from_utf8(output).unwrap()
    };
    let header = "\u{feff}id;value;group;stays;churn_probability;group_predicted\r\n";
    let (b, a) = ("\"b;\n\";2000;;1;0,200000", format!("a;100,5;{long};0;0,900000"));
    assert_eq!(list(2, Control::NONE, None), format!("{header}{b};contact\r\n{a};contact\r\n"));
    let all = Control { share: 1.0, seed: 1 };
    assert_eq!(list(1, all, None), format!("{header}{b};control\r\n"));
    assert_eq!(list(2, all, Some(Group::Contact)), header);
    assert_eq!(list(0, all, None), header);
    let last = list(4, Control::NONE, None);
    assert!(last.contains("\r\nf;50;z;0;0,990000;contact\r\ne;-5;"), "{last}");

    let likeliest = ContactOrder::Likeliest(ranking.clone(), 7.0);
    assert_eq!((likeliest.customers(), likeliest.unvalued()), (6, 0));
}
