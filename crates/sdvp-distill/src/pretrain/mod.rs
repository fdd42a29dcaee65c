//! Making students and teachers of the built-in world from nothing.

mod accuracy;
mod answer;
mod deepen;
mod locate;
mod matching;
mod patches;
mod questions;
mod settings;
mod teacher;
mod views;

pub use accuracy::answer_accuracy;
pub use answer::{answer_config, fresh_answer, pretrain_answer};
pub use deepen::deepened;
pub use locate::{fresh_locate, locate_config, locate_recall, pretrain_locate};
pub use matching::{fresh_match, match_accuracy, match_config, pretrain_match};
pub use settings::PretrainSettings;
pub use teacher::{teacher_config, train_teacher};
pub use views::{SceneView, patch_views, random_view, scene_views, validation_views};

/// An answer student of the built-in world that has learned nothing.
#[cfg(test)]
fn untrained_answer() -> sdvp_modules::ViltModel {
    let words = sdvp_data::picto::word_list();
    let tokenizer = sdvp_models::Tokenizer::from_words(words.iter().map(String::as_str)).unwrap();
    let start = fresh_locate(tokenizer, 1).unwrap();
    fresh_answer(&start, sdvp_data::picto::answer_vocabulary(), 1).unwrap()
}
