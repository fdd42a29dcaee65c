//! The examples that a model is shown, as `data/` has them. A test runs every one of them.

use super::{Form, Framework};
use serde::Deserialize;
use std::sync::LazyLock;

/// A question with a program for it, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The question, statement or request.
    pub question: String,
    /// The names of its pictures; those of the form, where there is only one possibility.
    #[serde(default)]
    pub pictures: Vec<String>,
    /// The program.
    pub program: String,
    /// What a run of it asks of modules, in order.
    pub calls: Vec<ExampleCall>,
    /// Its result, as text.
    pub answer: String,
}

/// A sub-task with its outcome: `[kind, text, outcome]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "(String, String, String)")]
pub struct ExampleCall {
    /// The sub-task's kind, by name.
    pub kind: String,
    /// Its text.
    pub text: String,
    /// The corners of boxes (`x0 y0 x1 y1`, between semicolons), words, or a score.
    pub outcome: String,
}

impl From<(String, String, String)> for ExampleCall {
    fn from((kind, text, outcome): (String, String, String)) -> Self {
        Self {
            kind,
            text,
            outcome,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    example: Vec<Example>,
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../data/", $name, ".toml"))
    };
}

/// The examples of a framework and a form, in the order of their file.
pub fn examples(framework: Framework, form: Form) -> &'static [Example] {
    type Read = LazyLock<Vec<Example>>;
    static VISPROG: [Read; 3] = [
        LazyLock::new(|| read(file!("visprog-gqa"), &["IMAGE"])),
        LazyLock::new(|| read(file!("visprog-nlvr"), &["LEFT", "RIGHT"])),
        LazyLock::new(|| read(file!("visprog-general"), &[])),
    ];
    static VIPER: [Read; 3] = [
        LazyLock::new(|| read(file!("viper-gqa"), &["IMAGE"])),
        LazyLock::new(|| read(file!("viper-nlvr"), &["LEFT", "RIGHT"])),
        LazyLock::new(|| read(file!("viper-general"), &[])),
    ];
    let files = match framework {
        Framework::VisProg => &VISPROG,
        Framework::Viper => &VIPER,
    };
    let [gqa, nlvr, general] = files;
    match form {
        Form::Gqa => gqa,
        Form::Nlvr => nlvr,
        Form::General => general,
    }
}

/// Reads a file that comes with the program; a test reads them all, so none is ever unreadable.
fn read(text: &str, pictures: &[&str]) -> Vec<Example> {
    let file: Option<File> = toml::from_str(text).ok();
    let mut examples = file.map_or_else(Vec::new, |file| file.example);
    for example in &mut examples {
        if example.pictures.is_empty() {
            example.pictures = pictures.iter().map(|&name| name.to_owned()).collect();
        }
    }
    examples
}
