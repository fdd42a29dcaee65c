//! Learning rates over time.

/// Linear warm-up, then a cosine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Steps until the full rate.
    pub warmup_steps: usize,
    /// Steps until the least rate.
    pub total_steps: usize,
    /// The least rate, as a part of the full one.
    pub min_ratio: f64,
}

impl Schedule {
    /// The part of the full rate at a step, from 0.
    pub fn ratio(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            return (step + 1) as f64 / self.warmup_steps as f64;
        }
        let span = self.total_steps.saturating_sub(self.warmup_steps).max(1) as f64;
        let part = ((step - self.warmup_steps) as f64 / span).min(1.0);
        self.min_ratio + (1.0 - self.min_ratio) * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
    }
}
