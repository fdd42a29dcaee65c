//! What a language model is asked and says.

use crate::LanguageError;
use serde::{Deserialize, Serialize};

/// Who says something in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// What the model is to do.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// How words are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the likeliest token every time; greater draws more freely.
    pub temperature: f64,
    /// Draws only from the likeliest tokens that together have this probability, in `(0, 1]`.
    pub top_p: f64,
    /// At most so many tokens are written.
    pub tokens: usize,
    /// Seed of the draw.
    pub seed: u64,
}

/// What a model's words are bound to, where it can be bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Syntax {
    /// Nothing.
    #[default]
    Free,
    /// A well-formed VisProg program over pictures of these names, every variable defined before it
    /// is used.
    VisProg(Vec<String>),
}

/// What a model wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// Its words.
    pub text: String,
    /// Tokens read, where the model says so.
    pub prompt_tokens: usize,
    /// Tokens written, where the model says so.
    pub completion_tokens: usize,
    /// Whether it came to an end by itself, and not because it may write no more.
    pub ended: bool,
}

/// Something that continues a conversation.
pub trait LanguageModel: Send + Sync {
    /// Who answers, for readers: the model's name and where it runs, or the digest of its weights.
    fn identity(&self) -> String;

    /// What makes it answer as it does, without what a conversation brings. Part of the key that
    /// answers are kept under.
    fn cached_as(&self) -> String {
        self.identity()
    }

    /// Whether it can be bound to `syntax`.
    fn obeys(&self, syntax: &Syntax) -> bool;

    /// The next turn of the conversation.
    ///
    /// # Errors
    /// If the model cannot be reached, refuses, or says nothing that could be read.
    fn complete(
        &self,
        conversation: &[Message],
        sampling: &Sampling,
        syntax: &Syntax,
    ) -> Result<Completion, LanguageError>;
}
