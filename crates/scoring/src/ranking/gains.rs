//! What calling the riskiest customers first would bring.

/// Expected leavers among the riskiest customers, by the model's own probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Gains {
    customers: u64,
    /// Expected leavers in millionths among the riskiest 1, 2, ... 100 percent.
    caught: Vec<u64>,
}

/// Adds up the customers, riskiest first.
#[derive(Debug)]
pub(super) struct Counter {
    gains: Gains,
    counted: u64,
    caught: u64,
}

impl Counter {
    pub(super) fn new(customers: u64, sum: u64) -> Counter {
        let mut caught = Vec::with_capacity(100);
        if customers == 0 {
            caught.resize(100, sum);
        }
        Counter { gains: Gains { customers, caught }, counted: 0, caught: 0 }
    }

    #[inline]
    pub(super) fn count(&mut self, millionths: u32) {
        self.counted += 1;
        self.caught += u64::from(millionths);
        // Of few customers one may end several percents.
        while self.gains.caught.len() < 100
            && self.counted >= reached(self.gains.customers, self.gains.caught.len() as u64 + 1)
        {
            self.gains.caught.push(self.caught);
        }
    }

    pub(super) fn finish(self) -> Gains {
        self.gains
    }
}

impl Gains {
    /// All customers that were scored.
    pub fn customers(&self) -> u64 {
        self.customers
    }

    /// How many customers the riskiest `percent` are, at least one of any.
    pub fn reached(&self, percent: u32) -> u64 {
        reached(self.customers, u64::from(percent.min(100)))
    }

    /// How many of the riskiest `percent` are expected to leave.
    pub fn expected_leavers(&self, percent: u32) -> f64 {
        self.caught(percent) as f64 / f64::from(super::MILLION)
    }

    /// Which share of all expected leavers is among the riskiest `percent`, 0 to 1.
    pub fn share(&self, percent: u32) -> f64 {
        match self.caught(100) {
            0 => 0.0,
            all => self.caught(percent) as f64 / all as f64,
        }
    }

    /// How many times more leavers are expected among the riskiest `percent` than among as many customers
    /// taken blindly.
    pub fn lift(&self, percent: u32) -> f64 {
        match self.reached(percent) {
            0 => 0.0,
            reached => self.share(percent) * self.customers as f64 / reached as f64,
        }
    }

    fn caught(&self, percent: u32) -> u64 {
        let position = (percent.min(100) as usize).checked_sub(1);
        position.and_then(|position| self.caught.get(position)).copied().unwrap_or(0)
    }
}

fn reached(customers: u64, percent: u64) -> u64 {
    // No file has so many customers that this overflows.
    customers.saturating_mul(percent).div_ceil(100)
}
