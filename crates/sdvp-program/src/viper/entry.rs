//! The function that answers, and what its parameters are given.

use super::api::api_name;
use super::source::ENTRY;
use ruff_python_ast::{ModModule, Stmt, StmtFunctionDef};

/// What a parameter is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// The image: the only one, or the n-th of several.
    Picture(usize),
    /// The left image of a pair.
    Left,
    /// The right image of a pair.
    Right,
    /// All images by name.
    Pictures,
    /// The frames of a video.
    Video,
    /// The question.
    Question,
    /// The answers it may have.
    PossibleAnswers,
    /// A name of the API, which is known anyway.
    Api(&'static str),
    /// Something that only the reference's own display needs.
    Nothing,
}

impl Given {
    /// What a name stands for; `None` for names that mean nothing.
    pub(super) fn of(name: &str) -> Option<Self> {
        if let Some(api) = api_name(name) {
            return Some(Given::Api(api));
        }
        Some(match name {
            "image" | "img" | "image_patch" | "picture" => Given::Picture(0),
            "image_dict" | "images" | "image_list" => Given::Pictures,
            "left_image" | "image_left" | "left" => Given::Left,
            "right_image" | "image_right" | "right" => Given::Right,
            "video" => Given::Video,
            "query" | "question" => Given::Question,
            "possible_answers" | "options" => Given::PossibleAnswers,
            "my_fig" | "time_wait_between_lines" | "syntax" => Given::Nothing,
            _ => return None,
        })
    }
}

/// The function that answers.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// What every parameter without a value of its own is given, by name.
    pub(super) parameters: Vec<(String, Given)>,
    /// How many of them, the first, cannot be given by name.
    pub(super) by_position: usize,
}

impl Entry {
    /// The last function of the usual name, or the only function there is.
    ///
    /// # Errors
    /// Where and why there is none: byte of the code, and message.
    pub(super) fn of(module: &ModModule) -> Result<Self, (usize, String)> {
        let functions = || {
            module.body.iter().filter_map(|stmt| match stmt {
                Stmt::FunctionDef(function) => Some(function),
                _ => None,
            })
        };
        let usual = functions()
            .filter(|function| function.name.as_str() == ENTRY)
            .last();
        let function = match usual {
            Some(function) => function,
            None => {
                let mut all = functions();
                match (all.next(), all.next()) {
                    (Some(only), None) => only,
                    _ => {
                        let names: Vec<&str> = functions().map(|f| f.name.as_str()).collect();
                        let found = if names.is_empty() {
                            "none".to_owned()
                        } else {
                            names.join(", ")
                        };
                        return Err((0, format!("expected a function {ENTRY}, found {found}")));
                    }
                }
            }
        };
        Ok(Self {
            name: function.name.to_string(),
            parameters: parameters(function)?,
            by_position: function
                .parameters
                .posonlyargs
                .iter()
                .filter(|parameter| parameter.default.is_none())
                .count(),
        })
    }
}

fn parameters(function: &StmtFunctionDef) -> Result<Vec<(String, Given)>, (usize, String)> {
    let wanted: Vec<&str> = function
        .parameters
        .iter_non_variadic_params()
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| parameter.parameter.name.as_str())
        .collect();
    // Names that mean nothing are images, in order, as long as no other parameter is one.
    let pictures = |given: Given| {
        matches!(
            given,
            Given::Picture(_) | Given::Pictures | Given::Left | Given::Right | Given::Video
        )
    };
    let named = wanted
        .iter()
        .any(|name| Given::of(name).is_some_and(pictures));
    let mut unnamed = 0;
    let mut parameters = Vec::with_capacity(wanted.len());
    for name in wanted {
        let given = match Given::of(name) {
            Some(given) => given,
            None if !named => {
                unnamed += 1;
                Given::Picture(unnamed - 1)
            }
            None => {
                return Err((
                    function.range.start().to_usize(),
                    format!(
                        "{} has a parameter {name}, which nothing is known to be given to",
                        function.name
                    ),
                ));
            }
        };
        parameters.push((name.to_owned(), given));
    }
    Ok(parameters)
}
