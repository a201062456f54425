//! The curve of what a campaign brings over how many are contacted, in few points.

use serde::{Deserialize, Serialize};

/// Equal steps of the curve; with its beginning, its best and the chosen place it has at most 200 points.
const STEPS: u64 = 196;

/// A point of the curve: contacting so many of the best customers, with nobody held out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// How many are contacted.
    pub contacts: u64,
    /// How many of them are expected to leave if nobody acts.
    pub leavers: f64,
    /// The expected profit in minor units, where amounts are known.
    pub profit: Option<i64>,
}

/// Takes the customers in their order.
#[derive(Debug)]
pub(super) struct Curve {
    customers: u64,
    points: Vec<CurvePoint>,
    step: u64,
    /// Where the step ends.
    next: u64,
    now: (u64, f64, f64),
    best: (u64, f64, f64),
    has_money: bool,
}

impl Curve {
    pub(super) fn new(customers: u64, has_money: bool) -> Curve {
        let nothing = (0, 0.0, 0.0);
        let mut curve =
            Curve { customers, points: Vec::new(), step: 1, next: 0, now: nothing, best: nothing, has_money };
        curve.points.push(curve.point(nothing));
        curve.next = curve.place(curve.step);
        curve
    }

    /// Where a step ends.
    fn place(&self, step: u64) -> u64 {
        let place = u128::from(step) * u128::from(self.customers);
        // No more than the number of customers.
        place.div_ceil(u128::from(STEPS)) as u64
    }

    /// One more customer is contacted.
    pub(super) fn add(&mut self, probability: f64, gain: f64) {
        let (contacts, leavers, profit) = self.now;
        self.now = (contacts + 1, leavers + probability, profit + gain);
        if self.now.2 > self.best.2 {
            self.best = self.now;
        }
        if self.now.0 == self.next {
            self.mark();
            while self.next <= self.now.0 && self.step < STEPS {
                self.step += 1;
                self.next = self.place(self.step);
            }
        }
    }

    /// Marks where the curve is now.
    pub(super) fn mark(&mut self) {
        let now = self.point(self.now);
        if self.points.last().is_none_or(|last| last.contacts < now.contacts) {
            self.points.push(now);
        }
    }

    /// The points in their order, and the best of them.
    pub(super) fn finish(mut self) -> (Vec<CurvePoint>, CurvePoint) {
        let best = self.point(self.best);
        self.mark();
        if self.has_money && !self.points.iter().any(|point| point.contacts == best.contacts) {
            self.points.push(best);
        }
        self.points.sort_by_key(|point| point.contacts);
        (self.points, best)
    }

    fn point(&self, (contacts, leavers, profit): (u64, f64, f64)) -> CurvePoint {
        CurvePoint { contacts, leavers, profit: self.has_money.then(|| whole(profit)) }
    }
}

/// An estimate as a whole amount; what is beyond the range of amounts is cut.
pub(super) fn whole(amount: f64) -> i64 {
    amount.round() as i64
}
