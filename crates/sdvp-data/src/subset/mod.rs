//! Some of a benchmark's questions, chosen by a seed and named in a file that can be shared.

mod choose;
mod manifest;

pub use choose::{Rule, choose};
pub use manifest::Manifest;

#[cfg(test)]
mod tests;
