//! Making students and teachers of the built-in world from nothing.

mod answer;
mod locate;
mod questions;
mod settings;
mod teacher;
mod views;

pub use answer::{answer_config, fresh_answer, pretrain_answer};
pub use locate::{fresh_locate, locate_config, locate_recall, pretrain_locate};
pub use settings::PretrainSettings;
pub use teacher::{teacher_config, train_teacher};
pub use views::{SceneView, random_view, scene_views, validation_views};
