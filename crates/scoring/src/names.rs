//! How names of columns and values of categories are compared.

/// The form in which two names are compared: without case, white space, underscores, quotes around it
/// and a byte order mark.
///
/// `Monthly Charges`, `monthly_charges` and `MonthlyCharges` have one key.
#[must_use]
pub fn key(name: &str) -> String {
    let name = name.trim_start_matches('\u{feff}').trim();
    let name = name.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(name);
    name.chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn case_spaces_underscores_quotes_and_bom_do_not_matter() {
        for name in ["MonthlyCharges", "Monthly Charges", " monthly_charges ", "\u{feff}\"Monthly Charges\""]
        {
            assert_eq!(key(name), "monthlycharges");
        }
        assert_eq!(key("ВОЗРАСТ клиента"), "возрастклиента");
        assert_ne!(key("tenure"), key("tenure-months"));
    }
}
