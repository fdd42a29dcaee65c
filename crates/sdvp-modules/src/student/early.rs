//! What layers that do not learn say of a view, computed once for all steps of a training.

use super::model::StudentModel;
use super::network::{SquareNetwork, StudentNetwork};
use super::state_file::StateFile;
use crate::error::Result;
use candle_core::{Device, Tensor};
use sdvp_core::{Digest, View};
use sdvp_models::ModelError;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where states of layers that do not learn are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlySettings {
    /// Bytes on disk; what does not fit is computed anew each time. 0 keeps nothing.
    pub bytes: u64,
    /// The folder; the system's for temporary files if none is given.
    pub folder: Option<PathBuf>,
}

impl Default for EarlySettings {
    fn default() -> Self {
        Self {
            bytes: 8 << 30,
            folder: None,
        }
    }
}

/// Views that go through the early layers together.
const AT_ONCE: usize = 6;

/// The layers below the first one that learns, and what they said.
pub(crate) struct EarlyLayers<N> {
    /// The network without a graph for gradients.
    network: N,
    /// How many layers.
    layers: usize,
    states: StateFile,
    /// Vectors of texts, where no layer that reads texts learns.
    texts: Option<Mutex<HashMap<String, Arc<[f32]>>>>,
}

/// Of layers that are numbered under a path, how many come before the first that one of the names
/// belongs to; none if a name belongs to what comes before them all.
pub(crate) fn layers_before<'a>(
    learning: impl Iterator<Item = &'a str>,
    path: &str,
    before: &[&str],
    count: usize,
) -> usize {
    let first = learning.filter_map(|name| match name.strip_prefix(path) {
        Some(rest) => rest.split('.').next()?.parse().ok(),
        None => before.iter().any(|it| name.starts_with(it)).then_some(0),
    });
    first.min().unwrap_or(count).min(count)
}

impl<N: SquareNetwork> StudentModel<N> {
    /// What the layers that do not learn say of views, `[views, tokens, hidden]`, and how many layers
    /// those are: 0 where all may learn. `of` is given the network, pixels and that number.
    ///
    /// # Errors
    /// If a view cannot be prepared, or the network fails.
    pub(super) fn early_views(
        &self,
        views: &[&View],
        of: impl Fn(&N, &Tensor, usize) -> std::result::Result<Tensor, ModelError>,
    ) -> std::result::Result<(Tensor, usize), ModelError> {
        let Some(early) = &self.early else {
            let pixels = self.processor.batch(views, &self.device)?;
            return Ok((of(&self.network, &pixels, 0)?, 0));
        };
        let digests: Vec<Digest> = views.iter().map(|view| view.digest()).collect();
        let rows = early.rows(&digests, |network, layers, places| {
            let views: Vec<&View> = places.iter().map(|&place| views[place]).collect();
            let states = of(
                network,
                &self.processor.batch(&views, &self.device)?,
                layers,
            )?;
            Ok(states.flatten_from(1)?.to_vec2::<f32>()?)
        })?;
        let states = stacked(&rows, N::pass_sizes(&self.config).hidden, &self.device)?;
        Ok((states, early.layers))
    }
}

impl<N: StudentNetwork> StudentModel<N> {
    /// From now on, the layers below the first one that learns leave no graph for gradients, and what
    /// they say is kept; does nothing where the first one learns. Ends with
    /// [`StudentModel::forget_early`]; what learns must not change in between.
    ///
    /// # Errors
    /// If the copy does not fit in memory, or no file can be made.
    pub fn keep_early(&mut self, settings: &EarlySettings) -> Result<()> {
        let learning: Vec<String> = self.params.trainable().into_iter().map(|it| it.0).collect();
        let names = || learning.iter().map(String::as_str);
        let layers = N::untouched_layers(&self.config, &mut names());
        if layers == 0 {
            return Ok(());
        }
        let folder = settings.folder.clone().unwrap_or_else(std::env::temp_dir);
        let read = names().any(N::reads);
        self.early = Some(EarlyLayers {
            network: self.frozen_network()?,
            layers,
            states: StateFile::new(&folder, settings.bytes)?,
            texts: (!read).then(Mutex::default),
        });
        Ok(())
    }

    /// Vectors of texts `[texts, width]` as `of` computes them: those known from before, where the
    /// layers that read texts do not learn.
    ///
    /// # Errors
    /// If the network fails.
    pub(super) fn read_texts(
        &self,
        texts: &[&str],
        of: impl Fn(&N, &[&str]) -> std::result::Result<Tensor, ModelError>,
    ) -> std::result::Result<Tensor, ModelError> {
        let known = self.early.as_ref();
        match known.and_then(|early| early.text_vectors(texts, &self.device, &of)) {
            Some(vectors) => vectors,
            None => of(&self.network, texts),
        }
    }

    /// Frees what [`StudentModel::keep_early`] kept.
    pub fn forget_early(&mut self) {
        self.early = None;
    }

    /// How many layers are not gone through again.
    pub fn early_layers(&self) -> usize {
        self.early.as_ref().map_or(0, |early| early.layers)
    }
}

