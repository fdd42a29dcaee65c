//! Teaching one module: labelled calls beside rehearsed ones, in every batch.

mod answer;
#[cfg(test)]
pub(crate) mod blips;
mod curve;
mod directions;
mod learner;
mod locate;
mod matching;
mod parts;
mod patch_names;
mod reading;
mod texts;
mod writing;

pub use answer::{AnswerObjective, train_answer};
pub use curve::{CurvePoint, TrainingCurve};
pub use locate::train_locate;
pub use matching::train_match;
pub use patch_names::PatchNames;
pub use reading::train_reading;
pub use writing::{WritingObjective, train_writing};

pub(crate) use curve::{Recorded, Recorder};
pub(crate) use locate::locate_losses;
pub(crate) use matching::match_losses;
pub(crate) use parts::{Objective, PARTS, learn_from, learn_labelled, parts_of, share};

use crate::checkpoint::{KeptTraining, TrainingState};
use crate::error::{DistillError, Result};
use crate::observer::Observer;
use crate::rehearsal::Shuffle;
use crate::settings::StepSettings;
use candle_core::Tensor;
use directions::Directions;
use learner::Learner;
use sdvp_models::optimizer::Schedule;
use sdvp_models::params::Params;
use sdvp_models::{ModelError, is_addition};
use sdvp_modules::{StudentModel, StudentNetwork, TrainMethod, TrainingDemand};

/// Whether a method trains a parameter, by its full name.
fn trained_by<N: StudentNetwork>(method: &TrainMethod) -> fn(&str) -> bool {
    match method {
        TrainMethod::Full => |_| true,
        TrainMethod::Vision => N::sees,
        TrainMethod::Lora(_) => is_addition,
    }
}

/// Whether anything of a model, which has its low-rank additions, learns.
fn check_method<N: StudentNetwork>(model: &StudentModel<N>, method: &TrainMethod) -> Result<()> {
    if N::ADDITIONS_ONLY && method.lora().is_none() {
        return Err(DistillError::AdditionsOnly { network: N::NAME });
    }
    match method.lora() {
        Some(lora) if !model.params.names().any(is_addition) => Err(DistillError::NothingLearns {
            network: N::NAME,
            patterns: lora.patterns.join(", "),
        }),
        _ => Ok(()),
    }
}

/// What teaching a model, which has its low-rank additions, takes if so many calls are remembered.
fn demand<N: StudentNetwork>(
    model: &StudentModel<N>,
    settings: &StepSettings,
    remembered: usize,
) -> TrainingDemand {
    let inputs = settings.batch + settings.rehearsed.min(remembered);
    let pieces = parts_of(settings.batch, 0, settings.pieces)
        .len()
        .div_ceil(PARTS);
    let learns = trained_by::<N>(&settings.method);
    model.training_demand(learns, (inputs, pieces), &settings.early)
}

/// What teaching a model as the settings say will take, said before anything is begun; nothing if it is
/// not taught. If that is certain, and not only if programs ask for it, something of it must learn.
///
/// # Errors
/// If low-rank additions cannot be made.
pub(crate) fn planned_demand<N: StudentNetwork>(
    model: &StudentModel<N>,
    settings: &StepSettings,
    (seed, is_certain): (u64, bool),
    remembered: usize,
) -> Result<Option<TrainingDemand>> {
    if settings.steps == 0 {
        return Ok(None);
    }
    Ok(Some(match settings.method.lora() {
        None => {
            check_method(model, &settings.method)?;
            demand(model, settings, remembered)
        }
        Some(lora) => {
            let adapted = model.duplicate(Some((lora.clone(), seed)))?;
            if is_certain {
                check_method(&adapted, &settings.method)?;
            }
            demand(&adapted, settings, remembered)
        }
    }))
}

/// For learning from nothing: a short warm-up, then a cosine to a twentieth.
pub(crate) fn schedule(steps: usize) -> Schedule {
    Schedule {
        warmup_steps: (steps / 20).max(1),
        total_steps: steps,
        min_ratio: 0.05,
    }
}

/// For learning more: a longer warm-up. AdamW's first steps move every weight by the whole rate,
/// whatever its gradient, and would knock a trained network over.
fn further_schedule(steps: usize) -> Schedule {
    Schedule {
        warmup_steps: (steps / 5).clamp(1, 100),
        ..schedule(steps)
    }
}

