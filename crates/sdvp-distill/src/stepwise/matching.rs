//! The step beside answering.

use super::{Counts, Course, lora, need};
use crate::checkpoint::StepName;
use crate::error::Result;
use crate::label::label_matches;
use crate::settings::StepSettings;
use crate::train::{train_match, train_reading};
use sdvp_core::SubTaskKind;
use sdvp_modules::MatchModel;
use std::sync::Arc;

impl Course<'_> {
    /// Nothing is learned where no program asks how well a text fits.
    pub(super) fn teach_to_match(&mut self, round: usize, settings: &StepSettings) -> Result<()> {
        let kind = SubTaskKind::Match;
        let step = StepName { round, kind };
        if settings.steps == 0 || self.is_finished(&step)? {
            return Ok(());
        }
        let calls = self.calls()?;
        let calls = calls.of(kind);
        if calls.is_empty() {
            return Ok(());
        }
        let labelled = label_matches(calls, self.lesson.matching, self.settings);
        let counts = Counts::of(calls, &labelled);
        let examples = labelled.examples;
        need(kind, &counts)?;
        let (mut learner, settings) = self.learner(settings)?;
        let settings = &settings.for_calls(examples.len());
        let rehearsed = self.rehearsed();
        let memory = rehearsed.matches();
        let adapters = lora(settings, self.settings.seed);
        self.begin("learning to match", settings.steps);
        let kept = self.kept(&step)?;
        let training = self.training(settings, kept.as_ref());
        let (model, curve) = match &learner.matching {
            MatchModel::Clip(model) => {
                let mut model = model.duplicate(adapters)?;
                let curve = train_match(&mut model, &examples, &memory, &training)?;
                (MatchModel::Clip(Arc::new(model)), curve)
            }
            MatchModel::Blip(model) => {
                let mut model = model.duplicate(adapters)?;
                let curve = train_reading(&mut model, &examples, &memory, &training)?;
                (MatchModel::Blip(Arc::new(model)), curve)
            }
        };
        learner.matching = model;
        self.record(&step, settings, counts, memory.len(), curve, learner)
    }
}
