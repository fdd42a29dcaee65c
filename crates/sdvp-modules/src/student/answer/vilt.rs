//! ViLT, which chooses among answers: what it says to learn from, and behind the [`Module`] trait.

use crate::batch::outcomes_of;
use crate::error::Result;
use crate::student::early::EarlyLayers;
use crate::student::{FrozenModel, ViltModel};
use candle_core::{DType, Tensor};
use rayon::prelude::*;
use sdvp_core::{
    AnswerOutcome, Digest, Hasher, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
};
use sdvp_models::architectures::{Vilt, ViltOutput, ViltStates};
use sdvp_models::layers::softmax;
use sdvp_models::{ModelError, TokenBatch};

impl ViltModel {
    /// One logit per answer to questions about views, one each: `[batch, answers]`.
    ///
    /// # Errors
    /// If a view or question cannot be prepared.
    pub fn logits(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<Tensor, ModelError> {
        match &self.early {
            None => self.by_shape(views, questions, |views, questions| {
                let (tokens, pixels) = self.prepare(views, questions)?;
                self.network.logits(&tokens.ids, &tokens.mask, &pixels)
            }),
            Some(early) => self.by_shape(views, questions, |views, questions| {
                let states = self.early_states(early, views, questions)?;
                self.network.logits_after(&states, early.layers())
            }),
        }
    }

    /// States after the layers that do not learn. They depend on the question, too, so they are kept
    /// for pairs of both; of a question, only its own tokens.
    fn early_states(
        &self,
        early: &EarlyLayers<Vilt>,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<ViltStates, ModelError> {
        let key = |(view, question): (&&View, &&str)| {
            Hasher::new("view and question")
                .part(view.digest().as_bytes())
                .part(question.as_bytes())
                .finish()
        };
        let keys: Vec<Digest> = views.iter().zip(questions).map(key).collect();
        let hidden = self.config.encoder.hidden_size;
        let rows = early.rows(&keys, |network, layers, places| {
            let views: Vec<&View> = places.iter().map(|&place| views[place]).collect();
            let questions: Vec<&str> = places.iter().map(|&place| questions[place]).collect();
            let (tokens, pixels) = self.prepare(&views, &questions)?;
            let states = network.early_states(&tokens.ids, &tokens.mask, &pixels, layers)?;
            let rows = states.tokens.flatten_from(1)?.to_vec2::<f32>()?;
            let own = rows.into_iter().zip(&tokens.last).map(|(mut row, last)| {
                row.drain((*last as usize + 1) * hidden..states.words * hidden);
                row
            });
            Ok(own.collect())
        })?;
        let tokens = self.tokens(questions)?;
        let words = tokens.ids.dim(1)?;
        let (mut filled, mut patches) = (Vec::new(), 0);
        for (mut row, last) in rows.into_iter().zip(&tokens.last) {
            let own = *last as usize + 1;
            patches = (row.len() / hidden).saturating_sub(own);
            let after = row.split_off((own * hidden).min(row.len()));
            row.resize(words * hidden, 0.0);
            filled.extend(row);
            filled.extend(after);
        }
        let shape = (views.len(), words + patches, hidden);
        let seen = Tensor::ones((views.len(), patches), DType::F32, &self.device)?;
        Ok(ViltStates {
            tokens: Tensor::from_vec(filled, shape, &self.device)?,
            seen: Tensor::cat(&[&tokens.mask, &seen], 1)?,
            words,
        })
    }

    /// A row for every view and its question; those of one input shape go through `of` together.
    fn by_shape(
        &self,
        views: &[&View],
        questions: &[&str],
        of: impl Fn(&[&View], &[&str]) -> std::result::Result<Tensor, ModelError>,
    ) -> std::result::Result<Tensor, ModelError> {
        let shapes = self.processor.by_shape(views);
        if shapes.len() <= 1 {
            return of(views, questions);
        }
        let mut parts = Vec::with_capacity(shapes.len());
        let mut rows = vec![0u32; views.len()];
        for (row, &place) in shapes.iter().flatten().enumerate() {
            rows[place] = row as u32;
        }
        for places in &shapes {
            let views: Vec<&View> = places.iter().map(|&place| views[place]).collect();
            let questions: Vec<&str> = places.iter().map(|&place| questions[place]).collect();
            parts.push(of(&views, &questions)?);
        }
        let rows = Tensor::from_vec(rows, views.len(), &self.device)?;
        Ok(Tensor::cat(&parts, 0)?.index_select(&rows, 0)?)
    }

    /// As [`ViltModel::logits`], with the states on the way.
    ///
    /// # Errors
    /// If a view or question cannot be prepared, or inputs differ in shape.
    pub fn forward(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<ViltOutput, ModelError> {
        if let Some(early) = &self.early {
            let states = self.early_states(early, views, questions)?;
            return self.network.forward_after(&states, early.layers());
        }
        let (tokens, pixels) = self.prepare(views, questions)?;
        self.network.forward(&tokens.ids, &tokens.mask, &pixels)
    }

    fn prepare(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<(TokenBatch, Tensor), ModelError> {
        let tokens = self.tokens(questions)?;
        Ok((tokens, self.processor.batch(views, &self.device)?))
    }

    fn tokens(&self, questions: &[&str]) -> std::result::Result<TokenBatch, ModelError> {
        let longest = self.config.max_position_embeddings;
        self.tokenizer.batch(questions, longest, &self.device)
    }

    /// The output index of an answer.
    pub fn answer_index(&self, answer: &str) -> Option<usize> {
        self.config.answers.iter().position(|known| known == answer)
    }
}

/// Answers with a frozen [`ViltModel`].
pub struct AnswerStudent {
    model: ViltModel,
    fingerprint: Digest,
}

/// Questions that go through the network together: few enough that what is between two layers
/// stays in a core's cache. Batches run in parallel.
const QUESTIONS_AT_ONCE: usize = 6;
/// Alternatives reported with an answer.
const ALTERNATIVES: usize = 5;

impl AnswerStudent {
    /// Freezes a model. It must not be trained while this lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: &ViltModel) -> Result<Self> {
        Ok(Self::of(FrozenModel::of(model)?))
    }

    /// Of a model that is frozen already.
    pub fn of(frozen: FrozenModel<Vilt>) -> Self {
        let FrozenModel { model, fingerprint } = frozen;
        Self { model, fingerprint }
    }

    fn answer(&self, tasks: &[&SubTask]) -> std::result::Result<Vec<Outcome>, ModelError> {
        let views: Vec<&View> = tasks.iter().map(|task| &task.view).collect();
        let questions: Vec<&str> = tasks.iter().map(|task| task.text.as_str()).collect();
        let logits = self.model.logits(&views, &questions)?;
        let probabilities = softmax(&logits)?.to_vec2::<f32>()?;
        Ok(probabilities
            .iter()
            .map(|row| Outcome::Answer(self.read_off(row)))
            .collect())
    }

    fn read_off(&self, probabilities: &[f32]) -> AnswerOutcome {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let top: Vec<(String, f32)> = order
            .into_iter()
            .take(ALTERNATIVES)
            .filter_map(|i| Some((self.model.config.answers.get(i)?.clone(), probabilities[i])))
            .collect();
        let (text, confidence) = top.first().cloned().unwrap_or_default();
        AnswerOutcome {
            text,
            confidence,
            top,
        }
    }
}

impl Module for AnswerStudent {
    fn name(&self) -> &str {
        "vilt student"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Answer]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        batch
            .par_chunks(QUESTIONS_AT_ONCE)
            .flat_map_iter(|tasks| {
                outcomes_of(self, SubTaskKind::Answer, tasks, |tasks| self.answer(tasks))
            })
            .collect()
    }
}
