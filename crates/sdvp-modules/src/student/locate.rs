//! The locate student: OWL-ViT behind the [`Module`] trait.

use super::memory::Memory;
use super::{FrozenModel, LocateModel};
use crate::error::{Result, SetupError};
use candle_core::Tensor;
use sdvp_core::{
    BBox, Detection, Digest, Module, ModuleError, Outcome, SubTask, SubTaskKind, View,
    non_maximum_suppression,
};
use sdvp_models::architectures::{ImageFeatures, OwlVit, OwlVitConfig};
use sdvp_models::{Fit, ModelError, TokenBatch};
use std::collections::HashMap;
use std::sync::Arc;

impl LocateModel {
    /// Unit query vectors `[texts, projection]`.
    ///
    /// # Errors
    /// If a text cannot be tokenized.
    pub fn queries(&self, texts: &[&str]) -> std::result::Result<Tensor, ModelError> {
        self.read_texts(texts, |network, texts| {
            let tokens = self.tokens(texts)?;
            network.text_queries(&tokens.ids, &tokens.last)
        })
    }

    /// Features of views.
    ///
    /// # Errors
    /// If a view cannot be prepared.
    pub fn image_features(
        &self,
        views: &[&View],
    ) -> std::result::Result<ImageFeatures, ModelError> {
        let (states, layers) = self.early_views(views, OwlVit::early_states)?;
        self.network.features_after(&states, layers)
    }

    fn tokens(&self, texts: &[&str]) -> std::result::Result<TokenBatch, ModelError> {
        let longest = self.config.text_config.max_position_embeddings;
        self.tokenizer.batch(texts, longest, &self.device)
    }
}

/// Features of one view, as plain numbers, patch by patch.
struct ViewFeatures {
    class_embeddings: Vec<f32>,
    shift: Vec<f32>,
    scale: Vec<f32>,
    boxes: Vec<f32>,
}

/// A name's vector.
type Query = Arc<[f32]>;

/// Locates with a frozen [`LocateModel`]. Features of an image are computed once, however many
/// names are looked for in it, and so are the vectors of names.
pub struct LocateStudent {
    model: LocateModel,
    fingerprint: Digest,
    features: Memory<Digest, Arc<ViewFeatures>>,
    queries: Memory<String, Query>,
}

/// Boxes less likely than this are not worth reporting.
const SCORE_FLOOR: f32 = 0.01;
/// Views whose features are kept (about 20 KiB each for the small configuration).
const KEPT_VIEWS: usize = 4096;
/// What they may take: an OWL-ViT-B/32 has 1.2 MB to say of a view, an OWLv2 or a large one up to 11.
const KEPT_BYTES: usize = 1 << 30;
/// Names whose vectors are kept.
const KEPT_QUERIES: usize = 8192;
/// Views that go through the image tower together: few enough that what is between two layers stays
/// in a core's cache. Batches run in parallel.
const IMAGES_AT_ONCE: usize = 6;
/// Names that go through the text tower together.
const TEXTS_AT_ONCE: usize = 64;

impl LocateStudent {
    /// Freezes a model. It must not be trained while this lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: &LocateModel) -> Result<Self> {
        Self::with_memory(model, KEPT_VIEWS, KEPT_QUERIES)
    }

    /// Of a model that is frozen already.
    ///
    /// # Errors
    /// If it looks at a part of pictures only.
    pub fn of(model: FrozenModel<OwlVit>) -> Result<Self> {
        Self::remembering(model, KEPT_VIEWS, KEPT_QUERIES)
    }

    /// As [`LocateStudent::new`], keeping from call to call the features of at most `views` views
    /// and the vectors of at most `queries` names; 0 for none.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn with_memory(model: &LocateModel, views: usize, queries: usize) -> Result<Self> {
        Self::remembering(FrozenModel::of(model)?, views, queries)
    }

    fn remembering(frozen: FrozenModel<OwlVit>, views: usize, queries: usize) -> Result<Self> {
        let FrozenModel { model, fingerprint } = frozen;
        if !matches!(model.processor.fit, Fit::Stretch | Fit::Square) {
            return Err(SetupError::Config {
                model: "that finds".to_owned(),
                file: super::PROCESSOR.to_owned(),
                reason: "expected pictures to be stretched, found them to be cut".to_owned(),
            });
        }
        Ok(Self {
            model,
            fingerprint,
            features: Memory::within(views, KEPT_BYTES, |features| features.bytes()),
            queries: Memory::new(queries),
        })
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> ModuleError {
        ModuleError::Failed {
            module: self.name().to_owned(),
            reason: error.to_string(),
        }
    }

    /// Features of the given views, from memory or computed now.
    fn view_features(
        &self,
        views: &HashMap<Digest, &View>,
    ) -> std::result::Result<HashMap<Digest, Arc<ViewFeatures>>, ModelError> {
        let digests = views.keys().copied();
        self.features
            .get_or_compute(digests, IMAGES_AT_ONCE, |digests| {
                let pixels: Vec<&View> = digests.iter().map(|digest| views[digest]).collect();
                let pixels = self.model.processor.batch(&pixels, &self.model.device)?;
                let features = self.model.network.image_features(&pixels)?;
                ViewFeatures::of_each(&features)
            })
    }

    /// Vectors of the given names, from memory or computed now.
    fn query_vectors(
        &self,
        texts: impl Iterator<Item = String>,
    ) -> std::result::Result<HashMap<String, Query>, ModelError> {
        self.queries.get_or_compute(texts, TEXTS_AT_ONCE, |texts| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let tokens = self.model.tokens(&texts)?;
            let vectors = self.model.network.text_queries(&tokens.ids, &tokens.last)?;
            let vectors = vectors.to_vec2::<f32>()?;
            Ok(vectors.into_iter().map(Query::from).collect())
        })
    }
}

