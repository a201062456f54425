//! Whom to contact: customers are taken in the order of their gain, and the figures of the plan added up.

use serde::{Deserialize, Serialize};

use super::chance::Sum;
use super::curve::{Curve, whole};
use super::{Candidate, Control, CurvePoint, Economics, Group, Limit, Measurement};

/// What a plan is expected to do. The list is the first [`Plan::listed`] customers of the order, divided by the
/// plan's [`Control`]: it can be made again from these alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// All customers that could be contacted.
    pub customers: u64,
    /// How many customers of the order are on the list.
    pub listed: u64,
    /// How many of them are to be contacted.
    pub contacts: u64,
    /// How many are held out.
    pub controls: u64,
    /// How many of those to be contacted are expected to leave if nobody acts.
    pub leavers: f64,
    /// How many of them are expected to stay because of it, where a success rate is given.
    pub saved: Option<f64>,
    /// The same in money, where amounts are given.
    pub money: Option<PlanMoney>,
    /// What the control group will be able to tell.
    pub measurement: Measurement,
    /// Contacting more and more customers, with nobody held out; at most 200 points.
    pub curve: Vec<CurvePoint>,
}

/// What a plan is expected to cost and earn, in minor units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanMoney {
    /// Contacts, and offers where they are expected to be taken.
    pub cost: i64,
    /// What is earned, costs taken off.
    pub profit: i64,
    /// With 95 % the profit is at least this. Where the success rate is a range, this is at its lowest.
    pub profit_low: i64,
    /// With 95 % it is at most this, at the highest success rate.
    pub profit_high: i64,
    /// Profit for each unit that is spent; none where nothing is.
    pub return_on_investment: Option<f64>,
    /// What contacting the control group as well would be expected to earn: the price of measuring.
    pub control_forgone: i64,
    /// Where the profit would be highest, with nobody held out.
    pub best: CurvePoint,
}

/// Takes the customers in the order of descending gain.
#[derive(Debug)]
pub struct Planner {
    economics: Option<Economics>,
    limit: Limit,
    control: Control,
    customers: u64,
    is_open: bool,
    contacts: u64,
    controls: u64,
    leavers: f64,
    control_leavers: f64,
    cost: f64,
    forgone: f64,
    /// The profit where the success rate is as expected, lowest and highest.
    profits: [Sum; 3],
    curve: Curve,
}

impl Planner {
    /// A plan among so many customers. Without economics the first ones of the order are contacted, and nothing is
    /// said of money.
    pub fn new(economics: Option<Economics>, limit: Limit, control: Control, customers: u64) -> Planner {
        Planner {
            economics,
            limit,
            control,
            customers,
            is_open: true,
            contacts: 0,
            controls: 0,
            leavers: 0.0,
            control_leavers: 0.0,
            cost: 0.0,
            forgone: 0.0,
            profits: [Sum::default(); 3],
            curve: Curve::new(customers, economics.is_some()),
        }
    }

    /// Takes the next customer, whose gain is not above that of the one before, and says what becomes of them.
    pub fn take(&mut self, candidate: &Candidate) -> Option<Group> {
        let gain = self.economics.map_or(0.0, |economics| economics.gain(candidate));
        let group = self.group(candidate, gain);
        match group {
            Some(Group::Contact) => self.contact(candidate),
            Some(Group::Control) => {
                self.controls += 1;
                self.control_leavers += candidate.probability();
                self.forgone += gain;
            }
            None => {}
        }
        self.curve.add(candidate.probability(), gain);
        if group.is_some() && self.is_full() {
            self.is_open = false;
            self.curve.mark();
        }
        group
    }

