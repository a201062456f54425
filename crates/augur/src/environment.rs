//! Reads settings from environment variables: text, numbers, and secrets that may lie in files.
//! Knows no setting by name.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use secrecy::SecretString;

/// The variables of a process. An empty one counts as not set, as compose files leave them.
pub struct Environment {
    variables: HashMap<String, String>,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        let pairs = std::env::vars_os();
        Self::of(
            pairs.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// The given variables alone.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let set = pairs.into_iter().filter(|(_, value)| !value.trim().is_empty());
        Self { variables: set.collect() }
    }

    /// A variable as it is.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim())
    }

    /// A variable that is a number, an address or the like.
    pub fn parsed<T>(&self, name: &str) -> Result<Option<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| anyhow!("{name}={text}: {error}"))
    }

    /// A variable that is `true`, `false`, or absent, which means false.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.text(name) {
            None | Some("false" | "0" | "no" | "off") => Ok(false),
            Some("true" | "1" | "yes" | "on") => Ok(true),
            Some(other) => bail!("{name}={other}: true or false is expected"),
        }
    }

    /// A secret from the variable itself, or from the file that the variable with `_FILE` at its end
    /// names. Its value is in no error message.
    pub fn secret(&self, name: &str) -> Result<Option<SecretString>> {
        let file_name = format!("{name}_FILE");
        match (self.text(name), self.text(&file_name)) {
            (Some(_), Some(_)) => bail!("{name} and {file_name} are both set; which one counts?"),
            (Some(value), None) => Ok(Some(value.into())),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("{file_name}={path}"))?;
                if text.trim().is_empty() {
                    bail!("{file_name}={path}: the file is empty");
                }
                Ok(Some(text.trim().into()))
            }
            (None, None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn empty_means_not_set() {
        let variables = environment(&[("A", ""), ("B", " x ")]);
        assert_eq!(variables.text("A"), None);
        assert_eq!(variables.text("B"), Some("x"));
        assert_eq!(variables.parsed::<u16>("A").unwrap(), None);
    }

    #[test]
    fn a_bad_number_names_its_variable() {
        let error = environment(&[("PORT", "many")]).parsed::<u16>("PORT").unwrap_err().to_string();
        assert!(error.starts_with("PORT=many: "), "{error}");
        assert!(environment(&[("TLS", "maybe")]).flag("TLS").is_err());
    }

    #[test]
    fn secrets_come_from_the_variable_or_its_file_but_not_both() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from the file\n").unwrap();
        let path = file.path().to_str().unwrap();
        let secret = environment(&[("KEY_FILE", path)]).secret("KEY").unwrap().unwrap();
        assert_eq!(secret.expose_secret(), "from the file");
        assert!(environment(&[("KEY_FILE", path), ("KEY", "x")]).secret("KEY").is_err());
        assert!(environment(&[("KEY_FILE", "/nowhere")]).secret("KEY").is_err());
        assert!(environment(&[]).secret("KEY").unwrap().is_none());
    }
}
