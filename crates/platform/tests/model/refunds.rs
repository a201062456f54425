//! Refunds that meet: each order's debit is given back once, whoever asks how often; and an account
//! never takes in what a later refund could not be added to.

use futures::StreamExt;
use futures::future::{join, join_all};
use platform::Error;

use crate::on_a_system;
use crate::system::Owner;

const ACCOUNTS: usize = 80;
const DEBITS: usize = 500;
const PRICE: i64 = 10;
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_debits_each_refunded_twice_at_once_give_five_hundred_refunds() {
    on_a_system("refunds", async |system| {
        let service = system.service(PRICE).await;
        let opening = futures::stream::iter(0..ACCOUNTS).map(async |_| {
            let owner = system.owner().await;
            system.deposit(&owner, PRICE * (DEBITS.div_ceil(ACCOUNTS) as i64)).await.expect("a deposit");
            owner
        });
        let owners: Vec<Owner> = opening.buffer_unordered(4).collect().await;
        let (platform, admin) = (&system.platform, &system.admin);
        let placing = futures::stream::iter(0..DEBITS).map(async |number| {
            let access = &owners[number % ACCOUNTS].access;
            platform::orders::place(platform, access, service, Default::default(), None)
                .await
                .expect("an order")
                .value
                .id
        });
        let orders: Vec<platform::OrderId> = placing.buffer_unordered(AT_ONCE).collect().await;
        let refund = |order| platform::orders::refund(platform, admin, order, "twice", None);
        let refunding =
            futures::stream::iter(&orders).map(async |&order| join(refund(order), refund(order)).await);
        let answers: Vec<_> = refunding.buffer_unordered(AT_ONCE).collect().await;
        let (mut succeeded, mut refused) = (0, 0);
        for answer in answers.into_iter().flat_map(|(first, second)| [first, second]) {
            match answer {
                Ok(_) => succeeded += 1,
                Err(Error::Conflict { code: "order_already_refunded", .. }) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!((succeeded, refused), (DEBITS, DEBITS));
        let balances = join_all(owners.iter().map(|owner| platform::money::balance(platform, &owner.access)));
        for balance in balances.await {
            let paid_in = PRICE * (DEBITS.div_ceil(ACCOUNTS) as i64);
            assert_eq!(balance.expect("a balance").minor_units(), paid_in, "all of it came back");
        }
        system.check().await;
    })
    .await;
}

/// All that was ever paid in fits 64 bits, and so does whatever comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposit_that_could_make_a_refund_overflow_is_refused() {
    on_a_system("overflow", async |system| {
        let (platform, owner) = (&system.platform, system.owner().await);
        let service = system.service(PRICE).await;
        system.deposit(&owner, i64::MAX - 5).await.expect("a deposit");
        let order = platform::orders::place(platform, &owner.access, service, Default::default(), None)
            .await
            .expect("an order");
        // There is room on the balance now, yet not for this and the refund.
        let refused = system.deposit(&owner, PRICE).await;
        let Err(Error::Invalid(problems)) = refused else { panic!("{refused:?}") };
        assert_eq!((problems.len(), problems[0].field), (1, "amount"), "{problems:?}");
        assert!(problems[0].message.contains("all deposits together"), "{problems:?}");
        let answers = join_all((0..10).map(|_| system.deposit(&owner, 1))).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5, "{answers:?}");
        // What others pay in is their own matter.
        let other = system.owner().await;
        system.deposit(&other, PRICE).await.expect("a deposit to another account");
        let id = order.value.id;
        platform::orders::refund(platform, &system.admin, id, "whole", None).await.expect("a refund");
        let balance = platform::money::balance(platform, &owner.access).await.expect("a balance");
        assert_eq!(balance.minor_units(), i64::MAX);
        system.check().await;
    })
    .await;
}