    /// The plan, once all customers were taken.
    pub fn finish(self) -> Plan {
        let (curve, best) = self.curve.finish();
        let listed = self.contacts + self.controls;
        let base_rate = if listed == 0 { 0.0 } else { (self.leavers + self.control_leavers) / listed as f64 };
        let success = self.economics.map(|economics| economics.success.expected);
        let [expected, low, high] = self.profits;
        let money = self.economics.map(|_| PlanMoney {
            cost: whole(self.cost),
            profit: whole(expected.mean),
            profit_low: whole(low.bounds().0),
            profit_high: whole(high.bounds().1),
            return_on_investment: (self.cost > 0.0).then(|| expected.mean / self.cost),
            control_forgone: whole(self.forgone),
            best,
        });
        Plan {
            customers: self.customers,
            listed,
            contacts: self.contacts,
            controls: self.controls,
            leavers: self.leavers,
            saved: success.map(|success| self.leavers * success),
            money,
            measurement: Measurement::new(
                (self.contacts, self.controls),
                base_rate,
                success.map(|success| success * base_rate),
            ),
            curve,
        }
    }

    /// Where a customer belongs, as long as the list goes on. It ends with the first who brings nothing or costs
    /// more than is left.
    fn group(&mut self, candidate: &Candidate, gain: f64) -> Option<Group> {
        if !self.is_open {
            return None;
        }
        let group = self.control.group(candidate.offset);
        let is_paid = match (self.limit, self.economics) {
            (Limit::Budget(budget), Some(economics)) if group == Group::Contact => {
                self.cost + economics.cost(candidate) <= budget as f64
            }
            _ => true,
        };
        let brings = self.economics.is_none() || gain > 0.0;
        self.is_open = is_paid && brings && !self.is_full();
        if !self.is_open {
            self.curve.mark();
        }
        self.is_open.then_some(group)
    }

    fn is_full(&self) -> bool {
        matches!(self.limit, Limit::Contacts(contacts) if self.contacts >= contacts)
    }

