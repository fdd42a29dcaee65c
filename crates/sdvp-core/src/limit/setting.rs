//! Limits as they are set by name.

use super::{Limit, LimitError};

/// A limit and the value it is to have.
#[derive(Clone, Copy, Debug)]
pub struct LimitSetting {
    /// The limit.
    pub limit: &'static Limit,
    /// The value.
    pub value: u64,
}

impl LimitSetting {
    /// Reads `NAME=VALUE` of one of some limits.
    ///
    /// # Errors
    /// If it has another form, there is no such limit, or it cannot have that value.
    pub fn read(text: &str, limits: &[&'static Limit]) -> Result<Self, LimitError> {
        let (name, value) = text.split_once('=').ok_or_else(|| LimitError::Form {
            found: text.to_owned(),
        })?;
        let name = name.trim();
        let limit = limits
            .iter()
            .copied()
            .find(|limit| limit.name() == name)
            .ok_or_else(|| LimitError::Unknown {
                found: name.to_owned(),
                known: limits.iter().map(|limit| limit.name()).collect(),
            })?;
        let read = limit.unit().read(value).ok_or_else(|| LimitError::Value {
            name: limit.name(),
            expected: limit.unit().examples(),
            found: value.trim().to_owned(),
        })?;
        Ok(Self { limit, value: read })
    }

    /// Sets it, for the whole process.
    ///
    /// # Errors
    /// As [`Limit::set`].
    pub fn apply(self) -> Result<(), LimitError> {
        self.limit.set(self.value)
    }
}
