//! Which question is of which type, and drawing until it can be asked.

use super::draw::Draw;
use super::{QuestionType, count, general, gqa, nlvr2, referring, spatial, tag};
use crate::picto::compile::{Dialect, compile};
use crate::picto::evaluate::Meaning;
use crate::picto::verify::{Verdict, verify};
use crate::picto::{Question, QuestionKind, Scene, Split, generate};
use crate::{Gold, Task};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sdvp_core::Hasher;
use std::sync::Arc;

/// Scenes drawn for a question of one type before the next type is taken instead.
const ATTEMPTS: u64 = 96;
/// Questions drawn from one scene before another scene is drawn.
const PROPOSALS: usize = 3;

/// What became of the questions drawn on the way to the asked ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Scenes drawn.
    pub(super) scenes: usize,
    /// Questions that have a clear answer and a program.
    pub(super) proposed: usize,
    /// … of which something was cut or ambiguous in a view of the program.
    pub(super) unclear: usize,
    /// … of which the oracle's answer was not the right one though all was clear.
    pub(super) wrong: usize,
    /// Times that another type had to be taken.
    pub(super) replaced: usize,
}

/// The types of a task, laid out so that every round asks each as often as its weight says.
pub(super) struct Plan {
    task: Task,
    pub(super) types: Vec<QuestionType>,
    /// One round: type, and its place among those of its type.
    pub(super) round: Vec<(usize, usize)>,
}

impl Plan {
    pub(super) fn new(task: Task) -> Self {
        let types = match task {
            Task::Gqa => gqa::TYPES.to_vec(),
            Task::Nlvr2 => nlvr2::TYPES.to_vec(),
            Task::Count => count::TYPES.to_vec(),
            Task::Spatial => spatial::TYPES.to_vec(),
            Task::Tag => tag::TYPES.to_vec(),
            Task::Ref => referring::TYPES.to_vec(),
            Task::General => general::types(),
        };
        let most = types.iter().map(|t| t.weight).max().unwrap_or(0);
        // The first of every type, then the second of those that have one …
        let round = (0..most)
            .flat_map(|nth| {
                let has = move |t: &&(usize, &QuestionType)| t.1.weight > nth;
                let all: Vec<(usize, &QuestionType)> = types.iter().enumerate().collect();
                all.iter()
                    .filter(has)
                    .map(|(at, _)| (*at, nth))
                    .collect::<Vec<_>>()
            })
            .collect();
        Self { task, types, round }
    }

    pub(super) fn question(
        &self,
        split: Split,
        seed: u64,
        index: usize,
        tally: &mut Tally,
    ) -> Question {
        let (mut chosen, nth) = self.round[index % self.round.len()];
        // Types start at different answers, so that even a short run is not all yes.
        let slot = index / self.round.len() * self.types[chosen].weight + nth + chosen;
        // Unbounded in principle; in practice any type finds a scene within a few draws, and the
        // types that ask for what is simply there find one in the first.
        let mut attempt = 0u64;
        loop {
            if attempt > 0 && attempt.is_multiple_of(ATTEMPTS) {
                chosen = (chosen + 1) % self.types.len();
                tally.replaced += 1;
            }
            let number = Hasher::new("picto question")
                .part(self.task.name().as_bytes())
                .part(split.name().as_bytes())
                .part(&seed.to_le_bytes())
                .part(&(index as u64).to_le_bytes())
                .part(&attempt.to_le_bytes())
                .finish()
                .low_u64();
            let mut rng = ChaCha8Rng::seed_from_u64(number);
            let found = self.draw(
                &self.types[chosen],
                split,
                seed,
                slot,
                number,
                &mut rng,
                tally,
            );
            if let Some(question) = found {
                return Question {
                    id: self.id(split, seed, index, question.scenes.len()),
                    ..question
                };
            }
            attempt += 1;
        }
    }

    /// Identifiers of pairs end in a part of their own, as in NLVR2, where it numbers the
    /// statements about a pair.
    fn id(&self, split: Split, seed: u64, index: usize, pictures: usize) -> String {
        let end = if pictures == 2 { "-0" } else { "" };
        format!("{}-{split}-{seed}-{index}{end}", self.task)
    }

    /// One draw of scenes and, from them, a question of the type; without its id.
    fn draw(
        &self,
        kind: &QuestionType,
        split: Split,
        seed: u64,
        slot: usize,
        number: u64,
        rng: &mut ChaCha8Rng,
        tally: &mut Tally,
    ) -> Option<Question> {
        let spec = kind.spec(self.task, rng);
        let scenes: Vec<Arc<Scene>> = (0..if kind.pair { 2 } else { 1 })
            .map(|n| Arc::new(generate(&spec, split, seed, number.wrapping_add(n))))
            .collect();
        tally.scenes += scenes.len();
        let dialect = if kind.pair {
            Dialect::Nlvr
        } else {
            Dialect::Gqa
        };
        for _ in 0..PROPOSALS {
            let mut draw = Draw {
                scenes: &scenes,
                categories: &spec.categories,
                slot,
                rng,
            };
            let Some(draft) = (kind.propose)(&mut draw) else {
                continue;
            };
            let Ok(meaning) = draft.functional.evaluate(&scenes) else {
                continue;
            };
            let Some(program) = compile(&draft.functional, dialect, rng) else {
                continue;
            };
            let gold = gold(meaning, dialect);
            tally.proposed += 1;
            match verify(&program, &scenes, &gold) {
                Verdict::Right => {}
                Verdict::Unclear => {
                    tally.unclear += 1;
                    continue;
                }
                Verdict::Wrong => {
                    tally.wrong += 1;
                    continue;
                }
            }
            let [structural, semantic, detailed] = kind.names;
            return Some(Question {
                id: String::new(),
                text: draft.text,
                gold,
                kind: QuestionKind::new(structural, semantic, detailed),
                semantic: draft.functional.to_gqa(&scenes),
                program,
                functional: draft.functional,
                scenes,
            });
        }
        None
    }
}

fn gold(meaning: Meaning, dialect: Dialect) -> Gold {
    match (meaning, dialect) {
        (Meaning::Truth(truth), Dialect::Nlvr) => Gold::Bool(truth),
        (Meaning::Truth(truth), Dialect::Gqa) => {
            Gold::Text(if truth { "yes" } else { "no" }.to_owned())
        }
        (Meaning::Number(number), _) => Gold::Text(number.to_string()),
        (Meaning::Word(word), _) => Gold::Text(word),
        (Meaning::Names(names), _) => Gold::Names(names),
        (Meaning::Place(bbox), _) => Gold::Box(bbox),
    }
}
