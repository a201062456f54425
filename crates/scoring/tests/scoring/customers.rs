//! Customers that come as JSON.

use scoring::problem::code;
use scoring::{InputError, Scored, score_customers};
use serde_json::{Map, Value, json};

use crate::shop::{Customer, model, probability};

fn score(customers: Value) -> Result<Vec<Scored>, InputError> {
    let customers: Vec<Map<String, Value>> = serde_json::from_value(customers).unwrap();
    score_customers(&model(), &customers)
}

#[test]
fn values_may_be_numbers_texts_booleans_and_null() {
    let customers = json!([
        {"tenure": 2, "MonthlyCharges": 70.7, "Contract": "Month-to-month", "SeniorCitizen": 1, "Churn": "Yes"},
        {"ClientPeriod": "2", "monthly charges": " 70.7 ", "contract": "MONTH_TO_month", "senior_citizen": true},
        {"tenure": null, "MonthlyCharges": "", "Contract": null, "SeniorCitizen": 1.0, "city": {"is": "ignored"}},
        {"tenure": 2e0, "MonthlyCharges": 70.7, "Contract": "Weekly", "SeniorCitizen": "yes"},
    ]);
    let first = Customer { tenure: Some(2.0), charges: Some(70.7), contract: Some(0), senior: Some(1) };
    let expected = [
        first,
        first,
        Customer { tenure: None, charges: None, contract: None, senior: Some(1) },
        Customer { contract: None, ..first },
    ];
    for (scored, customer) in score(customers).unwrap().iter().zip(expected) {
        let probability = (probability(customer) * 1e6).round() / 1e6;
        assert!((scored.churn_probability - probability).abs() < 1e-12);
        assert_eq!(scored.stays, u8::from(probability < 0.5));
    }
}

#[test]
fn missing_keys_are_named() {
    let error = score(json!([
        {"tenure": 2, "MonthlyCharges": 70.7, "Contract": "x", "SeniorCitizen": 1},
        {"tenure": 2, "Contract": "x"},
    ]))
    .expect_err("a key is missing");
    assert_eq!((error.code, error.missing.len(), error.problems[0].line), (code::MISSING_COLUMNS, 2, 2));
}

#[test]
fn bad_values_are_named_by_customer_and_key() {
    let place = |value: Value| {
        let error = score(json!([
            {"tenure": 2, "MonthlyCharges": 70.7, "Contract": "x", "SeniorCitizen": 1},
            {"Tenure": value, "MonthlyCharges": 70.7, "Contract": "x", "SeniorCitizen": 1},
        ]))
        .expect_err("a bad value");
        (error.code, error.problems[0].line, error.problems[0].column.clone())
    };
    for value in [json!("soon"), json!("1,5"), json!(true), json!([1]), json!({"a": 1}), json!("NaN")] {
        assert_eq!(place(value), (code::NOT_A_NUMBER, 2, "Tenure".to_owned()));
    }
    let error = score(json!([{"tenure": 2, "MonthlyCharges": 70.7, "Contract": ["x"], "SeniorCitizen": 1}]));
    assert_eq!(error.expect_err("a list").code, code::NOT_A_CATEGORY);
    let twice = json!([{"tenure": 2, "Tenure": 3, "MonthlyCharges": 1, "Contract": "x", "SeniorCitizen": 1}]);
    assert_eq!(score(twice).expect_err("twice").code, code::DUPLICATE_COLUMNS);
}

#[test]
fn nobody_is_scored_where_nobody_asks() {
    assert!(score(json!([])).unwrap().is_empty());
}