/// How much faster fresh heads learn than what was pretrained.
const HEADS_FASTER: f64 = 10.0;

/// Loss of a batch's labelled calls, and divergence on its rehearsed ones if there are any.
pub(crate) type Losses = std::result::Result<(Tensor, Option<Tensor>), ModelError>;

/// How one module is taught.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    /// Steps, batches, rates.
    pub settings: &'a StepSettings,
    /// Decides the order of calls.
    pub seed: u64,
    /// Hears how far it is.
    pub observer: &'a dyn Observer,
    /// Where it is kept while it is under way, to go on from.
    pub kept: Option<&'a KeptTraining>,
}

/// The loop of every step: batches of labelled and remembered calls, each gone through in shuffled
/// order before any comes again, `L = L_labels + λ · L_rehearsal`, and the curve of both. `heads`
/// are fresh parameters that the losses use beside the model's; they are dropped afterwards. In the
/// end the strongest directions of what every weight matrix learned stay.
fn learn_and_rehearse<N, E: Sync, M: Sync>(
    model: &mut StudentModel<N>,
    heads: Option<&Params>,
    examples: &[E],
    memory: &[&M],
    training: &Training<'_>,
    losses: impl Fn(&StudentModel<N>, &[&E], &[&M]) -> Losses + Sync,
) -> Result<TrainingCurve>
where
    N: StudentNetwork + Sync,
    N::Config: Sync,
    N::Processor: Sync,
{
    let Training {
        settings,
        seed,
        observer,
        kept,
    } = *training;
    check_method(model, &settings.method)?;
    model
        .params
        .set_trainable(trained_by::<N>(&settings.method));
    model.keep_early(&settings.early)?;
    observer.note(&demand(model, settings, memory.len()).to_string());
    let mut recorder = Recorder::new(settings.steps, observer);
    let mut next_example = Shuffle::new(examples.len(), seed);
    let mut next_memory = Shuffle::new(memory.len(), seed ^ 0x5EED);
    let learning = &*model;
    let mut learner = Learner::new(&learning.params, heads, settings)?;
    let directions = Directions::before(&learning.params, settings.directions)?;
    let mut done = 0;
    if let Some(state) = kept.map(KeptTraining::latest).transpose()?.flatten() {
        learner.restore(&state.tensors)?;
        done = state.recorded.step;
        recorder.go_on(state.recorded);
        // Which calls come next depends on which came before.
        for _ in 0..done {
            next_example.take(settings.batch);
            next_memory.take(settings.rehearsed);
        }
        observer.note(&format!("going on after step {done}"));
    }
    let mut pace = kept.map(KeptTraining::pace);
    for _ in done..settings.steps {
        let labelled: Vec<&E> = next_example.of(examples, settings.batch);
        let remembered = next_memory.of(memory, settings.rehearsed);
        let remembered: Vec<&M> = remembered.into_iter().copied().collect();
        let parts = parts_of(labelled.len(), remembered.len(), settings.pieces);
        let learned = learn_from(&parts, |(few, some)| {
            let (loss, divergence) =
                losses(learning, &labelled[few.clone()], &remembered[some.clone()])?;
            let loss = (loss * share(few, labelled.len()))?;
            let (total, divergence) = match divergence {
                Some(divergence) => {
                    let divergence = (divergence * share(some, remembered.len()))?;
                    let total = (&loss + (&divergence * settings.lambda)?)?;
                    (total, divergence.to_scalar()?)
                }
                None => (loss.clone(), 0.0),
            };
            Ok(Objective {
                total,
                loss: loss.to_scalar()?,
                divergence,
            })
        })?;
        let Some(learned) = learned else { break };
        learner.step(&learned.gradients)?;
        recorder.add(learned.loss, learned.divergence);
        if let Some((kept, pace)) = kept.zip(pace.as_mut()) {
            kept.keep(pace, || {
                Ok(TrainingState {
                    recorded: recorder.so_far(),
                    tensors: learner.state()?,
                })
            })?;
        }
    }
    directions.keep(&learning.params)?;
    model.forget_early();
    Ok(recorder.finish())
}