impl<N> EarlyLayers<N> {
    pub(crate) fn layers(&self) -> usize {
        self.layers
    }

    /// A row of states for every key, from disk or computed now: `compute` is given the network, the
    /// number of layers and places of `keys`, a few at a time.
    pub(crate) fn rows(
        &self,
        keys: &[Digest],
        compute: impl Fn(&N, usize, &[usize]) -> std::result::Result<Vec<Vec<f32>>, ModelError>,
    ) -> std::result::Result<Vec<Vec<f32>>, ModelError> {
        let mut rows: HashMap<Digest, Vec<f32>> = HashMap::new();
        let mut missing = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            if rows.contains_key(key) {
                continue;
            }
            let row = self.states.get(key)?;
            if row.is_none() {
                missing.push(place);
            }
            rows.insert(*key, row.unwrap_or_default());
        }
        for places in missing.chunks(AT_ONCE) {
            let computed = compute(&self.network, self.layers, places)?;
            for (&place, row) in places.iter().zip(computed) {
                self.states.put(keys[place], &row)?;
                rows.insert(keys[place], row);
            }
        }
        let row = |key| rows.get(key).cloned().unwrap_or_default();
        Ok(keys.iter().map(row).collect())
    }

    /// Vectors of texts `[texts, width]`, if the layers that read them do not learn.
    fn text_vectors(
        &self,
        texts: &[&str],
        device: &Device,
        compute: impl Fn(&N, &[&str]) -> std::result::Result<Tensor, ModelError>,
    ) -> Option<std::result::Result<Tensor, ModelError>> {
        let known = self.texts.as_ref()?;
        let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
        let vectors = || {
            let mut missing: Vec<&str> = {
                let known = known();
                let new = |text: &&&str| !known.contains_key(**text);
                texts.iter().filter(new).copied().collect()
            };
            missing.sort_unstable();
            missing.dedup();
            if !missing.is_empty() {
                let vectors = compute(&self.network, &missing)?.to_vec2::<f32>()?;
                let vectors = vectors.into_iter().map(Arc::from);
                known().extend(missing.into_iter().map(str::to_owned).zip(vectors));
            }
            let known = known();
            let rows: Vec<f32> = texts
                .iter()
                .filter_map(|text| known.get(*text))
                .flat_map(|row| row.iter().copied())
                .collect();
            let width = rows.len() / texts.len().max(1);
            Ok(Tensor::from_vec(rows, (texts.len(), width), device)?)
        };
        Some(vectors())
    }
}

