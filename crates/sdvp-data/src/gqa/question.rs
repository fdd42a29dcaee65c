//! Questions.

use crate::DatasetError;
use crate::picto::FunctionalStep;
use crate::records::{Fields, is_file_stem};
use crate::stream::{Entries, Entry, Next, collect, parse_value};
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

impl QuestionTypes {
    /// The finest of the classifications that is given, structural or detailed; empty without either.
    pub fn kind(&self) -> &str {
        if self.detailed.is_empty() {
            &self.structural
        } else {
            &self.detailed
        }
    }
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

/// Which objects of the scene graph the words of a text point to: place of the word, or a slice of
/// places (`1:3`), and the object's id, in the file's order.
pub type Pointers = Map<String, Value>;

/// What the words of a question and of its answers point to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Words of the answer.
    #[serde(default)]
    pub answer: Pointers,
    /// Words of the question.
    #[serde(default)]
    pub question: Pointers,
    /// Words of the answer in a sentence.
    #[serde(default)]
    pub full_answer: Pointers,
}

impl Annotations {
    /// Whether nothing points anywhere.
    pub fn is_empty(&self) -> bool {
        self.answer.is_empty() && self.question.is_empty() && self.full_answer.is_empty()
    }
}

/// A record of `questions.json`. Fields that some releases leave out are optional or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GqaQuestion {
    /// The record's key; not among its fields.
    #[serde(skip)]
    pub id: String,
    /// The question.
    pub question: String,
    /// The answer, a word or short phrase; none in splits whose answers are kept back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The picture.
    pub image_id: String,
    /// The functional program.
    #[serde(default)]
    pub semantic: Vec<FunctionalStep>,
    /// What type of question it is.
    pub types: QuestionTypes,
    /// The answer in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_answer: Option<String>,
    /// Whether it belongs to the balanced part.
    #[serde(default = "yes")]
    pub is_balanced: bool,
    /// Ids of questions whose answers follow from this one.
    #[serde(default)]
    pub entailed: Vec<String>,
    /// Ids of questions that mean the same.
    #[serde(default)]
    pub equivalent: Vec<String>,
    /// The groups it is balanced in.
    #[serde(default)]
    pub groups: Groups,
    /// The functional program as text.
    #[serde(default)]
    pub semantic_str: String,
    /// What its words point to.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

fn yes() -> bool {
    true
}

/// Reads a file of questions: an object from id to record, as published, or a list of records that
/// have their id in `question_id` (or `questionId`, `id`). For files that fit into memory; see
/// [`each_question`].
///
/// # Errors
/// If the file cannot be read, is not JSON, or a record lacks a question or a picture; each names
/// file, record and field.
pub fn read_questions(path: &Path) -> Result<Vec<GqaQuestion>, DatasetError> {
    collect(|each| each_question(path, each))
}

/// Hands out the questions of a file one by one, holding one at a time, until told to stop. A record
/// that is wrong is handed out as what is wrong with it.
///
/// # Errors
/// If the file cannot be read or is not JSON.
pub fn each_question(
    path: &Path,
    mut each: impl FnMut(Result<GqaQuestion, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    let mut entries = Entries::open(path, "an object or a list of question records")?;
    while let Some(mut entry) = entries.next()? {
        let question = match quick(&mut entry) {
            Some(question) => Ok(question),
            None => thorough(path, &entry),
        };
        if each(question).is_break() {
            break;
        }
    }
    Ok(())
}

/// A record in the published form, as nearly all are. Whatever is otherwise is read again by
/// [`thorough`], which knows the variants and says what is wrong.
fn quick(entry: &mut Entry<'_>) -> Option<GqaQuestion> {
    let mut question: GqaQuestion = serde_json::from_slice(entry.text).ok()?;
    if !is_file_stem(&question.image_id) || !only_texts(&question.annotations) {
        return None;
    }
    question.id = entry.key.take()?;
    Some(question)
}

fn only_texts(annotations: &Annotations) -> bool {
    [
        &annotations.answer,
        &annotations.question,
        &annotations.full_answer,
    ]
    .into_iter()
    .all(|pointers| pointers.values().all(Value::is_string))
}

fn thorough(path: &Path, entry: &Entry<'_>) -> Result<GqaQuestion, DatasetError> {
    let value = parse_value(path, entry.line, entry.column, entry.text)?;
    read_question(path, entry.key.as_deref(), &entry.name("record"), &value)
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
        None => fields
            .first(
                &["question_id", "questionId", "id"],
                Fields::optional_identifier,
            )?
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
        annotations: match fields.read("annotations", "objects from words to object ids")? {
            Some(annotations) if only_texts(&annotations) => annotations,
            Some(_) => return Err(fields.wrong("annotations", "object ids as texts")),
            None => Annotations::default(),
        },
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
