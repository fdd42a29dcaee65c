//! Rehearsal: what the student says of earlier and general calls before it learns something new.

use crate::error::Result;
use crate::examples::{RememberedAnswer, RememberedMatch, RememberedView};
use candle_core::{DType, Device, Tensor};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sdvp_core::{Digest, SubTask, View};
use sdvp_models::ModelError;
use sdvp_modules::{AnswerModel, LocateModel, MatchModel};
use std::collections::{BTreeSet, HashMap};

/// Calls that go through a network together.
const AT_ONCE: usize = 32;
/// Texts that every view is tried with, to find which of them it shows.
const TRIED: usize = 512;

/// What the student says of every view of the calls: for what was asked there, for the `others / 2`
/// further texts of which it is surest there, and for as many drawn from all calls. What is asked
/// is only a part of what a view shows, and most texts are nowhere: so both sight and silence are
/// remembered.
///
/// # Errors
/// If the student fails.
pub fn remember_views(
    calls: &[SubTask],
    student: &LocateModel,
    others: usize,
    seed: u64,
) -> Result<Vec<RememberedView>> {
    let known = KnownTexts::of(calls, |texts| student.queries(texts))?;
    known.by_view(calls, seed, |views, rng| {
        remember_chunk(views, student, &known, others, rng)
    })
}

/// What the student says of texts about every view of the calls: of those asked there, and of others
/// as in [`remember_views`].
///
/// # Errors
/// If the student fails.
pub fn remember_matches(
    calls: &[SubTask],
    student: &MatchModel,
    others: usize,
    seed: u64,
) -> Result<Vec<RememberedMatch>> {
    let known = KnownTexts::of(calls, |texts| student.text_vectors(texts))?;
    known.by_view(calls, seed, |views, rng| {
        let tried = known.tried(views, rng)?;
        let seen: Vec<&View> = views.iter().map(|(view, _)| view).collect();
        let images = student.image_vectors(&seen)?.detach();
        let logits = student.logits(&images, &tried.queries)?.to_vec2::<f32>()?;
        let remembered = views.iter().zip(logits).map(|((view, asked), logits)| {
            let texts = tried.chosen(asked, &logits, others, rng);
            RememberedMatch {
                view: view.clone(),
                logits: texts.iter().map(|&column| logits[column]).collect(),
                texts: texts.iter().map(|&c| tried.name(&known, c)).collect(),
            }
        });
        Ok(remembered.collect())
    })
}

/// The distinct texts of calls, with their query vectors.
struct KnownTexts<'a> {
    texts: Vec<&'a str>,
    /// `[texts, projection]`.
    queries: Tensor,
}

/// A view, and the places of the texts that were asked of it.
type AskedView = (View, BTreeSet<usize>);

/// The known texts that some views are tried with.
struct Tried {
    columns: Vec<usize>,
    /// `[columns, projection]`.
    queries: Tensor,
}

impl Tried {
    /// Columns of the texts to remember of a view: what was asked, the `others / 2` surest of the
    /// rest, and as many drawn.
    fn chosen(
        &self,
        asked: &BTreeSet<usize>,
        surest: &[f32],
        others: usize,
        rng: &mut ChaCha8Rng,
    ) -> Vec<usize> {
        let (mut texts, mut rest): (Vec<usize>, Vec<usize>) =
            (0..self.columns.len()).partition(|&column| asked.contains(&self.columns[column]));
        rest.sort_by(|&a, &b| surest[b].total_cmp(&surest[a]));
        let shown = rest.len().min(others / 2);
        let silent = rest.split_off(shown);
        let drawn = silent.choose_multiple(rng, others - others / 2).copied();
        texts.extend(rest.into_iter().chain(drawn));
        texts
    }

    fn name(&self, known: &KnownTexts, column: usize) -> String {
        known.texts[self.columns[column]].to_owned()
    }
}

impl<'a> KnownTexts<'a> {
    fn of(
        calls: &'a [SubTask],
        vectors: impl Fn(&[&str]) -> std::result::Result<Tensor, ModelError>,
    ) -> std::result::Result<Self, ModelError> {
        let mut texts: Vec<&str> = calls.iter().map(|call| call.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        let queries = texts
            .chunks(AT_ONCE)
            .map(|texts| Ok(vectors(texts)?.detach()))
            .collect::<std::result::Result<Vec<_>, ModelError>>()?;
        let queries = match queries.as_slice() {
            [] => Tensor::zeros((0, 1), DType::F32, &Device::Cpu)?,
            some => Tensor::cat(some, 0)?,
        };
        Ok(Self { texts, queries })
    }

    fn place(&self, text: &str) -> Option<usize> {
        self.texts.binary_search(&text).ok()
    }

    /// Every view of the calls once, with what was asked of it, in chunks that are remembered side
    /// by side, each with its own generator.
    fn by_view<R: Send>(
        &self,
        calls: &[SubTask],
        seed: u64,
        remember: impl Fn(&[AskedView], &mut ChaCha8Rng) -> std::result::Result<Vec<R>, ModelError>
        + Sync,
    ) -> Result<Vec<R>> {
        let mut places: HashMap<Digest, usize> = HashMap::new();
        let mut views: Vec<AskedView> = Vec::new();
        for call in calls {
            let place = *places.entry(call.view.digest()).or_insert_with(|| {
                views.push((call.view.clone(), BTreeSet::new()));
                views.len() - 1
            });
            if let Some(text) = self.place(&call.text) {
                views[place].1.insert(text);
            }
        }
        let remembered: Vec<Vec<R>> = views
            .par_chunks(AT_ONCE)
            .enumerate()
            .map(|(chunk, views)| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(chunk as u64);
                remember(views, &mut rng)
            })
            .collect::<std::result::Result<_, ModelError>>()?;
        Ok(remembered.into_iter().flatten().collect())
    }

