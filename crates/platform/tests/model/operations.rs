//! What a case is made of: operations of one account, some of them at once, and the generator that
//! makes a case out of a seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// The prices of the services on sale. The dearest keeps accounts from growing rich, so that orders
/// fail for want of money again and again.
pub const PRICES: [i64; 3] = [7, 20, 60];

/// More deposited at once would let no order fail for want of money.
const DEPOSIT_MAX: i64 = 30;

/// How many idempotency keys the operations of a case share.
const KEYS: u8 = 2;

/// The number of an operation in its case. Whatever an operation makes is called by it.
pub type Number = usize;

/// One call of the platform.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its number; it stays when others are dropped.
    pub number: Number,
    /// The idempotency key, one of few.
    pub key: Option<u8>,
    /// What is asked for.
    pub request: Request,
}

/// What is asked for. Two operations with the same key and the same request are one and its replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// An administrator pays in.
    Deposit { amount: i64 },
    /// An order of a service is placed.
    Place { service: usize },
    /// The customer cancels the order that an operation placed.
    Cancel { order: Number },
    /// An administrator gives an order's debit back.
    Refund { order: Number },
    /// A file, one of two, is uploaded to an order.
    Upload { order: Number, file: u8 },
    /// A file is uploaded and its order placed by the same call.
    UploadTo { service: usize, file: u8 },
    /// A customer is scored at once.
    Predict { service: usize },
    /// A worker claims the job of an order's prediction.
    Claim { order: Number },
    /// A worker that claimed at this attempt, or says so, settles.
    Settle { order: Number, attempt: i32, succeeded: bool },
    /// The same worker gives the job back.
    Release { order: Number, attempt: i32 },
    /// The same worker says that scoring panicked.
    FailAttempt { order: Number, attempt: i32 },
    /// The same worker prolongs its lease.
    Renew { order: Number, attempt: i32 },
    /// Time passes until the lease has run out.
    LeaseEnds { order: Number },
    /// The customer looks at the balance.
    Balance,
}

impl Request {
    /// Whether it takes an idempotency key.
    fn takes_a_key(self) -> bool {
        use Request::{Cancel, Deposit, Place, Predict, Refund, Upload, UploadTo};
        matches!(
            self,
            Deposit { .. } | Place { .. } | Cancel { .. } | Refund { .. } | Upload { .. } | UploadTo { .. }
        ) || matches!(self, Predict { .. })
    }

    /// Whether it belongs to the administrator, whose keys are apart from the tenant's.
    pub fn is_administrators(self) -> bool {
        matches!(self, Request::Deposit { .. } | Request::Refund { .. })
    }

    fn makes_an_order(self) -> bool {
        matches!(self, Request::Place { .. } | Request::UploadTo { .. } | Request::Predict { .. })
    }
}

/// Groups one after the other; the operations of a group run at once.
#[derive(Clone, Debug)]
pub struct Case {
    /// The groups.
    pub groups: Vec<Vec<Operation>>,
}

impl Case {
    /// The case of a number in the sequence of a seed.
    pub fn generate(seed: u64, case: u64) -> Case {
        let mut generator = Generator {
            random: StdRng::seed_from_u64(seed.wrapping_add(case.wrapping_mul(0x9E37_79B9_7F4A_7C15))),
            made: Vec::new(),
        };
        let groups = generator.random.random_range(3..=5);
        Case { groups: (0..groups).map(|_| generator.group()).collect() }
    }

    /// How many operations it has.
    pub fn operations(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// The same without one operation.
    pub fn without(&self, number: Number) -> Case {
        let groups = self.groups.iter().map(|group| {
            group.iter().filter(|operation| operation.number != number).cloned().collect::<Vec<_>>()
        });
        Case { groups: groups.filter(|group| !group.is_empty()).collect() }
    }

    /// The numbers of its operations.
    pub fn numbers(&self) -> Vec<Number> {
        self.groups.iter().flatten().map(|operation| operation.number).collect()
    }
}

struct Generator {
    random: StdRng,
    made: Vec<Operation>,
}

impl Generator {
    /// One operation, or up to four at once: unlike ones, or the same again and again.
    fn group(&mut self) -> Vec<Operation> {
        let size = if self.random.random_bool(0.35) { self.random.random_range(2..=4) } else { 1 };
        let is_uniform = self.random.random_bool(0.4);
        let before = self.made.clone();
        let mut group: Vec<Operation> = Vec::new();
        for _ in 0..size {
            let (key, request) = match group.first() {
                Some(first) if is_uniform => (first.key, first.request),
                _ => self.call(&before),
            };
            let operation = Operation { number: self.made.len(), key, request };
            self.made.push(operation.clone());
            group.push(operation);
        }
        group
    }

    /// A call that may mean what the operations before it made, or say one of them again.
    fn call(&mut self, before: &[Operation]) -> (Option<u8>, Request) {
        if self.random.random_bool(0.15)
            && let Some(earlier) = before.choose(&mut self.random)
        {
            return (earlier.key, earlier.request);
        }
        let request = self.request(before);
        let has_key = request.takes_a_key() && self.random.random_bool(0.4);
        (has_key.then(|| self.random.random_range(0..KEYS)), request)
    }

    fn request(&mut self, before: &[Operation]) -> Request {
        let orders: Vec<Number> = before
            .iter()
            .filter(|operation| operation.request.makes_an_order())
            .map(|operation| operation.number)
            .collect();
        // Now and then an order that nobody placed.
        let order = match orders.choose(&mut self.random) {
            Some(&order) if self.random.random_bool(0.97) => order,
            _ if before.len() > 1 && self.random.random_bool(0.2) => 0,
            _ => return self.beginning(),
        };
        let attempt = *[1, 1, 1, 1, 2, 2, 3].choose(&mut self.random).unwrap();
        match self.random.random_range(0..100) {
            0..15 => self.beginning(),
            15..29 => Request::Cancel { order },
            29..39 => Request::Refund { order },
            39..55 => Request::Upload { order, file: self.random.random_range(0..2) },
            55..71 => Request::Claim { order },
            71..86 => Request::Settle { order, attempt, succeeded: self.random.random_bool(0.5) },
            86..89 => Request::Release { order, attempt },
            89..93 => Request::FailAttempt { order, attempt },
            93..95 => Request::Renew { order, attempt },
            95..98 => Request::LeaseEnds { order },
            _ => Request::Balance,
        }
    }

    /// A call that needs nothing before it.
    fn beginning(&mut self) -> Request {
        let service = self.random.random_range(0..PRICES.len());
        match self.random.random_range(0..10) {
            0..4 => Request::Deposit { amount: self.random.random_range(1..=DEPOSIT_MAX) },
            4..7 => Request::Place { service },
            7..9 => Request::UploadTo { service, file: self.random.random_range(0..2) },
            _ => Request::Predict { service },
        }
    }
}
