//! Servers that go away and come back: what was accepted completes, what was answered is still true.

use std::time::{Duration, Instant};

use tests::customer::Customer;
use tests::customers_file::generated;
use tests::flows;
use tests::installation::Installation;
use tests::patience::eventually;
use tests::services::Outage;

flows! {
    alone:
        an_upload_accepted_without_the_broker_completes_when_it_returns,
        a_crashed_database_loses_nothing_that_was_answered,
        an_emptied_redis_costs_no_result,
        a_hanging_redis_holds_nothing_up;
}

/// What may pass between the return of a server and the end of what waited for it. A RabbitMQ 3 that was
/// killed soon after a queue was made may bring that queue back dead: it is made anew after some 10 s, a
/// message that was in it is published again after 15 s more.
const RECOVERY_LIMIT: Duration = Duration::from_secs(90);
const PRICE: i64 = 10;

async fn a_crashed_database_loses_nothing_that_was_answered(on: &mut Installation) {
    let customer = Customer::with_balance(on, 5 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let file = generated(200_000, 110).await;
    let paid = customer.order(&service).await;
    let running = customer.predict(&service, file.clone()).await;
    let queued = customer.predict(&service, file).await;
    let Some(outage) = Outage::begin("postgresql").await else { return };
    let refused = customer.client.get("/balance").await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    customer.client.get_at_root("/livez").await.expect(200);
    assert_eq!(customer.client.get_at_root("/readyz").await.status, 503);
    outage.end().await;
    eventually("the API finds the database again", Duration::from_secs(20), async || {
        (customer.client.get("/balance").await.status == 200).then_some(())
    })
    .await;
    for prediction in [running, queued] {
        let ended = customer.ended_within(&prediction, RECOVERY_LIMIT).await;
        assert_eq!(ended["status"], "succeeded", "{ended}");
    }
    assert_eq!(customer.order_now(&paid).await["status"], "paid");
    assert_eq!(customer.balance().await, 2 * PRICE);
}

async fn an_upload_accepted_without_the_broker_completes_when_it_returns(on: &mut Installation) {
    let customer = Customer::with_balance(on, 4 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let before = customer.predict(&service, generated(20, 107).await).await;
    customer.succeeded(&before).await;
    let Some(outage) = Outage::begin("rabbitmq").await else { return };
    let file = generated(20, 107).await;
    let mut accepted = Vec::new();
    for _ in 0..3 {
        accepted.push(customer.predict(&service, file.clone()).await);
    }
    assert_eq!(customer.balance().await, 0);
    for prediction in &accepted {
        assert_eq!(customer.prediction_now(prediction).await["status"], "queued");
    }
    outage.end().await;
    for prediction in &accepted {
        let ended = customer.ended_within(prediction, RECOVERY_LIMIT).await;
        assert_eq!(ended["status"], "succeeded", "{ended}");
    }
    assert_eq!(customer.balance().await, 0);
}

async fn flush_redis(on: &Installation) {
    let client = redis::Client::open(on.share().redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let kept: i64 = redis::cmd("DBSIZE").query_async(&mut connection).await.unwrap();
    assert!(kept > 0, "there was something to lose");
    let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
}

async fn an_emptied_redis_costs_no_result(on: &mut Installation) {
    let customer = Customer::with_balance(on, 2 * PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let prediction = customer.predict(&service, generated(20, 108).await).await;
    customer.succeeded(&prediction).await;
    let before = customer.result(&prediction).await;
    flush_redis(on).await;
    assert_eq!(customer.result(&prediction).await, before);
    let Some(outage) = Outage::begin("redis").await else { return };
    assert_eq!(customer.result(&prediction).await, before);
    let without = customer.predict(&service, generated(20, 108).await).await;
    customer.succeeded(&without).await;
    assert_eq!(customer.result(&without).await, before);
    let readiness = customer.client.get_at_root("/readyz").await.expect(200).json();
    assert_eq!(readiness["ready"], true, "{readiness}");
    outage.end().await;
    assert_eq!(customer.result(&prediction).await, before);
}

async fn a_hanging_redis_holds_nothing_up(on: &mut Installation) {
    let customer = Customer::with_balance(on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let client = redis::Client::open(on.share().redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    // Every command of every client waits.
    let _: () = redis::cmd("CLIENT").arg("PAUSE").arg(6_000).query_async(&mut connection).await.unwrap();
    let started = Instant::now();
    let prediction = customer.predict(&service, generated(20, 109).await).await;
    customer.succeeded(&prediction).await;
    customer.result(&prediction).await;
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    eventually("Redis answers again", Duration::from_secs(15), async || {
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        redis::cmd("PING").query_async::<String>(&mut connection).await.ok()
    })
    .await;
}