    /// The texts to try some views with: what was asked of them, and others drawn.
    fn tried(
        &self,
        views: &[AskedView],
        rng: &mut ChaCha8Rng,
    ) -> std::result::Result<Tried, ModelError> {
        let asked = views.iter().flat_map(|(_, asked)| asked.iter().copied());
        let drawn = rand::seq::index::sample(rng, self.texts.len(), self.texts.len().min(TRIED));
        let columns: BTreeSet<usize> = asked.chain(drawn).collect();
        let columns: Vec<usize> = columns.into_iter().collect();
        let chosen: Vec<u32> = columns.iter().map(|&text| text as u32).collect();
        let chosen = Tensor::from_vec(chosen, columns.len(), self.queries.device())?;
        Ok(Tried {
            queries: self.queries.index_select(&chosen, 0)?,
            columns,
        })
    }
}

fn remember_chunk(
    views: &[AskedView],
    student: &LocateModel,
    known: &KnownTexts,
    others: usize,
    rng: &mut ChaCha8Rng,
) -> std::result::Result<Vec<RememberedView>, ModelError> {
    let tried = known.tried(views, rng)?;
    let seen: Vec<&View> = views.iter().map(|(view, _)| view).collect();
    let pixels = student.processor.batch(&seen, &student.device)?;
    let features = student.network.image_features(&pixels)?.detach();
    let logits = student.network.logits(&features, &tried.queries)?;
    let surest = logits.max(1)?.to_vec2::<f32>()?;
    let logits = logits.to_vec3::<f32>()?;
    let boxes = features.boxes.flatten_from(1)?.to_vec2::<f32>()?;
    let mut remembered = Vec::with_capacity(views.len());
    for (((view, asked), (logits, surest)), boxes) in
        views.iter().zip(logits.iter().zip(&surest)).zip(boxes)
    {
        let texts = tried.chosen(asked, surest, others, rng);
        remembered.push(RememberedView {
            view: view.clone(),
            asked: texts.iter().map(|&c| tried.name(known, c)).collect(),
            logits: logits
                .iter()
                .flat_map(|row| texts.iter().map(|&column| row[column]))
                .collect(),
            boxes,
        });
    }
    Ok(remembered)
}

/// What the student answers to each call.
///
/// # Errors
/// If the student fails.
pub fn remember_answers(calls: &[SubTask], student: &AnswerModel) -> Result<Vec<RememberedAnswer>> {
    let remembered: Vec<Vec<RememberedAnswer>> = calls
        .par_chunks(AT_ONCE)
        .map(|calls| remember_questions(calls, student))
        .collect::<std::result::Result<_, ModelError>>()?;
    Ok(remembered.into_iter().flatten().collect())
}

fn remember_questions(
    calls: &[SubTask],
    student: &AnswerModel,
) -> std::result::Result<Vec<RememberedAnswer>, ModelError> {
    let views: Vec<&View> = calls.iter().map(|call| &call.view).collect();
    let questions: Vec<&str> = calls.iter().map(|call| call.text.as_str()).collect();
    let logits = student.logits(&views, &questions)?.detach();
    let remembered = calls.iter().zip(logits.to_vec2::<f32>()?);
    let remembered = remembered.map(|(call, logits)| RememberedAnswer {
        view: call.view.clone(),
        question: call.text.clone(),
        logits,
    });
    Ok(remembered.collect())
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
    use crate::pretrain::{SceneView, validation_views};
    use sdvp_data::picto::{SceneSpec, Thing};
    use sdvp_modules::Student;

    #[test]
    fn what_views_show_is_remembered_beside_what_was_asked() {
        let student = Student::builtin().unwrap().locate;
        let views = validation_views(&SceneSpec::default(), 0, 12);
        let ask = |view: &SceneView, name: &str| SubTask::locate(view.view.clone(), name);
        // Every name is known from the first view; of the others little is asked.
        let mut calls: Vec<SubTask> = Thing::all()
            .map(|thing| ask(&views[0], thing.name()))
            .collect();
        calls.extend(views[1..].iter().map(|view| ask(view, "dog")));
        let remembered = remember_views(&calls, &student, 8, 3).unwrap();
        assert_eq!(remembered.len(), views.len());

        let (mut shown, mut kept) = (0, 0);
        for (view, memory) in views.iter().zip(&remembered).skip(1) {
            assert_eq!(memory.view.digest(), view.view.digest());
            assert_eq!(memory.asked.len(), 9);
            let patches = memory.boxes.len() / 4;
            assert_eq!(memory.logits.len(), patches * 9);
            for (object, _) in &view.objects {
                shown += 1;
                let name = object.thing.name();
                kept += usize::from(memory.asked.iter().any(|text| text == name));
            }
        }
        // By chance it would be 9 of 64.
        assert!(kept * 10 >= shown * 7, "{kept} of {shown} things");
        let again = remember_views(&calls, &student, 8, 3).unwrap();
        assert!(
            again
                .iter()
                .zip(&remembered)
                .all(|(a, b)| a.asked == b.asked)
        );
    }

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
