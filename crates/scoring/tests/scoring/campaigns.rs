//! The statistics of campaigns, beside those of statsmodels and scipy (`reference/make_campaigns.py`).

use scoring::campaign::{Arm, Spent, Value, detectable_effect, fisher_exact, measure, newcombe, wilson};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    comparisons: Vec<Comparison>,
    powers: Vec<Power>,
}

#[derive(Deserialize)]
struct Comparison {
    contact: (u64, u64),
    control: (u64, u64),
    newcombe: (f64, f64),
    wilson: (f64, f64),
    fisher: f64,
}

#[derive(Deserialize)]
struct Power {
    contacts: f64,
    controls: f64,
    rate: f64,
    effect: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("reference/campaigns.json")).unwrap()
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn intervals_and_tests_are_those_of_statsmodels_and_scipy() {
    for case in reference().comparisons {
        let ((left, contacts), (control_left, controls)) = (case.contact, case.control);
        let difference = newcombe((control_left, controls), (left, contacts));
        assert!(is_near(difference.low, case.newcombe.0) && is_near(difference.high, case.newcombe.1));
        let share = wilson(left, contacts);
        assert!(is_near(share.low, case.wilson.0) && is_near(share.high, case.wilson.1), "{share:?}");
        let p = fisher_exact((left, contacts - left), (control_left, controls - control_left));
        assert!((p / case.fisher - 1.0).abs() < 1e-6, "{p} is not {}", case.fisher);
    }
}

#[test]
fn the_detectable_effect_is_where_the_formula_says() {
    for case in reference().powers {
        let found = detectable_effect(case.contacts, case.controls, case.rate).unwrap();
        assert!(is_near(found, case.effect), "{found} is not {}", case.effect);
    }
}

/// A group of which so many left, each worth the same.
fn arm(customers: u64, left: u64, value: f64) -> Arm {
    let mut arm = Arm::default();
    (0..customers).for_each(|at| arm.count(at < left, 0.3, value));
    arm
}

#[test]
fn the_measured_profit_follows_from_the_measured_effect() {
    let (contact, control) = (arm(900, 180, 5000.0), arm(100, 30, 5000.0));
    let effect = measure(&contact, &control, Some(Value::Same(5000)), Spent::Stated(90_000)).unwrap();
    assert!(is_near(effect.effect.estimate, 0.1) && is_near(effect.saved.estimate, 90.0));
    let money = effect.money.unwrap();
    assert_eq!((money.kept_value.estimate, money.profit.estimate), (450_000, 360_000));
    assert!(is_near(money.return_on_investment.unwrap().estimate, 4.0));
    assert!(money.profit.low < 0 && money.profit.high > money.profit.estimate);

    let own = measure(&contact, &control, Some(Value::OfEach), Spent::Planned(90_000)).unwrap();
    let own_money = own.money.unwrap();
    assert_eq!(own_money.kept_value.estimate, 450_000);
    // Two proportions of so many customers differ as two means do.
    let width = |low: i64, high: i64| (high - low) as f64;
    let ratio =
        width(own_money.profit.low, own_money.profit.high) / width(money.profit.low, money.profit.high);
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
    assert!(measure(&contact, &Arm::default(), None, Spent::Planned(0)).is_none());
}
