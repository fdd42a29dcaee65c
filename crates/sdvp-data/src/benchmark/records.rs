//! A part's questions, whatever its layout, as records that can be run.

use super::{Benchmark, Layout, Part};
use crate::dataset::{Record, parse_gold};
use crate::gqa::{GqaQuestion, each_question};
use crate::nlvr::{NlvrStatement, PanelOrder, each_statement as each_nlvr};
use crate::nlvr2::{Nlvr2Statement, each_statement as each_nlvr2};
use crate::stream::Next;
use crate::table::{Row, each_row};
use crate::{DatasetError, Gold, Metric, Programs};
use std::path::Path;

/// A question whose right answer may be kept back.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldSource {
    /// The right answer, where it is published.
    pub gold: Option<Gold>,
    /// The question.
    pub record: Record,
}

impl Benchmark {
    /// Hands out a part's questions one by one, until told to stop, without programs. A record that is
    /// wrong is handed out as what is wrong with it. A statement of NLVR is handed out once for each order
    /// of its boxes.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn each_record(
        &self,
        part: &Part,
        mut each: impl FnMut(Result<GoldSource, DatasetError>) -> Next,
    ) -> Result<(), DatasetError> {
        let mut stopped = false;
        for file in &part.files {
            let mut hand_out = |record| {
                let next = each(record);
                stopped = next.is_break();
                next
            };
            match part.layout {
                Layout::Gqa => each_question(file, |question| {
                    hand_out(question.map(|question| self.of_gqa(question)))
                })?,
                Layout::Nlvr2 => each_nlvr2(file, |statement| {
                    hand_out(statement.map(|statement| self.of_nlvr2(part, statement)))
                })?,
                Layout::Nlvr => each_nlvr(file, |statement| match statement {
                    Ok(statement) => self
                        .of_nlvr(part, &statement)
                        .into_iter()
                        .try_for_each(|record| hand_out(Ok(record))),
                    Err(error) => hand_out(Err(error)),
                })?,
                Layout::Table => each_row(file, &self.columns, |row| {
                    hand_out(row.map(|row| self.of_row(row)))
                })?,
            }
            if stopped {
                break;
            }
        }
        Ok(())
    }

    /// A part's questions that `wanted` asks for by id, at most so many, each with a right
    /// answer and its program.
    ///
    /// # Errors
    /// If a file cannot be read, or a record is wrong or has no right answer.
    pub fn records(
        &self,
        part: &Part,
        programs: &Programs,
        limit: usize,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Result<Vec<Record>, DatasetError> {
        let mut records = Vec::new();
        if limit > 0 {
            self.each_chosen(part, programs, &mut wanted, |record| {
                records.push(record);
                match records.len() < limit {
                    true => Next::Continue(()),
                    false => Next::Break(()),
                }
            })?;
        }
        Ok(records)
    }

    /// Hands out a part's questions that `wanted` asks for by id, one by one, until told to stop, each
    /// with a right answer and its program.
    ///
    /// # Errors
    /// As [`Benchmark::records`], after the records before the wrong one.
    pub fn each_chosen(
        &self,
        part: &Part,
        programs: &Programs,
        wanted: impl FnMut(&str) -> bool,
        each: impl FnMut(Record) -> Next,
    ) -> Result<(), DatasetError> {
        self.each_wanted(part, programs, None, wanted, each)
    }

    /// As [`Benchmark::each_chosen`], for those who do not score: a right answer that is kept back is an
    /// empty word, or of a statement that it is false.
    ///
    /// # Errors
    /// If a file cannot be read or a record is wrong, after the records before it.
    pub fn each_asked(
        &self,
        part: &Part,
        programs: &Programs,
        wanted: impl FnMut(&str) -> bool,
        each: impl FnMut(Record) -> Next,
    ) -> Result<(), DatasetError> {
        let kept_back = match part.layout {
            Layout::Nlvr | Layout::Nlvr2 => Gold::Bool(false),
            Layout::Gqa | Layout::Table => Gold::default(),
        };
        self.each_wanted(part, programs, Some(&kept_back), wanted, each)
    }

    fn each_wanted(
        &self,
        part: &Part,
        programs: &Programs,
        kept_back: Option<&Gold>,
        mut wanted: impl FnMut(&str) -> bool,
        mut each: impl FnMut(Record) -> Next,
    ) -> Result<(), DatasetError> {
        let mut wrong = None;
        self.each_record(part, |record| {
            let (gold, mut record) = match record {
                Ok(GoldSource { gold, record }) => (gold, record),
                Err(error) => {
                    wrong = Some(error);
                    return Next::Break(());
                }
            };
            if !wanted(&record.id) {
                return Next::Continue(());
            }
            let Some(gold) = gold.or_else(|| kept_back.cloned()) else {
                wrong = Some(DatasetError::Field {
                    path: part.files.first().cloned().unwrap_or_default(),
                    record: format!("question {:?}", record.id),
                    field: "answer".to_owned(),
                    expected: "the right answer, to score by",
                    found: "nothing: it is kept back in this part".to_owned(),
                });
                return Next::Break(());
            };
            record.gold = gold;
            match programs.of(&record.id, &record.text) {
                Ok(program) => record.program = program,
                Err(error) => {
                    wrong = Some(error);
                    return Next::Break(());
                }
            }
            each(record)
        })?;
        wrong.map_or(Ok(()), Err)
    }

    fn of_gqa(&self, question: GqaQuestion) -> GoldSource {
        let metric = self.task.map_or(Metric::Accuracy, |task| task.metric());
        GoldSource {
            gold: question
                .answer
                .and_then(|answer| parse_gold(&answer, metric)),
            record: Record {
                images: vec![self.pictures.gqa(&question.image_id).0],
                id: question.id,
                text: question.question,
                kind: question.types.kind().to_owned(),
                semantic: question.semantic,
                ..Record::default()
            },
        }
    }

    fn of_nlvr2(&self, part: &Part, statement: Nlvr2Statement) -> GoldSource {
        let pictures = self.pictures.nlvr2(&part.name, &statement);
        GoldSource {
            gold: statement.label.map(Gold::Bool),
            record: Record {
                images: pictures.map(|(path, _)| path).to_vec(),
                id: statement.identifier,
                text: statement.sentence,
                ..Record::default()
            },
        }
    }

    fn of_nlvr(&self, part: &Part, statement: &NlvrStatement) -> Vec<GoldSource> {
        let pictures = self.pictures.nlvr(&part.name, statement).into_iter();
        let record = |(order, path, _): (PanelOrder, _, _)| GoldSource {
            gold: statement.label.map(Gold::Bool),
            record: Record {
                images: vec![path],
                id: format!("{}-{}", statement.identifier, order.number()),
                text: statement.sentence.clone(),
                panels: Some(order),
                ..Record::default()
            },
        };
        pictures.map(record).collect()
    }

    fn of_row(&self, row: Row) -> GoldSource {
        let images = row.images.iter().map(|image| self.pictures.table(image).0);
        GoldSource {
            gold: row.answer.as_deref().and_then(|answer| {
                if answer.eq_ignore_ascii_case("true") || answer.eq_ignore_ascii_case("false") {
                    Some(Gold::Bool(answer.eq_ignore_ascii_case("true")))
                } else {
                    parse_gold(answer, Metric::Accuracy)
                }
            }),
            record: Record {
                images: images.collect(),
                id: row.id,
                text: row.question,
                kind: row.kind,
                ..Record::default()
            },
        }
    }
}

/// The programs of a benchmark: those of a file, or else the ones in the folder.
///
/// # Errors
/// If a file cannot be read, or several are in the folder.
pub fn programs_of(benchmark: &Benchmark, file: Option<&Path>) -> Result<Programs, DatasetError> {
    match (file, benchmark.programs.as_slice()) {
        (Some(file), _) => Programs::read(file),
        (None, []) => Ok(Programs::default()),
        (None, [only]) => Programs::read(only),
        (None, [first, ..]) => Err(DatasetError::Missing {
            path: benchmark.path.clone(),
            expected: format!(
                "one file of programs, or to be told which; found {} and others",
                first.display()
            ),
        }),
    }
}
