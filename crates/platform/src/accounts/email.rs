//! Addresses to sign in with.

use crate::Error;

/// Where the addresses of closed accounts are, which nobody may have besides (`invalid`: RFC 2606).
const CLOSED_DOMAIN: &str = "closed.invalid";

/// An e-mail address that has the form of one. That it reaches anybody is not checked.
#[derive(Clone, Debug)]
pub struct Email(String);

impl Email {
    /// Takes an address of 3 to 254 characters (RFC 5321) with one `@`, without spaces and control
    /// characters; surrounding space is dropped.
    pub fn parse(text: &str) -> Result<Email, Error> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('@').collect();
        let well_formed = parts.len() == 2
            && parts.iter().all(|part| !part.is_empty())
            && text.chars().count() <= 254
            && !parts[1].eq_ignore_ascii_case(CLOSED_DOMAIN)
            && !text.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\"(),;:\\".contains(c));
        if well_formed {
            Ok(Email(text.to_owned()))
        } else {
            Err(Error::invalid("email", "this is not an e-mail address"))
        }
    }

    /// The address as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for good in ["a@b", "First.Last+tag@example.org", "иван@пример.рф"] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "a", "@b", "a@", "a@b@c", "a b@c", "a\r\n@c", "<a>@b", "a@Closed.invalid", &"x".repeat(300)]
        {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }
}
