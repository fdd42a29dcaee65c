//! Questions with everything that is known about them.

use super::functional::Functional;
use super::{FunctionalStep, Scene, Style, viper};
use crate::Gold;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sdvp_core::Hasher;
use sdvp_program::Inputs;
use std::sync::Arc;

/// GQA's three classifications of a question.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct QuestionKind {
    /// What form it has: verify, query, choose, logical, compare; ours: count, tag, refer.
    pub structural: String,
    /// What it is about: object (`obj`), attribute (`attr`), relation (`rel`), category (`cat`),
    /// the whole picture (`global`).
    pub semantic: String,
    /// The question type, by GQA's name where GQA has it.
    pub detailed: String,
}

impl QuestionKind {
    /// The kind with the given names.
    pub fn new(structural: &str, semantic: &str, detailed: &str) -> Self {
        Self {
            structural: structural.to_owned(),
            semantic: semantic.to_owned(),
            detailed: detailed.to_owned(),
        }
    }
}

/// A question or statement, the scenes it is about, and the right answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Unique in its task, split and seed.
    pub id: String,
    /// The question or statement.
    pub text: String,
    /// What it is about: one scene, or two (left, right).
    pub scenes: Vec<Arc<Scene>>,
    /// The right answer.
    pub gold: Gold,
    /// What type it is of.
    pub kind: QuestionKind,
    /// Its meaning, in GQA's layout.
    pub semantic: Vec<FunctionalStep>,
    /// A VisProg program for it.
    pub program: String,
    /// Its meaning, as programs are written from it.
    pub(crate) functional: Functional,
}

impl Question {
    /// A ViperGPT program for it, always the same. Other than [`program`](Question::program) it was
    /// not checked to give the right answer with perfect modules; nearly all do.
    pub fn viper_program(&self) -> String {
        let drawn = Hasher::new("viper program")
            .part(self.id.as_bytes())
            .finish();
        let mut rng = ChaCha8Rng::from_seed(*drawn.as_bytes());
        // What has a VisProg program has steps that fit together.
        viper::compile(&self.functional, self.scenes.len() == 2, &mut rng).unwrap_or_default()
    }

    /// The variables that its program finds its pictures in: `IMAGE`, or `LEFT` and `RIGHT`.
    pub fn input_names(&self) -> &'static [&'static str] {
        input_names(self.scenes.len())
    }

    /// The same question about the same scenes, drawn in another style.
    #[must_use]
    pub fn in_style(mut self, style: Style) -> Self {
        let others = self.scenes.iter_mut().filter(|scene| scene.style != style);
        for scene in others {
            Arc::make_mut(scene).style = style;
        }
        self
    }

    /// Renders its scenes; slow compared to everything else about a question.
    pub fn inputs(&self) -> Inputs {
        self.input_names()
            .iter()
            .zip(&self.scenes)
            .map(|(name, scene)| ((*name).to_owned(), scene.render()))
            .collect()
    }
}

/// The names of a program's inputs, for one picture, a pair, or three.
pub fn input_names(pictures: usize) -> &'static [&'static str] {
    match pictures {
        2 => &["LEFT", "RIGHT"],
        3 => &["LEFT", "MIDDLE", "RIGHT"],
        _ => &["IMAGE"],
    }
}
