//! Limits on what comes in: how large, how deep and how many things may be that others made.
//!
//! Each crate has the limits of what it reads as [`Limit`]s with a name, under which they are set and
//! under which whatever goes beyond is refused. What a process accepts is decided once, before it reads
//! anything: a limit is set at most once and stays as it was when it was first asked for. So readers
//! deep inside need not be handed what only the command line knows, and no two of them can disagree.
//! Readers that have settings take a limit's value into their default and can be given another.

mod error;
mod setting;
mod unit;

pub use error::{Exceeded, Found, LimitError};
pub use setting::LimitSetting;
pub use unit::Unit;

use std::sync::OnceLock;

/// A limit on what comes in.
#[derive(Debug)]
pub struct Limit {
    name: &'static str,
    guards: &'static str,
    unit: Unit,
    usual: u64,
    greatest: u64,
    value: OnceLock<u64>,
}

impl Limit {
    /// A limit of a name such as `image-side`, of what is counted, and of a usual value. `guards` says
    /// what it is a limit of, for people.
    pub const fn new(name: &'static str, unit: Unit, usual: u64, guards: &'static str) -> Self {
        Self {
            name,
            guards,
            unit,
            usual,
            // What memory can hold on any machine.
            greatest: u64::MAX >> 2,
            value: OnceLock::new(),
        }
    }

    /// This limit, that cannot be set to more than something: what code can take that is not ours.
    #[must_use]
    pub const fn at_most(mut self, greatest: u64) -> Self {
        self.greatest = greatest;
        self
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it is a limit of.
    pub fn guards(&self) -> &'static str {
        self.guards
    }

    /// What it counts.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Its value if nothing else is said.
    pub fn usual(&self) -> u64 {
        self.usual
    }

    /// What it can be set to at most.
    pub fn greatest(&self) -> u64 {
        self.greatest
    }

    /// Its value in this process. From now on it stays so.
    pub fn value(&self) -> u64 {
        *self.value.get_or_init(|| self.usual)
    }

    /// As [`Limit::value`], of what is in memory.
    pub fn size(&self) -> usize {
        usize::try_from(self.value()).unwrap_or(usize::MAX)
    }

    /// Sets its value, for the whole process.
    ///
    /// # Errors
    /// If it cannot be so small or large, or has another value already.
    pub fn set(&self, value: u64) -> Result<(), LimitError> {
        if !(1..=self.greatest).contains(&value) {
            return Err(LimitError::Range {
                name: self.name,
                found: self.unit.shown(value),
                greatest: self.unit.shown(self.greatest),
            });
        }
        let kept = *self.value.get_or_init(|| value);
        match kept == value {
            true => Ok(()),
            false => Err(LimitError::Settled {
                name: self.name,
                value: self.unit.shown(kept),
                found: self.unit.shown(value),
            }),
        }
    }

    /// Refuses what goes beyond its value.
    ///
    /// # Errors
    /// If `found` does.
    pub fn admit(&'static self, found: u64) -> Result<(), Exceeded> {
        self.admit_within(self.value(), found)
    }

    /// Refuses what goes beyond a value that a reader was given in its place.
    ///
    /// # Errors
    /// If `found` does.
    pub fn admit_within(&'static self, allowed: u64, found: u64) -> Result<(), Exceeded> {
        match found <= allowed {
            true => Ok(()),
            false => Err(self.exceeded(allowed, Found::Exactly(found))),
        }
    }

    /// That something went beyond `allowed`.
    pub fn exceeded(&'static self, allowed: u64, found: Found) -> Exceeded {
        Exceeded {
            limit: self,
            allowed,
            found,
        }
    }
}

impl PartialEq for Limit {
    /// Limits are told apart by their names.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Limit {}

#[cfg(test)]
mod tests;
