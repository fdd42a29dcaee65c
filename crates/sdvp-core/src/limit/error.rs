//! What is said of limits that were reached, or that cannot be set.

use super::Limit;
use std::fmt;

/// How much of something there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// This much.
    Exactly(u64),
    /// More than was allowed; how much more was not looked at.
    More,
}

/// That something went beyond a limit. It says what was found, what is allowed, the limit's name, and
/// how to raise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The limit.
    pub limit: &'static Limit,
    /// What is allowed.
    pub allowed: u64,
    /// What was found.
    pub found: Found,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unit) = (self.limit.name(), self.limit.unit());
        match self.found {
            Found::Exactly(found) => write!(f, "found {} {}", found, unit.name())?,
            Found::More => write!(f, "found more than {} {}", self.allowed, unit.name())?,
        }
        write!(f, ", the limit {name} is {}", unit.shown(self.allowed))?;
        let greatest = self.limit.greatest();
        match self.found {
            Found::Exactly(found) if found > greatest => {
                write!(f, " and cannot be more than {}", unit.shown(greatest))
            }
            Found::Exactly(found) => {
                write!(f, " (--allow {name}={} raises it)", unit.written(found))
            }
            Found::More => write!(f, " (--allow {name}=… raises it)"),
        }
    }
}

impl std::error::Error for Exceeded {}

impl From<Exceeded> for std::io::Error {
    /// For readers whose errors are the system's.
    fn from(exceeded: Exceeded) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, exceeded)
    }
}

impl Exceeded {
    /// The limit that a reader's error is about, if it is.
    pub fn of(error: &std::io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Why a limit cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Nothing that sets a limit.
    #[error("expected NAME=VALUE, such as image-side=20000, found {found:?}")]
    Form {
        /// What was said.
        found: String,
    },
    /// There is no such limit.
    #[error("there is no limit {found:?}; expected one of {}", known.join(", "))]
    Unknown {
        /// What was said.
        found: String,
        /// The names of all limits.
        known: Vec<&'static str>,
    },
    /// No value of that limit.
    #[error("{name}: expected {expected}, found {found:?}")]
    Value {
        /// The limit.
        name: &'static str,
        /// What its values look like.
        expected: &'static str,
        /// What was said.
        found: String,
    },
    /// A value that the limit cannot have.
    #[error("{name}: expected at least 1 and at most {greatest}, found {found}")]
    Range {
        /// The limit.
        name: &'static str,
        /// What was said.
        found: String,
        /// What it can be at most.
        greatest: String,
    },
    /// The limit has another value already.
    #[error("{name}: expected one value, found {value} and {found}")]
    Settled {
        /// The limit.
        name: &'static str,
        /// The value it has.
        value: String,
        /// The value it was to have.
        found: String,
    },
}
