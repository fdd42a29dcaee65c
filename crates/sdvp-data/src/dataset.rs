//! A task's questions as files: pictures, questions in the published formats, programs.
//!
//! ```text
//! dataset.json      task and number of questions
//! questions.json    questions about one picture, in GQA's layout
//! sceneGraphs.json  … and what their pictures show
//! statements.jsonl  statements about a pair, in NLVR2's layout
//! programs.jsonl    {"id", "query", "program"}, one a line
//! images/           PNG files
//! ```

use crate::gqa::{
    Annotations, GqaQuestion, Groups, QuestionTypes, SceneGraph, each_question, write_questions,
    write_scene_graphs,
};
use crate::nlvr::{PanelOrder, panels};
use crate::nlvr2::{Nlvr2Statement, each_statement, write_statements};
use crate::picto::{FunctionalStep, input_names, semantic_string};
use crate::programs::{Programs, write_programs};
use crate::records::{Fields, read_json};
use crate::staging::Staging;
use crate::stream::Next;
use crate::{DatasetError, Gold, Metric, Question, Task, gold};
use rayon::prelude::*;
use sdvp_core::{DecodeLimits, Image, ImageError};
use sdvp_program::Inputs;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(crate) const ABOUT: &str = "dataset.json";
const QUESTIONS: &str = "questions.json";
const GRAPHS: &str = "sceneGraphs.json";
const STATEMENTS: &str = "statements.jsonl";
const PROGRAMS: &str = "programs.jsonl";
const IMAGES: &str = "images";

/// A question as read from files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// The question or statement.
    pub text: String,
    /// Its pictures: one, or left and right.
    pub images: Vec<PathBuf>,
    /// The right answer.
    pub gold: Gold,
    /// What kind of question it is; empty where the files do not say.
    pub kind: String,
    /// The order of the three boxes in its only picture, if that is one of NLVR's.
    pub panels: Option<PanelOrder>,
    /// Its program, if there is one.
    pub program: Option<String>,
    /// What it means step by step, where the files say so: GQA's `semantic`.
    pub semantic: Vec<FunctionalStep>,
}

impl Record {
    /// Opens its pictures; three boxes in one picture are cut out and put in their own order.
    ///
    /// # Errors
    /// If one cannot be read; the error names it.
    pub fn inputs(&self, limits: &DecodeLimits) -> Result<Inputs, ImageError> {
        if let (Some(order), [path]) = (self.panels, self.images.as_slice()) {
            let boxes = panels(path, &Image::open(path, limits)?, order)?;
            let names = input_names(boxes.len()).iter().zip(boxes);
            return Ok(names
                .map(|(name, image)| ((*name).to_owned(), image))
                .collect());
        }
        input_names(self.images.len())
            .iter()
            .zip(&self.images)
            .map(|(name, path)| Ok(((*name).to_owned(), Image::open(path, limits)?)))
            .collect()
    }
}

/// Writes the questions of a task into a new folder. The folder appears once everything is in it.
///
/// # Errors
/// If the folder holds something already, or anything cannot be written; then nothing is left.
pub fn write(dir: &Path, task: Task, questions: &[Question]) -> Result<(), DatasetError> {
    let staging = Staging::beside(dir)?;
    let into = staging.path();
    let images = into.join(IMAGES);
    std::fs::create_dir(&images).map_err(|source| DatasetError::write(&images, source))?;
    questions
        .par_iter()
        .try_for_each(|question| write_images(&images, question))?;

    let (pairs, single): (Vec<&Question>, Vec<&Question>) =
        questions.iter().partition(|q| q.scenes.len() == 2);
    if !single.is_empty() {
        let records: Vec<GqaQuestion> = single.iter().map(|q| gqa_record(q)).collect();
        write_questions(&into.join(QUESTIONS), &records)?;
        let graphs: Vec<SceneGraph> = single
            .iter()
            .flat_map(|q| q.scenes.iter().map(|scene| SceneGraph::of(&q.id, scene)))
            .collect();
        write_scene_graphs(&into.join(GRAPHS), &graphs)?;
    }
    if !pairs.is_empty() {
        let statements: Vec<Nlvr2Statement> = pairs.iter().map(|q| statement(q)).collect();
        write_statements(&into.join(STATEMENTS), &statements)?;
    }
    let programs = questions
        .iter()
        .map(|q| (q.id.as_str(), q.text.as_str(), q.program.as_str()));
    write_programs(&into.join(PROGRAMS), programs)?;
    let about = into.join(ABOUT);
    let text = json!({"task": task.name(), "questions": questions.len()}).to_string();
    std::fs::write(&about, text).map_err(|source| DatasetError::write(&about, source))?;
    staging.finish()
}

/// File names of a question's pictures.
fn image_files(question: &Question) -> Vec<String> {
    if question.scenes.len() == 2 {
        statement(question).image_files().to_vec()
    } else {
        vec![format!("{}.png", question.id)]
    }
}

fn write_images(dir: &Path, question: &Question) -> Result<(), DatasetError> {
    for (file, (_, image)) in image_files(question).iter().zip(question.inputs()) {
        let path = dir.join(file);
        image
            .rgb()
            .save_with_format(&path, image::ImageFormat::Png)
            .map_err(|error| DatasetError::Image {
                path,
                reason: error.to_string(),
            })?;
    }
    Ok(())
}

