//! The answer adapter: questions to what sightings say, with probabilities of every answer.

use super::detector::{known_only, sightings_of};
use super::locate::views_of;
use super::{Detector, Meaning, Question, Sighting, Teacher};
use sdvp_core::{
    AnswerOutcome, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind,
};
use std::sync::Arc;

/// A teacher for answer sub-tasks.
pub struct AnswerTeacher {
    detector: Arc<dyn Detector>,
    fingerprint: Digest,
}

/// Answers reported with their probabilities.
const ALTERNATIVES: usize = 12;
/// A sighting less likely than this is none when things are counted or missed.
const COUNTED: f32 = 0.1;

impl AnswerTeacher {
    /// Puts the adapter before a detector.
    pub fn new(detector: Arc<dyn Detector>) -> Self {
        let fingerprint = Hasher::new("answer teacher")
            .part(detector.fingerprint().as_bytes())
            .finish();
        Self {
            detector,
            fingerprint,
        }
    }

    fn answer(
        &self,
        task: &SubTask,
        seen: &[Sighting],
    ) -> std::result::Result<Outcome, ModuleError> {
        let question = self
            .detector
            .vocabulary()
            .question(&task.text)
            .filter(|question| self.can_answer(question))
            .ok_or_else(|| ModuleError::BadText {
                module: self.name().to_owned(),
                text: task.text.clone(),
                reason: "expected a question about name, colour, presence or number".to_owned(),
            })?;
        Ok(Outcome::Answer(self.weigh(&question, seen)))
    }

    fn can_answer(&self, question: &Question) -> bool {
        !(matches!(question, Question::Color(_)) && self.detector.vocabulary().colors.is_empty())
    }

    fn weigh(&self, question: &Question, seen: &[Sighting]) -> AnswerOutcome {
        let yes_no = |yes: f32| ranked([("yes".to_owned(), yes), ("no".to_owned(), 1.0 - yes)]);
        match question {
            Question::Color(meaning) => ranked(self.colors_of(meaning, seen)),
            Question::IsColor(meaning, color) => {
                let yes = best_match(meaning, seen).map_or(0.0, |s| s.colors[*color]);
                yes_no(yes)
            }
            Question::ChooseColor(meaning, among) => {
                let colors = self.colors_of(meaning, seen);
                ranked(among.iter().filter_map(|&color| colors.get(color).cloned()))
            }
            Question::Name(meaning) => ranked(self.names_of(meaning, seen)),
            Question::Exists(meaning) => {
                let absent: f32 = likely(meaning, seen).map(|p| 1.0 - p).product();
                yes_no(1.0 - absent)
            }
            Question::Count(meaning) => ranked(
                count_distribution(likely(meaning, seen))
                    .into_iter()
                    .enumerate()
                    .map(|(count, p)| (count.to_string(), p)),
            ),
        }
    }

    fn colors_of(&self, meaning: &Meaning, seen: &[Sighting]) -> Vec<(String, f32)> {
        let colors = &self.detector.vocabulary().colors;
        let even = 1.0 / colors.len().max(1) as f32;
        let object = best_match(meaning, seen);
        let weight = |index: usize| object.map_or(even, |s| s.colors[index]);
        colors
            .iter()
            .enumerate()
            .map(|(i, name)| (name.clone(), weight(i)))
            .collect()
    }

    fn names_of(&self, meaning: &Meaning, seen: &[Sighting]) -> Vec<(String, f32)> {
        let object = best_match(meaning, seen);
        let words = &self.detector.vocabulary().names;
        let all: Vec<usize>;
        let allowed = if meaning.is_known() {
            &meaning.names
        } else {
            all = (0..words.len()).collect();
            &all
        };
        allowed
            .iter()
            .map(|&i| (words[i].clone(), object.map_or(1.0, |s| s.names[i])))
            .collect()
    }
}

/// The sighting that most likely is meant; the likeliest of any kind where none is.
fn best_match<'a>(meaning: &Meaning, seen: &'a [Sighting]) -> Option<&'a Sighting> {
    let by =
        |score: &dyn Fn(&Sighting) -> f32| seen.iter().max_by(|a, b| score(a).total_cmp(&score(b)));
    match by(&|s| s.probability(meaning)) {
        Some(best) if best.probability(meaning) >= COUNTED => Some(best),
        _ => by(&|s| s.bbox.area() * s.names.iter().copied().fold(0.0, f32::max)),
    }
}

