//! Risk tiers, whom to contact, and what that has earned.

use reqwest::Method;
use serde_json::{Value, json};
use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::{Installation, id_of};
use tests::program;

flows! {
    shared:
        tiers_are_a_column_by_the_thresholds_of_the_acceptance,
        a_plan_lists_whom_to_contact_and_says_what_that_earns,
        a_plan_can_go_by_each_customers_own_value,
        a_plan_outlives_its_customers_in_numbers_alone,
        outcomes_that_were_sent_before_measure_a_plan,
        an_effect_is_measured_by_the_outcomes_of_both_groups;
    plain:
        the_command_line_plans_as_the_service_does;
}

const PRICE: i64 = 10;

async fn customer_and_service(on: &Installation) -> (Customer, String) {
    (Customer::with_balance(on, 10 * PRICE).await, on.service("logistic", PRICE).await)
}

/// Customers by their number, in a column of their own.
async fn numbered(rows: usize, seed: u64) -> String {
    let csv = generated(rows, seed).await;
    let line = |(number, line): (usize, &str)| match number {
        0 => format!("id,{line}\n"),
        _ => format!("=c{number},{line}\n"),
    };
    csv.lines().enumerate().map(line).collect()
}

/// The cells of a column. The generator writes no quotes.
fn column(csv: &str, name: &str) -> Vec<String> {
    let position = csv.lines().next().unwrap().split(',').position(|cell| cell == name).unwrap();
    csv.lines().skip(1).map(|line| line.split(',').nth(position).unwrap().to_owned()).collect()
}

fn numbers(csv: &str, name: &str) -> Vec<f64> {
    column(csv, name).iter().map(|cell| cell.parse().unwrap()).collect()
}

async fn plan(customer: &Customer, prediction: &str, body: &Value) -> Value {
    customer.client.post(&format!("/predictions/{prediction}/plans")).json(body).await.expect(201).json()
}

async fn list_of(customer: &Customer, plan: &Value, query: &str) -> String {
    let path = format!("/plans/{}/list{query}", plan["id"].as_str().unwrap());
    customer.client.get(&path).await.expect(200).text()
}

async fn tiers_are_a_column_by_the_thresholds_of_the_acceptance(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let defaults = customer.client.get("/risk-tiers").await.expect(200).json();
    assert_eq!(defaults["thresholds"], json!({ "very_high": 0.75, "high": 0.5, "medium": 0.25 }));
    let put = async |body: &Value| customer.client.ask(Method::PUT, "/risk-tiers").json(body).await;
    for (very_high, high, medium) in [(0.5, 0.5, 0.2), (1.1, 0.5, 0.2), (0.7, 0.5, 0.0), (0.1, 0.2, 0.3)] {
        let thresholds = json!({ "very_high": very_high, "high": high, "medium": medium });
        put(&json!({ "thresholds": thresholds })).await.expect_problem(422, "invalid_request");
    }
    let thresholds = json!({ "very_high": 0.6, "high": 0.3, "medium": 0.123456 });
    let too_long = json!({ "thresholds": thresholds, "actions": { "low": "x".repeat(201) } });
    put(&too_long).await.expect_problem(422, "invalid_request");
    let wanted = json!({ "thresholds": thresholds, "actions": { "very_high": " Call <today> " } });
    let changed = put(&wanted).await.expect(200).json();
    assert_eq!(changed["actions"]["very_high"], "Call <today>");
    assert_eq!(customer.client.get("/risk-tiers").await.expect(200).json(), changed);
    let other = Customer::poor(on).await;
    assert_eq!(other.client.get("/risk-tiers").await.expect(200).json(), defaults, "each tenant has its own");

    let csv = numbered(200, 501).await;
    let path = format!("/predictions?service_id={service}&tiers=true");
    let accepted = customer.client.post(&path).file("a.csv", csv.clone()).await.expect(202).json();
    let prediction = accepted["id"].as_str().unwrap();
    put(&json!({ "thresholds": { "very_high": 0.9, "high": 0.8, "medium": 0.7 } })).await.expect(200);
    customer.succeeded(prediction).await;
    let result = String::from_utf8(customer.result(prediction).await.to_vec()).unwrap();
    assert!(result.lines().next().unwrap().ends_with(",stays,churn_probability,risk_tier"));
    for (probability, tier) in numbers(&result, "churn_probability").iter().zip(column(&result, "risk_tier"))
    {
        let expected = match probability {
            0.6.. => "very_high",
            0.3.. => "high",
            0.123456.. => "medium",
            _ => "low",
        };
        assert_eq!(tier, expected, "{probability}");
    }
    assert_eq!(customer.balance().await, 9 * PRICE, "tiers are free");
    let log = on.admin().await.get("/admin/audit-log?limit=100").await.expect(200).text();
    assert!(log.contains("risk_tiers.changed") && !log.contains("Call <today>"), "{log}");
}

