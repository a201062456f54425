//! More than the server can do at once: refused before it costs anything, shared fairly, and nobody's wait for long.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::Value;
use tests::answer::{Answer, statuses};
use tests::client::Client;
use tests::customer::{Customer, new_email};
use tests::customers_file::generated;
use tests::flows;
use tests::installation::{Installation, PASSWORD, Profile, Setup};
use tests::patience::eventually;
use tests::wire::Wire;

flows! {
    plain:
        a_full_backlog_refuses_uploads_before_any_debit_until_there_is_room,
        a_tenants_own_backlog_is_limited_and_no_other_is_refused,
        a_newcomers_jobs_wait_for_a_stated_share_of_anothers_flood;
    own:
        uploads_at_once_are_limited_for_each_tenant,
        event_streams_at_once_are_limited_for_each_tenant;
    alone:
        five_hundred_logins_at_once_leave_other_routes_quick,
        a_thousand_stalled_clients_hold_up_nobody;
}

const PRICE: i64 = 10;
/// What a user may notice, at the 99th of 100 requests.
const QUICK: Duration = Duration::from_millis(250);
/// Measured again when another process of the machine was in the way.
const TRIES: usize = 4;

fn setup(workers: usize, variables: &[(&str, &str)]) -> Setup {
    let environment = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Setup { environment, workers, ..Setup::default() }
}

async fn post(customer: &Customer, service: &str, csv: &str) -> Answer {
    let path = format!("/predictions?service_id={service}");
    customer.client.post(&path).file("a.csv", csv.to_owned()).await
}

async fn a_full_backlog_refuses_uploads_before_any_debit_until_there_is_room() {
    let setup = setup(0, &[("JOBS_QUEUED_MAX", "5")]);
    let mut on = Installation::start(Profile::Distributed, "overload-backlog", &setup).await;
    let (one, other) = (Customer::with_balance(&on, 100).await, Customer::with_balance(&on, 100).await);
    let (service, csv) = (on.service("logistic", PRICE).await, generated(3, 401).await);
    let mut accepted = Vec::new();
    for _ in 0..5 {
        accepted.push(one.predict(&service, csv.clone()).await);
    }
    let order = one.order(&service).await;
    // Refused while most of the file is still to come.
    let part = "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\ngender,tenure\r\n";
    let mut early = Wire::with(&on, endless_upload(&other, &service) + part).await;
    let early = early.hear(Duration::from_secs(8)).await;
    assert_eq!(early.statuses(), [503], "{}", early.text);
    for refused in [post(&other, &service, &csv).await, one.try_upload(&order, csv.clone()).await] {
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        refused.expect_problem(503, "backlog_full");
    }
    assert_eq!((one.balance().await, other.balance().await), (100 - 6 * PRICE, 100));
    assert_eq!(one.order_now(&order).await["status"], "paid", "it can be used later");
    on.start_worker(&[]);
    for prediction in &accepted {
        one.succeeded(prediction).await;
    }
    eventually("there is room again", Duration::from_secs(15), async || {
        let answer = one.try_upload(&order, csv.clone()).await;
        (answer.status == 202).then_some(())
    })
    .await;
    on.audit().await;
    on.remove().await;
}

async fn a_tenants_own_backlog_is_limited_and_no_other_is_refused() {
    let setup = setup(0, &[("JOBS_QUEUED_PER_TENANT_MAX", "3")]);
    let mut on = Installation::start(Profile::Distributed, "overload-tenant", &setup).await;
    let (one, other) = (Customer::with_balance(&on, 1_000).await, Customer::with_balance(&on, 100).await);
    let (service, csv) = (on.service("logistic", PRICE).await, generated(3, 402).await);
    for _ in 0..3 {
        one.predict(&service, csv.clone()).await;
    }
    let refused = post(&one, &service, &csv).await;
    assert!(!refused.header("retry-after").is_empty() && !refused.header("ratelimit").is_empty());
    refused.expect_problem(429, "too_many_queued");
    assert_eq!(one.balance().await, 1_000 - 3 * PRICE);
    let prediction = other.predict(&service, csv.clone()).await;
    on.start_worker(&[]);
    other.succeeded(&prediction).await;
    eventually("there is room again", Duration::from_secs(15), async || {
        (post(&one, &service, &csv).await.status == 202).then_some(())
    })
    .await;
    on.audit().await;
    on.remove().await;
}

