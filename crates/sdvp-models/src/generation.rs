//! Writing a text word by word: greedily, or with several candidates (beam search) as transformers
//! does it.

use crate::error::{ModelError, Result};
use crate::layers::log_softmax;
use candle_core::Tensor;

/// How a text is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoding {
    /// Candidates that are kept; 1 is greedy.
    pub beams: usize,
    /// The longest text, tokens, its end included.
    pub longest: usize,
    /// A candidate's log-probability is divided by its length to this power: above 0, longer ones
    /// gain.
    pub length_penalty: f32,
}

impl Default for Decoding {
    /// As transformers does it if nothing is said: greedy, 20 tokens with the one that begins.
    fn default() -> Self {
        Self {
            beams: 1,
            longest: 19,
            length_penalty: 1.0,
        }
    }
}

/// A text that was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// Its ids, without its beginning and its end.
    pub words: Vec<u32>,
    /// The sum of their log-probabilities, the end's included if it ended.
    pub log_likelihood: f32,
}

/// A text, and the sum of its words' log-probabilities.
#[derive(Clone, Debug)]
struct Candidate {
    words: Vec<u32>,
    sum: f32,
}

/// Writes so many texts at the same time. `next` is given a word for each of some rows and which row
/// of the call before it goes on with, at first `begin` for every text; and says logits of what comes
/// next, `[rows, words]`. Any of `ends` ends a text.
///
/// # Errors
/// If `next` fails, or gives other than a row for each.
pub fn generate(
    texts: usize,
    begin: u32,
    ends: &[u32],
    decoding: &Decoding,
    mut next: impl FnMut(&[u32], &[usize]) -> Result<Tensor>,
) -> Result<Vec<Written>> {
    let mut searches: Vec<Search> = (0..texts).map(|_| Search::new(decoding)).collect();
    let (mut words, mut from) = (vec![begin; texts], (0..texts).collect::<Vec<usize>>());
    for _ in 0..decoding.longest {
        if words.is_empty() {
            break;
        }
        let rows = log_softmax(&next(&words, &from)?)?.to_vec2::<f32>()?;
        if rows.iter().flatten().any(|value| value.is_nan()) {
            return Err(ModelError::Config(
                "expected numbers for what comes next, found others".to_owned(),
            ));
        }
        if rows.len() != words.len() {
            return Err(ModelError::Config(format!(
                "expected what comes next in {} texts, found {}",
                words.len(),
                rows.len()
            )));
        }
        (words, from) = (Vec::new(), Vec::new());
        let mut first = 0;
        for search in searches.iter_mut().filter(|search| !search.ended) {
            let own = first..first + search.running.len();
            for (row, word) in search.go_on(&rows[own.clone()], ends) {
                words.push(word);
                from.push(first + row);
            }
            first = own.end;
        }
    }
    Ok(searches.into_iter().map(Search::best).collect())
}

/// The search for one text.
struct Search<'a> {
    decoding: &'a Decoding,
    running: Vec<Candidate>,
    finished: Finished,
    length: usize,
    ended: bool,
}

impl<'a> Search<'a> {
    fn new(decoding: &'a Decoding) -> Self {
        Self {
            decoding,
            running: vec![Candidate {
                words: Vec::new(),
                sum: 0.0,
            }],
            finished: Finished::new(decoding.beams.max(1)),
            length: 0,
            ended: false,
        }
    }

    fn value(&self, sum: f32) -> f32 {
        sum / (self.length.max(1) as f32).powf(self.decoding.length_penalty)
    }

    /// Takes what may come next after every running candidate; which of them go on, and with what
    /// word, if any do.
    fn go_on(&mut self, log_likelihoods: &[Vec<f32>], ends: &[u32]) -> Vec<(usize, u32)> {
        let beams = self.decoding.beams.max(1);
        self.length += 1;
        let mut going_on = Vec::with_capacity(beams);
        let mut steps = Vec::with_capacity(beams);
        // Of so many at most half can end, so that enough go on.
        let best = best_continuations(&self.running, log_likelihoods, 2 * beams);
        for (rank, (from, word, sum)) in best.into_iter().enumerate() {
            if ends.contains(&word) {
                if rank < beams {
                    let written = Written {
                        words: self.running[from].words.clone(),
                        log_likelihood: sum,
                    };
                    self.finished.add(self.value(sum), written);
                }
            } else if going_on.len() < beams {
                let mut words = self.running[from].words.clone();
                words.push(word);
                going_on.push(Candidate { words, sum });
                steps.push((from, word));
            }
        }
        self.running = going_on;
        let best = self.running.first().map(|first| self.value(first.sum));
        // Greedily, the first end is the end.
        self.ended = (beams == 1 && !self.finished.texts.is_empty())
            || best.is_none_or(|best| self.finished.beats(best));
        if self.ended {
            steps.clear();
        }
        steps
    }

    /// The best text; what has not ended is cut.
    fn best(mut self) -> Written {
        if !self.ended {
            for candidate in std::mem::take(&mut self.running) {
                let value = self.value(candidate.sum);
                let written = Written {
                    words: candidate.words,
                    log_likelihood: candidate.sum,
                };
                self.finished.add(value, written);
            }
        }
        self.finished.best()
    }
}

