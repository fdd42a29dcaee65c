//! What a conversation with a Qwen3-VL is made of.

use sdvp_models::architectures::{PictureStates, Qwen3Vl, Reading};
use sdvp_models::{ModelError, Tokenizer};

/// The longest question, tokens.
pub(super) const LONGEST_QUESTION: usize = 1024;
/// What ends a turn.
pub(super) const END: &str = "<|im_end|>";

/// Ids of the words that a conversation is made of.
pub(super) struct Words {
    start: u32,
    pub(super) end: u32,
    vision_start: u32,
    vision_end: u32,
    /// Either ends an answer.
    pub(super) ends: [u32; 2],
    user: Vec<u32>,
    line: Vec<u32>,
    assistant: Vec<u32>,
}

impl Words {
    pub(super) fn of(tokenizer: &Tokenizer) -> std::result::Result<Self, ModelError> {
        let end = tokenizer.id(END)?;
        Ok(Self {
            start: tokenizer.id("<|im_start|>")?,
            end,
            vision_start: tokenizer.id("<|vision_start|>")?,
            vision_end: tokenizer.id("<|vision_end|>")?,
            ends: [end, tokenizer.id("<|endoftext|>")?],
            user: tokenizer.spell("user\n")?,
            line: tokenizer.spell("\n")?,
            assistant: tokenizer.spell("assistant\n")?,
        })
    }

    /// Reads what every question about a picture begins with: `<|im_start|>user⏎<|vision_start|>`, the
    /// picture, `<|vision_end|>`.
    pub(super) fn begin(
        &self,
        network: &Qwen3Vl,
        picture: &PictureStates,
    ) -> std::result::Result<Reading, ModelError> {
        let before = [&[self.start], self.user.as_slice(), &[self.vision_start]];
        let mut reading = network.begin();
        network.read(&mut reading, &before.concat())?;
        network.read_picture(&mut reading, picture)?;
        network.read(&mut reading, &[self.vision_end])?;
        Ok(reading)
    }

    /// The rest, `question⏎instruction<|im_end|>⏎<|im_start|>assistant⏎`; of a question that is too long,
    /// how many tokens it has.
    pub(super) fn asked(
        &self,
        tokenizer: &Tokenizer,
        question: &str,
        instruction: &str,
    ) -> std::result::Result<std::result::Result<Vec<u32>, usize>, ModelError> {
        let said = match instruction {
            "" => question.to_owned(),
            instruction => format!("{question}\n{instruction}"),
        };
        let said = tokenizer.spell(&said)?;
        if said.len() > LONGEST_QUESTION {
            return Ok(Err(said.len()));
        }
        let turn = [&[self.end], self.line.as_slice(), &[self.start]].concat();
        Ok(Ok([said, turn, self.assistant.clone()].concat()))
    }
}
