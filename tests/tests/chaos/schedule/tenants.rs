//! The tenants of a schedule: what each knows of its account, and what it does next.

use std::sync::Mutex;

use reqwest::Method;
use serde_json::json;
use tests::client::Client;

use super::history::{Fate, Kind, Operation, Outcome, text};
use super::random::Random;
use super::requests::{Asked, Body};
use super::samples::{self, OFFERS, Samples};

/// A tenant, and what it was told.
pub struct Tenant {
    /// Its number.
    pub number: usize,
    /// Its client.
    pub client: Client,
    /// Its login.
    pub email: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Orders that may be free, with the number of their offer.
    paid: Vec<(String, usize)>,
    /// Orders that were used.
    used: Vec<String>,
    predictions: Vec<String>,
    /// Operations whose answer is kept under their key.
    kept: Vec<usize>,
}

/// What the tenants choose from.
pub struct Market {
    /// Services, in the order of [`OFFERS`].
    pub services: Vec<String>,
    /// Files and calls.
    pub samples: Samples,
}

#[derive(Clone, Copy)]
enum Wish {
    Order,
    UploadForOrder,
    UploadAlone,
    Cancel,
    Deposit,
    Refund,
    Predict,
    Delete,
    Read,
    Replay,
    Misuse,
}

const WISHES: [(Wish, u64); 11] = [
    (Wish::Order, 18),
    (Wish::UploadForOrder, 20),
    (Wish::UploadAlone, 18),
    (Wish::Cancel, 5),
    (Wish::Deposit, 7),
    (Wish::Refund, 4),
    (Wish::Predict, 8),
    (Wish::Delete, 4),
    (Wish::Read, 10),
    (Wish::Replay, 6),
    (Wish::Misuse, 3),
];

/// How often a tenant forgets that it has used an order, so that it uses it twice.
const FORGETS_PERCENT: u64 = 15;

impl Tenant {
    /// A tenant that knows of nothing yet.
    pub fn new(number: usize, client: Client, email: String) -> Tenant {
        Tenant { number, client, email, known: Mutex::default() }
    }

    /// What it does next.
    pub fn next(&self, market: &Market, random: &mut Random) -> (Kind, Option<Asked>) {
        let wish = random.weighted(&WISHES);
        let offer = random.below(OFFERS.len());
        let mut known = self.known.lock().unwrap();
        let wanted = match wish {
            Wish::UploadForOrder => known.order_to_use(random).map(|(order, offer)| {
                let path = format!("/predictions?order_id={order}");
                market.upload(path, Some(order), offer, random)
            }),
            Wish::UploadAlone => {
                let path = format!("/predictions?service_id={}", market.services[offer]);
                Some(market.upload(path, None, offer, random))
            }
            Wish::Cancel => known.order_to_use(random).map(|(order, _)| {
                let asked = Asked::post(format!("/orders/{order}/cancel"), Body::Empty);
                (Kind::Cancel { order }, Some(asked))
            }),
            Wish::Deposit => Some(self.deposit(random.within(50..400) as i64)),
            Wish::Refund => known.order_to_give_back(random).map(|order| {
                let body = Body::Json(json!({ "note": "of a schedule" }));
                let asked = Asked::post(format!("/admin/orders/{order}/refund"), body).by_admin();
                (Kind::Refund { order }, Some(asked))
            }),
            Wish::Predict => Some(market.predict(offer, random)),
            Wish::Delete => random.pick(&known.predictions).cloned().map(|prediction| {
                let asked = Asked::bare(Method::DELETE, format!("/predictions/{prediction}"));
                (Kind::Delete { prediction }, Some(asked))
            }),
            Wish::Read => random.pick(&known.predictions).cloned().map(|prediction| {
                let asked = Asked::bare(Method::GET, format!("/predictions/{prediction}/result"));
                (Kind::Read { prediction }, Some(asked))
            }),
            Wish::Replay => random.pick(&known.kept).map(|&of| (Kind::Replay { of }, None)),
            Wish::Misuse => random.pick(&known.kept).map(|&of| (Kind::Misuse { of }, None)),
            Wish::Order => None,
        };
        wanted.unwrap_or_else(|| market.order(offer))
    }

