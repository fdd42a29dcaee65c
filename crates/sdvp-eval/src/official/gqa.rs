//! GQA's metrics (Hudson & Manning 2019).

use super::distribution::Distribution;
use super::{OfficialError, grounding, is_space, mean};
use sdvp_data::gqa::{Attention, Choices, GqaQuestion, SceneGraph};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The share of right answers, in percent, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TypeScore {
    /// Percent.
    pub accuracy: f64,
    /// Of how many questions.
    pub questions: usize,
}

/// What GQA's evaluation script prints; all in percent but the distribution.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GqaScores {
    /// Balanced questions, which alone are scored.
    pub questions: usize,
    /// Right answers to yes/no questions and choices.
    pub binary: f64,
    /// Right answers to all others.
    pub open: f64,
    /// Right answers.
    pub accuracy: f64,
    /// Right answers to what follows from questions that were answered rightly.
    pub consistency: Option<f64>,
    /// Answers of the kind that was asked for.
    pub validity: Option<f64>,
    /// Answers that make sense.
    pub plausibility: Option<f64>,
    /// Attention to what question and answer are about.
    pub grounding: Option<f64>,
    /// How far answers are distributed otherwise than the right ones; less is better.
    pub distribution: Option<f64>,
    /// By structural type.
    pub structural: BTreeMap<String, TypeScore>,
    /// By semantic type.
    pub semantic: BTreeMap<String, TypeScore>,
    /// By steps of the functional program that look at something.
    pub steps: BTreeMap<usize, TypeScore>,
    /// By words of the question.
    pub words: BTreeMap<usize, TypeScore>,
}

impl GqaScores {
    /// The lines that the script prints, without empty ones.
    pub fn lines(&self) -> Vec<String> {
        let percent = |title: &str, score: Option<f64>| Some(format!("{title}: {:.2}%", score?));
        let mut lines: Vec<String> = [
            percent("Binary", Some(self.binary)),
            percent("Open", Some(self.open)),
            percent("Accuracy", Some(self.accuracy)),
            percent("Consistency", self.consistency),
            percent("Validity", self.validity),
            percent("Plausibility", self.plausibility),
            percent("Grounding", self.grounding),
            self.distribution
                .map(|score| format!("Distribution: {score:.2} (lower is better)")),
        ]
        .into_iter()
        .flatten()
        .collect();
        table(&mut lines, "Accuracy / structural type:", &self.structural);
        table(&mut lines, "Accuracy / semantic type:", &self.semantic);
        table(&mut lines, "Accuracy / steps number:", &self.steps);
        table(&mut lines, "Accuracy / words number:", &self.words);
        lines
    }
}

fn table<K: std::fmt::Display>(
    lines: &mut Vec<String>,
    title: &str,
    scores: &BTreeMap<K, TypeScore>,
) {
    lines.push(title.to_owned());
    lines.extend(scores.iter().map(|(kind, score)| {
        format!(
            "  {kind}: {:.2}% ({} questions)",
            score.accuracy, score.questions
        )
    }));
}

/// Takes predictions, then files record by record in any order but that questions are in their own, and
/// gives the scores.
pub struct GqaScorer {
    predictions: HashMap<String, String>,
    /// Right answers of all questions, for consistency.
    answers: Option<HashMap<String, String>>,
    allowed: HashMap<String, Allowed>,
    grounded: Vec<f64>,
    balanced: Vec<Balanced>,
    distribution: Distribution,
}

/// Whether a prediction is among a question's choices.
struct Allowed {
    valid: bool,
    plausible: bool,
}

/// What is kept of a question that is scored.
struct Balanced {
    id: String,
    right: bool,
    structural: String,
    semantic: String,
    /// What two things have in common is always one of three kinds of property.
    common: bool,
    steps: usize,
    words: usize,
    entailed: Vec<String>,
}

impl GqaScorer {
    /// Scores these predictions, by question id. Consistency needs predictions and right answers of
    /// every question that follows from another, not of the balanced ones only.
    pub fn new(predictions: HashMap<String, String>, consistency: bool) -> Self {
        Self {
            predictions,
            answers: consistency.then(HashMap::new),
            allowed: HashMap::new(),
            grounded: Vec::new(),
            balanced: Vec::new(),
            distribution: Distribution::default(),
        }
    }

    /// Whether there is a prediction for a question.
    pub fn predicts(&self, question: &str) -> bool {
        self.predictions.contains_key(question)
    }

    /// Takes a question, balanced or not.
    ///
    /// # Errors
    /// If it has no right answer, or no prediction and needs one.
    pub fn add(&mut self, question: &GqaQuestion) -> Result<(), OfficialError> {
        let id = || question.id.clone();
        let needed = question.is_balanced || self.answers.is_some();
        if !needed {
            return Ok(());
        }
        let predicted = self.predictions.get(&question.id);
        let predicted = predicted.ok_or_else(|| OfficialError::NoPrediction {
            question: id(),
            for_what: if question.is_balanced {
                ""
            } else {
                ", to compute consistency"
            },
        })?;
        let right = question.answer.as_deref();
        let right = right.ok_or_else(|| OfficialError::NoAnswer { question: id() })?;
        if let Some(answers) = &mut self.answers {
            answers.insert(id(), right.to_owned());
        }
        if !question.is_balanced {
            return Ok(());
        }
        if let Some(group) = &question.groups.global {
            self.distribution.add(group, right, predicted);
        }
        let keep = self.answers.is_some();
        let entailed = question.entailed.iter();
        self.balanced.push(Balanced {
            id: id(),
            right: predicted == right,
            structural: question.types.structural.clone(),
            semantic: question.types.semantic.clone(),
            common: question.types.detailed.contains("Common"),
            steps: steps(question),
            words: question
                .question
                .split(is_space)
                .filter(|w| !w.is_empty())
                .count(),
            entailed: entailed
                .filter(|entailed| keep && **entailed != question.id)
                .cloned()
                .collect(),
        });
        Ok(())
    }