/// The relay goes from tenant to tenant, and at most twice the workers' capacity ahead of them: so the newcomer's
/// k-th job waits for at most that many jobs of the flood, one under way for each place, and k of its turns.
async fn a_newcomers_jobs_wait_for_a_stated_share_of_anothers_flood() {
    const FLOOD: usize = 120;
    const CAPACITY: usize = 2;
    let setup = setup(1, &[("WORKER_CONCURRENCY", "2")]);
    let on = Installation::start(Profile::Distributed, "overload-fair", &setup).await;
    let (flood, newcomer) =
        (Customer::with_balance(&on, 10_000).await, Customer::with_balance(&on, 100).await);
    let (service, csv) = (on.service("random_forest", PRICE).await, generated(20_000, 403).await);
    // No more at once than a tenant may have in flight.
    for _ in 0..FLOOD / 40 {
        let answers = join_all((0..40).map(|_| post(&flood, &service, &csv))).await;
        assert_eq!(statuses(&answers), [(202, 40)]);
    }
    let small = generated(3, 404).await;
    let mut predictions = Vec::new();
    for _ in 0..3 {
        predictions.push(newcomer.predict(&service, small.clone()).await);
    }
    let mut database = on.database().await;
    database.execute("SET ROLE augur_system").await;
    let flooding = flood.user["tenant_id"].as_str().unwrap();
    for (place, prediction) in predictions.iter().enumerate() {
        newcomer.succeeded(prediction).await;
        let before = format!(
            "SELECT count(*) FROM predictions AS theirs, predictions AS own WHERE own.id = '{prediction}' \
             AND theirs.tenant_id = '{flooding}' AND theirs.finished_at BETWEEN own.created_at AND own.finished_at"
        );
        let before = usize::try_from(database.number(&before).await).unwrap();
        let allowed = 2 * CAPACITY + CAPACITY + 1 + place;
        assert!(before <= allowed, "job {place} waited for {before} of the flood, {allowed} are allowed");
    }
    let waiting = format!("SELECT count(*) FROM jobs WHERE tenant_id = '{flooding}' AND state = 'queued'");
    assert!(database.number(&waiting).await > 20, "the flood was still there");
    on.remove().await;
}

/// The head and the beginning of an upload that goes on for ever.
fn endless_upload(customer: &Customer, service: &str) -> String {
    format!(
        "POST /api/v1/predictions?service_id={service} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\
         authorization: Bearer {}\r\ncontent-type: multipart/form-data; boundary=x\r\n\r\n--x\r\n",
        customer.client.token()
    )
}

/// Whether ten checks of a file in a row are refused.
async fn are_refused(customer: &Customer, service: &str, csv: &str) -> bool {
    let check = format!("/files/check?service_id={service}");
    for _ in 0..10 {
        let answer = customer.client.post(&check).file("a.csv", csv.to_owned()).await;
        if answer.status != 429 {
            return false;
        }
    }
    true
}