    fn contact(&mut self, candidate: &Candidate) {
        self.contacts += 1;
        self.leavers += candidate.probability();
        let Some(economics) = self.economics else { return };
        self.cost += economics.cost(candidate);
        let success = economics.success;
        for (sum, rate) in self.profits.iter_mut().zip([success.expected, success.low, success.high]) {
            sum.add(candidate, &economics, rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::SuccessRate;

    fn economics() -> Economics {
        Economics {
            contact_cost: 100,
            offer_cost: 300,
            stayers_accepting: 0.2,
            success: SuccessRate { expected: 0.3, low: 0.2, high: 0.4 },
        }
    }

    /// Customers by descending gain, as whoever calls the planner sorts them.
    fn customers(count: u32, economics: &Economics) -> Vec<Candidate> {
        let customer = |at: u32| Candidate {
            offset: u64::from(at) * 50,
            millionths: at * 7_919 % 1_000_000,
            value: 1_000.0 + f64::from(at * 31 % 17) * 100.0,
        };
        let mut customers: Vec<Candidate> = (0..count).map(customer).collect();
        customers.sort_by(|one, other| economics.gain(other).total_cmp(&economics.gain(one)));
        customers
    }

    fn plan(economics: Option<Economics>, limit: Limit, control: Control, customers: &[Candidate]) -> Plan {
        let mut planner = Planner::new(economics, limit, control, customers.len() as u64);
        let groups: Vec<_> = customers.iter().map_while(|customer| planner.take(customer)).collect();
        // The first who is not on the list was taken already.
        for customer in customers.get(groups.len() + 1..).unwrap_or_default() {
            assert_eq!(planner.take(customer), None, "a list that has ended stays so");
        }
        let plan = planner.finish();
        assert_eq!(plan.listed, groups.len() as u64);
        assert_eq!(plan.contacts, groups.iter().filter(|group| **group == Group::Contact).count() as u64);
        plan
    }

    #[test]
    fn no_other_choice_of_customers_earns_more() {
        let economics = economics();
        for limit in [Limit::Best, Limit::Contacts(4), Limit::Contacts(0), Limit::Contacts(99)] {
            let customers = customers(11, &economics);
            let plan = plan(Some(economics), limit, Control::NONE, &customers);
            let most = match limit {
                Limit::Contacts(most) => most as usize,
                _ => customers.len(),
            };
            let profit = |choice: u32| -> f64 {
                let chosen = customers.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
                chosen.map(|(_, customer)| economics.gain(customer)).sum()
            };
            let choices = (0..1_u32 << customers.len()).filter(|one| one.count_ones() as usize <= most);
            let best = choices.map(profit).fold(0.0, f64::max);
            let money = plan.money.as_ref().unwrap();
            assert_eq!(money.profit, best.round() as i64, "{limit:?}");
            assert!(money.profit_low <= money.profit && money.profit <= money.profit_high);
            assert!(plan.contacts as usize <= most);
        }
    }

    #[test]
    fn the_best_of_the_curve_is_what_the_best_plan_earns_and_the_curve_is_short() {
        let economics = economics();
        for count in [0, 1, 2, 150, 196, 197, 5_000] {
            let customers = customers(count, &economics);
            let plan = plan(Some(economics), Limit::Best, Control::NONE, &customers);
            let money = plan.money.as_ref().unwrap();
            assert_eq!((money.best.contacts, money.best.profit), (plan.contacts, Some(money.profit)));
            assert!(plan.curve.len() <= 200, "{} points of {count}", plan.curve.len());
            assert!(plan.curve.contains(&money.best));
            assert!(plan.curve.is_sorted_by_key(|point| point.contacts));
            assert_eq!((plan.curve[0].contacts, plan.curve[0].profit), (0, Some(0)));
            assert_eq!(plan.curve.last().unwrap().contacts, u64::from(count));
            for point in &plan.curve {
                let first = &customers[..point.contacts as usize];
                let profit: f64 = first.iter().map(|customer| economics.gain(customer)).sum();
                assert!((point.profit.unwrap() as f64 - profit).abs() <= 0.5 + 1e-6 * profit.abs());
            }
        }
    }

    #[test]
    fn a_budget_is_kept_and_used() {
        let economics = economics();
        let customers = customers(2_000, &economics);
        let plan = plan(Some(economics), Limit::Budget(20_000), Control::NONE, &customers);
        let costs: Vec<f64> = customers.iter().map(|customer| economics.cost(customer)).collect();
        let contacts = plan.contacts as usize;
        let spent: f64 = costs[..contacts].iter().sum();
        assert_eq!(plan.money.as_ref().unwrap().cost, spent.round() as i64);
        assert!(spent <= 20_000.0 && spent + costs[contacts] > 20_000.0, "{spent}");
    }

    #[test]
    fn as_many_are_contacted_as_wanted_and_the_control_group_comes_beside_them() {
        let economics = economics();
        let customers = customers(4_000, &economics);
        let control = Control { share: 0.2, seed: 4 };
        let held_out = plan(Some(economics), Limit::Contacts(500), control, &customers);
        assert_eq!(held_out.contacts, 500);
        assert!((90..170).contains(&held_out.controls), "{}", held_out.controls);
        assert!(held_out.money.as_ref().unwrap().control_forgone > 0);
        let again = plan(Some(economics), Limit::Contacts(500), control, &customers);
        assert_eq!(held_out, again);
    }

    #[test]
    fn without_amounts_the_likeliest_are_contacted_and_nothing_is_said_of_money() {
        let mut customers = customers(300, &economics());
        customers.sort_by_key(|customer| std::cmp::Reverse(customer.millionths));
        let plan = plan(None, Limit::Contacts(100), Control::NONE, &customers);
        let leavers: f64 = customers[..100].iter().map(Candidate::probability).sum();
        assert_eq!((plan.contacts, plan.money.is_none(), plan.saved), (100, true, None));
        assert!((plan.leavers - leavers).abs() < 1e-9);
        assert!(plan.curve.iter().any(|point| point.contacts == 100));
    }

    #[test]
    fn a_range_of_success_widens_the_interval() {
        let customers = customers(3_000, &economics());
        let sure = Economics { success: SuccessRate::sure(0.3), ..economics() };
        let width = |economics: Economics| {
            let money = plan(Some(economics), Limit::Best, Control::NONE, &customers).money.unwrap();
            money.profit_high - money.profit_low
        };
        assert!(width(economics()) > 2 * width(sure));
    }
}
