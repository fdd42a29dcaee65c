//! Teaching one module: labelled calls beside rehearsed ones, in every batch.

mod answer;
mod curve;
mod directions;
mod locate;
mod matching;
mod parts;
mod patch_names;
mod texts;

pub use answer::{AnswerObjective, train_answer};
pub use curve::{CurvePoint, TrainingCurve};
pub use locate::train_locate;
pub use matching::train_match;
pub use patch_names::PatchNames;

pub(crate) use curve::Recorder;
pub(crate) use locate::locate_losses;
pub(crate) use matching::match_losses;
pub(crate) use parts::{Objective, PARTS, learn_from, learn_labelled, parts_of, share};

use crate::error::Result;
use crate::observer::Observer;
use crate::rehearsal::Shuffle;
use crate::settings::StepSettings;
use candle_core::Tensor;
use directions::Directions;
use sdvp_models::ModelError;
use sdvp_models::optimizer::{AdamW, AdamWConfig, Schedule};
use sdvp_models::params::Params;
use sdvp_modules::{StudentModel, StudentNetwork, TrainMethod};

/// Freezes what the method does not train.
fn choose_trainable<N: StudentNetwork>(params: &mut Params, method: &TrainMethod) {
    match method {
        TrainMethod::Full => params.set_trainable(|_| true),
        TrainMethod::Vision => params.set_trainable(N::sees),
        TrainMethod::Lora(_) => params.set_trainable(|name| name.contains(".lora_")),
    }
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

/// The loop of every step: batches of labelled and remembered calls, each gone through in shuffled
/// order before any comes again, `L = L_labels + λ · L_rehearsal`, and the curve of both. `heads`
/// are fresh parameters that the losses use beside the model's; they are dropped afterwards. In the
/// end the strongest directions of what every weight matrix learned stay.
fn learn_and_rehearse<N, E: Sync, M: Sync>(
    model: &mut StudentModel<N>,
    heads: Option<&Params>,
    examples: &[E],
    memory: &[&M],
    settings: &StepSettings,
    seed: u64,
    observer: &dyn Observer,
    losses: impl Fn(&StudentModel<N>, &[&E], &[&M]) -> Losses + Sync,
) -> Result<TrainingCurve>
where
    N: StudentNetwork + Sync,
    N::Config: Sync,
{
    choose_trainable::<N>(&mut model.params, &settings.method);
    model.keep_early(&settings.early)?;
    let inputs = settings.batch + settings.rehearsed.min(memory.len());
    let pieces = parts_of(settings.batch, 0, settings.pieces)
        .len()
        .div_ceil(PARTS);
    let demand = model.training_demand(inputs, pieces);
    observer.note(&demand.to_string());
    let mut recorder = Recorder::new(settings.steps, observer);
    let config = AdamWConfig {
        learning_rate: settings.learning_rate,
        anchor: settings.anchor,
        ..AdamWConfig::default()
    };
    let schedule = further_schedule(settings.steps);
    let mut head_optimizer = match heads {
        Some(heads) => {
            let learning_rate = settings.learning_rate * HEADS_FASTER;
            let config = AdamWConfig {
                learning_rate,
                anchor: 0.0,
                ..config.clone()
            };
            Some(AdamW::new(heads, config, schedule)?)
        }
        None => None,
    };
    let mut optimizer = AdamW::new(&model.params, config, schedule)?;
    let mut next_example = Shuffle::new(examples.len(), seed);
    let mut next_memory = Shuffle::new(memory.len(), seed ^ 0x5EED);
    let learning = &*model;
    let directions = Directions::before(&learning.params, settings.directions)?;
    for _ in 0..settings.steps {
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
        optimizer.backward_step(&learned.gradients)?;
        if let Some(optimizer) = &mut head_optimizer {
            optimizer.backward_step(&learned.gradients)?;
        }
        recorder.add(learned.loss, learned.divergence);
    }
    directions.keep(&learning.params)?;
    model.forget_early();
    Ok(recorder.finish())
}
