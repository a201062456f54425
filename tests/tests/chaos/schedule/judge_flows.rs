//! The judge accepts a history in which every promise is kept, and finds each kind of broken promise.

use bytes::Bytes;
use serde_json::{Value, json};
use tests::flows;

use super::history::{Account, Fate, Kind, Operation, Outcome};
use super::judge::judge;

flows! {
    plain:
        a_history_of_kept_promises_is_accepted,
        every_broken_promise_is_found,
        a_job_is_given_up_only_after_three_faults;
}

const RESULT: &[u8] = b"scored";

/// A history and the account that it explains.
#[derive(Clone)]
struct Case {
    history: Vec<Operation>,
    account: Account,
}

fn accepted(body: Value) -> Outcome {
    Outcome::Accepted(body.to_string().into())
}

fn refused(status: u16, code: &str) -> Outcome {
    Outcome::Refused { status, code: code.to_owned() }
}

fn operation(kind: Kind, outcome: Outcome) -> Operation {
    Operation { tenant: 0, round: 0, kind, key: "key".to_owned(), outcome, unknown_tries: 0 }
}

fn upload(order: Option<&str>, fate: Fate, outcome: Outcome) -> Operation {
    operation(Kind::Upload { order: order.map(str::to_owned), price: 10, fate }, outcome)
}

fn order(id: &str) -> Operation {
    let answer = json!({ "id": id, "transaction_id": format!("debit of {id}") });
    operation(Kind::Order { price: 10 }, accepted(answer))
}

fn shown_order(id: &str, status: &str, prediction: Option<&str>) -> Value {
    let mut shown = json!({ "id": id, "status": status, "is_provided": status == "provided", "price": 10,
        "transaction_id": format!("debit of {id}") });
    if let Some(prediction) = prediction {
        shown["prediction_id"] = json!(prediction);
    }
    shown
}

/// Transactions in their order, as (kind, subject, amount), shown newest first.
fn shown_transactions(moved: &[(&str, &str, i64)]) -> Vec<Value> {
    let mut balance = 0;
    let mut shown = Vec::new();
    for &(kind, subject, amount) in moved {
        balance += if kind == "debit" { -amount } else { amount };
        let member = if kind == "deposit" { "id" } else { "order_id" };
        shown.push(json!({ "kind": kind, member: subject, "amount": amount, "balance_after": balance }));
    }
    shown.reverse();
    shown
}

const MOVED: [(&str, &str, i64); 8] = [
    ("deposit", "d", 100),
    ("debit", "scored", 10),
    ("debit", "failed", 10),
    ("refund", "failed", 10),
    ("debit", "cancelled", 10),
    ("refund", "cancelled", 10),
    ("debit", "free", 10),
    ("debit", "at once", 10),
];

/// One of everything, and all of it kept.
fn kept() -> Case {
    let scored = || Fate::Scored(Bytes::from_static(RESULT));
    let history = vec![
        operation(Kind::Deposit { amount: 100 }, accepted(json!({ "id": "d" }))),
        order("scored"),
        upload(Some("scored"), scored(), accepted(json!({ "id": "p", "order_id": "scored" }))),
        upload(None, Fate::Fails("not_a_number"), accepted(json!({ "id": "q", "order_id": "failed" }))),
        order("cancelled"),
        operation(Kind::Cancel { order: "cancelled".to_owned() }, accepted(json!({ "id": "cancelled" }))),
        order("free"),
        operation(
            Kind::Predict { price: 10, expected: json!([{ "stays": 1, "churn_probability": 0.25 }]) },
            accepted(
                json!({ "order_id": "at once", "predictions": [{ "stays": 1, "churn_probability": 0.25 }] }),
            ),
        ),
        operation(Kind::Read { prediction: "p".to_owned() }, Outcome::Accepted(Bytes::from_static(RESULT))),
        operation(Kind::Replay { of: 1 }, order("scored").outcome),
        operation(Kind::Misuse { of: 1 }, refused(422, "idempotency_key_reused")),
        upload(Some("scored"), scored(), refused(409, "order_already_used")),
        operation(Kind::Order { price: 10 }, refused(402, "insufficient_funds")),
    ];
    let account = Account {
        balance: 70,
        transactions: shown_transactions(&MOVED),
        orders: vec![
            shown_order("scored", "provided", Some("p")),
            shown_order("failed", "refunded", Some("q")),
            shown_order("cancelled", "refunded", None),
            shown_order("free", "paid", None),
            shown_order("at once", "provided", None),
        ],
        predictions: vec![
            json!({ "id": "p", "order_id": "scored", "status": "succeeded" }),
            json!({ "id": "q", "order_id": "failed", "status": "failed", "error": { "code": "not_a_number" } }),
        ],
        results: vec![("p".to_owned(), Outcome::Accepted(Bytes::from_static(RESULT)))],
    };
    Case { history, account }
}

