//! What must be true after a fault, whatever it was: the order has ended in time, it was charged once or
//! refunded once, every repetition has the same effect, and the result is that of an undisturbed run.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::answer::Answer;
use tests::installation::id_of;

use crate::fault::Fault;
use crate::moment::Moment;
use crate::plan::Whose;
use crate::record::Run;
use crate::reference;
use crate::stage::{PRICE, Stage};

/// One try of a request.
const TRY_LIMIT: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_millis(100);
/// How long late effects are waited for.
const STABLE: Duration = Duration::from_millis(1_500);

/// Checks everything after healing, and returns how it ended.
pub async fn conclude(stage: &mut Stage) -> Run {
    let before_retry = before_retry(stage).await;
    let deadline = stage.healed + stage.plan.limit;
    let prediction = id_of(&resolved(stage, deadline).await.json());
    let ended = ended(stage, &prediction, deadline).await;
    let recovery_seconds = stage.healed.elapsed().as_secs_f64();
    expect_charged_or_refunded(stage, &ended).await;
    if ended["status"] == "succeeded" {
        assert_eq!(result(stage, &prediction, deadline).await, reference::result().await, "another result");
    }
    expect_nothing_more(stage, &prediction, &ended).await;
    expect_attempts(stage, &prediction).await;
    if stage.plan.follows_up {
        follow_up(stage).await;
    }
    let letter = before_retry.unwrap_or_else(|| letter(stage, &ended));
    let expected = stage.cell.expected;
    assert!(expected.contains(letter), "expected {expected}, and it came to {letter}");
    Run { outcome: Ok(letter.to_owned()), recovery_seconds }
}

/// The order must end while the fault lasts, and its result must be there.
pub async fn expect_end_during_fault(stage: &mut Stage) {
    let deadline = Instant::now() + stage.plan.limit;
    let answer = stage.first_answer(TRY_LIMIT).await.expect("an answer");
    let prediction = id_of(&answer.json());
    let ended = ended(stage, &prediction, deadline).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(result(stage, &prediction, deadline).await, reference::result().await);
}

/// Where the first request got no good answer: whether it has left nothing (N, or W where the API says
/// so), which is what makes a retry safe.
async fn before_retry(stage: &mut Stage) -> Option<&'static str> {
    let answer = stage.first_answer(TRY_LIMIT).await;
    let debits = stage.debits().await;
    match answer {
        Some(answer) if answer.status == 202 => {
            // The poisoned order before ours has its own debit.
            let others = i64::from(stage.cell.fault == Fault::Poison && !stage.plan.poisoned);
            assert_eq!(debits - others, 1, "accepted, and not charged once");
            None
        }
        Some(answer) => {
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert!(debits <= 1, "{debits} debits");
            let is_refused = answer.status == 503 && stage.cell.expected.contains('W');
            (debits == 0).then_some(if is_refused { "W" } else { "N" })
        }
        None => {
            assert!(debits <= 1, "{debits} debits");
            (debits == 0).then_some("N")
        }
    }
}

