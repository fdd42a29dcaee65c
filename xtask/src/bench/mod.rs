//! Benchmarks.

mod cpu_time;
mod interpretation;
mod layers;
mod lora_step;
mod memory;
mod process;
mod programs;
mod published;
mod reading;
mod reference;
mod statements;
mod store;
mod training_step;
mod vit;

pub(crate) use interpretation::{InterpretationArguments, interpretation};
pub(crate) use layers::layers;
pub(crate) use lora_step::{LoraStepArguments, lora_step};
pub(crate) use memory::{MemoryArguments, memory};
pub(crate) use programs::{ProgramsArguments, programs};
pub(crate) use published::{PublishedArguments, published};
pub(crate) use reading::{ReadingArguments, reading};
pub(crate) use statements::{StatementsArguments, statements};
pub(crate) use store::{StoreArguments, store};
pub(crate) use training_step::{TrainingStepArguments, training_step};

/// The middle of some times; 0 of none.
fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}
