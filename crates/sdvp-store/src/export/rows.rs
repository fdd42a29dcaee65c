//! The columns of tables, and their rows.

use super::Exported;
use crate::error::Result;
use crate::reader::{CheckpointRow, QuestionRow, RunReader, SubTaskRow};

/// What a column holds, where it holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Whole,
    Real,
    Truth,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) holds: Holds,
}

/// A value of the kind that its column holds, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Nothing,
    Text(String),
    Whole(i64),
    Real(f64),
    Truth(bool),
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.map_or(Cell::Nothing, Cell::Text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Cell::Whole(i64::from(number))
    }
}

const fn column(name: &'static str, holds: Holds) -> Column {
    Column { name, holds }
}

const QUESTIONS: [Column; 12] = [
    column("number", Holds::Whole),
    column("id", Holds::Text),
    column("question", Holds::Text),
    column("kind", Holds::Text),
    column("gold", Holds::Text),
    column("program", Holds::Text),
    column("answer", Holds::Text),
    column("error", Holds::Text),
    column("fallback", Holds::Truth),
    column("score", Holds::Real),
    column("sub_tasks", Holds::Whole),
    column("micros", Holds::Whole),
];

const SUB_TASKS: [Column; 18] = [
    column("question", Holds::Whole),
    column("id", Holds::Text),
    column("place", Holds::Whole),
    column("line", Holds::Whole),
    column("kind", Holds::Text),
    column("image", Holds::Text),
    column("file", Holds::Text),
    column("x0", Holds::Whole),
    column("y0", Holds::Whole),
    column("x1", Holds::Whole),
    column("y1", Holds::Whole),
    column("text", Holds::Text),
    column("outcome", Holds::Text),
    column("confidence", Holds::Real),
    column("module", Holds::Text),
    column("fingerprint", Holds::Text),
    column("source", Holds::Text),
    column("micros", Holds::Whole),
];

const CURVES: [Column; 3] = [
    column("curve", Holds::Text),
    column("step", Holds::Whole),
    column("loss", Holds::Real),
];

const CHECKPOINTS: [Column; 4] = [
    column("name", Holds::Text),
    column("step", Holds::Whole),
    column("weights", Holds::Text),
    column("details", Holds::Text),
];

pub(super) fn columns(what: Exported) -> &'static [Column] {
    match what {
        Exported::Questions => &QUESTIONS,
        Exported::SubTasks => &SUB_TASKS,
        Exported::Curves => &CURVES,
        Exported::Checkpoints => &CHECKPOINTS,
    }
}

pub(super) fn of_question(row: QuestionRow) -> Vec<Cell> {
    vec![
        row.number.into(),
        row.id.into(),
        row.question.into(),
        row.kind.into(),
        row.gold.into(),
        row.program.into(),
        row.answer.into(),
        row.error.into(),
        Cell::Truth(row.fallback),
        Cell::Real(row.score),
        row.sub_tasks.into(),
        Cell::Whole(row.micros),
    ]
}

pub(super) fn of_loss(curve: String, step: u32, loss: Option<f64>) -> Vec<Cell> {
    let loss = loss.map_or(Cell::Nothing, Cell::Real);
    vec![curve.into(), step.into(), loss]
}

pub(super) fn of_checkpoint(row: CheckpointRow) -> Vec<Cell> {
    vec![
        row.name.into(),
        row.step.into(),
        row.weights.to_string().into(),
        row.details.into(),
    ]
}

fn of_sub_task(id: String, row: SubTaskRow) -> Vec<Cell> {
    let [x0, y0, x1, y1] = row.region.to_array();
    let (module, fingerprint) = row
        .module
        .map(|module| (module.name, module.fingerprint.to_string()))
        .unzip();
    vec![
        row.question.into(),
        id.into(),
        row.place.into(),
        row.line.into(),
        row.kind.into(),
        row.image.to_string().into(),
        row.file.into(),
        x0.into(),
        y0.into(),
        x1.into(),
        y1.into(),
        row.text.into(),
        row.outcome.into(),
        row.confidence.map_or(Cell::Nothing, Cell::Real),
        module.into(),
        fingerprint.into(),
        row.source.name().to_owned().into(),
        row.micros.into(),
    ]
}

/// The rows of sub-tasks, each with the id of its question.
pub(super) fn each_of_sub_tasks(
    reader: &RunReader,
    take: &mut dyn FnMut(Vec<Cell>) -> Result<()>,
) -> Result<()> {
    let mut current: Option<(u32, String)> = None;
    reader.each_sub_task(|row| {
        let id = match &current {
            Some((number, id)) if *number == row.question => id.clone(),
            _ => {
                let id = reader.id_of(row.question)?;
                current = Some((row.question, id.clone()));
                id
            }
        };
        take(of_sub_task(id, row))
    })
}
