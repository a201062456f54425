//! The names under which people send the same columns and values.
//!
//! Three vocabularies are known: the Telco sample (`tenure`, `MonthlyCharges`), its extended edition
//! (`Tenure Months`, `Monthly Charges`) and that of the service which Augur replaces (`ClientPeriod`,
//! `MonthlySpending`). They are put into a [`crate::Schema`] when a model is trained, so that a model
//! carries its own vocabulary and a later change here changes no shipped model.

use crate::manifest::{CategoryValue, Feature, FeatureKind};
use crate::names;

/// One column of the known vocabularies: its name, its other names, and the values of a category.
struct Known {
    name: &'static str,
    aliases: &'static [&'static str],
    /// Empty for a number.
    values: &'static [&'static str],
}

const YES_NO: &[&str] = &["No", "Yes"];
const WITH_PHONE: &[&str] = &["No", "Yes", "No phone service"];
const WITH_INTERNET: &[&str] = &["No", "Yes", "No internet service"];

/// Spellings that differ by more than case, spaces and underscores from the Telco sample's need an alias.
const KNOWN: &[Known] = &[
    Known { name: "gender", aliases: &["Sex"], values: &["Female", "Male"] },
    Known { name: "SeniorCitizen", aliases: &["IsSeniorCitizen"], values: YES_NO },
    Known { name: "Partner", aliases: &["HasPartner"], values: YES_NO },
    Known { name: "Dependents", aliases: &["HasChild"], values: YES_NO },
    Known { name: "tenure", aliases: &["Tenure Months", "ClientPeriod"], values: &[] },
    Known { name: "PhoneService", aliases: &["HasPhoneService"], values: YES_NO },
    Known { name: "MultipleLines", aliases: &["HasMultiplePhoneNumbers"], values: WITH_PHONE },
    Known {
        name: "InternetService",
        aliases: &["HasInternetService"],
        values: &["No", "DSL", "Fiber optic"],
    },
    Known { name: "OnlineSecurity", aliases: &["HasOnlineSecurityService"], values: WITH_INTERNET },
    Known { name: "OnlineBackup", aliases: &["HasOnlineBackup"], values: WITH_INTERNET },
    Known { name: "DeviceProtection", aliases: &["HasDeviceProtection"], values: WITH_INTERNET },
    Known { name: "TechSupport", aliases: &["HasTechSupportAccess"], values: WITH_INTERNET },
    Known { name: "StreamingTV", aliases: &["HasOnlineTV"], values: WITH_INTERNET },
    Known { name: "StreamingMovies", aliases: &["HasMovieSubscription"], values: WITH_INTERNET },
    Known {
        name: "Contract",
        aliases: &["HasContractPhone"],
        values: &["Month-to-month", "One year", "Two year"],
    },
    Known { name: "PaperlessBilling", aliases: &["IsBillingPaperless"], values: YES_NO },
    Known {
        name: "PaymentMethod",
        aliases: &[],
        values: &["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"],
    },
    Known { name: "MonthlyCharges", aliases: &["MonthlySpending"], values: &[] },
    Known { name: "TotalCharges", aliases: &["TotalSpent"], values: &[] },
];

/// Columns that tell the outcome, or what was computed from it: the Telco sample's, its extended
/// edition's, and those of our own results.
const OUTCOMES: &[&str] = &[
    "Churn",
    "Churn Label",
    "Churn Value",
    "Churn Score",
    "CLTV",
    "Churn Reason",
    "stays",
    "churn_probability",
];

/// The feature that the known vocabularies have under this name or alias, with all its names and values.
#[must_use]
pub fn known_feature(column: &str) -> Option<Feature> {
    let wanted = names::key(column);
    let is_wanted = |name: &&str| names::key(name) == wanted;
    let known = KNOWN.iter().find(|known| is_wanted(&known.name) || known.aliases.iter().any(is_wanted))?;
    let kind = if known.values.is_empty() { FeatureKind::Number } else { category(known.values) };
    Some(Feature {
        name: known.name.to_owned(),
        aliases: known.aliases.iter().map(|&alias| alias.to_owned()).collect(),
        kind,
    })
}

/// The kind of a category with these values, each with its usual other spellings (`Yes`: `1`, `true`).
pub fn category<S: AsRef<str>>(values: &[S]) -> FeatureKind {
    let keys: Vec<String> = values.iter().map(|value| names::key(value.as_ref())).collect();
    let with_aliases = |value: &S| CategoryValue {
        value: value.as_ref().to_owned(),
        // An alias that is a value of its own right here must not be taken away from it.
        aliases: aliases_of(value.as_ref())
            .iter()
            .filter(|&&alias| !keys.contains(&names::key(alias)))
            .map(|&alias| alias.to_owned())
            .collect(),
    };
    FeatureKind::Category { values: values.iter().map(with_aliases).collect() }
}

/// The names of columns that are never features.
#[must_use]
pub fn outcomes() -> Vec<String> {
    OUTCOMES.iter().map(|&name| name.to_owned()).collect()
}

/// Whether a column tells the outcome.
#[must_use]
pub fn is_outcome(column: &str) -> bool {
    let wanted = names::key(column);
    OUTCOMES.iter().any(|name| names::key(name) == wanted)
}

fn aliases_of(value: &str) -> &'static [&'static str] {
    match names::key(value).as_str() {
        "yes" | "1" | "true" => &["Yes", "1", "1.0", "1,0", "true", "Y"],
        "no" | "0" | "false" => &["No", "0", "0.0", "0,0", "false", "N"],
        "female" => &["F"],
        "male" => &["M"],
        "month-to-month" => &["Month to month"],
        "banktransfer(automatic)" => &["Bank transfer"],
        "creditcard(automatic)" => &["Credit card"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::{category, is_outcome, known_feature};
    use crate::manifest::FeatureKind;

    #[test]
    fn three_vocabularies_lead_to_one_feature() {
        for (a, b, c) in [
            ("tenure", "ClientPeriod", "Tenure Months"),
            ("MonthlyCharges", "MonthlySpending", "Monthly Charges"),
            ("gender", "Sex", "Gender"),
            ("SeniorCitizen", "IsSeniorCitizen", "Senior Citizen"),
            ("Contract", "HasContractPhone", "contract"),
        ] {
            let feature = known_feature(a).expect("known");
            assert_eq!(known_feature(b).as_ref(), Some(&feature));
            assert_eq!(known_feature(c), Some(feature));
        }
        assert_eq!(known_feature("Zip Code"), None);
        assert!(is_outcome("churn value") && is_outcome("Churn") && !is_outcome("tenure"));
    }

    #[test]
    fn a_value_keeps_its_own_spelling_where_it_is_an_alias_of_another() {
        let FeatureKind::Category { values } = category(&["Yes", "1", "No"]) else { panic!("a category") };
        assert!(values.iter().all(|value| !value.aliases.iter().any(|alias| alias == "1" || alias == "Yes")));
        assert!(values[2].aliases.iter().any(|alias| alias == "0"));
    }
}