async fn a_plan_lists_whom_to_contact_and_says_what_that_earns(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let csv = numbered(400, 502).await;
    let prediction = customer.predict(&service, csv).await;
    customer.succeeded(&prediction).await;
    let result = String::from_utf8(customer.result(&prediction).await.to_vec()).unwrap();
    let mut probabilities = numbers(&result, "churn_probability");
    probabilities.sort_by(|one, other| other.total_cmp(one));
    let terms = json!({ "contacts": 50, "contact_cost": 5_000, "customer_value": 300_000, "success_rate": 0.3,
        "success_rate_low": 0.2, "success_rate_high": 0.4, "control_share": 0.2, "seed": 7 });
    let path = format!("/predictions/{prediction}/plans");
    let first = customer.client.post(&path).key("plan-1").json(&terms).await.expect(201);
    let again = customer.client.post(&path).key("plan-1").json(&terms).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first.json()));
    let made = first.json();
    assert_eq!(first.header("location"), format!("/api/v1/plans/{}", made["id"].as_str().unwrap()));

    // The list: the likeliest first, each as in the result, and said of each whether they are contacted.
    let list = list_of(&customer, &made, "").await;
    let groups = column(&list, "group");
    let contacts = groups.iter().filter(|group| *group == "contact").count();
    assert_eq!((contacts, &made["contacts"]), (50, &json!(50)));
    assert_eq!(made["listed"], json!(groups.len()));
    assert!((3..=30).contains(&(groups.len() - contacts)), "{} are held out", groups.len() - contacts);
    assert_eq!(numbers(&list, "churn_probability"), probabilities[..groups.len()]);
    assert!(list.lines().skip(1).all(|line| result.contains(line.rsplit_once(',').unwrap().0)));
    assert_eq!(
        list_of(&customer, &made, "?group=control").await.lines().count(),
        groups.len() - contacts + 1
    );
    let safe = list_of(&customer, &made, "?spreadsheet_safe=true").await;
    assert!(safe.lines().skip(1).all(|line| line.starts_with("'=c")), "{safe}");

    // The money, added up once more.
    let gain = |p: &f64| p * 0.3 * 300_000.0 - 5_000.0;
    let listed = numbers(&list, "churn_probability");
    let contacted = listed.iter().zip(&groups).filter(|(_, group)| *group == "contact");
    let profit: f64 = contacted.map(|(probability, _)| gain(probability)).sum();
    let money = &made["money"];
    let amount = |name: &str| money[name].as_i64().unwrap();
    assert_eq!((amount("profit"), amount("cost")), (profit.round() as i64, 250_000));
    assert!(amount("profit_low") < amount("profit") && amount("profit") < amount("profit_high"), "{money}");
    let best = probabilities.iter().filter(|probability| gain(probability) > 0.0).count();
    assert_eq!(money["best"]["contacts"], json!(best));
    let best_profit: f64 = probabilities[..best].iter().map(gain).sum();
    assert_eq!(money["best"]["profit"], json!(best_profit.round() as i64));
    assert!(made["curve"].as_array().unwrap().len() <= 200);
    assert!(made["measurement"]["options"].as_array().unwrap().len() > 3, "{made}");

    // As many as pay, as a budget pays for, and without money.
    let without = |name: &str| {
        let mut terms = terms.clone();
        terms.as_object_mut().unwrap().remove(name);
        terms["control_share"] = json!(0);
        terms
    };
    assert_eq!(plan(&customer, &prediction, &without("contacts")).await["contacts"], json!(best));
    let mut budget = without("contacts");
    budget["budget"] = json!(104_999);
    assert_eq!(plan(&customer, &prediction, &budget).await["contacts"], json!(20));
    let simple = plan(&customer, &prediction, &json!({ "contacts": 10 })).await;
    assert_eq!((&simple["contacts"], &simple["money"]), (&json!(10), &Value::Null));
    let plans = customer.client.get(&path).await.expect(200).json();
    assert_eq!((plans["data"].as_array().unwrap().len(), &plans["data"][0]["id"]), (4, &simple["id"]));
    assert_eq!(customer.balance().await, 9 * PRICE, "planning is free");

    wrong_wishes_and_other_tenants_are_refused(on, &customer, &path, &made, &terms).await;
}

