//! Two runs beside each other, question by question and step by step.

use crate::RIGHT;
use crate::configuration::Difference;
use crate::error::Result;
use crate::reader::{RunReader, SubTaskRow};
use crate::rounding::alike;
use rusqlite::{CachedStatement, Row, Rows};
use serde::Serialize;
use std::cmp::Ordering;

/// Two runs beside each other. Of runs about the same questions (by the digest of their data) those of one
/// number are compared; else those of one id, the first of several with the first, and so on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// On what the configurations differ.
    pub configuration: Vec<Difference>,
    /// Questions of both runs.
    pub common: u64,
    /// Questions of the first only.
    pub only_first: u64,
    /// Questions of the second only.
    pub only_second: u64,
    /// Common questions that have another text or right answer in the second: then the runs are hardly
    /// about the same.
    pub reworded: u64,
    /// Mean score of the first on common questions; 0 of none.
    pub first_score: f64,
    /// Mean score of the second on them.
    pub second_score: f64,
    /// Right in both.
    pub both_right: u64,
    /// Wrong in both.
    pub both_wrong: u64,
    /// Right in the second only, by id.
    pub newly_right: Vec<String>,
    /// Right in the first only, by id.
    pub newly_wrong: Vec<String>,
    /// Common questions whose programs differ.
    pub other_programs: u64,
    /// Common questions of which sub-tasks or their outcomes differ by more than rounding.
    pub other_traces: u64,
    /// Where these begin to differ, of the first few.
    pub steps: Vec<StepDifference>,
}

/// Where two traces of a question begin to differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepDifference {
    /// The question.
    pub id: String,
    /// Place of the sub-task among those of the question, from 0.
    pub place: u32,
    /// What differs: `kind`, `image`, `region`, `text` or `outcome`; or `end`, where one asked for no
    /// more.
    pub what: Vec<&'static str>,
    /// The first run's sub-task.
    pub first: Option<SubTaskRow>,
    /// The second run's.
    pub second: Option<SubTaskRow>,
}

/// What of a question is compared.
struct Compared {
    id: String,
    number: u32,
    score: f64,
    /// Digests.
    wording: [u8; 16],
    source: [u8; 16],
    trace: [u8; 16],
}

const COMPARED: &str = "SELECT id, number, score, wording, source, trace FROM question ORDER BY";

/// Compares two runs, with the first differing step of up to `most_steps` questions.
///
/// # Errors
/// If one of them is damaged.
pub fn compare(first: &RunReader, second: &RunReader, most_steps: usize) -> Result<Comparison> {
    let (configuration, other) = (first.configuration()?, second.configuration()?);
    let mut comparison = Comparison {
        configuration: configuration.differences(&other),
        ..Comparison::default()
    };
    // Of the same questions the numbers are the same, and questions are stored in their order.
    let by_number = configuration.data == other.data;
    let order = if by_number { "number" } else { "id, number" };
    let statement = format!("{COMPARED} {order}");
    let (mut one, mut two) = (first.prepare(&statement)?, second.prepare(&statement)?);
    let (mut one, mut two) = (
        Questions::of(first, &mut one)?,
        Questions::of(second, &mut two)?,
    );
    let (mut left, mut right) = (one.next()?, two.next()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) if by_number => a.number.cmp(&b.number),
            (Some(a), Some(b)) => a.id.cmp(&b.id),
        };
        match order {
            Ordering::Less => {
                comparison.only_first += 1;
                left = one.next()?;
            }
            Ordering::Greater => {
                comparison.only_second += 1;
                right = two.next()?;
            }
            Ordering::Equal => {
                if let (Some(a), Some(b)) = (left.take(), right.take()) {
                    if a.trace != b.trace
                        && let Some(step) = first_difference(first, second, &a, &b)?
                    {
                        comparison.other_traces += 1;
                        if comparison.steps.len() < most_steps {
                            comparison.steps.push(step);
                        }
                    }
                    comparison.add(a, b);
                }
                (left, right) = (one.next()?, two.next()?);
            }
        }
    }
    let common = comparison.common.max(1) as f64;
    comparison.first_score /= common;
    comparison.second_score /= common;
    Ok(comparison)
}

impl Comparison {
    fn add(&mut self, a: Compared, b: Compared) {
        self.common += 1;
        self.first_score += a.score;
        self.second_score += b.score;
        self.reworded += u64::from(a.wording != b.wording);
        self.other_programs += u64::from(a.source != b.source);
        match (a.score >= RIGHT, b.score >= RIGHT) {
            (true, true) => self.both_right += 1,
            (false, false) => self.both_wrong += 1,
            (false, true) => self.newly_right.push(a.id),
            (true, false) => self.newly_wrong.push(a.id),
        }
    }
}

/// The questions of a run, by id.
struct Questions<'a> {
    reader: &'a RunReader,
    rows: Rows<'a>,
}

impl<'a> Questions<'a> {
    fn of(reader: &'a RunReader, statement: &'a mut CachedStatement<'_>) -> Result<Self> {
        let rows = statement.query([]);
        let rows = rows.map_err(|source| reader.cannot_read(source))?;
        Ok(Self { reader, rows })
    }

    fn next(&mut self) -> Result<Option<Compared>> {
        let row = self
            .rows
            .next()
            .and_then(|row| row.map(compared).transpose());
        row.map_err(|source| self.reader.cannot_read(source))
    }
}

fn compared(row: &Row) -> rusqlite::Result<Compared> {
    Ok(Compared {
        id: row.get(0)?,
        number: row.get(1)?,
        score: row.get(2)?,
        wording: row.get(3)?,
        source: row.get(4)?,
        trace: row.get(5)?,
    })
}

fn first_difference(
    first: &RunReader,
    second: &RunReader,
    a: &Compared,
    b: &Compared,
) -> Result<Option<StepDifference>> {
    let (one, two) = (first.sub_tasks(a.number)?, second.sub_tasks(b.number)?);
    let places = 0..one.len().max(two.len());
    for (place, number) in places.zip(0u32..) {
        let (first, second) = (one.get(place), two.get(place));
        let what = match (first, second) {
            (Some(first), Some(second)) => what_differs(first, second),
            _ => vec!["end"],
        };
        if !what.is_empty() {
            return Ok(Some(StepDifference {
                id: a.id.clone(),
                place: number,
                what,
                first: first.cloned(),
                second: second.cloned(),
            }));
        }
    }
    Ok(None)
}

fn said_the_same(first: &SubTaskRow, second: &SubTaskRow) -> bool {
    match (&first.outcome, &second.outcome) {
        (Some(first), Some(second)) => alike(first, second),
        (first, second) => first == second,
    }
}

fn what_differs(first: &SubTaskRow, second: &SubTaskRow) -> Vec<&'static str> {
    let same = [
        ("kind", first.kind == second.kind),
        ("image", first.image == second.image),
        ("region", first.region == second.region),
        ("text", first.text == second.text),
        ("outcome", said_the_same(first, second)),
    ];
    let differing = same.into_iter().filter(|(_, same)| !same);
    differing.map(|(what, _)| what).collect()
}
