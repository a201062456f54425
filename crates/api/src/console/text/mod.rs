//! What the console says, in every language it speaks. Both forms of a text stand beside each other, so that a
//! missing one does not compile.

pub mod account;
pub mod acting;
pub mod admin;
pub mod errors;
pub mod faults;
pub mod keys;
pub mod layout;
pub mod models;
pub mod money;
pub mod monitoring;
pub mod orders;
pub mod predict;
pub mod reasons;
pub mod result;
pub mod retraining;
pub mod sources;
pub mod webhooks;

pub use account::Account;
pub use acting::Acting;
pub use admin::{Actions, Admin, Invariants};
pub use faults::place as place_said;
pub use keys::Keys;
pub use layout::Layout;
pub use models::Models;
pub use money::Money;
pub use monitoring::Watch;
pub use orders::Orders;
pub use predict::Predict;
pub use reasons::Why;
pub use result::Outcome;
pub use retraining::Retraining;
pub use sources::{Sources, failure as source_failure};
pub use webhooks::{Webhooks, fault as webhook_fault};

/// Declares a set of texts: `name: "English", "Русский";`.
macro_rules! texts {
    ($(#[$doc:meta])* $set:ident { $($name:ident: $english:expr, $russian:expr;)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $set {
            $(pub $name: &'static str,)*
        }

        impl $set {
            const ENGLISH: $set = $set { $($name: $english,)* };
            const RUSSIAN: $set = $set { $($name: $russian,)* };

            /// The texts in a language.
            pub fn of(language: $crate::console::language::Language) -> &'static $set {
                match language {
                    $crate::console::language::Language::English => &$set::ENGLISH,
                    $crate::console::language::Language::Russian => &$set::RUSSIAN,
                }
            }
        }
    };
}
pub(crate) use texts;

/// A text with its `{name}` places filled.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        filled.push_str(before);
        let Some(close) = after.find('}') else {
            rest = after;
            break;
        };
        match values.iter().find(|(name, _)| *name == &after[1..close]) {
            Some((_, value)) => filled.push_str(value),
            None => filled.push_str(&after[..=close]),
        }
        rest = &after[close + 1..];
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once_and_what_fills_them_is_left_alone() {
        let filled = fill("Paid {price} for {model}.", &[("price", "{model}"), ("model", "SVM")]);
        assert_eq!(filled, "Paid {model} for SVM.");
        assert_eq!(fill("{} {unknown} {", &[("", "x")]), "x {unknown} {");
    }
}
