//! The form of a plan: what was typed, and what it means.

use askama::Template;
use ledger::Money;
use platform::PredictionId;
use platform::plans::{CustomerValue, MoneyTerms, PlanRequest};
use scoring::campaign::{Limit, SuccessRate};
use serde::Deserialize;

use crate::console::fields::FieldErrors;
use crate::console::format::minor_units_of;
use crate::console::pages::admin::amount;
use crate::console::pages::admin::form_key::new_key;
use crate::console::shell::Shell;
use crate::console::text::{Acting, Admin};

/// What is typed first: a list that a team can call in a week, an offer that works now and then.
const CONTACTS_MAX: u64 = 500;
const SUCCESS_RATE: &str = "20";
const CONTROL_SHARE: &str = "10";
/// Columns that are offered; a file of more is no table to choose from.
const COLUMNS_MAX: usize = 200;

/// What was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct PlanFields {
    pub key: String,
    pub limit: String,
    pub contacts: String,
    pub budget: String,
    pub contact_cost: String,
    pub offer_cost: String,
    pub customer_value: String,
    pub value_column: String,
    pub value_times: String,
    pub success_rate: String,
    pub success_low: String,
    pub success_high: String,
    pub control_share: String,
}

/// The form, as a part of a page.
#[derive(Template)]
#[template(path = "console/_plan_form.html")]
pub struct PlanForm {
    t: &'static Acting,
    id: PredictionId,
    csrf: String,
    currency: String,
    fields: PlanFields,
    errors: FieldErrors,
    columns: Vec<String>,
    is_open: bool,
}

impl PlanFields {
    /// What is typed before anybody types.
    pub fn first(customers: u64) -> PlanFields {
        PlanFields {
            limit: "contacts".to_owned(),
            contacts: customers.div_ceil(10).min(CONTACTS_MAX).to_string(),
            success_rate: SUCCESS_RATE.to_owned(),
            control_share: CONTROL_SHARE.to_owned(),
            ..PlanFields::default()
        }
    }

    /// All of it, to tell a form that was sent twice from another one.
    pub fn all(&self) -> [&str; 12] {
        [
            &self.limit,
            &self.contacts,
            &self.budget,
            &self.contact_cost,
            &self.offer_cost,
            &self.customer_value,
            &self.value_column,
            &self.value_times,
            &self.success_rate,
            &self.success_low,
            &self.success_high,
            &self.control_share,
        ]
    }

    /// What it asks for, or what is wrong with it.
    pub fn request(&self, shell: &Shell) -> Result<PlanRequest, FieldErrors> {
        let mut errors = FieldErrors::default();
        let t = Acting::of(shell.language);
        let limit = match self.limit.as_str() {
            "contacts" => match digits(&self.contacts) {
                Some(contacts) => Limit::Contacts(contacts),
                None => {
                    errors.add("contacts", t.contacts_unreadable);
                    Limit::Best
                }
            },
            "budget" => Limit::Budget(money(shell, &mut errors, "budget", &self.budget).minor_units()),
            _ => Limit::Best,
        };
        let control_share = Some(&self.control_share).filter(|typed| !typed.trim().is_empty());
        let control_share = control_share.map(|typed| share(t, &mut errors, "control_share", typed));
        let money = self.money(shell, &mut errors);
        match errors.is_empty() {
            true => Ok(PlanRequest { limit, money, control_share, seed: None }),
            false => Err(errors),
        }
    }

    fn money(&self, shell: &Shell, errors: &mut FieldErrors) -> Option<MoneyTerms> {
        let t = Acting::of(shell.language);
        let value = match (self.value_column.is_empty(), self.customer_value.trim().is_empty()) {
            (false, _) => {
                let times = match self.value_times.trim() {
                    "" => Some(1.0),
                    typed => typed.replace(',', ".").parse().ok(),
                };
                let times: f64 = times.unwrap_or(f64::NAN);
                CustomerValue::Column {
                    name: self.value_column.clone(),
                    units: times * minor_units_of(&shell.currency),
                }
            }
            (true, false) => {
                CustomerValue::Same(money(shell, errors, "customer_value", &self.customer_value))
            }
            (true, true) => return None,
        };
        let expected = share(t, errors, "success_rate", &self.success_rate);
        let mut bound = |field, typed: &str| match typed.trim() {
            "" => expected,
            typed => share(t, errors, field, typed),
        };
        let (low, high) =
            (bound("success_rate_low", &self.success_low), bound("success_rate_high", &self.success_high));
        Some(MoneyTerms {
            contact_cost: money_or_none(shell, errors, "contact_cost", &self.contact_cost),
            offer_cost: money_or_none(shell, errors, "offer_cost", &self.offer_cost),
            stayers_accepting: 1.0,
            success: SuccessRate { expected, low, high },
            value,
        })
    }
}

impl PlanForm {
    /// The form with what was typed, and what is wrong with it.
    pub fn new(
        shell: &Shell,
        id: PredictionId,
        columns: &[String],
        fields: PlanFields,
        errors: FieldErrors,
    ) -> PlanForm {
        let further = [
            "offer_cost",
            "value_times",
            "customer_value_column",
            "success_rate_low",
            "success_rate_high",
            "control_share",
        ];
        let columns = columns.iter().filter(|name| !name.trim().is_empty()).take(COLUMNS_MAX);
        PlanForm {
            t: Acting::of(shell.language),
            id,
            csrf: shell.csrf.clone(),
            currency: shell.currency.clone(),
            is_open: further.iter().any(|field| errors.of(field).is_some()),
            fields: PlanFields { key: new_key(), ..fields },
            errors,
            columns: columns.cloned().collect(),
        }
    }
}

/// A whole number, with thousands apart or not.
fn digits(typed: &str) -> Option<u64> {
    let digits: String = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != ',').collect();
    digits.parse().ok()
}

/// A percentage as a share.
fn share(t: &Acting, errors: &mut FieldErrors, field: &'static str, typed: &str) -> f64 {
    let typed = typed.trim().trim_end_matches('%').trim_end().replace(',', ".");
    match typed.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => percent / 100.0,
        _ => {
            errors.add(field, t.share_unreadable);
            0.0
        }
    }
}

/// An amount, where an empty field means nothing.
fn money_or_none(shell: &Shell, errors: &mut FieldErrors, field: &'static str, typed: &str) -> Money {
    match typed.trim() {
        "" | "0" => Money::ZERO,
        typed => money(shell, errors, field, typed),
    }
}

fn money(shell: &Shell, errors: &mut FieldErrors, field: &'static str, typed: &str) -> Money {
    match amount::parse(Admin::of(shell.language), shell.language, &shell.currency, typed) {
        Ok(amount) => amount,
        Err(message) => {
            errors.add(field, message);
            Money::ZERO
        }
    }
}
