//! One thing that a model is asked.

use crate::{LanguageError, LanguageModel, Message, Sampling, Syntax};
use sdvp_core::{Digest, Hasher};

/// A conversation to be gone on with.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What was said so far.
    pub conversation: Vec<Message>,
    /// How words are drawn.
    pub sampling: Sampling,
    /// What the words are bound to.
    pub syntax: Syntax,
}

impl Ask {
    /// What its answer by a model is kept under.
    ///
    /// # Errors
    /// If a number in it is none.
    pub fn key(&self, model: &dyn LanguageModel) -> Result<Digest, LanguageError> {
        let wrong = |error: serde_json::Error| LanguageError::Setting {
            setting: "sampling",
            expected: "numbers",
            found: error.to_string(),
        };
        let conversation = serde_json::to_vec(&self.conversation).map_err(wrong)?;
        let sampling = serde_json::to_vec(&self.sampling).map_err(wrong)?;
        let syntax = serde_json::to_vec(&self.syntax).map_err(wrong)?;
        Ok(Hasher::new("completion")
            .part(model.cached_as().as_bytes())
            .part(&conversation)
            .part(&sampling)
            .part(&syntax)
            .finish())
    }

    /// About how many tokens are read: a quarter of the characters, which is an estimate.
    pub fn prompt_tokens(&self) -> usize {
        let said = self.conversation.iter();
        tokens_in(said.map(|message| message.content.as_str()))
    }
}

/// About how many tokens texts have: a quarter of their characters.
pub(crate) fn tokens_in<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts
        .map(|text| text.chars().count())
        .sum::<usize>()
        .div_ceil(4)
}