async fn wrong_wishes_and_other_tenants_are_refused(
    on: &Installation,
    customer: &Customer,
    path: &str,
    made: &Value,
    terms: &Value,
) {
    for wrong in [
        json!({}),
        json!({ "contacts": 0 }),
        json!({ "contacts": 5, "budget": 5 }),
        json!({ "budget": 5 }),
        json!({ "contacts": 5, "customer_value": 100 }),
        json!({ "contacts": 5, "customer_value": 100, "success_rate": 1.5 }),
        json!({ "contacts": 5, "customer_value": 100, "offer_cost": 100, "success_rate": 0.5 }),
        json!({ "contacts": 5, "customer_value": -1, "success_rate": 0.5 }),
        json!({ "contacts": 5, "customer_value": 100, "success_rate": 0.5, "success_rate_low": 0.6 }),
        json!({ "contacts": 5, "control_share": 0.6 }),
        json!({ "contacts": 5, "customer_value_column": "wealth", "success_rate": 0.5 }),
        json!({ "contacts": 5, "customer_value_column": "gender", "success_rate": 0.5 }),
    ] {
        customer.client.post(path).json(&wrong).await.expect_problem(422, "invalid_request");
    }
    let other = Customer::poor(on).await;
    let id = made["id"].as_str().unwrap();
    other.client.post(path).json(terms).await.expect_problem(404, "not_found");
    for path in [path.to_owned(), format!("/plans/{id}"), format!("/plans/{id}/list")] {
        other.client.get(&path).await.expect_problem(404, "not_found");
    }
}

async fn a_plan_can_go_by_each_customers_own_value(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let prediction = customer.predict(&service, numbered(300, 503).await).await;
    customer.succeeded(&prediction).await;
    let result = String::from_utf8(customer.result(&prediction).await.to_vec()).unwrap();
    let (charges, probabilities) =
        (numbers(&result, "MonthlyCharges"), numbers(&result, "churn_probability"));
    let terms = json!({ "contact_cost": 10_000, "customer_value_column": "monthlycharges", "value_times": 12,
        "success_rate": 0.5, "control_share": 0 });
    let made = plan(&customer, &prediction, &terms).await;
    let gains: Vec<f64> =
        charges.iter().zip(&probabilities).map(|(charge, p)| p * 0.5 * charge * 1_200.0 - 10_000.0).collect();
    let worth: Vec<f64> = gains.into_iter().filter(|gain| *gain > 0.0).collect();
    assert!((20..290).contains(&worth.len()), "{}", worth.len());
    assert_eq!(made["contacts"], json!(worth.len()));
    let profit = made["money"]["profit"].as_f64().unwrap();
    let expected: f64 = worth.iter().sum();
    assert!((profit / expected - 1.0).abs() < 1e-6, "{profit} is not {expected}");
    let list = list_of(&customer, &made, "").await;
    let values = numbers(&list, "MonthlyCharges").into_iter().zip(numbers(&list, "churn_probability"));
    let gains: Vec<f64> = values.map(|(charge, probability)| charge * probability).collect();
    assert_eq!(gains.len(), worth.len());
    assert!(gains.windows(2).all(|pair| pair[0] >= pair[1] * (1.0 - 1e-6)), "the most profitable come first");
}

async fn a_plan_outlives_its_customers_in_numbers_alone(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let prediction = customer.predict(&service, numbered(60, 504).await).await;
    customer.succeeded(&prediction).await;
    let terms = json!({ "contacts": 5, "customer_value_column": "TotalCharges", "success_rate": 0.5 });
    let made = plan(&customer, &prediction, &terms).await;
    assert_eq!(made["terms"]["customer_value_column"], "TotalCharges");
    let path = format!("/plans/{}", made["id"].as_str().unwrap());
    customer.client.delete(&format!("/predictions/{prediction}")).await.expect(204);
    customer.client.get(&format!("{path}/list")).await.expect_any_problem(410);
    let plans = format!("/predictions/{prediction}/plans");
    customer.client.post(&plans).json(&terms).await.expect_any_problem(410);
    let left = customer.client.get(&path).await.expect(200).json();
    assert_eq!((&left["money"], &left["list_url"]), (&made["money"], &Value::Null));
    assert_eq!(left["terms"]["customer_value_column"], Value::Null, "a name out of the file");
}

