//! One program that a model wrote, with everything it took.

use super::extract::{Found, extract};
use super::writer::Writer;
use crate::prompt::Question;
use crate::{Ask, LanguageError, Message, Role, Sampling, Syntax};

/// One thing a model said, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its words.
    pub said: String,
    /// Why it will not do, if it does not.
    pub fault: Option<String>,
}

/// One program of perhaps several for a question.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which of the samples it is, from 0.
    pub number: usize,
    /// What was said, the last at the end.
    pub attempts: Vec<Attempt>,
    /// The program, or why there is none.
    pub program: Result<Found, WriteError>,
    /// Why the program failed when it was last run, if it did.
    pub failure: Option<String>,
}

/// Why there is no program.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The model could not be asked.
    #[error("{}{reason}", after(*attempts))]
    Language {
        /// Attempts before.
        attempts: usize,
        /// Why.
        reason: LanguageError,
    },
    /// What it wrote will not do, however often it was told.
    #[error("none of {attempts} attempts is a program that will do; the last: {fault}")]
    Faulty {
        /// Attempts.
        attempts: usize,
        /// What is wrong with the last one.
        fault: String,
    },
}

fn after(attempts: usize) -> String {
    match attempts {
        0 => String::new(),
        attempts => format!("after {attempts} faulty attempts: "),
    }
}

impl Sample {
    /// How often it was sent back.
    pub fn repairs(&self) -> usize {
        self.attempts.len().saturating_sub(1)
    }
}

impl Writer<'_> {
    /// Asks for one program, and sends it back as often as it may be.
    pub(super) fn sample(&self, question: &Question, number: usize) -> Sample {
        self.go_on(question, number, Vec::new())
    }

    /// Sends a program back that failed when it was run; what comes back is checked, and sent back
    /// again if need be, as long as repairs are left.
    pub fn mend(&self, question: &Question, sample: &Sample, failure: &str) -> Sample {
        let mut attempts = sample.attempts.clone();
        if let Some(last) = attempts.last_mut() {
            last.fault = Some(failure.to_owned());
        }
        self.go_on(question, sample.number, attempts)
    }

    /// Asks until an attempt will do, or no more may be made.
    fn go_on(&self, question: &Question, number: usize, mut attempts: Vec<Attempt>) -> Sample {
        let program = loop {
            let faults = attempts.last().and_then(|last| last.fault.clone());
            if let Some(fault) = faults.filter(|_| attempts.len() > self.settings.repairs) {
                break Err(WriteError::Faulty {
                    attempts: attempts.len(),
                    fault,
                });
            }
            let ask = self.ask(question, number, &attempts);
            let answered = match self.asker.ask(&ask) {
                Ok(answered) => answered,
                Err(reason) => {
                    break Err(WriteError::Language {
                        attempts: attempts.len(),
                        reason,
                    });
                }
            };
            let said = answered.completion.text;
            let mut found = extract(&said, self.prompt.framework, &question.pictures)
                .map_err(|errors| errors.to_string());
            if !answered.completion.ended {
                found = found.map_err(|fault| {
                    let tokens = self.settings.tokens;
                    format!("{fault}\nThe answer was cut off after {tokens} tokens: be shorter.")
                });
            }
            attempts.push(Attempt {
                said,
                fault: found.as_ref().err().cloned(),
            });
            if let Ok(found) = found {
                break Ok(found);
            }
        };
        Sample {
            number,
            attempts,
            program,
            failure: None,
        }
    }

    /// The conversation after some attempts.
    pub(super) fn ask(&self, question: &Question, number: usize, attempts: &[Attempt]) -> Ask {
        let mut conversation = self.prompt.conversation(question);
        for attempt in attempts {
            let fault = attempt.fault.as_deref().unwrap_or("it will not do");
            conversation.push(Message {
                role: Role::Assistant,
                content: attempt.said.clone(),
            });
            conversation.push(Message {
                role: Role::User,
                content: format!(
                    "That does not work:\n{fault}\nWrite the whole program again, without this fault, and nothing else."
                ),
            });
        }
        let syntax = match self.prompt.framework {
            crate::Framework::VisProg => Syntax::VisProg(question.pictures.clone()),
            crate::Framework::Viper => Syntax::Free,
        };
        let obeyed = self.asker.model().obeys(&syntax);
        let settings = &self.settings;
        Ask {
            conversation,
            sampling: Sampling {
                temperature: settings.temperature,
                top_p: settings.top_p,
                tokens: settings.tokens,
                seed: settings.seed.wrapping_add(number as u64),
            },
            syntax: if obeyed { syntax } else { Syntax::Free },
        }
    }
}
