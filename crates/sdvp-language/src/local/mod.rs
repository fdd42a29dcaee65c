//! Language models in files, run in this process.
//!
//! A [`LocalModel`] is a GGUF file with a llama network, a byte-level BPE vocabulary and a known form
//! of conversation. It can be bound to VisProg.

mod attention;
mod constraint;
mod draw;
mod error;
mod header;
mod llama;
mod pre_tokenizer;
mod template;
mod vocabulary;
#[cfg(test)]
mod vocabulary_tests;
mod weights;

pub use error::LocalError;

use crate::{Completion, LanguageError, LanguageModel, Message, Sampling, Syntax};
use attention::Memory;
use constraint::{Constraint, PlainTokens};
use draw::Draw;
use header::{Header, Value};
use llama::Llama;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Mutex;
use template::Template;
use vocabulary::Vocabulary;
use weights::Weights;

/// Tokens of a conversation that are read at once, from its beginning on. What is kept of one for
/// the next are such pieces and no others, so that the same numbers come out whatever was asked
/// before: how many rows are multiplied at once may change their last bits.
const PIECE: usize = 128;

/// A language model in a GGUF file.
pub struct LocalModel {
    identity: String,
    llama: Llama,
    vocabulary: Vocabulary,
    plain: PlainTokens,
    template: Template,
    /// What the last conversation left: the next one often begins alike.
    kept: Mutex<Option<Kept>>,
}

/// The beginning of a conversation that has been read.
struct Kept {
    memory: Memory,
    /// The tokens that are in memory, in whole pieces.
    tokens: Vec<u32>,
}

impl LocalModel {
    /// Opens a GGUF file.
    ///
    /// # Errors
    /// If the file cannot be read, is cut off, claims more than it holds, or is of a kind that
    /// cannot be run here: another architecture, vocabulary or form of conversation.
    pub fn open(path: &Path) -> Result<Self, LanguageError> {
        Ok(Self::read(path)?)
    }

    fn read(path: &Path) -> Result<Self, LocalError> {
        let failed = |error| LocalError::Read {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let mut header = Header::read(path, BufReader::new(&file), size)?;
        match header.metadata.get("general.architecture") {
            Some(Value::Text(name)) if name == "llama" => {}
            found => {
                let found = match found {
                    Some(Value::Text(name)) => format!("`{name}`"),
                    _ => "none".to_owned(),
                };
                return Err(LocalError::Model {
                    path: path.to_owned(),
                    message: format!(
                        "general.architecture: expected `llama`, found {found}; other models run behind an endpoint"
                    ),
                });
            }
        }
        let vocabulary = Vocabulary::read(path, &header)?;
        let template = Template::read(path, &header, &vocabulary)?;
        let hasher = std::mem::take(&mut header.hasher);
        let mut weights = Weights {
            path,
            header: &header,
            file: &file,
            hasher,
        };
        let llama = Llama::read(&mut weights, vocabulary.len())?;
        Ok(Self {
            identity: format!("gguf {}", weights.hasher.finish()),
            llama,
            plain: PlainTokens::new(&vocabulary),
            vocabulary,
            template,
            kept: Mutex::new(None),
        })
    }

    /// The tokens of a text, as the model's vocabulary cuts it.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, LanguageError> {
        Ok(self.vocabulary.encode(text)?)
    }

