//! Parameters that are trained in a way of their own.

use crate::pattern;

/// Parameters whose learning rate or weight decay differs.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterGroup {
    /// The group's parameters: those whose full name contains this, or, with `*` standing for
    /// anything, those whose whole name matches it.
    pub pattern: String,
    /// Their learning rate, as a part of the common one.
    pub rate: f64,
    /// Whether their weights decay; where not given, matrices do and vectors (biases, norms) do not.
    pub decay: Option<bool>,
}

impl ParameterGroup {
    /// Whether a parameter is of the group.
    pub fn holds(&self, name: &str) -> bool {
        pattern::matches(&self.pattern, name)
    }
}