async fn the_command_line_plans_as_the_service_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let [input, result, list] = ["in.csv", "result.csv", "list.csv"].map(path);
    std::fs::write(&input, numbered(300, 505).await).unwrap();
    let scored = ["predict", "--model", "logistic", &input, "-o", &result, "--tiers", "0.7,0.4,0.2"];
    program::run_well(&scored, &[]).await;
    let text = std::fs::read_to_string(&result).unwrap();
    assert!(
        column(&text, "risk_tier")
            .iter()
            .all(|tier| ["very_high", "high", "medium", "low"].contains(&tier.as_str()))
    );
    let planned = [
        "plan",
        "--result",
        &result,
        "--contacts",
        "40",
        "--contact-cost",
        "50",
        "--customer-value",
        "3000",
        "--success-rate",
        "0.2..0.4",
        "--control-share",
        "0.2",
        "--seed",
        "7",
        "-o",
        &list,
        "--json",
    ];
    let plan: Value = serde_json::from_str(&program::run_well(&planned, &[]).await).unwrap();
    let plan = &plan["plan"];
    let list = std::fs::read_to_string(&list).unwrap();
    let groups = column(&list, "group");
    let contacted =
        numbers(&list, "churn_probability").into_iter().zip(&groups).filter(|(_, group)| *group == "contact");
    let profit: f64 = contacted.map(|(probability, _)| probability * 0.3 * 300_000.0 - 5_000.0).sum();
    assert_eq!((&plan["contacts"], plan["listed"].as_u64()), (&json!(40), Some(groups.len() as u64)));
    assert_eq!(plan["money"]["profit"], json!(profit.round() as i64));
    for wrong in [&["plan", "--result", &result][..], &["plan", "--result", &input, "--contacts", "5"]] {
        assert_eq!(program::run(wrong, &[]).await.status.code(), Some(1), "{wrong:?}");
    }
}

/// What becomes of customers: whoever is contacted leaves half as often as their neighbour would.
fn outcomes_of(list: &str, rate: impl Fn(&str) -> usize) -> (String, [[u64; 2]; 2]) {
    let (mut csv, mut seen, mut counts) = ("id;Ушёл\n".to_owned(), [0, 0], [[0, 0], [0, 0]]);
    for (id, group) in column(list, "id").iter().zip(column(list, "group")) {
        let place = usize::from(group == "control");
        seen[place] += 1;
        let has_left = seen[place] % rate(&group) == 0;
        counts[place][0] += 1;
        counts[place][1] += u64::from(has_left);
        csv.push_str(&format!("{id};{}\n", if has_left { "да" } else { "нет" }));
    }
    (csv, counts)
}

async fn outcomes_that_were_sent_before_measure_a_plan(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let path = format!("/predictions?service_id={service}&key=ID");
    let accepted = customer.client.post(&path).file("a.csv", numbered(600, 507).await).await.expect(202);
    let prediction = id_of(&accepted.json());
    customer.succeeded(&prediction).await;
    let terms = json!({ "contacts": 300, "contact_cost": 1_000, "customer_value": 100_000, "success_rate": 0.5,
        "control_share": 0.4, "seed": 12 });
    let made = plan(&customer, &prediction, &terms).await;
    let path = format!("/plans/{}", made["id"].as_str().unwrap());
    let effect = || customer.client.post(&format!("{path}/effect")).json(&json!({ "spent": 1_000_000 }));
    effect().await.expect_problem(409, "no_outcomes");

    let list = list_of(&customer, &made, "").await;
    let (csv, _) = outcomes_of(&list, |group| if group == "contact" { 8 } else { 3 });
    let sent = format!("/outcomes?prediction_id={prediction}");
    customer.client.post(&sent).file("outcomes.csv", csv.clone()).await.expect(201);
    let measured = effect().key("known").await.expect(200).json();
    assert_eq!(effect().key("known").await.expect(200).json(), measured);
    let path_of_file = format!("{path}/outcomes?key=ID&spent=1000000");
    let by_file = customer.client.post(&path_of_file).file("outcomes.csv", csv).await.expect(200).json();
    for figure in ["effect", "money", "unknown", "ambiguous", "unlisted"] {
        assert_eq!(measured[figure], by_file[figure], "{figure}");
    }
    // Sums of probabilities depend on the order of adding by their last bits.
    for (group, figure) in [("contact", "customers"), ("contact", "left"), ("control", "left")] {
        assert_eq!(measured[group][figure], by_file[group][figure], "{group}");
    }
    assert!(measured["effect"]["estimate"].as_f64().unwrap() > 0.0, "{measured}");
    let other = Customer::poor(on).await;
    other.client.post(&format!("{path}/effect")).json(&json!({})).await.expect_problem(404, "not_found");
}

