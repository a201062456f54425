//! Customers by risk tier, with those of each who are expected to leave.

use askama::Template;
use platform::risk_tiers::RiskTiers;
use scoring::{Tier, TierCount};

use crate::console::shell::Shell;
use crate::console::text::{Acting, fill};

/// A tier of at least one customer can be seen.
const NARROWEST: f64 = 0.6;

/// A bar for each tier, in the colour of leaving as far as its customers are expected to.
#[derive(Template)]
#[template(path = "console/_tiers.html")]
pub struct TiersPicture {
    t: &'static Acting,
    rows: Vec<Row>,
    label: String,
}

struct Row {
    name: &'static str,
    range: String,
    action: String,
    customers: String,
    leavers: String,
    /// Of 100, together.
    stay_width: f64,
    leave_width: f64,
}

impl TiersPicture {
    /// Draws the tiers of a result, the riskiest first.
    pub fn new(shell: &Shell, tiers: &RiskTiers, counts: &[TierCount; Tier::ALL.len()]) -> TiersPicture {
        let t = Acting::of(shell.language);
        let most = counts.iter().map(|count| count.customers).max().unwrap_or(0).max(1) as f64;
        let rows: Vec<Row> =
            Tier::ALL.iter().zip(counts).map(|(&tier, count)| row(shell, tiers, tier, count, most)).collect();
        let said = rows.iter().map(|row| {
            let values = [("tier", row.name), ("customers", &row.customers), ("leavers", &row.leavers)];
            fill(t.tiers_row, &values)
        });
        let said: Vec<String> = said.collect();
        TiersPicture { label: fill(t.tiers_label, &[("rows", &said.join("; "))]), rows, t }
    }
}

fn row(shell: &Shell, tiers: &RiskTiers, tier: Tier, count: &TierCount, most: f64) -> Row {
    let t = Acting::of(shell.language);
    let leavers = count.leavers_millionths as f64 / 1e6;
    let whole = match count.customers {
        0 => 0.0,
        customers => (customers as f64 / most * 100.0).max(NARROWEST),
    };
    let leave_share = leavers / (count.customers.max(1)) as f64;
    let share = |tier: Tier| threshold(shell, tiers.thresholds.from(tier));
    let range = match tier {
        Tier::Low => fill(t.tier_below, &[("share", &share(Tier::Medium))]),
        tier => fill(t.tier_from, &[("share", &share(tier))]),
    };
    Row {
        name: name_of(t, tier),
        range,
        action: tiers.actions.of(tier).to_owned(),
        customers: shell.number(count.customers),
        leavers: if leavers > 0.0 && leavers < 9.95 {
            shell.fraction(leavers, 1)
        } else {
            shell.number(leavers.round() as u64)
        },
        stay_width: whole,
        leave_width: whole * leave_share,
    }
}

/// What a tier is called.
pub fn name_of(t: &'static Acting, tier: Tier) -> &'static str {
    match tier {
        Tier::VeryHigh => t.very_high,
        Tier::High => t.high,
        Tier::Medium => t.medium,
        Tier::Low => t.low,
    }
}

/// A threshold with no more decimals than it has.
fn threshold(shell: &Shell, millionths: u32) -> String {
    match millionths {
        whole if whole % 10_000 == 0 => shell.whole_share(f64::from(whole) / 1e6),
        fine => shell.share(f64::from(fine) / 1e6),
    }
}
