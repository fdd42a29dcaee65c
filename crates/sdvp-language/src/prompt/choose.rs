//! Which examples a model is shown.

use super::Example;
use super::similarity::similarities;
use sdvp_core::Hasher;

/// A rule that chooses examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first ones, always.
    Fixed,
    /// Others for every question, drawn by this seed and the question.
    Random(u64),
    /// Those whose questions are most like the question, the likest last.
    Nearest,
}

/// The examples that are shown with a question.
pub(super) fn chosen<'e>(
    examples: &'e [Example],
    choice: Choice,
    count: usize,
    question: &str,
) -> Vec<&'e Example> {
    match choice {
        Choice::Fixed => examples.iter().take(count).collect(),
        Choice::Random(seed) => {
            let rank = |example: &&Example| {
                Hasher::new("example")
                    .part(&seed.to_le_bytes())
                    .part(question.as_bytes())
                    .part(example.question.as_bytes())
                    .finish()
            };
            let mut ranked: Vec<&Example> = examples.iter().collect();
            ranked.sort_by_cached_key(rank);
            ranked.truncate(count);
            ranked
        }
        Choice::Nearest => {
            let texts: Vec<&str> = examples.iter().map(|e| e.question.as_str()).collect();
            let alike = similarities(question, &texts);
            let mut ranked: Vec<(&Example, f64)> = examples.iter().zip(alike).collect();
            // A stable sort: of equal ones the first in the file.
            ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            ranked.truncate(count);
            ranked
                .into_iter()
                .rev()
                .map(|(example, _)| example)
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Form, Framework, examples};
    use super::*;

    fn questions(choice: Choice, count: usize, question: &str) -> Vec<&'static str> {
        let all = examples(Framework::VisProg, Form::Gqa);
        let chosen = chosen(all, choice, count, question);
        chosen.iter().map(|e| e.question.as_str()).collect()
    }

    #[test]
    fn fixed_are_the_first_and_never_more_than_there_are() {
        let all = examples(Framework::VisProg, Form::Gqa);
        let first = questions(Choice::Fixed, 2, "?");
        assert_eq!(first, [&all[0].question, &all[1].question]);
        assert_eq!(questions(Choice::Fixed, 99, "?").len(), all.len());
        assert_eq!(questions(Choice::Nearest, 0, "?"), [""; 0]);
    }

    #[test]
    fn random_ones_depend_on_seed_and_question_and_on_nothing_else() {
        let of = |seed, question| questions(Choice::Random(seed), 5, question);
        assert_eq!(of(1, "a"), of(1, "a"));
        assert_ne!(of(1, "a"), of(2, "a"));
        assert_ne!(of(1, "a"), of(1, "b"));
        let fewer = questions(Choice::Random(1), 3, "a");
        assert_eq!(fewer, of(1, "a")[..3]);
    }

    #[test]
    fn the_nearest_comes_last() {
        let found = questions(Choice::Nearest, 3, "What color is the kayak?");
        assert_eq!(found[2], "What color is the bicycle?");
        let found = questions(Choice::Nearest, 1, "How many pearls are on the ring?");
        assert_eq!(found, ["How many candles are on the cake?"]);
    }
}
