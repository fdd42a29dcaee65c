//! Where the time of our training step goes.

use super::median;
use super::training_step::Step;
use anyhow::Result;
use std::io::Write;

/// Prints the median times of the parts of a step.
pub(crate) fn layers() -> Result<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build_global()?;
    let mut step = Step::new()?;
    for _ in 0..3 {
        step.run()?;
    }
    let mut parts = [const { Vec::new() }; 3];
    for _ in 0..20 {
        for (part, time) in parts.iter_mut().zip(step.run()?) {
            part.push(time.as_secs_f64() * 1e3);
        }
    }
    let mut out = std::io::stdout().lock();
    for (name, times) in ["forward", "backward", "update"].iter().zip(&parts) {
        writeln!(out, "{name:<10}{:8.1} ms", median(times))?;
    }
    Ok(())
}
