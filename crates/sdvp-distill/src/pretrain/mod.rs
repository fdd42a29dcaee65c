//! Making students and teachers of the built-in world from nothing.

mod accuracy;
mod answer;
mod deepen;
mod locate;
mod patches;
mod questions;
mod settings;
mod teacher;
mod views;

pub use accuracy::answer_accuracy;
pub use answer::{answer_config, fresh_answer, pretrain_answer};
pub use deepen::deepened;
pub use locate::{fresh_locate, locate_config, locate_recall, pretrain_locate};
pub use settings::PretrainSettings;
pub use teacher::{teacher_config, train_teacher};
pub use views::{SceneView, random_view, scene_views, validation_views};
