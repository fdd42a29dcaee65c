//! Writing a text word by word: greedily, or with several candidates (beam search) as transformers
//! does it.

use crate::error::Result;
use crate::layers::log_softmax;
use candle_core::{Device, Tensor};

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

/// Writes one text. `next` is given ids `[candidates, length]`, each beginning with `begin`, and says
/// logits of what comes next, `[candidates, words]`; `end` ends the text.
///
/// # Errors
/// If `next` fails.
pub fn generate(
    begin: u32,
    end: u32,
    decoding: &Decoding,
    next: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Written> {
    let beams = decoding.beams.max(1);
    let value =
        |sum: f32, length: usize| sum / (length.max(1) as f32).powf(decoding.length_penalty);
    let mut running = vec![Candidate {
        words: Vec::new(),
        sum: 0.0,
    }];
    let mut finished = Finished::new(beams);
    for length in 1..=decoding.longest {
        let logits = next(&ids_of(begin, &running)?)?;
        let log_likelihoods = log_softmax(&logits)?.to_vec2::<f32>()?;
        let mut going_on = Vec::with_capacity(beams);
        // Of so many at most half can end, so that enough go on.
        let best = best_continuations(&running, &log_likelihoods, 2 * beams);
        for (rank, (from, word, sum)) in best.into_iter().enumerate() {
            if word == end {
                if rank < beams {
                    let written = Written {
                        words: running[from].words.clone(),
                        log_likelihood: sum,
                    };
                    finished.add(value(sum, length), written);
                }
            } else if going_on.len() < beams {
                let mut words = running[from].words.clone();
                words.push(word);
                going_on.push(Candidate { words, sum });
            }
        }
        running = going_on;
        let best = running.first().map(|first| value(first.sum, length));
        // Greedily, the first end is the end.
        let ended = beams == 1 && !finished.texts.is_empty();
        if ended || best.is_none_or(|best| finished.beats(best)) {
            return Ok(finished.best());
        }
    }
    for candidate in running {
        let written = Written {
            words: candidate.words,
            log_likelihood: candidate.sum,
        };
        finished.add(value(candidate.sum, decoding.longest), written);
    }
    Ok(finished.best())
}

fn ids_of(begin: u32, candidates: &[Candidate]) -> Result<Tensor> {
    let length = 1 + candidates.first().map_or(0, |first| first.words.len());
    let ids: Vec<u32> = candidates
        .iter()
        .flat_map(|candidate| std::iter::once(begin).chain(candidate.words.iter().copied()))
        .collect();
    Ok(Tensor::from_vec(
        ids,
        (candidates.len(), length),
        &Device::Cpu,
    )?)
}

/// The `count` likeliest continuations of all candidates: candidate, word, and sum with it.
fn best_continuations(
    running: &[Candidate],
    log_likelihoods: &[Vec<f32>],
    count: usize,
) -> Vec<(usize, u32, f32)> {
    let mut all: Vec<(usize, u32, f32)> = running
        .iter()
        .zip(log_likelihoods)
        .enumerate()
        .flat_map(|(from, (candidate, row))| {
            let words = row.iter().zip(0u32..);
            words.map(move |(likelihood, word)| (from, word, candidate.sum + likelihood))
        })
        .collect();
    let better = |a: &(usize, u32, f32), b: &(usize, u32, f32)| {
        b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1)))
    };
    if all.len() > count {
        all.select_nth_unstable_by(count, better);
        all.truncate(count);
    }
    all.sort_by(better);
    all
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

    /// Words 0 (the end), 1 and 2 with these probabilities after every text.
    fn say(texts: &[(&[u32], [f32; 3])], decoding: &Decoding) -> Vec<u32> {
        generate(7, 0, decoding, |ids| {
            let rows = ids.to_vec2::<u32>()?;
            let next: Vec<f32> = rows
                .iter()
                .flat_map(|row| {
                    assert_eq!(row[0], 7);
                    let known = texts.iter().find(|(text, _)| *text == &row[1..]);
                    known.map_or([0.98, 0.01, 0.01], |(_, next)| *next)
                })
                .map(f32::ln)
                .collect();
            Ok(Tensor::from_vec(next, (rows.len(), 3), &Device::Cpu)?)
        })
        .unwrap()
        .words
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
}
