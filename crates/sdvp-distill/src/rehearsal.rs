//! Rehearsal: what the student says of earlier and general calls before it learns something new.

use crate::error::Result;
use crate::examples::{RememberedAnswer, RememberedView};
use candle_core::Tensor;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sdvp_core::{Digest, SubTask, View};
use sdvp_models::ModelError;
use sdvp_modules::{AnswerModel, LocateModel};
use std::collections::HashMap;

/// Calls that go through a network together.
const AT_ONCE: usize = 32;

/// What the student says of every view of the calls: for what was asked there, and for `others`
/// further texts drawn from all calls, so that silence is remembered as well.
///
/// # Errors
/// If the student fails.
pub fn remember_views(
    calls: &[SubTask],
    student: &LocateModel,
    others: usize,
    seed: u64,
) -> Result<Vec<RememberedView>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pool: Vec<&str> = calls.iter().map(|call| call.text.as_str()).collect();
    pool.sort_unstable();
    pool.dedup();
    let mut places: HashMap<Digest, usize> = HashMap::new();
    let mut views: Vec<(View, Vec<String>)> = Vec::new();
    for call in calls {
        let place = *places.entry(call.view.digest()).or_insert_with(|| {
            views.push((call.view.clone(), Vec::new()));
            views.len() - 1
        });
        if !views[place].1.contains(&call.text) {
            views[place].1.push(call.text.clone());
        }
    }
    for (_, texts) in &mut views {
        for _ in 0..others {
            if let Some(text) = pool.choose(&mut rng)
                && !texts.iter().any(|known| known == text)
            {
                texts.push((*text).to_owned());
            }
        }
    }
    let mut remembered = Vec::with_capacity(views.len());
    for views in views.chunks(AT_ONCE) {
        remembered.extend(remember_chunk(views, student)?);
    }
    Ok(remembered)
}

fn remember_chunk(
    views: &[(View, Vec<String>)],
    student: &LocateModel,
) -> std::result::Result<Vec<RememberedView>, ModelError> {
    let mut texts: Vec<&str> = views
        .iter()
        .flat_map(|(_, t)| t)
        .map(String::as_str)
        .collect();
    texts.sort_unstable();
    texts.dedup();
    let place: HashMap<&str, usize> = texts.iter().enumerate().map(|(i, t)| (*t, i)).collect();
    let seen: Vec<&View> = views.iter().map(|(view, _)| view).collect();
    let pixels = student.processor.batch(&seen, &candle_core::Device::Cpu)?;
    let features = student.network.image_features(&pixels)?.detach();
    let queries = student.queries(&texts)?.detach();
    let logits = student
        .network
        .logits(&features, &queries)?
        .to_vec3::<f32>()?;
    let numbers = |tensor: &Tensor, i: usize| -> std::result::Result<Vec<f32>, ModelError> {
        Ok(tensor.get(i)?.flatten_all()?.to_vec1::<f32>()?)
    };
    views
        .iter()
        .enumerate()
        .map(|(i, (view, asked))| {
            let columns: Vec<usize> = asked.iter().map(|text| place[text.as_str()]).collect();
            Ok(RememberedView {
                view: view.clone(),
                asked: asked.clone(),
                logits: logits[i]
                    .iter()
                    .flat_map(|row| columns.iter().map(|&c| row[c]))
                    .collect(),
                boxes: numbers(&features.boxes, i)?,
            })
        })
        .collect()
}

/// What the student answers to each call.
///
/// # Errors
/// If the student fails.
pub fn remember_answers(calls: &[SubTask], student: &AnswerModel) -> Result<Vec<RememberedAnswer>> {
    let mut remembered = Vec::with_capacity(calls.len());
    for calls in calls.chunks(AT_ONCE) {
        let views: Vec<&View> = calls.iter().map(|call| &call.view).collect();
        let questions: Vec<&str> = calls.iter().map(|call| call.text.as_str()).collect();
        let logits = student.forward(&views, &questions)?.logits.detach();
        let logits = logits.to_vec2::<f32>().map_err(ModelError::from)?;
        remembered.extend(
            calls
                .iter()
                .zip(logits)
                .map(|(call, logits)| RememberedAnswer {
                    view: call.view.clone(),
                    question: call.text.clone(),
                    logits,
                }),
        );
    }
    Ok(remembered)
}

/// An endless shuffled walk over `0..count`: every index once before any comes again.
pub(crate) struct Shuffle {
    order: Vec<usize>,
    next: usize,
    rng: ChaCha8Rng,
}

impl Shuffle {
    pub(crate) fn new(count: usize, seed: u64) -> Self {
        let order = (0..count).collect();
        Self {
            order,
            next: count,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The next `wanted` of the values this walks over.
    pub(crate) fn of<'a, T>(&mut self, values: &'a [T], wanted: usize) -> Vec<&'a T> {
        self.take(wanted).into_iter().map(|i| &values[i]).collect()
    }

    /// The next `wanted` indices; none if there are none at all.
    pub(crate) fn take(&mut self, wanted: usize) -> Vec<usize> {
        if self.order.is_empty() {
            return Vec::new();
        }
        (0..wanted)
            .map(|_| {
                if self.next == self.order.len() {
                    for i in (1..self.order.len()).rev() {
                        self.order.swap(i, self.rng.random_range(0..=i));
                    }
                    self.next = 0;
                }
                self.next += 1;
                self.order[self.next - 1]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_comes_once_an_epoch() {
        let mut shuffle = Shuffle::new(7, 3);
        for _ in 0..4 {
            let mut epoch = shuffle.take(7);
            epoch.sort_unstable();
            assert_eq!(epoch, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert!(Shuffle::new(0, 1).take(3).is_empty());
        assert_eq!(Shuffle::new(9, 5).take(20), Shuffle::new(9, 5).take(20));
    }
}
