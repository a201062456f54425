//! What is another tenant's does not exist, by each query's own filter: these hold with row-level security
//! switched off, too, which `make mutate` does.

use chrono::{TimeDelta, Utc};
use ledger::Money;
use platform::api_keys::Scope;
use platform::jobs::{Claim, JobKind};
use platform::money::{self, Deposit, Recipient, Statement};
use platform::orders::{self, OrderFilter, OrderStatus};
use platform::predictions::{self, PredictionFilter, PredictionOptions, PredictionStatus, Target, Upload};
use platform::{Credential, Error, Idempotency, JobId, OrderId, Page, PredictionId, TransactionId};
use scoring::OnError;
use uuid::Uuid;

use crate::on_a_system;
use crate::operations::PRICES;
use crate::system::{Owner, System};

const PAGE: Page = Page { limit: 100, cursor: None };

/// What an owner has: an order that is paid, and a prediction.
struct Belongings {
    order: OrderId,
    prediction: PredictionId,
    key: platform::ApiKeyId,
}

async fn belongings(system: &System, owner: &Owner, deposited: i64) -> Belongings {
    let (platform, access) = (&system.platform, &owner.access);
    let recipient = Recipient::Tenant(owner.tenant);
    let deposit = Deposit { recipient, amount: Money::from_minor_units(deposited).unwrap(), note: None };
    money::deposit(platform, &system.admin, deposit, None).await.expect("a deposit");
    let key = Idempotency { key: "the same".into(), target: "orders".into(), body_sha256: [0; 32] };
    let order = orders::place(platform, access, system.services[0], Default::default(), Some(&key))
        .await
        .expect("an order");
    assert!(!order.replayed, "another tenant's key");
    let prediction = upload(system, owner, Target::Service(system.services[0])).await.expect("a prediction");
    let key = platform::api_keys::create(platform, access, "a key", Scope::Read).await.expect("an API key");
    Belongings { order: order.value.id, prediction: prediction.id, key: key.api_key.id }
}

async fn upload(system: &System, owner: &Owner, target: Target) -> Result<predictions::Prediction, Error> {
    let file_name = "customers.csv".to_owned();
    let upload = Upload {
        target,
        file_name,
        on_error: OnError::Fail,
        options: PredictionOptions::default(),
        idempotency: None,
    };
    let stream = futures::stream::iter([Ok(system.files[0].clone())]);
    Ok(predictions::accept(&system.platform, &owner.access, upload, stream).await?.value)
}

#[track_caller]
fn is_not_found<T>(answer: Result<T, Error>) {
    match answer {
        Err(Error::NotFound(_)) => {}
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("another tenant's is there"),
    }
}

#[tokio::test]
async fn what_is_another_tenants_does_not_exist() {
    on_a_system("tenants", async |system| {
        let platform = &system.platform;
        let (owner, stranger) = (system.owner().await, system.owner().await);
        let theirs = belongings(system, &owner, 100).await;
        belongings(system, &stranger, 1_000).await;
        let access = &stranger.access;
        is_not_found(orders::get(platform, access, theirs.order).await);
        is_not_found(orders::cancel(platform, access, theirs.order, None).await);
        is_not_found(upload(system, &stranger, Target::Order(theirs.order)).await);
        is_not_found(predictions::get(platform, access, theirs.prediction).await);
        is_not_found(predictions::result(platform, access, theirs.prediction).await);
        is_not_found(predictions::delete(platform, access, theirs.prediction).await);
        is_not_found(platform::api_keys::revoke(platform, access, theirs.key).await);
        let order = orders::get(platform, &owner.access, theirs.order).await.expect("the order");
        assert_eq!(order.status, OrderStatus::Paid);
        for (of, paid_in) in [(&owner, 100), (&stranger, 1_000)] {
            let balance = money::balance(platform, &of.access).await.expect("a balance");
            assert_eq!(balance.minor_units(), paid_in - 2 * PRICES[0]);
            let any = OrderFilter::default();
            let orders = orders::list(platform, &of.access, any, &PAGE).await.expect("orders").data;
            assert!(orders.len() == 2 && orders.iter().all(|order| order.tenant == of.tenant), "{orders:?}");
            let paid = OrderFilter { status: Some(OrderStatus::Paid), ..any };
            let paid = orders::list(platform, &of.access, paid, &PAGE).await.expect("orders").data;
            assert!(paid.len() == 1 && paid[0].tenant == of.tenant, "{paid:?}");
            let queued = PredictionFilter { status: Some(PredictionStatus::Queued), ..Default::default() };
            for filter in [PredictionFilter::default(), queued] {
                let found = predictions::list(platform, &of.access, &filter, &PAGE).await;
                let found = found.expect("predictions").data;
                assert!(found.len() == 1 && found[0].tenant == of.tenant, "{found:?}");
            }
            let lines = money::transactions(platform, &of.access, &PAGE).await.expect("lines").data;
            let sequence: Vec<i64> = lines.iter().map(|line| line.sequence).collect();
            assert_eq!(sequence, [3, 2, 1]);
            told_over_time(system, of, paid_in).await;
            let keys = platform::api_keys::list(platform, &of.access, &PAGE).await.expect("keys").data;
            assert_eq!(keys.len(), 1, "{keys:?}");
        }
        let refused =
            orders::place(platform, &owner.access, system.service(500).await, Default::default(), None).await;
        let missing = Money::from_minor_units(500 - (100 - 2 * PRICES[0])).unwrap();
        assert!(matches!(refused, Err(Error::InsufficientFunds { missing: told }) if told == missing));
    })
    .await;
}

