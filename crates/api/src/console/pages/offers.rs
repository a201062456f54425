//! The price list as it is offered: what a model costs, and how good it was measured to be.

use platform::services::Service;
use scoring::Metrics;
use uuid::Uuid;

use crate::console::shell::Shell;
use crate::console::text::{Predict, fill};

/// A line of the price list.
pub struct Offer {
    pub id: Uuid,
    pub name: String,
    pub price: String,
    /// Of ten who leave, which the model finds; nothing where it was not measured.
    pub found: Option<[bool; 10]>,
    /// The measured quality, the most telling figure first.
    pub quality: Vec<String>,
    pub is_recommended: bool,
}

impl Offer {
    pub fn new(shell: &Shell, service: &Service, is_recommended: bool) -> Offer {
        Offer {
            id: service.id.0,
            name: service.name.clone(),
            price: shell.money(service.price.minor_units()),
            found: service.quality.recall.map(|recall| std::array::from_fn(|one| one < of_ten(recall))),
            quality: quality(shell, &service.quality),
            is_recommended,
        }
    }
}

/// The offers of a whole price list.
pub fn all(shell: &Shell, services: &[Service]) -> Vec<Offer> {
    let recommended = recommended(services.iter()).map(|service| service.id);
    services.iter().map(|service| Offer::new(shell, service, Some(service.id) == recommended)).collect()
}

/// The cheapest of those that cannot be told from the best: whose measured quality is not below the interval of the
/// best one's.
pub fn recommended<'a>(services: impl Iterator<Item = &'a Service> + Clone) -> Option<&'a Service> {
    let auc = |service: &Service| service.quality.auc.filter(|auc| auc.is_finite());
    let measured = services.filter(|service| auc(service).is_some());
    let best = measured
        .clone()
        .max_by(|one, other| auc(one).partial_cmp(&auc(other)).unwrap_or(std::cmp::Ordering::Equal))?;
    let enough = best.quality.auc_low.or(best.quality.auc);
    measured.filter(|service| auc(service) >= enough).min_by_key(|service| service.price)
}

fn quality(shell: &Shell, metrics: &Metrics) -> Vec<String> {
    let t = Predict::of(shell.language);
    let figures = [
        metrics.recall.map(|recall| fill(t.finds, &[("found", &of_ten(recall).to_string())])),
        metrics.precision.map(|precision| fill(t.precise, &[("right", &of_ten(precision).to_string())])),
        metrics.auc.map(|auc| fill(t.auc, &[("auc", &shell.fraction(auc, 3))])),
    ];
    let figures: Vec<String> = figures.into_iter().flatten().collect();
    if figures.is_empty() { vec![t.not_measured.to_owned()] } else { figures }
}

fn of_ten(share: f64) -> usize {
    // Between 0 and 10.
    (share.clamp(0.0, 1.0) * 10.0).round() as usize
}

#[cfg(test)]
mod tests {
    use ledger::Money;
    use platform::{ModelId, ModelVersionId, ServiceId};

    use super::*;

    fn service(name: &str, price: i64, auc: Option<f64>) -> Service {
        Service {
            id: ServiceId::new(),
            name: name.to_owned(),
            model: ModelId::new(),
            model_name: name.to_owned(),
            model_version: ModelVersionId::new(),
            description: String::new(),
            price: Money::from_minor_units(price).unwrap(),
            explain_price: None,
            rows_max: 10,
            quality: Metrics { auc, auc_low: auc.map(|auc| auc - 0.01), ..Metrics::default() },
            active: true,
        }
    }

    fn name(services: &[Service]) -> Option<&str> {
        recommended(services.iter()).map(|service| service.name.as_str())
    }

    #[test]
    fn the_cheapest_that_is_as_good_as_the_best_is_recommended() {
        let mut services = vec![service("weak", 1, Some(0.7)), service("dear", 500, Some(0.85))];
        assert_eq!(name(&services), Some("dear"));
        services.push(service("fair", 100, Some(0.845)));
        services.push(service("unmeasured", 5, None));
        assert_eq!(name(&services), Some("fair"));
        assert_eq!(name(&services[3..]), None);
    }
}
