//! Telling whoever waits how far the work is.

/// A part of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What is being done, for people.
    pub name: String,
    /// How many units it has.
    pub total: usize,
}

/// Hears of progress; must be cheap.
pub trait Observer: Sync {
    /// A phase begins; the previous one has ended.
    fn begin(&self, phase: &Phase);
    /// So many units of the current phase are done.
    fn advance(&self, done: usize);
    /// The current loss, while training.
    fn loss(&self, step: usize, loss: f32);
    /// Something worth knowing about the current phase, for people.
    fn note(&self, _text: &str) {}
}

/// Hears nothing.
pub struct Silent;

impl Observer for Silent {
    fn begin(&self, _: &Phase) {}
    fn advance(&self, _: usize) {}
    fn loss(&self, _: usize, _: f32) {}
}