    /// Takes the choices of a question.
    pub fn add_choices(&mut self, choices: &Choices) {
        if let Some(predicted) = self.predictions.get(&choices.question) {
            let allowed = Allowed {
                valid: choices.valid.contains(predicted),
                plausible: choices.plausible.contains(predicted),
            };
            self.allowed.insert(choices.question.clone(), allowed);
        }
    }

    /// Takes where a model looked for a balanced question about the picture of `graph`.
    ///
    /// # Errors
    /// As [`grounding`].
    pub fn add_attention(
        &mut self,
        question: &GqaQuestion,
        graph: &SceneGraph,
        attention: &Attention,
    ) -> Result<(), OfficialError> {
        if question.is_balanced {
            self.grounded
                .push(grounding(question, graph, &attention.map)?);
        }
        Ok(())
    }

    /// The scores.
    ///
    /// # Errors
    /// If there is no balanced question, one has no choices although others have, or one entails a
    /// question that was not taken in.
    pub fn finish(self) -> Result<GqaScores, OfficialError> {
        if self.balanced.is_empty() {
            return Err(OfficialError::Empty);
        }
        let all = |_: &Balanced| true;
        let (validity, plausibility) = self.choices()?;
        Ok(GqaScores {
            questions: self.balanced.len(),
            binary: self.percent(|question| question.structural != "query"),
            open: self.percent(|question| question.structural == "query"),
            accuracy: self.percent(all),
            consistency: self.consistency()?,
            validity,
            plausibility,
            grounding: (!self.grounded.is_empty()).then(|| mean(&self.grounded) * 100.0),
            distribution: self.distribution.chi_square(),
            structural: self.by(|question| question.structural.clone()),
            semantic: self.by(|question| question.semantic.clone()),
            steps: self.by(|question| question.steps),
            words: self.by(|question| question.words),
        })
    }

    fn percent(&self, of: impl Fn(&Balanced) -> bool) -> f64 {
        let scores = self.balanced.iter().filter(|question| of(question));
        let scores: Vec<f64> = scores.map(|question| f64::from(question.right)).collect();
        mean(&scores) * 100.0
    }

    fn by<K: Ord>(&self, key: impl Fn(&Balanced) -> K) -> BTreeMap<K, TypeScore> {
        let mut scores: BTreeMap<K, Vec<f64>> = BTreeMap::new();
        for question in &self.balanced {
            let scores = scores.entry(key(question)).or_default();
            scores.push(f64::from(question.right));
        }
        let score = |scores: Vec<f64>| TypeScore {
            accuracy: mean(&scores) * 100.0,
            questions: scores.len(),
        };
        scores
            .into_iter()
            .map(|(key, scores)| (key, score(scores)))
            .collect()
    }

    fn choices(&self) -> Result<(Option<f64>, Option<f64>), OfficialError> {
        if self.allowed.is_empty() {
            return Ok((None, None));
        }
        let (mut valid, mut plausible) = (Vec::new(), Vec::new());
        for question in &self.balanced {
            let allowed = self.allowed.get(&question.id);
            let allowed = allowed.ok_or_else(|| OfficialError::NoChoices {
                question: question.id.clone(),
            })?;
            let common = question.common.then(|| {
                let predicted = self.predictions.get(&question.id).map(String::as_str);
                matches!(predicted, Some("color" | "material" | "shape"))
            });
            valid.push(f64::from(common.unwrap_or(allowed.valid)));
            plausible.push(f64::from(common.unwrap_or(allowed.plausible)));
        }
        Ok((Some(mean(&valid) * 100.0), Some(mean(&plausible) * 100.0)))
    }

    fn consistency(&self) -> Result<Option<f64>, OfficialError> {
        let Some(answers) = &self.answers else {
            return Ok(None);
        };
        let mut scores = Vec::new();
        let asked = |question: &&Balanced| question.right && !question.entailed.is_empty();
        for question in self.balanced.iter().filter(asked) {
            let mut followed = Vec::new();
            for entailed in &question.entailed {
                let known = (answers.get(entailed), self.predictions.get(entailed));
                let (Some(right), Some(predicted)) = known else {
                    return Err(OfficialError::NoEntailed {
                        question: question.id.clone(),
                        entailed: entailed.clone(),
                    });
                };
                followed.push(f64::from(predicted == right));
            }
            scores.push(mean(&followed));
        }
        Ok(Some(mean(&scores) * 100.0))
    }
}

/// Steps of the functional program, without the last ones that only ask.
fn steps(question: &GqaQuestion) -> usize {
    let asks = |step: &String| {
        ["exist", "query: name", "choose name"]
            .iter()
            .any(|ask| step.contains(ask))
    };
    let steps = question.semantic.iter();
    steps
        .map(|step| format!("{}: {}", step.operation, step.argument))
        .filter(|step| !asks(step))
        .count()
}
