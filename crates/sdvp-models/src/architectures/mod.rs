//! One file or folder per architecture; parameter names are those of the published checkpoints.

mod blip;
mod clip;
mod conv_teacher;
mod depth_anything;
mod encoder;
mod owlvit;
mod patches;
mod qwen3_vl;
mod towers;
mod vilt;

pub use blip::{BlipAnswer, BlipConfig, BlipMatch, BlipTextConfig, BlipVisionConfig};
pub use clip::{Clip, ClipConfig};
pub use conv_teacher::{ConvTeacher, ConvTeacherConfig, DensePrediction};
pub use depth_anything::{
    DepthAnything, DepthAnythingConfig, DepthMeaning, Dinov2Config, Stage, UnknownDepthModel,
};
pub use encoder::EncoderConfig;
pub use owlvit::{ImageFeatures, OwlGeneration, OwlVit, OwlVitConfig};
pub use qwen3_vl::{
    PatchGrid, PictureStates, Qwen3Vl, Qwen3VlConfig, Qwen3VlTextConfig, Qwen3VlVisionConfig,
    Reading,
};
pub use towers::{ImageTowerConfig, TextTowerConfig};
pub use vilt::{Vilt, ViltConfig, ViltOutput, ViltStates};