impl Case {
    fn move_money(&mut self, moved: &[(&str, &str, i64)]) {
        self.account.transactions = shown_transactions(moved);
        self.account.balance = self.account.transactions[0]["balance_after"].as_i64().unwrap();
    }

    fn add(&mut self, kind: Kind, outcome: Outcome) {
        self.history.push(operation(kind, outcome));
    }
}

async fn a_history_of_kept_promises_is_accepted() {
    let case = kept();
    assert_eq!(judge(&case.history, &[case.account], &[0]), Ok(()));
}

type Break = fn(&mut Case);

/// What is broken, and what the judge must say of it.
const BREAKS: &[(&str, Break)] = &[
    ("is lost", |case| {
        case.account.orders.remove(3);
    }),
    ("is lost", |case| {
        case.account.predictions.remove(0);
    }),
    ("nobody was told of the order", |case| case.account.orders.push(shown_order("x", "paid", None))),
    ("nobody was told of the prediction", |case| {
        case.account.predictions.push(json!({ "id": "x", "status": "queued" }));
    }),
    ("it must be provided", |case| case.account.orders[0] = shown_order("scored", "refunded", Some("p"))),
    ("it must be paid", |case| case.account.orders[3]["price"] = json!(11)),
    ("it must be paid", |case| case.account.orders[3]["transaction_id"] = json!("another")),
    ("it must be refunded", |case| case.account.orders[2] = shown_order("cancelled", "paid", None)),
    ("faults of workers it is", |case| case.account.predictions[0]["status"] = json!("running")),
    ("faults of workers it is", |case| {
        case.account.predictions[0]["status"] = json!("failed");
        case.account.predictions[0]["error"] = json!({ "code": "attempts_exhausted" });
    }),
    ("faults of workers it is", |case| case.account.predictions[1]["error"]["code"] = json!("internal")),
    ("is missing", |case| case.move_money(&MOVED[..7])),
    ("no answer explains", |case| case.move_money(&[&MOVED[..], &[MOVED[7]]].concat())),
    ("no answer explains", |case| case.move_money(&[&MOVED[..], &[("deposit", "x", 1)]].concat())),
    ("no answer explains", |case| case.move_money(&[&MOVED[..], &[("refund", "free", 10)]].concat())),
    ("was due", |case| case.account.transactions[0]["amount"] = json!(11)),
    ("the balance is", |case| case.account.transactions[1]["balance_after"] = json!(7)),
    ("the balance is", |case| {
        let mut moved = MOVED;
        moved.swap(0, 1);
        case.move_money(&moved);
    }),
    ("a balance of", |case| case.account.balance = 71),
    ("bytes that must not be", |case| {
        case.account.results[0].1 = Outcome::Accepted(Bytes::from_static(b"other"));
    }),
    ("the result of p is", |case| case.account.results[0].1 = refused(410, "")),
    ("the result of p is", |case| {
        case.add(Kind::Delete { prediction: "p".to_owned() }, Outcome::Accepted(Bytes::new()));
    }),
    ("its key does not tell", |case| case.add(Kind::Order { price: 10 }, Outcome::Unknown)),
    ("other bytes were read", |case| {
        let outcome = Outcome::Accepted(Bytes::from_static(b"half"));
        case.add(Kind::Read { prediction: "p".to_owned() }, outcome);
    }),
    ("it was refused with 410", |case| {
        case.add(Kind::Read { prediction: "p".to_owned() }, refused(410, "gone"));
    }),
    ("it was refused with 404", |case| {
        case.add(Kind::Cancel { order: "free".to_owned() }, refused(404, "not_found"));
    }),
    ("it was refused with 401", |case| {
        case.add(Kind::Deposit { amount: 1 }, refused(401, "unauthenticated"));
    }),
    ("is free, and was refused", |case| {
        case.add(Kind::Cancel { order: "free".to_owned() }, refused(409, "order_already_used"));
    }),
    ("both were answered with the order", |case| case.history.push(order("free"))),
    ("two deposits were answered", |case| {
        case.add(Kind::Deposit { amount: 100 }, accepted(json!({ "id": "d" })));
    }),
    ("was used twice", |case| {
        let answer = accepted(json!({ "id": "r", "order_id": "scored" }));
        case.history.push(upload(Some("scored"), Fate::Fails("x"), answer));
    }),
    ("was used and cancelled", |case| {
        case.add(Kind::Cancel { order: "scored".to_owned() }, accepted(json!({ "id": "scored" })));
    }),
    ("it was given back 2 times", |case| {
        case.add(Kind::Refund { order: "cancelled".to_owned() }, accepted(json!({ "id": "cancelled" })));
    }),
    ("it was given back 2 times", |case| {
        case.add(Kind::Refund { order: "failed".to_owned() }, accepted(json!({ "id": "failed" })));
    }),
    ("its replay was answered", |case| {
        case.add(Kind::Replay { of: 1 }, order("another").outcome);
    }),
    ("its replay was answered", |case| {
        case.add(Kind::Replay { of: 2 }, accepted(json!({ "id": "r", "order_id": "scored" })));
    }),
    ("accepted under a used key", |case| case.add(Kind::Misuse { of: 1 }, order("x").outcome)),
    ("it was answered", |case| {
        case.history[7].outcome = accepted(
            json!({ "order_id": "at once", "predictions": [{ "stays": 0, "churn_probability": 0.25 }] }),
        );
    }),
    ("it was answered with the order", |case| {
        case.history[2].outcome = accepted(json!({ "id": "p", "order_id": "free" }));
    }),
    ("a file was accepted that lacks a column", |case| {
        let answer = accepted(json!({ "id": "r", "order_id": "free" }));
        case.history.push(upload(Some("free"), Fate::Refused, answer));
    }),
];

async fn every_broken_promise_is_found() {
    for (number, (wanted, breaking)) in BREAKS.iter().enumerate() {
        let mut case = kept();
        breaking(&mut case);
        let found = judge(&case.history, &[case.account], &[0]).expect_err(wanted);
        assert!(found.what.contains(wanted), "break {number}: {found:?} and not {wanted:?}");
    }
}

async fn a_job_is_given_up_only_after_three_faults() {
    let mut case = kept();
    case.account.predictions[0] = json!({ "id": "p", "order_id": "scored", "status": "failed",
        "error": { "code": "attempts_exhausted" } });
    case.account.orders[0] = shown_order("scored", "refunded", Some("p"));
    case.account.results.clear();
    case.history.retain(|operation| !matches!(operation.kind, Kind::Read { .. }));
    case.move_money(&[&MOVED[..], &[("refund", "scored", 10)]].concat());
    let accounts = [case.account];
    assert_eq!(judge(&case.history, &accounts, &[3]), Ok(()));
    assert!(judge(&case.history, &accounts, &[2]).is_err());
}