fn gqa_record(question: &Question) -> GqaQuestion {
    GqaQuestion {
        id: question.id.clone(),
        question: question.text.clone(),
        answer: Some(question.gold.text()),
        image_id: question.id.clone(),
        annotations: Annotations::default(),
        semantic_str: semantic_string(&question.semantic),
        semantic: question.semantic.clone(),
        types: QuestionTypes {
            structural: question.kind.structural.clone(),
            semantic: question.kind.semantic.clone(),
            detailed: question.kind.detailed.clone(),
        },
        full_answer: Some(question.gold.text()),
        is_balanced: true,
        entailed: Vec::new(),
        equivalent: vec![question.id.clone()],
        groups: Groups {
            global: None,
            local: Some(question.kind.detailed.clone()),
        },
    }
}

fn statement(question: &Question) -> Nlvr2Statement {
    Nlvr2Statement {
        identifier: question.id.clone(),
        sentence: question.text.clone(),
        label: match question.gold {
            Gold::Bool(label) => Some(label),
            _ => None,
        },
        directory: None,
    }
}

/// Reads a folder that [`write`] wrote. Whether the pictures are there is not looked at.
///
/// # Errors
/// If a file is missing or wrong; the error names file, record and field.
pub fn read(dir: &Path) -> Result<Vec<Record>, DatasetError> {
    let mut records = Vec::new();
    each_record(dir, &programs_in(dir)?, |record| {
        records.push(record);
        Next::Continue(())
    })?;
    if records.is_empty() {
        return Err(DatasetError::Missing {
            path: dir.to_owned(),
            expected: format!("questions in {QUESTIONS} or {STATEMENTS}"),
        });
    }
    Ok(records)
}

/// The programs in a folder that [`write`] wrote; none, where there is no such file.
///
/// # Errors
/// If the file is wrong.
pub fn programs_in(dir: &Path) -> Result<Programs, DatasetError> {
    let file = dir.join(PROGRAMS);
    if file.exists() {
        Programs::read(&file)
    } else {
        Ok(Programs::default())
    }
}

/// Hands out what [`read`] reads, one by one, until told to stop, with the programs given.
///
/// # Errors
/// As [`read`], after the records before the wrong one.
pub fn each_record(
    dir: &Path,
    programs: &Programs,
    mut each: impl FnMut(Record) -> Next,
) -> Result<(), DatasetError> {
    let task = read_task(&dir.join(ABOUT))?;
    let (questions, statements) = (dir.join(QUESTIONS), dir.join(STATEMENTS));
    let (mut next, mut wrong) = (Next::Continue(()), None);
    let mut hand_out = |record: Result<Record, DatasetError>| match record {
        Ok(record) => each(record),
        Err(error) => {
            wrong = Some(error);
            Next::Break(())
        }
    };
    if questions.exists() {
        each_question(&questions, |question| {
            next = hand_out(question.and_then(|question| asked(dir, task, programs, question)));
            next
        })?;
    }
    if next.is_continue() && statements.exists() {
        each_statement(&statements, |statement| {
            hand_out(statement.and_then(|statement| stated(dir, programs, statement)))
        })?;
    }
    wrong.map_or(Ok(()), Err)
}

fn asked(
    dir: &Path,
    task: Task,
    programs: &Programs,
    question: GqaQuestion,
) -> Result<Record, DatasetError> {
    let answer = question.answer.unwrap_or_default();
    let gold = parse_gold(&answer, task.metric()).ok_or_else(|| DatasetError::Field {
        path: dir.join(QUESTIONS),
        record: format!("record {:?}", question.id),
        field: "answer".to_owned(),
        expected: "an answer of the task",
        found: format!("{answer:?}"),
    })?;
    Ok(Record {
        images: vec![dir.join(IMAGES).join(format!("{}.png", question.image_id))],
        program: programs.of(&question.id, &question.question)?,
        kind: question.types.kind().to_owned(),
        panels: None,
        id: question.id,
        text: question.question,
        gold,
        semantic: question.semantic,
    })
}

fn stated(
    dir: &Path,
    programs: &Programs,
    statement: Nlvr2Statement,
) -> Result<Record, DatasetError> {
    let label = statement.label.ok_or_else(|| DatasetError::Field {
        path: dir.join(STATEMENTS),
        record: format!("statement {:?}", statement.identifier),
        field: "label".to_owned(),
        expected: "\"True\" or \"False\"",
        found: "nothing".to_owned(),
    })?;
    Ok(Record {
        images: statement
            .image_files()
            .map(|file| dir.join(IMAGES).join(file))
            .to_vec(),
        program: programs.of(&statement.identifier, &statement.sentence)?,
        kind: String::new(),
        panels: None,
        id: statement.identifier,
        text: statement.sentence,
        gold: Gold::Bool(label),
        semantic: Vec::new(),
    })
}

/// The task whose questions a folder holds.
///
/// # Errors
/// If the folder was not written by [`write`].
pub fn task_of(dir: &Path) -> Result<Task, DatasetError> {
    read_task(&dir.join(ABOUT))
}

fn read_task(path: &Path) -> Result<Task, DatasetError> {
    let value = read_json(path)?;
    let fields = Fields::of(path, "the only record", &value)?;
    Task::named(&fields.text("task")?)
        .map_err(|_| fields.wrong("task", "the name of a task, such as \"picto-gqa\""))
}

pub(crate) fn parse_gold(answer: &str, metric: Metric) -> Option<Gold> {
    match metric {
        // A question of another metric in a mix has its answer as text, unless it is a box.
        Metric::Accuracy => Some(match gold::parse_box(answer) {
            Some(bbox) => Gold::Box(bbox),
            None => Gold::Text(answer.to_owned()),
        }),
        Metric::F1 => Some(Gold::Names(gold::names(answer))),
        Metric::Iou => gold::parse_box(answer).map(Gold::Box),
    }
}

#[cfg(test)]
mod tests;