/// The answer to the request, repeated with its key until there is one.
async fn resolved(stage: &Stage, deadline: Instant) -> Answer {
    loop {
        let asked = tokio::time::timeout(TRY_LIMIT, stage.ask(&stage.key).try_send()).await;
        match asked {
            Ok(Ok(answer)) if answer.status == 202 => return answer,
            // In flight, or not possible yet.
            Ok(Ok(answer)) if answer.status == 409 || answer.status == 503 => {
                assert!(Instant::now() < deadline, "still {}: {}", answer.status, answer.text());
            }
            Ok(Ok(answer)) => panic!("{}: {}", answer.status, answer.text()),
            Ok(Err(_)) | Err(_) => assert!(Instant::now() < deadline, "no answer in time"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn ended(stage: &Stage, prediction: &str, deadline: Instant) -> Value {
    loop {
        let now = stage.look(prediction).await;
        if let Some(now) = &now
            && matches!(now["status"].as_str(), Some("succeeded" | "failed"))
        {
            return now.clone();
        }
        assert!(Instant::now() < deadline, "not ended {:?} after healing: {now:?}", stage.plan.limit);
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn result(stage: &Stage, prediction: &str, deadline: Instant) -> bytes::Bytes {
    loop {
        let asked = stage.customer.client.get(&format!("/predictions/{prediction}/result")).try_send();
        if let Ok(Ok(answer)) = tokio::time::timeout(TRY_LIMIT, asked).await
            && answer.status == 200
        {
            return answer.body;
        }
        assert!(Instant::now() < deadline, "the result cannot be read");
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn expect_charged_or_refunded(stage: &Stage, ended: &Value) {
    let is_provided = ended["status"] == "succeeded";
    let mut movements = vec![("debit", PRICE), ("deposit", 2 * PRICE)];
    if !is_provided {
        movements.insert(0, ("refund", PRICE));
    }
    let movements: Vec<_> = movements.into_iter().map(|(kind, amount)| (kind.to_owned(), amount)).collect();
    assert_eq!(stage.customer.movements().await, movements, "{ended}");
    assert_eq!(stage.customer.balance().await, if is_provided { PRICE } else { 2 * PRICE });
    let order = stage.customer.order_now(ended["order_id"].as_str().expect("an order")).await;
    let status = if is_provided { "provided" } else { "refunded" };
    assert_eq!((&order["status"], &order["is_provided"]), (&json!(status), &json!(is_provided)), "{order}");
}

/// The message comes twice more, hours late as it were, and the request once more: nothing changes.
async fn expect_nothing_more(stage: &Stage, prediction: &str, ended: &Value) {
    stage.publish_again().await;
    let again = stage.ask(&stage.key).await.expect(202);
    assert_eq!(id_of(&again.json()), prediction, "another prediction for the same key");
    tokio::time::sleep(STABLE).await;
    assert_eq!(&stage.customer.prediction_now(prediction).await, ended);
    expect_charged_or_refunded(stage, ended).await;
}

/// Where a fault may not cost an attempt, it has cost none; where it is no fault of the job's, none is
/// counted.
async fn expect_attempts(stage: &Stage, prediction: &str) {
    let column =
        |column: &str| format!("SELECT {column}::bigint FROM jobs WHERE subject_id = '{prediction}'");
    let attempts = stage.number(&column("attempt")).await;
    let failures = stage.number(&column("failures")).await;
    match stage.cell.fault {
        Fault::Clock(Whose::Server | Whose::Holder | Whose::Rescuer, _) | Fault::MessageAgain => {
            assert_eq!((attempts, failures), (1, 0), "attempts and failures");
        }
        Fault::Terminated => assert_eq!(failures, 0, "an orderly stop is no failure"),
        Fault::PanicOnce => assert_eq!((attempts, failures), (2, 1), "attempts and failures"),
        Fault::PanicThrice => assert_eq!(attempts, 3, "attempts"),
        _ => {}
    }
}

/// Everything works again: another order comes to the same result.
async fn follow_up(stage: &Stage) {
    let input = reference::input().await;
    let path = format!("/predictions?service_id={}", stage.service);
    let request = stage.customer.client.post(&path).key("another").file("customers.csv", input);
    let prediction = id_of(&request.await.expect(202).json());
    let ended = ended(stage, &prediction, Instant::now() + stage.plan.limit).await;
    assert_eq!(ended["status"], "succeeded", "the order after it: {ended}");
    assert_eq!(stage.customer.result(&prediction).await, reference::result().await);
}

fn letter(stage: &Stage, ended: &Value) -> &'static str {
    if ended["status"] == "failed" {
        "R"
    } else if stage.cell.expected.contains('D') && stage.cell.moment > Moment::BeforeDebit {
        // Duplicates came, at the latest of the old message, and nothing changed.
        "D"
    } else {
        "C"
    }
}