/// Probabilities of the sightings that may well be meant.
pub(super) fn likely<'a>(
    meaning: &'a Meaning,
    seen: &'a [Sighting],
) -> impl Iterator<Item = f32> + 'a {
    seen.iter()
        .map(|s| s.probability(meaning))
        .filter(|p| *p >= COUNTED)
}

/// Distribution of how many of independent events happen (Poisson's binomial), up to 6.
fn count_distribution(events: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut counts = vec![1.0f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    for p in events {
        for n in (0..counts.len()).rev() {
            let from_below = if n > 0 { counts[n - 1] * p } else { 0.0 };
            counts[n] = counts[n] * (1.0 - p) + from_below;
        }
    }
    counts
}

/// Answers in falling order of probability, scaled to sum to 1.
fn ranked(weights: impl IntoIterator<Item = (String, f32)>) -> AnswerOutcome {
    let mut top: Vec<(String, f32)> = weights.into_iter().collect();
    let total: f32 = top.iter().map(|(_, w)| w).sum::<f32>().max(1e-9);
    top.iter_mut().for_each(|(_, w)| *w /= total);
    top.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    top.truncate(ALTERNATIVES);
    let (text, confidence) = top.first().cloned().unwrap_or_default();
    AnswerOutcome {
        text,
        confidence,
        top,
    }
}

/// Runs a batch through a teacher's network, each view once, and reads each answer off.
pub(crate) fn run_on_sightings(
    module: &dyn Module,
    detector: &dyn Detector,
    kind: SubTaskKind,
    batch: &[SubTask],
    read_off: impl Fn(&SubTask, &[Sighting]) -> std::result::Result<Outcome, ModuleError>,
) -> Vec<std::result::Result<Outcome, ModuleError>> {
    let name = || module.name().to_owned();
    match sightings_of(detector, &views_of(batch)) {
        Err(error) => {
            let failed = ModuleError::Failed {
                module: name(),
                reason: error.to_string(),
            };
            batch.iter().map(|_| Err(failed.clone())).collect()
        }
        Ok((places, seen)) => batch
            .iter()
            .zip(places)
            .map(|(task, place)| {
                if task.kind == kind {
                    match seen.get(place) {
                        Some(seen) => read_off(task, seen),
                        None => Err(ModuleError::Failed {
                            module: name(),
                            reason: "the detector saw fewer views than it was shown".to_owned(),
                        }),
                    }
                } else {
                    Err(ModuleError::WrongKind {
                        module: name(),
                        kind: task.kind,
                    })
                }
            })
            .collect(),
    }
}

impl Module for AnswerTeacher {
    fn name(&self) -> &str {
        "answer teacher"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Answer]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        run_on_sightings(
            self,
            self.detector.as_ref(),
            SubTaskKind::Answer,
            batch,
            |task, seen| self.answer(task, seen),
        )
    }
}

impl Teacher for AnswerTeacher {
    fn label(&self, batch: &[SubTask]) -> Vec<Option<Outcome>> {
        known_only(self, self.detector.vocabulary(), batch)
    }

    fn parameters(&self) -> usize {
        self.detector.parameters()
    }

    fn repertoire(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_poisson_binomial() {
        let counts = count_distribution([0.5, 0.5].into_iter());
        assert_eq!(&counts[..3], &[0.25, 0.5, 0.25]);
        assert!(
            (count_distribution([0.9, 0.2, 0.7].into_iter())
                .iter()
                .sum::<f32>()
                - 1.0)
                .abs()
                < 1e-6
        );
    }

    #[test]
    fn ranking_is_normalised_and_stable() {
        let answer = ranked([
            ("b".to_owned(), 1.0),
            ("a".to_owned(), 1.0),
            ("c".to_owned(), 2.0),
        ]);
        assert_eq!((answer.text.as_str(), answer.confidence), ("c", 0.5));
        assert_eq!(answer.top[1].0, "a");
    }
}