async fn an_effect_is_measured_by_the_outcomes_of_both_groups(on: &Installation) {
    let (customer, service) = customer_and_service(on).await;
    let prediction = customer.predict(&service, numbered(3_000, 506).await).await;
    customer.succeeded(&prediction).await;
    let terms = json!({ "contacts": 1_500, "contact_cost": 1_000, "customer_value": 100_000, "success_rate": 0.5,
        "control_share": 0.4, "seed": 11 });
    let made = plan(&customer, &prediction, &terms).await;
    let path = format!("/plans/{}", made["id"].as_str().unwrap());
    customer.client.get(&format!("{path}/effect")).await.expect_problem(409, "effect_not_measured");
    let list = list_of(&customer, &made, "").await;
    let (mut csv, [[contacts, contacts_left], [controls, controls_left]]) =
        outcomes_of(&list, |group| if group == "contact" { 8 } else { 3 });
    csv.push_str("nobody;да\n");
    let measure = |query: &str, csv: &str| {
        customer.client.post(&format!("{path}/outcomes?{query}")).file("outcomes.csv", csv.to_owned())
    };
    let effect = measure("key=ID&spent=2000000", &csv).key("measured").await.expect(200).json();
    assert_eq!(measure("key=ID&spent=2000000", &csv).key("measured").await.expect(200).json(), effect);
    assert_eq!(customer.client.get(&format!("{path}/effect")).await.expect(200).json(), effect);
    assert_eq!(effect["contact"]["customers"], json!(contacts));
    assert_eq!((&effect["control"]["left"], &effect["unlisted"]), (&json!(controls_left), &json!(1)));
    let share = |left: u64, all: u64| left as f64 / all as f64;
    let difference = share(controls_left, controls) - share(contacts_left, contacts);
    assert!((effect["effect"]["estimate"].as_f64().unwrap() - difference).abs() < 1e-12, "{effect}");
    assert!(effect["effect"]["low"].as_f64().unwrap() > 0.0 && effect["p_value"].as_f64().unwrap() < 0.001);
    let money = &effect["money"];
    let kept = (difference * contacts as f64 * 100_000.0).round() as i64;
    assert_eq!(money["profit"]["estimate"], json!(kept - 2_000_000));
    assert_eq!((&money["cost"], &money["cost_is_stated"]), (&json!(2_000_000), &json!(true)));

    // Customers whose outcome is not known, or known twice, are told and left out.
    let some: String = csv.lines().take(101).map(|line| format!("{line}\n")).collect();
    let contradicting = format!(
        "{some}{}\n",
        csv.lines().nth(1).unwrap().replace("да", "x").replace("нет", "да").replace('x', "нет")
    );
    let fewer = measure("key=id", &contradicting).await.expect(200).json();
    assert_eq!((&fewer["ambiguous"], &fewer["unlisted"]), (&json!(1), &json!(0)), "{fewer}");
    let known =
        fewer["contact"]["customers"].as_u64().unwrap() + fewer["control"]["customers"].as_u64().unwrap();
    assert_eq!((known, fewer["unknown"].as_u64().unwrap()), (99, contacts + controls - 100));
    assert_eq!(fewer["money"]["cost_is_stated"], json!(false));

    measure("key=nothing", &csv).await.expect_any_problem(422);
    measure("key=id&outcome=id", &csv).await.expect_problem(422, "bad_outcomes");
    let other = Customer::poor(on).await;
    other.client.get(&format!("{path}/effect")).await.expect_problem(404, "not_found");
}