/// The `count` likeliest continuations of all candidates: candidate, word, and sum with it.
fn best_continuations(
    running: &[Candidate],
    log_likelihoods: &[Vec<f32>],
    count: usize,
) -> Vec<(usize, u32, f32)> {
    // Of equals the first stays, in the order of candidates and words.
    let mut best: Vec<(usize, u32, f32)> = Vec::with_capacity(count + 1);
    for (from, (candidate, row)) in running.iter().zip(log_likelihoods).enumerate() {
        for (likelihood, word) in row.iter().zip(0u32..) {
            let sum = candidate.sum + likelihood;
            let worse = |other: &(usize, u32, f32)| sum.total_cmp(&other.2).is_le();
            if best.len() >= count && best.last().is_none_or(worse) {
                continue;
            }
            let place = best.iter().take_while(|other| worse(other)).count();
            best.insert(place, (from, word, sum));
            best.truncate(count);
        }
    }
    best
}

/// Texts that ended, the best of them.
struct Finished {
    most: usize,
    texts: Vec<(f32, Written)>,
}

impl Finished {
    fn new(most: usize) -> Self {
        Self {
            most,
            texts: Vec::new(),
        }
    }

    fn add(&mut self, value: f32, text: Written) {
        self.texts.push((value, text));
        // Stable: of equals the first stays.
        self.texts.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.texts.truncate(self.most);
    }

    /// Whether there are enough, and nothing that goes on can be better any more.
    fn beats(&self, best: f32) -> bool {
        self.texts.len() >= self.most && self.texts.last().is_some_and(|(worst, _)| *worst >= best)
    }

    fn best(self) -> Written {
        let first = self.texts.into_iter().next();
        first.map(|(_, written)| written).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// Words 0 (the end), 1 and 2 with these probabilities after every text.
    type Texts<'a> = &'a [(&'a [u32], [f32; 3])];

    /// Texts written at the same time, each after its own probabilities.
    fn say_all(texts: &[Texts<'_>], decoding: &Decoding) -> Vec<Vec<u32>> {
        // What each row of the last call belongs to and has written.
        let mut rows: Vec<(usize, Vec<u32>)> = (0..texts.len()).map(|it| (it, vec![])).collect();
        let written = generate(texts.len(), 7, &[0], decoding, |words, from| {
            rows = words
                .iter()
                .zip(from)
                .map(|(&word, &from)| {
                    let (text, mut written) = rows[from].clone();
                    match word {
                        7 => assert!(written.is_empty()),
                        word => written.push(word),
                    }
                    (text, written)
                })
                .collect();
            let next: Vec<f32> = rows
                .iter()
                .flat_map(|(text, written)| {
                    let known = texts[*text].iter().find(|(text, _)| text == written);
                    known.map_or([0.98, 0.01, 0.01], |(_, next)| *next)
                })
                .map(f32::ln)
                .collect();
            Ok(Tensor::from_vec(next, (rows.len(), 3), &Device::Cpu)?)
        });
        written.unwrap().into_iter().map(|it| it.words).collect()
    }

    fn say(texts: Texts<'_>, decoding: &Decoding) -> Vec<u32> {
        say_all(&[texts], decoding).remove(0)
    }

    #[test]
    fn beams_find_what_greed_misses() {
        // 1 looks better at first, but 2 then 2 is likelier as a whole.
        let texts: [(&[u32], [f32; 3]); 3] = [
            (&[], [0.0, 0.6, 0.4]),
            (&[1], [0.3, 0.35, 0.35]),
            (&[2], [0.0, 0.0, 1.0]),
        ];
        let with = |beams| {
            let decoding = Decoding {
                beams,
                ..Decoding::default()
            };
            say(&texts, &decoding)
        };
        assert_eq!(with(1), [1, 1]);
        assert_eq!(with(3), [2, 2]);
    }

    #[test]
    fn a_length_penalty_lets_longer_texts_win() {
        let texts: [(&[u32], [f32; 3]); 3] = [
            (&[], [0.5, 0.5, 0.0]),
            (&[1], [0.0, 0.9, 0.1]),
            (&[1, 1], [0.9, 0.05, 0.05]),
        ];
        let with = |length_penalty| {
            let decoding = Decoding {
                beams: 2,
                length_penalty,
                longest: 4,
            };
            say(&texts, &decoding)
        };
        assert_eq!(with(0.0), [0u32; 0], "one word less is likelier");
        assert_eq!(with(2.0), [1, 1]);
    }

    #[test]
    fn what_does_not_end_is_cut() {
        let decoding = Decoding {
            longest: 3,
            ..Decoding::default()
        };
        let never: [(&[u32], [f32; 3]); 3] = [
            (&[], [0.0, 0.0, 1.0]),
            (&[2], [0.0, 0.0, 1.0]),
            (&[2, 2], [0.0, 0.0, 1.0]),
        ];
        assert_eq!(say(&never, &decoding), [2, 2, 2]);
    }

    #[test]
    fn texts_written_together_are_those_written_alone() {
        let short: Texts<'_> = &[(&[], [0.0, 0.6, 0.4]), (&[1], [0.9, 0.05, 0.05])];
        let long: Texts<'_> = &[
            (&[], [0.0, 0.3, 0.7]),
            (&[2], [0.1, 0.5, 0.4]),
            (&[2, 1], [0.2, 0.2, 0.6]),
            (&[1], [0.2, 0.4, 0.4]),
        ];
        for beams in [1, 2, 3] {
            let decoding = Decoding {
                beams,
                ..Decoding::default()
            };
            let alone: Vec<Vec<u32>> = [short, long, short]
                .map(|text| say(text, &decoding))
                .to_vec();
            assert_eq!(say_all(&[short, long, short], &decoding), alone);
            assert_ne!(alone[0], alone[1]);
        }
        assert!(say_all(&[], &Decoding::default()).is_empty());
    }
}
