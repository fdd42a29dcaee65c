//! What a student is pulled towards: boxes by set matching, answers by cross-entropy, and its own
//! former self by Kullback–Leibler divergence.

mod answer;
mod detection;
mod fit;
mod matching;
mod self_distillation;
mod words;

pub(crate) use answer::log_likelihood;
pub use answer::soft_cross_entropy;
pub(crate) use detection::focal_loss;
pub use detection::{DetectionLoss, DetectionTargets, ImageTargets, ObjectTarget, detection_loss};
pub use fit::{fit_divergence, fit_loss};
pub use matching::assign;
pub use self_distillation::{answer_divergence, detection_divergence};
pub use words::{word_divergence, word_loss};