    /// The logit of every token after these, as if nothing had been read before.
    ///
    /// # Errors
    /// If there are none or too many of them, or one that the vocabulary lacks.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>, LanguageError> {
        let mut memory = self.llama.memory();
        self.check_length(tokens.len())?;
        if let Some(unknown) = tokens
            .iter()
            .find(|&&token| token as usize >= self.vocabulary.len())
        {
            return Err(LocalError::Tokens(format!("there is no token {unknown}")).into());
        }
        Ok(self.read_on(&mut memory, tokens)?)
    }

    fn check_length(&self, prompt: usize) -> Result<(), LocalError> {
        let context = self.llama.context();
        if prompt == 0 || prompt >= context {
            return Err(LocalError::Context { prompt, context });
        }
        Ok(())
    }

    /// Reads what is not yet in memory, in pieces; gives the logits after the last token.
    fn read_on(&self, memory: &mut Memory, tokens: &[u32]) -> Result<Vec<f32>, LocalError> {
        let mut logits = Vec::new();
        let new = tokens.get(memory.length()..).unwrap_or_default();
        for piece in new.chunks(PIECE) {
            logits = self.llama.forward(memory, piece)?;
        }
        Ok(logits)
    }

    /// What is kept of the last conversation, as far as this one begins alike; takes it, so that
    /// two at once do not disturb each other.
    fn take_kept(&self, tokens: &[u32]) -> Memory {
        let kept = match self.kept.lock() {
            Ok(mut kept) => kept.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        let Some(mut kept) = kept else {
            return self.llama.memory();
        };
        let common = kept
            .tokens
            .iter()
            .zip(tokens)
            .take_while(|(a, b)| a == b)
            .count();
        // The last token is always read: its logits are needed.
        let common = common.min(tokens.len().saturating_sub(1));
        kept.memory.truncate(common / PIECE * PIECE);
        kept.memory
    }

    fn keep(&self, mut memory: Memory, mut tokens: Vec<u32>) {
        let whole = tokens.len() / PIECE * PIECE;
        memory.truncate(whole);
        tokens.truncate(whole);
        let mut kept = match self.kept.lock() {
            Ok(kept) => kept,
            Err(poisoned) => poisoned.into_inner(),
        };
        *kept = Some(Kept { memory, tokens });
    }

    fn answer(
        &self,
        conversation: &[Message],
        sampling: &Sampling,
        syntax: &Syntax,
    ) -> Result<Completion, LocalError> {
        let mut draw = Draw::new(sampling)?;
        let tokens = self.template.tokens(conversation, &self.vocabulary)?;
        self.check_length(tokens.len())?;
        let limit = sampling.tokens.min(self.llama.context() - tokens.len());
        let mut constraint = match syntax {
            Syntax::Free => None,
            Syntax::VisProg(pictures) => Some(Constraint::new(
                pictures,
                limit,
                &self.vocabulary,
                &self.plain,
            )?),
        };
        let mut memory = self.take_kept(&tokens);
        let mut logits = self.read_on(&mut memory, &tokens)?;
        let mut text = Vec::new();
        let mut written = 0;
        let mut ended = false;
        while written < limit {
            let drawn = match &constraint {
                Some(constraint) => {
                    draw.token(&logits, constraint.allowed(limit - written).into_iter())
                }
                None => draw.token(&logits, self.free_tokens()),
            };
            let Some(token) = drawn else {
                return Err(LocalError::Network(candle_core::Error::Msg(
                    "no logit is a finite number".to_owned(),
                )));
            };
            written += 1;
            if constraint.is_none() && self.template.is_end(token) {
                ended = true;
                break;
            }
            text.extend(self.vocabulary.spelling(token));
            if let Some(constraint) = &mut constraint {
                constraint.push(token);
                // Nothing may follow a whole program.
                if constraint.is_complete() {
                    ended = true;
                    break;
                }
            }
            if written < limit {
                logits = self.llama.forward(&mut memory, &[token])?;
            }
        }
        let prompt_tokens = tokens.len();
        self.keep(memory, tokens);
        Ok(Completion {
            text: String::from_utf8_lossy(&text).into_owned(),
            prompt_tokens,
            completion_tokens: written,
            ended,
        })
    }

    /// What may be written freely: what spells something, and what ends the turn.
    fn free_tokens(&self) -> impl Iterator<Item = u32> {
        (0_u32..).take(self.vocabulary.len()).filter(|&token| {
            !self.vocabulary.spelling(token).is_empty() || self.template.is_end(token)
        })
    }
}

impl LanguageModel for LocalModel {
    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn obeys(&self, syntax: &Syntax) -> bool {
        match syntax {
            Syntax::Free | Syntax::VisProg(_) => true,
        }
    }

    fn complete(
        &self,
        conversation: &[Message],
        sampling: &Sampling,
        syntax: &Syntax,
    ) -> Result<Completion, LanguageError> {
        Ok(self.answer(conversation, sampling, syntax)?)
    }
}
