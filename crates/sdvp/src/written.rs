//! Programs that a language model writes for questions, with what that took.

use crate::commands::LanguageOptions;
use crate::exam::Framework;
use crate::progress::Progress;
use crate::questions::Posed;
use anyhow::{Context, Result, bail};
use sdvp_data::picto::input_names;
use sdvp_data::{Gold, Record};
use sdvp_distill::{Observer, Phase};
use sdvp_eval::report::write_file;
use sdvp_language::{Asker, Form, LanguageError, Question, Watch, Written, program_lines};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Pauses shorter than this are not told of.
const TOLD: Duration = Duration::from_secs(2);

/// Shows how asking goes.
pub(crate) struct Asking<'p>(pub(crate) &'p Progress);

impl Watch for Asking<'_> {
    fn done(&self) {
        self.0.advance(1);
    }

    fn waiting(&self, reason: &str, pause: Duration) {
        if pause >= TOLD {
            let seconds = pause.as_secs_f64();
            self.0
                .note(&format!("{reason}; once more in {seconds:.0} s"));
        }
    }

    fn damaged(&self, file: &Path) {
        let file = file.display();
        self.0.note(&format!(
            "the kept answer {file} is damaged, and is asked for again"
        ));
    }

    fn unkept(&self, error: &LanguageError) {
        self.0.note(&format!("{error}; nothing more is asked"));
    }
}

impl From<Framework> for sdvp_language::Framework {
    fn from(framework: Framework) -> Self {
        match framework {
            Framework::Visprog => Self::VisProg,
            Framework::Viper => Self::Viper,
        }
    }
}

/// The programs of questions.
pub(crate) struct Writing {
    questions: Vec<Question>,
    written: Vec<Written>,
    model: String,
    /// What it took, as JSON.
    pub(crate) summary: Value,
}

impl Writing {
    /// Has programs written for questions, in a form.
    pub(crate) fn of(
        options: &LanguageOptions,
        framework: Framework,
        form: Form,
        questions: Vec<Question>,
        progress: &Progress,
    ) -> Result<Self> {
        let asking = Asking(progress);
        options.with_writer(framework.into(), form, &asking, |writer, asker| {
            let estimate = writer.estimate(&questions, options.price())?;
            let model = asker.model().identity();
            tracing::info!("{model}: {estimate}");
            progress.begin(&Phase {
                name: "writing programs".to_owned(),
                total: questions.len(),
            });
            let written = writer.write_all(&questions);
            progress.end();
            let programs = written
                .iter()
                .filter(|written| written.program.is_ok())
                .count();
            let repairs: usize = written.iter().map(Written::repairs).sum();
            let failure = written
                .iter()
                .find_map(|written| written.program.as_ref().err());
            let mut summary = spent(asker, options);
            summary["estimate"] = serde_json::to_value(estimate)?;
            summary["questions"] = json!(questions.len());
            summary["programs"] = json!(programs);
            summary["repairs"] = json!(repairs);
            summary["first_failure"] = json!(failure.map(ToString::to_string));
            if let Some(failure) = failure {
                if programs == 0 {
                    bail!("no program was written: {failure}");
                }
                let failed = questions.len() - programs;
                tracing::info!("{failed} questions have no program; the first, because {failure}");
            }
            Ok(Self {
                questions,
                written,
                model,
                summary,
            })
        })
    }

    /// The file of programs that others can run.
    pub(crate) fn lines(&self) -> String {
        program_lines(&self.questions, &self.written, &self.model)
    }