/// What is told of a tenant's money over time is the tenant's own, and adds up.
async fn told_over_time(system: &System, of: &Owner, paid_in: i64) {
    let (platform, now, day) = (&system.platform, Utc::now(), TimeDelta::days(1));
    let course = money::course(platform, &of.access, &[now - day, now + day]).await.expect("a course");
    let told = [course.balances[0], course.balances[1], course.paid_in, course.spent, course.refunded];
    let spent = 2 * PRICES[0];
    assert_eq!(told.map(Money::minor_units), [0, paid_in - spent, paid_in, spent, 0]);
    let statement = Statement::open(platform, &of.access, now - day..now + day).await.expect("a statement");
    assert_eq!((statement.opening.sequence, statement.closing.sequence), (0, 3));
    assert_eq!(statement.closing.balance.minor_units(), paid_in - spent);
    let lines = statement.movements(platform, &of.access, None).await.expect("its movements");
    assert!(lines.iter().map(|line| line.transaction.sequence).eq(1..=3), "{lines:?}");
    assert!(lines.iter().all(|line| line.purpose.is_some() == line.transaction.order_id.is_some()));
    let rest = statement.movements(platform, &of.access, lines.last()).await.expect("its end");
    let before = Statement::open(platform, &of.access, now - day * 2..now - day).await.expect("a statement");
    assert!(rest.is_empty() && before.closing.sequence == 0, "{rest:?}");
}

#[tokio::test]
async fn work_and_money_are_looked_up_for_their_tenant_alone() {
    on_a_system("lookups", async |system| {
        let (owner, stranger) = (system.owner().await, system.owner().await);
        let theirs = belongings(system, &owner, 100).await;
        let claim = |tenant| Claim {
            job: JobId(Uuid::now_v7()),
            kind: JobKind::Prediction,
            subject: theirs.prediction.0,
            tenant,
            attempt: 1,
            request_id: None,
        };
        predictions::work(&system.platform, &claim(owner.tenant)).await.expect("the work");
        is_not_found(predictions::work(&system.platform, &claim(stranger.tenant)).await);
        let mut transaction = system.clock.begin().await.unwrap();
        let account = stranger.tenant.account();
        let refund =
            ledger::refund(&mut transaction, account, theirs.order, TransactionId::new(), None).await;
        assert!(matches!(refund, Err(ledger::Error::NotDebited)), "{refund:?}");
        transaction.rollback().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_credential_that_ended_is_good_for_nothing() {
    on_a_system("credentials", async |system| {
        let platform = &system.platform;
        let works = async |access: &platform::Access| match money::balance(platform, access).await {
            Ok(_) => true,
            Err(Error::Unauthenticated) => false,
            Err(other) => panic!("{other:?}"),
        };
        let change = async |statement: &'static str, id: Uuid| {
            sqlx::query(statement).bind(id).execute(&system.clock).await.expect("the change");
        };
        let id_of = |owner: &Owner| match owner.access.credential {
            Credential::Session(session) => session.0,
            Credential::ApiKey(_) | Credential::Standing(_) | Credential::Intake(_) => {
                unreachable!("it is a login")
            }
        };
        let [left, expired, disabled, revoked] =
            [system.owner().await, system.owner().await, system.owner().await, system.owner().await];
        let mut by_key = Vec::new();
        for owner in [&disabled, &revoked] {
            let key = platform::api_keys::create(platform, &owner.access, "a key", Scope::Write).await;
            let key = key.expect("an API key");
            let credential = Credential::of_api_key(secrecy::ExposeSecret::expose_secret(&key.key));
            let access = platform::Access { credential, request_id: "model".to_owned() };
            assert!(works(&access).await);
            by_key.push((access, key.api_key.id));
        }
        platform::sessions::log_out(platform, &left.access).await.expect("a logout");
        change("UPDATE sessions SET expires_at = now() WHERE id = $1", id_of(&expired)).await;
        let disable = "UPDATE users SET disabled_at = now() WHERE id = \
            (SELECT user_id FROM sessions WHERE id = $1)";
        change(disable, id_of(&disabled)).await;
        platform::api_keys::revoke(platform, &revoked.access, by_key[1].1).await.expect("a revocation");
        for (name, access) in [
            ("a login that was left", &left.access),
            ("a login that expired", &expired.access),
            ("a login of a disabled user", &disabled.access),
            ("a key of a disabled user", &by_key[0].0),
            ("a revoked key", &by_key[1].0),
        ] {
            assert!(!works(access).await, "{name} still works");
        }
        assert!(works(&revoked.access).await);
    })
    .await;
}
