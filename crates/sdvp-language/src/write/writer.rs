//! Has a model write programs for questions.

use super::{Sample, WriteError};
use crate::prompt::{Prompt, Question};
use crate::{Asker, Estimate, LanguageError, Price};

/// How programs are written.
#[derive(Clone, Debug, PartialEq)]
pub struct WriterSettings {
    /// Programs a question; they vote. Several need a temperature.
    pub samples: usize,
    /// How often a program that will not do is sent back.
    pub repairs: usize,
    /// 0 takes the likeliest token every time; greater draws more freely.
    pub temperature: f64,
    /// Draws only from the likeliest tokens that together have this probability.
    pub top_p: f64,
    /// Tokens of a program at most.
    pub tokens: usize,
    /// Seed of the first sample; every further one has the next.
    pub seed: u64,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self {
            samples: 1,
            repairs: 2,
            temperature: 0.0,
            top_p: 1.0,
            tokens: 512,
            seed: 0,
        }
    }
}

/// Has a model write programs.
pub struct Writer<'a> {
    pub(super) asker: &'a Asker<'a>,
    pub(super) prompt: Prompt,
    pub(super) settings: WriterSettings,
}

/// What was written for a question.
#[derive(Clone, Debug)]
pub struct Written {
    /// The program that most samples agree on, or why there is none.
    pub program: Result<String, WriteError>,
    /// The sample that it is.
    pub chosen: usize,
    /// What was voted on.
    pub vote: Vote,
    /// How many samples agree with it, it included.
    pub votes: usize,
    /// All of them, so that their answers can vote, too.
    pub samples: Vec<Sample>,
}

/// What samples vote on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vote {
    /// Equal programs agree, when they are written.
    #[default]
    Programs,
    /// Equal answers agree, when all of them were run.
    Answers,
}

impl Vote {
    /// What files and reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Vote::Programs => "programs",
            Vote::Answers => "answers",
        }
    }
}

impl Written {
    /// How often its samples were sent back.
    pub fn repairs(&self) -> usize {
        self.samples.iter().map(Sample::repairs).sum()
    }
}

impl<'a> Writer<'a> {
    /// Someone who has programs written.
    ///
    /// # Errors
    /// If there are to be no samples, or several that could not differ.
    pub fn new(
        asker: &'a Asker<'a>,
        prompt: Prompt,
        settings: WriterSettings,
    ) -> Result<Self, LanguageError> {
        let wrong = |setting, expected, found: String| LanguageError::Setting {
            setting,
            expected,
            found,
        };
        let temperature = settings.temperature;
        if !(temperature.is_finite() && (0.0..=2.0).contains(&temperature)) {
            let found = temperature.to_string();
            return Err(wrong("temperature", "a number from 0 to 2", found));
        }
        if !(settings.top_p > 0.0 && settings.top_p <= 1.0) {
            let found = settings.top_p.to_string();
            return Err(wrong("top_p", "a number above 0, at most 1", found));
        }
        if settings.samples == 0 || (settings.samples > 1 && temperature == 0.0) {
            let found = format!("{} at temperature {temperature}", settings.samples);
            let expected = "one, or several at a temperature above 0";
            return Err(wrong("samples", expected, found));
        }
        Ok(Self {
            asker,
            prompt,
            settings,
        })
    }

    /// Who is asked.
    pub fn asker(&self) -> &'a Asker<'a> {
        self.asker
    }

    /// How programs are written.
    pub fn settings(&self) -> &WriterSettings {
        &self.settings
    }

    /// What it takes to write programs for these, without repairs.
    ///
    /// # Errors
    /// If a kept answer cannot be read.
    pub fn estimate(
        &self,
        questions: &[Question],
        price: Option<Price>,
    ) -> Result<Estimate, LanguageError> {
        let asks: Vec<_> = questions
            .iter()
            .flat_map(|question| (0..self.settings.samples).map(move |n| (question, n)))
            .map(|(question, number)| self.ask(question, number, &[]))
            .collect();
        Estimate::of(self.asker, &asks, price)
    }

    /// Programs for questions, in their order.
    pub fn write_all(&self, questions: &[Question]) -> Vec<Written> {
        self.asker.each(questions, |question| self.write(question))
    }

    /// A program for a question: of several samples, the one that most are equal to; of equally
    /// many, the first.
    pub fn write(&self, question: &Question) -> Written {
        let samples: Vec<Sample> = (0..self.settings.samples.max(1))
            .map(|number| self.sample(question, number))
            .collect();
        let votes = |sample: &Sample| match &sample.program {
            Ok(found) => samples
                .iter()
                .filter(|other| {
                    other
                        .program
                        .as_ref()
                        .is_ok_and(|o| o.normal == found.normal)
                })
                .count(),
            Err(_) => 0,
        };
        let mut chosen = (0, 0);
        for (number, sample) in samples.iter().enumerate() {
            let votes = votes(sample);
            if votes > chosen.1 {
                chosen = (number, votes);
            }
        }
        let nothing = || WriteError::Faulty {
            attempts: 0,
            fault: "nothing was asked".to_owned(),
        };
        let program = samples.get(chosen.0).map(|sample| &sample.program);
        Written {
            program: match program {
                Some(Ok(found)) => Ok(found.program.clone()),
                Some(Err(error)) => Err(error.clone()),
                None => Err(nothing()),
            },
            chosen: chosen.0,
            vote: Vote::Programs,
            votes: chosen.1,
            samples,
        }
    }
}
