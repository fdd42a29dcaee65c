//! The shipped weights, compiled into the binary. `sdvp models pretrain` remakes them.

use crate::error::{Result, SetupError};
use crate::source::ModelSource;

type Files = &'static [(&'static str, &'static [u8])];

macro_rules! files {
    ($model:literal: $($file:literal),*) => {
        ($model, &[$(($file, include_bytes!(concat!("../weights/", $model, "/", $file)) as &[u8])),*])
    };
}

/// Name and files of every shipped model.
pub const BUILTIN: &[(&str, Files)] = &[
    files!("locate": "config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"),
    files!("answer": "config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"),
    files!("match": "config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"),
    files!("teacher-picto-gqa": "config.json", "preprocessor_config.json", "model.safetensors"),
    files!("teacher-picto-nlvr2": "config.json", "preprocessor_config.json", "model.safetensors"),
];

/// A shipped model by name.
///
/// # Errors
/// If there is none of that name.
pub fn builtin_source(name: &str) -> Result<ModelSource> {
    BUILTIN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(known, files)| ModelSource::Builtin(known, files))
        .ok_or_else(|| SetupError::UnknownBuiltin {
            name: name.to_owned(),
            known: BUILTIN
                .iter()
                .map(|(known, _)| *known)
                .collect::<Vec<_>>()
                .join(", "),
        })
}
