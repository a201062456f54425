//! What is wrong with the fields of a form, to be said beside them.

use platform::Error;

use super::errors::PageError;
use super::language::Language;
use super::text::errors;
use crate::problem::sentence;

/// What a field of a form lacks, by its name.
#[derive(Default)]
pub struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    /// What is wrong with a field, if anything.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, message)| message.as_str())
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says what is wrong with a field.
    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push((field, message.into()));
    }

    /// Keeps what an operation says of fields, or passes on any other error.
    pub fn take(&mut self, language: Language, error: Error) -> Result<(), PageError> {
        match error {
            Error::Invalid(problems) => {
                let said = |message: &str| errors::sentence(language, &sentence(message));
                self.0.extend(problems.into_iter().map(|problem| (problem.field, said(&problem.message))));
                Ok(())
            }
            Error::Conflict { code: "email_taken", message } => {
                self.0.push(("email", errors::sentence(language, &sentence(&message))));
                Ok(())
            }
            error => Err(error.into()),
        }
    }
}
