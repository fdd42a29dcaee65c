//! BLIP, which reads texts beside the pictures that they are compared with: what it says to learn from,
//! and behind the [`Module`] trait.

use crate::batch::outcomes_of;
use crate::error::Result;
use crate::source::ModelSource;
use crate::student::BlipMatchModel;
use crate::student::blip::{Blip, KEPT_PICTURES};
use candle_core::{DType, Device, IndexOp, Tensor};
use sdvp_core::{Digest, Module, ModuleError, Outcome, SubTask, SubTaskKind, View};
use sdvp_models::ModelError;
use sdvp_models::architectures::BlipMatch;
use sdvp_models::layers::softmax;
use std::collections::BTreeMap;

impl BlipMatchModel {
    /// Logits that texts fit views, `[pairs]`: above 0 the text fits. `pairs` are places of views and of
    /// texts.
    ///
    /// # Errors
    /// If a view or text cannot be prepared, or there is none at a place.
    pub fn pair_logits(
        &self,
        views: &[&View],
        texts: &[&str],
        pairs: &[(u32, u32)],
    ) -> std::result::Result<Tensor, ModelError> {
        let (states, layers) = self.early_views(views, BlipMatch::early_states)?;
        let seen = self.network.image_states_after(&states, layers)?;
        let longest = self.config.text_config.max_position_embeddings;
        let tokens = self.tokenizer.batch(texts, longest, &self.device)?;
        let rows = |rows: Vec<u32>| Tensor::new(rows, &self.device);
        // Views of which as much is asked are read together: what there is to see is looked at once for
        // all texts about a view.
        let mut of_view: Vec<Vec<usize>> = vec![Vec::new(); views.len()];
        for (place, (view, _)) in pairs.iter().enumerate() {
            let of_view = of_view.get_mut(*view as usize).ok_or_else(|| {
                ModelError::Config(format!(
                    "expected one of {} views, found {view}",
                    views.len()
                ))
            })?;
            of_view.push(place);
        }
        let mut batches: BTreeMap<usize, (Vec<u32>, Vec<usize>)> = BTreeMap::new();
        for (view, places) in (0u32..)
            .zip(of_view)
            .filter(|(_, places)| !places.is_empty())
        {
            let (views, all) = batches.entry(places.len()).or_default();
            views.push(view);
            all.extend(places);
        }
        let (mut parts, mut order) = (Vec::new(), vec![0u32; pairs.len()]);
        let mut row = 0;
        for (views, places) in batches.into_values() {
            let texts = rows(places.iter().map(|&place| pairs[place].1).collect())?;
            parts.push(self.network.logits(
                &seen.index_select(&rows(views)?, 0)?,
                &tokens.ids.index_select(&texts, 0)?,
                &tokens.mask.index_select(&texts, 0)?,
            )?);
            for place in places {
                order[place] = row;
                row += 1;
            }
        }
        let logits = match parts.as_slice() {
            [] => return Ok(Tensor::zeros(0, DType::F32, &self.device)?),
            parts => Tensor::cat(parts, 0)?.index_select(&rows(order)?, 0)?,
        };
        // That it belongs, against that it does not.
        Ok((logits.i((.., 1))? - logits.i((.., 0))?)?)
    }
}

/// Says how likely a text belongs to a picture.
pub struct BlipMatcher {
    network: BlipMatch,
    blip: Blip,
}

impl BlipMatcher {
    /// From a checkpoint's files.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    pub fn load(source: &ModelSource, device: &Device) -> Result<Self> {
        let (network, blip) = Blip::load(source, device, "blip matches", BlipMatch::new)?;
        Ok(Self { network, blip })
    }

    /// Freezes a model. It must not be trained while this lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: &BlipMatchModel) -> Result<Self> {
        Self::with_memory(model, KEPT_PICTURES)
    }

    /// As [`BlipMatcher::new`], keeping from call to call what was seen in at most `kept` views.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn with_memory(model: &BlipMatchModel, kept: usize) -> Result<Self> {
        let (network, blip) = Blip::of(model, kept)?;
        Ok(Self { network, blip })
    }

    fn scores(&self, tasks: &[&SubTask]) -> std::result::Result<Vec<Outcome>, ModelError> {
        let images = self
            .blip
            .image_states(tasks, |pixels| self.network.image_states(pixels))?;
        self.blip.beside_views(tasks, &images, |images, ids, mask| {
            let logits = self.network.logits(images, ids, mask)?;
            let probabilities = softmax(&logits)?.to_vec2::<f32>()?;
            // The second is that it belongs.
            let belongs = |row: &Vec<f32>| Outcome::Score(row.get(1).copied().unwrap_or(0.0));
            Ok(probabilities.iter().map(belongs).collect())
        })
    }
}

impl Module for BlipMatcher {
    fn name(&self) -> &str {
        "blip itm"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Match]
    }

    fn fingerprint(&self) -> Digest {
        self.blip.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        outcomes_of(self, SubTaskKind::Match, batch, |tasks| self.scores(tasks))
    }
}