async fn uploads_at_once_are_limited_for_each_tenant(on: &mut Installation) {
    on.restart_server_with(&[("UPLOADS_IN_FLIGHT_MAX", "3")]).await;
    let on = &*on;
    let (one, other) = (Customer::with_balance(on, 100).await, Customer::with_balance(on, 100).await);
    let (service, csv) = (on.service("logistic", PRICE).await, generated(3, 405).await);
    let mut stalled = Vec::new();
    let started = Instant::now();
    // Asked with what costs nothing. A check in flight may have taken a place from one that was to stall.
    while !are_refused(&one, &service, &csv).await {
        assert!(started.elapsed() < Duration::from_secs(30), "three at once are never reached");
        stalled.push(Wire::with(on, endless_upload(&one, &service)).await);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(stalled.len() >= 3, "{} at once are fewer than the limit", stalled.len());
    let refused = post(&one, &service, &csv).await;
    assert!(!refused.header("retry-after").is_empty(), "{:?}", refused.headers);
    assert!(refused.header("ratelimit").contains("r=0"), "{:?}", refused.headers);
    refused.expect_problem(429, "too_many_requests");
    one.client.get("/balance").await.expect(200);
    post(&other, &service, &csv).await.expect(202);
    drop(stalled);
    eventually("the places are free again", Duration::from_secs(10), async || {
        (post(&one, &service, &csv).await.status == 202).then_some(())
    })
    .await;
}

async fn event_streams_at_once_are_limited_for_each_tenant(on: &mut Installation) {
    on.restart_server_with(&[("EVENT_STREAMS_MAX", "2"), ("PREDICTION_DEADLINE_SECONDS", "600")]).await;
    let on = &*on;
    let customer = Customer::with_balance(on, 100).await;
    let service = on.service("random_forest", PRICE).await;
    let prediction = customer.predict(&service, generated(400_000, 406).await).await;
    let path = format!("/predictions/{prediction}/events");
    let streams = [customer.client.get(&path).open().await, customer.client.get(&path).open().await];
    assert!(streams.iter().all(|stream| stream.status() == 200));
    customer.client.get(&path).await.expect_problem(429, "too_many_requests");
    customer.client.get(&format!("/predictions/{prediction}")).await.expect(200);
    drop(streams);
    eventually("a place is free again", Duration::from_secs(10), async || {
        (customer.client.get(&path).open().await.status() == 200).then_some(())
    })
    .await;
    customer.succeeded(&prediction).await;
}

/// How long the other routes take, one after the other, until `work` is done; the slowest of every 100 left out.
async fn quickness_beside<T>(client: &Client, work: impl Future<Output = T>) -> (T, Duration) {
    let mut times: Vec<Duration> = Vec::new();
    let asking = async {
        for path in ["/balance", "/services", "/orders", "/me"].iter().cycle() {
            let started = Instant::now();
            client.get(path).await.expect(200);
            times.push(started.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        unreachable!("the paths never end")
    };
    let done = tokio::select! {
        done = work => done,
        () = asking => unreachable!("the asking never ends"),
    };
    times.sort_unstable();
    assert!(times.len() >= 50, "only {} requests came through beside it", times.len());
    let p99 = times[(times.len() * 99).div_ceil(100) - 1];
    (done, p99)
}

async fn five_hundred_logins_at_once_leave_other_routes_quick(on: &mut Installation) {
    let customer = Customer::poor(on).await;
    let on = &*on;
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        // One hash after the other and a queue of 64; the rest is asked to wait.
        let logins = join_all((0..500).map(async |_| {
            let email = new_email();
            let form = [("username", email.as_str()), ("password", PASSWORD)];
            on.anonymous().post("/auth/token").form(&form).await
        }));
        let (answers, p99) = quickness_beside(&customer.client, logins).await;
        for answer in &answers {
            assert!(matches!(answer.status, 200 | 401 | 429 | 503), "{}", answer.status);
            let asks_to_wait = matches!(answer.status, 429 | 503);
            assert_eq!(asks_to_wait, !answer.header("retry-after").is_empty());
        }
        assert!(answers.iter().filter(|answer| answer.status == 401).count() >= 64);
        seen.push(p99);
        if p99 < QUICK {
            return;
        }
    }
    panic!("beside 500 logins, 99 of 100 other requests took up to {seen:?}");
}

async fn a_thousand_stalled_clients_hold_up_nobody(on: &mut Installation) {
    let customer = Customer::with_balance(on, 100).await;
    let on = &*on;
    let service = on.service("logistic", PRICE).await;
    let other = Customer::with_balance(on, 100).await;
    let upload = endless_upload(&other, &service);
    let login = "POST /api/v1/auth/token HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\
                 content-type: application/x-www-form-urlencoded\r\n\r\nusername=a";
    let beginnings = ["", "GET /api/v1/me HTTP/1.1\r\nx: ", login, login];
    let mut stalled = Vec::new();
    // In waves that the kernel's queue of new connections holds: it drops the silent ones that overflow it.
    for wave in 0..20 {
        let numbers = wave * 50..(wave + 1) * 50;
        let beginning =
            |number: usize| if number < 60 { upload.as_str() } else { beginnings[number % beginnings.len()] };
        stalled.extend(join_all(numbers.map(|number| Wire::with(on, beginning(number)))).await);
    }
    let csv = generated(50, 407).await;
    let work = async {
        customer.score(&service, csv).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    let ((), p99) = quickness_beside(&customer.client, work).await;
    assert!(p99 < QUICK, "99 of 100 requests took up to {p99:?}");
    let limit = Duration::from_secs(33);
    let heard = join_all(stalled.iter_mut().map(|wire| wire.hear(limit))).await;
    let open: Vec<usize> = (0..heard.len()).filter(|&number| !heard[number].is_closed).collect();
    assert!(open.is_empty(), "{} are not cut, such as {:?}", open.len(), &open[..open.len().min(5)]);
    let peak = on.server.peak_memory_bytes();
    assert!(peak < 200 << 20, "{peak} bytes");
    let me: Value = customer.client.get("/me").await.expect(200).json();
    assert_eq!(me["email"], customer.email);
}