/// Boxes for a name in a view whose input has the given width and height in the view's pixels, surest
/// first.
fn detections(
    features: &ViewFeatures,
    query: &[f32],
    config: &OwlVitConfig,
    (width, height): (f32, f32),
) -> Vec<Detection> {
    let patches = features.class_embeddings.chunks_exact(query.len().max(1));
    let claims = features.shift.iter().zip(&features.scale);
    let mut found: Vec<Detection> = patches
        .zip(claims)
        .zip(features.boxes.as_chunks::<4>().0)
        .map(|((embedding, (shift, scale)), &[x, y, w, h])| {
            let cosine: f32 = embedding.iter().zip(query).map(|(a, b)| a * b).sum();
            let logit = (cosine + shift) * scale;
            Detection {
                bbox: BBox::from_center(x, y, w, h).scaled(width, height),
                score: config.believed.score_of(1.0 / (1.0 + (-logit).exp())),
            }
        })
        .filter(|found| found.score >= SCORE_FLOOR)
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let Some(same) = config.same_object_iou else {
        return found;
    };
    let boxes: Vec<BBox> = found.iter().map(|found| found.bbox).collect();
    non_maximum_suppression(&boxes, same)
        .into_iter()
        .map(|kept| found[kept])
        .collect()
}

impl ViewFeatures {
    fn bytes(&self) -> usize {
        let parts = [
            &self.class_embeddings,
            &self.shift,
            &self.scale,
            &self.boxes,
        ];
        parts.iter().map(|part| size_of_val(part.as_slice())).sum()
    }

    /// Every image of a batch by itself, so that the batch can be freed.
    fn of_each(batch: &ImageFeatures) -> std::result::Result<Vec<Arc<Self>>, ModelError> {
        let rows = |tensor: &Tensor| -> std::result::Result<Vec<Vec<f32>>, ModelError> {
            Ok(tensor.flatten_from(1)?.to_vec2::<f32>()?)
        };
        let claims = rows(&batch.shift)?.into_iter().zip(rows(&batch.scale)?);
        Ok(rows(&batch.class_embeddings)?
            .into_iter()
            .zip(claims)
            .zip(rows(&batch.boxes)?)
            .map(|((class_embeddings, (shift, scale)), boxes)| {
                Arc::new(Self {
                    class_embeddings,
                    shift,
                    scale,
                    boxes,
                })
            })
            .collect())
    }
}

impl Module for LocateStudent {
    fn name(&self) -> &str {
        "owlvit student"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Locate]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        let digests: Vec<Digest> = batch.iter().map(|task| task.view.digest()).collect();
        let views = digests
            .iter()
            .copied()
            .zip(batch.iter().map(|task| &task.view))
            .collect();
        let prepared = self.view_features(&views).and_then(|features| {
            let texts = batch.iter().map(|task| task.text.clone());
            Ok((features, self.query_vectors(texts)?))
        });
        let (features, queries) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let error = self.failed(&error);
                return batch.iter().map(|_| Err(error.clone())).collect();
            }
        };
        let config = &self.model.config;
        let answer = |(task, digest): (&SubTask, &Digest)| {
            if task.kind != SubTaskKind::Locate {
                return Err(ModuleError::WrongKind {
                    module: self.name().to_owned(),
                    kind: task.kind,
                });
            }
            let (Some(features), Some(query)) = (features.get(digest), queries.get(&task.text))
            else {
                return Err(self.failed(&"nothing was computed for the view or the name"));
            };
            let extent = self.model.processor.extent(&task.view);
            Ok(Outcome::Boxes(detections(features, query, config, extent)))
        };
        batch.iter().zip(&digests).map(answer).collect()
    }
}
