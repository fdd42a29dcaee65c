//! One file per architecture; parameter names are those of the published checkpoints.

mod conv_teacher;
mod encoder;
mod owlvit;
mod patches;
mod vilt;

pub use conv_teacher::{ConvTeacher, ConvTeacherConfig, DensePrediction};
pub use encoder::EncoderConfig;
pub use owlvit::{ImageFeatures, OwlVit, OwlVitConfig, OwlVitTextConfig, OwlVitVisionConfig};
pub use vilt::{Vilt, ViltConfig, ViltOutput};
