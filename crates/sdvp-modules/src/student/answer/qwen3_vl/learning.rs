//! What a Qwen3-VL says to learn from.

use super::conversation::{END, LONGEST_QUESTION, Words};
use crate::published::Prompting;
use crate::student::answer::each_its_own;
use crate::student::{Qwen3VlModel, WritingModel};
use candle_core::Tensor;
use sdvp_core::{Digest, View};
use sdvp_models::ModelError;
use sdvp_models::architectures::{PictureStates, Qwen3Vl, Reading};
use std::collections::{BTreeMap, HashMap};

impl Qwen3VlModel {
    /// States of views, each once; those known from before, where the image encoder does not learn.
    fn pictures(
        &self,
        views: &[&View],
    ) -> std::result::Result<HashMap<Digest, PictureStates>, ModelError> {
        let most = Prompting::default().most_pixels;
        let processor = self.processor.clone().with_at_most(most)?;
        let distinct: BTreeMap<Digest, &View> = views.iter().map(|v| (v.digest(), *v)).collect();
        let look = |network: &Qwen3Vl, view: &View| {
            let (patches, grid) = processor.process(view, &self.device)?;
            network.picture_states(&patches, grid)
        };
        let Some(early) = &self.early else {
            let looked = distinct.into_iter();
            let looked = looked.map(|(digest, view)| Ok((digest, look(&self.network, view)?)));
            return looked.collect();
        };
        let digests: Vec<Digest> = distinct.keys().copied().collect();
        let views: Vec<&View> = distinct.into_values().collect();
        let rows = early.rows(&digests, |network, _, places| {
            let looked = places
                .iter()
                .map(|&place| look(network, views[place])?.to_row());
            looked.collect()
        })?;
        let known = digests.into_iter().zip(views).zip(rows);
        let known = known.map(|((digest, view), row)| {
            let picture = self.network.picture_of_row(row, processor.grid(view)?)?;
            Ok((digest, picture))
        });
        known.collect()
    }

    /// What was read of every question about its view, with the states of its last token, `[1, hidden]`.
    fn read(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<Vec<(Reading, Tensor)>, ModelError> {
        let words = Words::of(&self.tokenizer)?;
        let instruction = Prompting::default().instruction;
        let pictures = self.pictures(views)?.into_iter();
        let begun = pictures.map(|(digest, picture)| {
            let begun = words.begin(&self.network, &picture)?;
            Ok((digest, begun))
        });
        let begun = begun.collect::<std::result::Result<HashMap<_, _>, ModelError>>()?;
        let read = views.iter().zip(questions).map(|(view, question)| {
            let asked = words.asked(&self.tokenizer, question, &instruction)?;
            let asked = asked.map_err(|found| {
                ModelError::Config(format!(
                    "expected a question of at most {LONGEST_QUESTION} tokens, found {found}"
                ))
            })?;
            let seen = begun.get(&view.digest());
            let mut reading = seen.cloned().unwrap_or_else(|| self.network.begin());
            let states = self.network.read(&mut reading, &asked)?;
            let last = states.narrow(0, states.dim(0)? - 1, 1)?;
            Ok((reading, last))
        });
        read.collect()
    }

    /// [`WritingModel::word_logits`] of questions that were read.
    fn logits_at(
        &self,
        read: &[(Reading, Tensor)],
        answers: &[(usize, &[u32])],
    ) -> std::result::Result<Tensor, ModelError> {
        let mut states = Vec::with_capacity(answers.len());
        for (place, words) in answers {
            let (reading, last) = read.get(*place).ok_or_else(|| {
                ModelError::Config(format!("no question {place} is among those that are asked"))
            })?;
            states.push(last.clone());
            if let Some((_, before)) = words.split_last()
                && !before.is_empty()
            {
                states.push(self.network.read(&mut reading.clone(), before)?);
            }
        }
        self.network.logits(&Tensor::cat(&states, 0)?)
    }
}

impl WritingModel for Qwen3VlModel {
    fn can_read(&self, view: &View, question: &str) -> bool {
        let instruction = Prompting::default().instruction;
        let words = Words::of(&self.tokenizer);
        let asked = words.and_then(|words| words.asked(&self.tokenizer, question, &instruction));
        self.processor.grid(view).is_ok() && asked.is_ok_and(|asked| asked.is_ok())
    }

    fn spell(&self, answer: &str) -> std::result::Result<Option<Vec<u32>>, ModelError> {
        let mut words = self.tokenizer.spell(answer)?;
        words.push(self.tokenizer.id(END)?);
        let longest = Prompting::default().longest_answer;
        Ok((words.len() > 1 && words.len() <= longest).then_some(words))
    }

    fn word_logits(
        &self,
        views: &[&View],
        questions: &[&str],
        answers: &[(usize, &[u32])],
    ) -> std::result::Result<Tensor, ModelError> {
        self.logits_at(&self.read(views, questions)?, answers)
    }

    fn written(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<(Vec<Vec<u32>>, Tensor), ModelError> {
        let words = Words::of(&self.tokenizer)?;
        let longest = Prompting::default().longest_answer;
        let read = self.read(views, questions)?;
        let whole = read.iter().map(|(reading, last)| {
            let written = self
                .network
                .write(reading.clone(), last, &words.ends, longest)?;
            let mut said = written.words;
            // One that was cut off has no end.
            if said.len() < longest {
                said.push(words.end);
            }
            Ok(said)
        });
        let whole = whole.collect::<std::result::Result<Vec<Vec<u32>>, ModelError>>()?;
        let logits = self.logits_at(&read, &each_its_own(&whole))?;
        Ok((whole, logits))
    }
}
