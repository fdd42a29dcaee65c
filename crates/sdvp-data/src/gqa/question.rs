//! Questions.

use crate::DatasetError;
use crate::picto::FunctionalStep;
use crate::records::{Fields, brief, read_json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;

/// The three classifications of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionTypes {
    /// `verify`, `query`, `choose`, `logical`, `compare`.
    #[serde(default)]
    pub structural: String,
    /// `obj`, `attr`, `rel`, `cat`, `global`.
    #[serde(default)]
    pub semantic: String,
    /// `existAttr`, `relChooser` …
    #[serde(default)]
    pub detailed: String,
}

/// Groups that GQA balances within.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// By what kind of thing the answer is.
    #[serde(default)]
    pub global: Option<String>,
    /// By the question's content.
    #[serde(default)]
    pub local: Option<String>,
}

/// A record of `questions.json`. Fields that some releases leave out are optional or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GqaQuestion {
    /// The record's key; not among its fields.
    #[serde(skip)]
    pub id: String,
    /// The question.
    pub question: String,
    /// The answer, a word or short phrase; none in splits whose answers are kept back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The picture.
    pub image_id: String,
    /// The functional program.
    pub semantic: Vec<FunctionalStep>,
    /// What type of question it is.
    pub types: QuestionTypes,
    /// The answer in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_answer: Option<String>,
    /// Whether it belongs to the balanced part.
    pub is_balanced: bool,
    /// Ids of questions whose answers follow from this one.
    pub entailed: Vec<String>,
    /// Ids of questions that mean the same.
    pub equivalent: Vec<String>,
    /// The groups it is balanced in.
    pub groups: Groups,
    /// The functional program as text.
    pub semantic_str: String,
}

/// Reads a file of questions: an object from id to record, as published, or a list of records that
/// have their id in `question_id` (or `questionId`, `id`).
///
/// # Errors
/// If the file cannot be read, is not JSON, or a record lacks a question or a picture; each names
/// file, record and field.
pub fn read_questions(path: &Path) -> Result<Vec<GqaQuestion>, DatasetError> {
    match read_json(path)? {
        Value::Object(records) => records
            .iter()
            .map(|(id, value)| read_question(path, Some(id), &format!("record {id:?}"), value))
            .collect(),
        Value::Array(records) => records
            .iter()
            .enumerate()
            .map(|(at, value)| read_question(path, None, &format!("record {}", at + 1), value))
            .collect(),
        other => Err(DatasetError::Layout {
            path: path.to_owned(),
            expected: "an object or a list of question records",
            found: brief(&other),
        }),
    }
}

fn read_question(
    path: &Path,
    id: Option<&str>,
    record: &str,
    value: &Value,
) -> Result<GqaQuestion, DatasetError> {
    let fields = Fields::of(path, record, value)?;
    let id = match id {
        Some(id) => id.to_owned(),
        None => ["question_id", "questionId", "id"]
            .into_iter()
            .find_map(|field| fields.optional_identifier(field).transpose())
            .transpose()?
            .ok_or_else(|| fields.wrong("question_id", "an identifier"))?,
    };
    let image_id = fields
        .optional_identifier("imageId")?
        .ok_or_else(|| fields.wrong("imageId", "an identifier"))?;
    fields.file_stem("imageId", &image_id)?;
    let types = match fields.read("types", "structural, semantic and detailed type")? {
        Some(types) => types,
        None => QuestionTypes {
            detailed: fields.optional_text("type")?.unwrap_or_default(),
            ..QuestionTypes::default()
        },
    };
    Ok(GqaQuestion {
        id,
        question: fields.text("question")?,
        answer: fields.optional_text("answer")?,
        image_id,
        semantic: fields
            .read(
                "semantic",
                "a list of steps with operation, dependencies, argument",
            )?
            .unwrap_or_default(),
        types,
        full_answer: fields.optional_text("fullAnswer")?,
        is_balanced: fields.optional_bool("isBalanced")?.unwrap_or(true),
        entailed: fields.texts("entailed")?,
        equivalent: fields.texts("equivalent")?,
        groups: fields
            .read("groups", "an object with global and local")?
            .unwrap_or_default(),
        semantic_str: fields.optional_text("semanticStr")?.unwrap_or_default(),
    })
}

/// Writes questions as an object from id to record.
///
/// # Errors
/// If the file cannot be written.
pub fn write_questions(path: &Path, questions: &[GqaQuestion]) -> Result<(), DatasetError> {
    let mut records = Map::new();
    for question in questions {
        let value = serde_json::to_value(question)
            .map_err(|error| DatasetError::write(path, error.into()))?;
        records.insert(question.id.clone(), value);
    }
    std::fs::write(path, Value::Object(records).to_string())
        .map_err(|source| DatasetError::write(path, source))
}