    /// A deposit to its account.
    pub fn deposit(&self, amount: i64) -> (Kind, Option<Asked>) {
        let body = Body::Json(json!({ "email": self.email, "amount": amount }));
        (Kind::Deposit { amount }, Some(Asked::post("/admin/deposits", body).by_admin()))
    }

    /// Takes note of an operation that has ended.
    pub fn learn(&self, number: usize, operation: &Operation) {
        let Some(answer) = operation.accepted().filter(|_| operation.has_an_effect()) else { return };
        let mut known = self.known.lock().unwrap();
        let order = text(&answer, "order_id").to_owned();
        match &operation.kind {
            Kind::Order { price } => {
                let offer = OFFERS.iter().position(|(_, of_offer)| of_offer == price).unwrap_or(0);
                known.paid.push((text(&answer, "id").to_owned(), offer));
            }
            Kind::Upload { .. } => {
                known.predictions.push(text(&answer, "id").to_owned());
                known.used.push(order);
            }
            Kind::Predict { .. } => known.used.push(order),
            _ => {}
        }
        known.kept.push(number);
    }
}

impl Known {
    fn order_to_use(&mut self, random: &mut Random) -> Option<(String, usize)> {
        if self.paid.is_empty() {
            return None;
        }
        let place = random.below(self.paid.len());
        if random.chance(FORGETS_PERCENT) {
            return Some(self.paid[place].clone());
        }
        Some(self.paid.swap_remove(place))
    }

    fn order_to_give_back(&mut self, random: &mut Random) -> Option<String> {
        if random.chance(50) {
            return random.pick(&self.paid).map(|(order, _)| order.clone());
        }
        random.pick(&self.used).cloned()
    }
}

impl Market {
    fn order(&self, offer: usize) -> (Kind, Option<Asked>) {
        let body = Body::Json(json!({ "service_id": self.services[offer] }));
        (Kind::Order { price: OFFERS[offer].1 }, Some(Asked::post("/orders", body)))
    }

    fn upload(
        &self,
        path: String,
        order: Option<String>,
        offer: usize,
        random: &mut Random,
    ) -> (Kind, Option<Asked>) {
        let (model, price) = OFFERS[offer];
        // The last are those that fail; of the others the later are the longer.
        let failing = self.samples.files.iter().filter(|file| !matches!(file.fate, samples::Fate::Scored(_)));
        let scored = self.samples.files.len() - failing.count();
        let file = if random.chance(15) {
            scored + random.below(self.samples.files.len() - scored)
        } else {
            random.below(scored).min(random.below(scored))
        };
        let file = &self.samples.files[file];
        let fate = match &file.fate {
            samples::Fate::Scored(results) => Fate::Scored(results[model].clone()),
            samples::Fate::Fails(code) => Fate::Fails(code),
            samples::Fate::Refused => Fate::Refused,
        };
        let asked = Asked::post(path, Body::File(file.content.clone()));
        (Kind::Upload { order, price, fate }, Some(asked))
    }

    fn predict(&self, offer: usize, random: &mut Random) -> (Kind, Option<Asked>) {
        let (model, price) = OFFERS[offer];
        let call = &self.samples.calls[random.below(self.samples.calls.len())];
        let body = json!({ "service_id": self.services[offer], "customers": call.customers });
        let expected = call.expected[model].clone();
        (Kind::Predict { price, expected }, Some(Asked::post("/predict", Body::Json(body))))
    }
}

/// Whether an operation must be sent again once everything is healed.
pub fn is_open(operation: &Operation) -> bool {
    operation.outcome == Outcome::Unknown && operation.has_an_effect()
}
