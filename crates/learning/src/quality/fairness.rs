//! How a model treats groups of customers.
//!
//! The measures are those of Hardt, Price and Srebro, "Equality of Opportunity in Supervised Learning"
//! (2016): who is flagged, who is found, who is flagged in vain; and whether a probability means the same
//! in each group. They cannot all be equal where groups leave at different rates (Chouldechova, 2017), so
//! nothing here passes or fails: it is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::groups::Groups;
use super::{Confusion, Estimate};
use crate::metrics::Auc;

/// The groups of one column and how they differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fairness {
    /// The column's name in the file.
    pub column: String,
    /// Its groups.
    pub groups: Vec<Group>,
    /// For each measure, the group where it is highest against the group where it is lowest.
    pub differences: Vec<Difference>,
}

/// How one group is treated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The column's value.
    pub value: String,
    /// Customers in it.
    pub rows: u64,
    /// Those who left.
    pub positives: u64,
    /// What could be counted.
    pub estimates: BTreeMap<Measure, Estimate>,
}

/// What is measured of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The share who left.
    ShareLeft,
    /// The share whom the threshold flags.
    ShareFlagged,
    /// The share of the leavers who are flagged.
    TruePositiveRate,
    /// The share of the stayers who are flagged.
    FalsePositiveRate,
    /// The share of the flagged who left.
    Precision,
    /// The mean probability less the share who left: above 0 the group is believed riskier than it is.
    CalibrationGap,
    /// The area under the ROC curve within the group.
    Auc,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 7] = [
        Measure::ShareLeft,
        Measure::ShareFlagged,
        Measure::TruePositiveRate,
        Measure::FalsePositiveRate,
        Measure::Precision,
        Measure::CalibrationGap,
        Measure::Auc,
    ];
}

/// How far two groups are apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// In what.
    pub measure: Measure,
    /// The group where it is highest.
    pub highest: String,
    /// The group where it is lowest.
    pub lowest: String,
    /// The highest less the lowest. Where there are more than two groups, picking the extremes makes it look
    /// surer than it is.
    pub difference: Estimate,
}

impl Fairness {
    pub(crate) fn measure(groups: &Groups, probabilities: &[f64], labels: &[bool], threshold: f64) -> Self {
        let members = |group: usize| (0..labels.len()).filter(move |&row| groups.group_of[row] == group);
        let measured: Vec<Group> = groups
            .values
            .iter()
            .enumerate()
            .map(|(group, value)| {
                let (probabilities, labels): (Vec<f64>, Vec<bool>) =
                    members(group).map(|row| (probabilities[row], labels[row])).unzip();
                Group::measure(value, &probabilities, &labels, threshold)
            })
            .collect();
        let differences = Measure::ALL.into_iter().filter_map(|measure| difference(measure, &measured));
        Fairness { column: groups.column.clone(), differences: differences.collect(), groups: measured }
    }
}

impl Group {
    fn measure(value: &str, probabilities: &[f64], labels: &[bool], threshold: f64) -> Group {
        let rows = labels.len() as u64;
        let counts = Confusion::count(probabilities, labels, threshold);
        let positives = counts.true_positives + counts.false_negatives;
        let gap = |(&p, &label): (&f64, &bool)| p - f64::from(u8::from(label));
        let gaps: Vec<f64> = probabilities.iter().zip(labels).map(gap).collect();
        let estimate = |measure| match measure {
            Measure::ShareLeft => Estimate::share(positives, rows),
            Measure::ShareFlagged => Estimate::share(counts.flagged(), rows),
            Measure::TruePositiveRate => Estimate::share(counts.true_positives, positives),
            Measure::FalsePositiveRate => Estimate::share(counts.false_positives, rows - positives),
            Measure::Precision => Estimate::share(counts.true_positives, counts.flagged()),
            Measure::CalibrationGap => Estimate::mean(&gaps),
            // One leaver or one stayer says nothing of the spread.
            Measure::Auc => {
                (positives.min(rows - positives) > 1).then(|| Auc::measure(probabilities, labels).into())
            }
        };
        let estimates = Measure::ALL.into_iter().filter_map(|measure| Some((measure, estimate(measure)?)));
        Group { value: value.to_owned(), rows, positives, estimates: estimates.collect() }
    }
}

/// Nothing where fewer than two groups could be measured.
fn difference(measure: Measure, groups: &[Group]) -> Option<Difference> {
    let mut known: Vec<(&String, Estimate)> =
        groups.iter().filter_map(|group| Some((&group.value, *group.estimates.get(&measure)?))).collect();
    known.sort_by(|left, right| right.1.value.total_cmp(&left.1.value));
    let [(highest, first), .., (lowest, last)] = &known[..] else { return None };
    let difference = Estimate::difference(*first, *last);
    Some(Difference { measure, highest: (*highest).clone(), lowest: (*lowest).clone(), difference })
}

#[cfg(test)]
mod tests {
    use super::{Fairness, Measure};
    use crate::quality::groups::Groups;

    #[test]
    fn groups_are_measured_as_counted_by_hand() {
        let groups = Groups {
            column: "sex".to_owned(),
            values: vec!["f".to_owned(), "m".to_owned(), "x".to_owned()],
            group_of: vec![0, 0, 0, 0, 1, 1, 1, 1, 2],
        };
        let probabilities = [0.9, 0.6, 0.7, 0.2, 0.8, 0.4, 0.3, 0.1, 0.5];
        let labels = [true, true, false, false, true, true, false, false, false];
        let found = Fairness::measure(&groups, &probabilities, &labels, 0.5);
        let values = |group: usize| {
            let estimates = &found.groups[group].estimates;
            Measure::ALL.map(|measure| estimates.get(&measure).map(|one| one.value))
        };
        assert_eq!(values(0), [0.5, 0.75, 1.0, 0.5, 0.666667, 0.1, 0.75].map(Some));
        assert_eq!(values(1), [0.5, 0.25, 0.5, 0.0, 1.0, -0.1, 1.0].map(Some));
        // One stayer who is flagged in vain: no leaver to find, no pair to rank.
        assert_eq!(values(2), [Some(0.0), Some(1.0), None, Some(1.0), Some(0.0), Some(0.5), None]);
        let flagged = &found.differences[Measure::ShareFlagged as usize];
        assert_eq!((flagged.highest.as_str(), flagged.lowest.as_str()), ("x", "m"));
        assert_eq!(flagged.difference.value, 0.75);
        assert!(flagged.difference.low < 0.75 && flagged.difference.high <= 1.0);
        let found_leavers = &found.differences[Measure::TruePositiveRate as usize];
        assert_eq!((found_leavers.highest.as_str(), found_leavers.difference.value), ("f", 0.5));
    }
}
