//! The limits of what language models and their files say.

use sdvp_core::{Limit, Unit};

/// An endpoint's answer; see [`Limit::guards`], as for all of these.
pub static ENDPOINT_ANSWER: Limit = Limit::new(
    "endpoint-answer",
    Unit::Bytes,
    8 << 20,
    "an answer of a language model's endpoint",
);
/// A kept answer.
pub static KEPT_ANSWER: Limit = Limit::new(
    "kept-answer",
    Unit::Bytes,
    64 << 20,
    "a file of --llm-cache",
);
/// What a GGUF file says before its weights.
pub static GGUF_HEADER: Limit = Limit::new(
    "gguf-header",
    Unit::Bytes,
    64 << 20,
    "what a GGUF file says of itself before its weights",
);
/// Entries of a GGUF file's metadata.
pub static GGUF_ENTRIES: Limit = Limit::new(
    "gguf-entries",
    Unit::Of("entries"),
    65_536,
    "the entries of a GGUF file's metadata",
);
/// Tensors of a GGUF file.
pub static GGUF_TENSORS: Limit = Limit::new(
    "gguf-tensors",
    Unit::Of("tensors"),
    65_536,
    "the tensors of a GGUF file",
);
/// A text in a GGUF file's header.
pub static GGUF_TEXT: Limit = Limit::new(
    "gguf-text",
    Unit::Bytes,
    1 << 20,
    "a name or text in a GGUF file's header",
);
/// A list in a GGUF file's header, such as the vocabulary.
pub static GGUF_LIST: Limit = Limit::new(
    "gguf-list",
    Unit::Of("elements"),
    1 << 22,
    "a list in a GGUF file's header, such as its vocabulary",
);

/// All limits of this crate.
pub static LIMITS: &[&Limit] = &[
    &ENDPOINT_ANSWER,
    &KEPT_ANSWER,
    &GGUF_HEADER,
    &GGUF_ENTRIES,
    &GGUF_TENSORS,
    &GGUF_TEXT,
    &GGUF_LIST,
];
