//! How a conversation is written for a model.

use super::LocalError;
use super::header::{Header, Value};
use super::vocabulary::Vocabulary;
use crate::{Message, Role};
use std::path::Path;

/// The form of a conversation. Files carry it as a Jinja template, which is not run: known forms are
/// told by their control tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// ChatML: `<|im_start|>ROLE`, line end, words, `<|im_end|>`, line end.
    ChatMl { start: u32, end: u32 },
    /// Llama 3: `<|begin_of_text|>`, then `<|start_header_id|>ROLE<|end_header_id|>`, an empty line,
    /// words without blanks around them, `<|eot_id|>`. Later files of that family begin the system's
    /// words with the day's date, which is left out here: tomorrow's answers would be others.
    Llama3 {
        begin: u32,
        header: u32,
        header_end: u32,
        end: u32,
    },
}

/// How a conversation is written, and where the model's turn ends.
#[derive(Clone, Debug)]
pub(super) struct Template {
    form: Form,
    ends: Vec<u32>,
}

impl Template {
    /// Tells the form by the file's template.
    ///
    /// # Errors
    /// If the file has no template or one of another form, or lacks its control tokens.
    pub(super) fn read(
        path: &Path,
        header: &Header,
        vocabulary: &Vocabulary,
    ) -> Result<Self, LocalError> {
        let fault = |message: String| LocalError::Model {
            path: path.to_owned(),
            message,
        };
        let Some(Value::Text(template)) = header.metadata.get("tokenizer.chat_template") else {
            return Err(fault(
                "tokenizer.chat_template is missing: expected a model that was taught to converse (its name often ends in Instruct)".to_owned(),
            ));
        };
        let token = |name: &str| {
            vocabulary
                .special(name)
                .ok_or_else(|| fault(format!("the template needs the control token {name}")))
        };
        let form = if template.contains("<|im_start|>") && template.contains("<|im_end|>") {
            Form::ChatMl {
                start: token("<|im_start|>")?,
                end: token("<|im_end|>")?,
            }
        } else if template.contains("<|start_header_id|>") && template.contains("<|eot_id|>") {
            Form::Llama3 {
                begin: token("<|begin_of_text|>")?,
                header: token("<|start_header_id|>")?,
                header_end: token("<|end_header_id|>")?,
                end: token("<|eot_id|>")?,
            }
        } else {
            return Err(fault(
                "tokenizer.chat_template: expected ChatML (`<|im_start|>`) or llama 3's form (`<|start_header_id|>`), found another"
                    .to_owned(),
            ));
        };
        let mut ends = vec![match form {
            Form::ChatMl { end, .. } | Form::Llama3 { end, .. } => end,
        }];
        for name in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
            if let Some(Value::Count(id)) = header.metadata.get(name) {
                let id = u32::try_from(*id)
                    .ok()
                    .filter(|&id| (id as usize) < vocabulary.len())
                    .ok_or_else(|| fault(format!("{name}: there is no token {id}")))?;
                ends.push(id);
            }
        }
        Ok(Self { form, ends })
    }

    /// Whether the model ends its turn with this token.
    pub(super) fn is_end(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// The tokens of a conversation, up to where the model's turn begins.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub(super) fn tokens(
        &self,
        conversation: &[Message],
        vocabulary: &Vocabulary,
    ) -> Result<Vec<u32>, LocalError> {
        let mut tokens = Vec::new();
        match self.form {
            Form::ChatMl { start, end } => {
                for Message { role, content } in conversation {
                    tokens.push(start);
                    let text = format!("{}\n{content}", name(*role));
                    tokens.extend(vocabulary.encode(&text)?);
                    tokens.push(end);
                    tokens.extend(vocabulary.encode("\n")?);
                }
                tokens.push(start);
                tokens.extend(vocabulary.encode("assistant\n")?);
            }
            Form::Llama3 {
                begin,
                header,
                header_end,
                end,
            } => {
                tokens.push(begin);
                for Message { role, content } in conversation {
                    tokens.push(header);
                    tokens.extend(vocabulary.encode(name(*role))?);
                    tokens.push(header_end);
                    tokens.extend(vocabulary.encode(&format!("\n\n{}", content.trim()))?);
                    tokens.push(end);
                }
                tokens.push(header);
                tokens.extend(vocabulary.encode("assistant")?);
                tokens.push(header_end);
                tokens.extend(vocabulary.encode("\n\n")?);
            }
        }
        Ok(tokens)
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