/// Rows of one length as a tensor `[rows, tokens, hidden]`.
fn stacked(
    rows: &[Vec<f32>],
    hidden: usize,
    device: &Device,
) -> std::result::Result<Tensor, ModelError> {
    let length = rows.first().map_or(0, Vec::len);
    let shape = (rows.len(), length / hidden.max(1), hidden);
    Ok(Tensor::from_vec(rows.concat(), shape, device)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::student::WritingModel;
    use crate::{ModelSource, Student};
    use sdvp_core::Image;
    use sdvp_models::LoraConfig;
    use sdvp_models::architectures::{BlipAnswer, BlipMatch, Clip, OwlVit, Qwen3Vl, Vilt};

    #[test]
    fn layers_below_the_first_that_learns() {
        let of = |names: &[&str]| layers_before(names.iter().copied(), "v.layers.", &["v.e."], 12);
        assert_eq!(of(&["v.layers.10.q", "v.layers.3.k", "head.w"]), 3);
        assert_eq!(of(&["v.layers.10.q", "v.e.patch"]), 0);
        assert_eq!(of(&["head.w"]), 12);
    }

    fn views() -> Vec<View> {
        let view = |shade: u8| {
            let pixel = |x: u32, y: u32| image::Rgb([shade, (x * 7) as u8, (y * 5) as u8]);
            Image::new(image::RgbImage::from_fn(40, 32, pixel))
                .unwrap()
                .view()
        };
        [3, 90, 200, 90].map(view).to_vec()
    }

    /// A copy with adapters in the last layer of what sees; with room for its states, or without a
    /// thought of them.
    fn copy<N: StudentNetwork>(
        model: &StudentModel<N>,
        layer: &str,
        bytes: Option<u64>,
    ) -> StudentModel<N> {
        let lora = LoraConfig {
            rank: 2,
            alpha: 4.0,
            dropout: 0.0,
            patterns: vec![layer.to_owned()],
        };
        let mut model = model.duplicate(Some((lora, 7))).unwrap();
        model.params.set_trainable(|name| name.contains(".lora_"));
        if let Some(bytes) = bytes {
            let settings = EarlySettings {
                bytes,
                ..EarlySettings::default()
            };
            model.keep_early(&settings).unwrap();
        }
        model
    }

    fn same(one: &Tensor, other: &Tensor) {
        assert_eq!(one.dims(), other.dims());
        let far = (one - other).unwrap().abs().unwrap().max_all().unwrap();
        let far = far.to_scalar::<f32>().unwrap();
        assert!(far < 2e-5, "{far}");
    }

    /// What a model says, and its gradients, with the whole graph, with nothing kept, with room for a single view, with all
    /// kept, and once more from what was kept.
    fn agree<N: StudentNetwork>(
        model: &StudentModel<N>,
        layer: &str,
        say: impl Fn(&StudentModel<N>) -> Tensor,
    ) {
        let plain = copy(model, layer, None);
        assert_eq!(plain.early_layers(), 0);
        let expected = say(&plain);
        let gradients = expected
            .sqr()
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap();
        for bytes in [0, 40_000, 1 << 30] {
            let kept = copy(model, layer, Some(bytes));
            assert!(kept.early_layers() > 0);
            for _ in 0..2 {
                let said = say(&kept);
                same(&said, &expected);
                let found = said.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                let mut checked = 0;
                for ((name, one), (_, other)) in
                    kept.params.trainable().iter().zip(plain.params.trainable())
                {
                    // Untrained adapters write nothing yet, so nothing is asked of what they read.
                    if name.contains("lora_B") {
                        same(found.get(one).unwrap(), gradients.get(&other).unwrap());
                        checked += 1;
                    }
                }
                assert!(checked >= 4, "{checked}");
            }
        }
    }

    #[test]
    fn kept_states_change_neither_what_is_said_nor_what_is_learned() {
        let student = Student::builtin().unwrap();
        let views = views();
        let views: Vec<&View> = views.iter().collect();
        let config = &student.locate.config.vision_config.encoder;
        let last = |path: &str, layers: usize| format!("{path}{}.", layers - 1);
        let layer = last("vision_model.encoder.layers.", config.num_hidden_layers);
        agree::<OwlVit>(&student.locate, &layer, |model| {
            let features = model.image_features(&views).unwrap();
            let queries = model.queries(&["dog", "red car", "dog"]).unwrap();
            model.network.logits(&features, &queries).unwrap()
        });
        let clip = student.matching.clip().unwrap();
        let config = &clip.config.vision_config.encoder;
        let layer = last("vision_model.encoder.layers.", config.num_hidden_layers);
        agree::<Clip>(clip, &layer, |model| {
            let images = model.image_vectors(&views).unwrap();
            let texts = model.text_vectors(&["dog", "red car"]).unwrap();
            model.logits(&images, &texts).unwrap()
        });
        let vilt = student.answer.vilt().unwrap();
        let layer = last("encoder.layer.", vilt.config.encoder.num_hidden_layers);
        let questions = [
            "What is this?",
            "How many dogs are there?",
            "What color is the dog?",
            "Is there a red car?",
        ];
        agree::<Vilt>(vilt, &layer, |model| {
            model.logits(&views, &questions).unwrap()
        });
        agree::<Vilt>(vilt, &layer, |model| {
            let output = model.forward(&views, &questions).unwrap();
            let patches = output.patches_after(usize::MAX).unwrap();
            let patches = patches.mean((1, 2)).unwrap().unsqueeze(1).unwrap();
            Tensor::cat(&[&output.logits, &patches], 1).unwrap()
        });
    }

    #[test]
    fn what_a_qwen_saw_is_kept_too() {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/published/qwen3_vl"
        );
        let source = ModelSource::Folder(PathBuf::from(folder));
        let model = StudentModel::<Qwen3Vl>::load(&source, None).unwrap();
        let views = views();
        let views: Vec<&View> = views.iter().collect();
        let questions = ["what is this", "is it a dog", "Is it red?", "what is it"];
        let answers: [(usize, &[u32]); 3] = [(0, &[5, 7, 2]), (3, &[2]), (0, &[6, 2])];
        agree::<Qwen3Vl>(&model, "model.language_model.", |model| {
            model.word_logits(&views, &questions, &answers).unwrap()
        });
    }

    #[test]
    fn what_a_blip_saw_is_kept_too() {
        let published = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/published/");
            ModelSource::Folder(PathBuf::from(folder).join(name))
        };
        let views = views();
        let views: Vec<&View> = views.iter().collect();
        let model = StudentModel::<BlipAnswer>::load(&published("blip_answer"), None).unwrap();
        let layers = model.config.vision_config.encoder.num_hidden_layers;
        let questions = ["what is this", "is it a dog", "is it red", "what is it"];
        let answers: [(usize, &[u32]); 3] = [(0, &[5, 7, 2]), (3, &[2]), (0, &[6, 2])];
        // Whether the last layer learns, or only what reads.
        for layer in [
            format!("vision_model.encoder.layers.{}.", layers - 1),
            "text_".to_owned(),
        ] {
            agree::<BlipAnswer>(&model, &layer, |model| {
                model.word_logits(&views, &questions, &answers).unwrap()
            });
        }
        let model = StudentModel::<BlipMatch>::load(&published("blip_match"), None).unwrap();
        let pairs = [(0, 0), (1, 1), (0, 1), (2, 0), (3, 1)];
        agree::<BlipMatch>(&model, "text_encoder.", |model| {
            model
                .pair_logits(&views, &["dog", "red cat"], &pairs)
                .unwrap()
        });
    }
}
