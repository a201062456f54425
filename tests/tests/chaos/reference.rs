//! What an undisturbed installation makes of the file that every cell uploads.

use bytes::Bytes;
use tests::customer::Customer;
use tests::customers_file::{generated, with_cell};
use tests::installation::{Installation, Profile, Setup};
use tokio::sync::OnceCell;

use crate::stage::PRICE;

const ROWS: usize = 2_000;
const SEED: u64 = 300;

static INPUT: OnceCell<String> = OnceCell::const_new();
static RESULT: OnceCell<Bytes> = OnceCell::const_new();

/// The file.
pub async fn input() -> String {
    INPUT.get_or_init(async || generated(ROWS, SEED).await).await.clone()
}

/// The file with a cell in its last row that no model can read.
pub async fn poisoned() -> String {
    with_cell(&input().await, ROWS, "tenure", "many")
}

/// The result of the file where nothing goes wrong.
pub async fn result() -> Bytes {
    RESULT.get_or_init(undisturbed).await.clone()
}

async fn undisturbed() -> Bytes {
    let on = Installation::start(Profile::Distributed, "chaos-undisturbed", &Setup::default()).await;
    let customer = Customer::with_balance(&on, PRICE).await;
    let service = on.service("logistic", PRICE).await;
    let result = customer.score(&service, input().await).await;
    on.remove().await;
    result
}