    /// Writes that file.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        write_file(file, self.lines().as_bytes())
            .with_context(|| format!("cannot write the programs {}", file.display()))
    }

    /// Whether every question has a program.
    pub(crate) fn is_whole(&self) -> bool {
        self.written.iter().all(|written| written.program.is_ok())
    }

    /// What it took, for people.
    pub(crate) fn told(&self) -> String {
        let number = |name: &str| self.summary[name].as_u64().unwrap_or_default();
        let cost = match self.summary["cost"].as_f64() {
            Some(cost) => format!(", {cost:.4} at the given prices"),
            None => String::new(),
        };
        format!(
            "{} of {} programs were written by {}: {} requests ({} failed), {} kept answers, {} repairs, {} tokens read and {} written{cost}",
            number("programs"),
            number("questions"),
            self.model,
            number("requests"),
            number("failed"),
            number("kept"),
            number("repairs"),
            number("prompt_tokens"),
            number("completion_tokens"),
        )
    }

    /// Questions that were read from files, with these programs.
    pub(crate) fn posed_of(&self, records: Vec<Record>) -> Vec<Posed> {
        let with_program = records.into_iter().zip(self.sources());
        with_program
            .map(|(record, source)| Posed::of_record(record, source))
            .collect()
    }

    /// Questions of the built-in world with these programs.
    pub(crate) fn posed_drawn(&self, questions: Vec<sdvp_data::Question>) -> Vec<Posed> {
        let with_program = questions.into_iter().zip(self.sources());
        with_program
            .map(|(question, source)| Posed::drawn(question, source))
            .collect()
    }

    /// The programs, or why there is none, in the order of the questions; of a question that was not
    /// asked, that.
    fn sources(&self) -> impl Iterator<Item = Result<String, String>> {
        let programs = self.written.iter().map(|written| &written.program);
        let sources =
            programs.map(|program| program.as_ref().cloned().map_err(|error| error.to_string()));
        sources.chain(std::iter::repeat_with(|| {
            Err("no program was asked for".to_owned())
        }))
    }
}

/// What was spent, with its cost.
pub(crate) fn spent(asker: &Asker<'_>, options: &LanguageOptions) -> Value {
    let spent = asker.spent();
    let mut summary = serde_json::to_value(spent).unwrap_or_default();
    summary["model"] = json!(asker.model().identity());
    summary["cost"] = json!(options.price().map(|price| spent.cost(price)));
    summary
}

/// A benchmark's questions as a model is asked them, and their form.
pub(crate) fn asked_of(records: &[Record]) -> (Vec<Question>, Form) {
    let asked: Vec<Question> = records.iter().map(question_of).collect();
    let pictures = asked.iter().map(|question| question.pictures.len());
    let form = form(pictures.zip(records.iter().map(|record| &record.gold)));
    (asked, form)
}

/// Questions of the built-in world as a model is asked them, and their form.
pub(crate) fn asked_drawn(drawn: &[sdvp_data::Question]) -> (Vec<Question>, Form) {
    let form = form(drawn.iter().map(|q| (q.scenes.len(), &q.gold)));
    let asked = drawn
        .iter()
        .map(|q| question(&q.id, &q.text, q.scenes.len()));
    (asked.collect(), form)
}

fn question_of(record: &Record) -> Question {
    let pictures = match record.panels {
        Some(_) => 3,
        None => record.images.len(),
    };
    question(&record.id, &record.text, pictures)
}

/// A question about so many pictures.
pub(crate) fn question(id: &str, text: &str, pictures: usize) -> Question {
    Question {
        id: id.to_owned(),
        text: text.to_owned(),
        pictures: input_names(pictures)
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
    }
}

/// The form that all of a task's questions have: GQA's, if all are about one picture and answered by
/// words, NLVR's, if all are statements about a pair, else the general one.
fn form<'q>(questions: impl Iterator<Item = (usize, &'q Gold)> + Clone) -> Form {
    let all = |is: &dyn Fn(usize, &Gold) -> bool| {
        questions.clone().all(|(pictures, gold)| is(pictures, gold))
    };
    if all(&|pictures, gold| pictures == 1 && matches!(gold, Gold::Text(_) | Gold::Bool(_))) {
        Form::Gqa
    } else if all(&|pictures, gold| pictures == 2 && matches!(gold, Gold::Bool(_))) {
        Form::Nlvr
    } else {
        Form::General
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_that_of_all_questions() {
        let (word, truth) = (Gold::Text("a".to_owned()), Gold::Bool(true));
        let names = Gold::Names(std::collections::BTreeSet::new());
        for (questions, expected) in [
            (vec![(1, &word), (1, &truth)], Form::Gqa),
            (vec![(2, &truth), (2, &truth)], Form::Nlvr),
            (vec![(2, &truth), (1, &truth)], Form::General),
            (vec![(2, &word)], Form::General),
            (vec![(1, &names)], Form::General),
            (vec![(3, &truth)], Form::General),
        ] {
            assert_eq!(form(questions.into_iter()), expected);
        }
    }

    #[test]
    fn three_boxes_in_one_picture_are_three_pictures() {
        assert_eq!(question("1", "?", 3).pictures, ["LEFT", "MIDDLE", "RIGHT"]);
    }
}
