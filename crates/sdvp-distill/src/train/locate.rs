//! The first step: teaching a student to find.

use super::texts::TextList;
use super::{Losses, Training, TrainingCurve, learn_and_rehearse};
use crate::error::Result;
use crate::examples::{LocateExample, RememberedView};
use crate::loss::{
    DetectionTargets, ImageTargets, ObjectTarget, detection_divergence, detection_loss,
};
use candle_core::{Device, Tensor};
use sdvp_core::{BBox, View};
use sdvp_models::ModelError;
use sdvp_models::architectures::ImageFeatures;
use sdvp_modules::LocateModel;

/// The texts asked of one image. Most texts of a batch are asked of few images, so an image's
/// logits have columns for its own ones only.
struct ImageTexts<'a> {
    list: &'a mut TextList,
    rows: Vec<u32>,
}

impl<'a> ImageTexts<'a> {
    fn new(list: &'a mut TextList) -> Self {
        let rows = Vec::new();
        Self { list, rows }
    }

    /// The column of a text, new if need be.
    fn column(&mut self, text: &str) -> usize {
        let row = self.list.row(text);
        let known = self.rows.iter().position(|&known| known == row);
        known.unwrap_or_else(|| {
            self.rows.push(row);
            self.rows.len() - 1
        })
    }
}

/// The texts of every image, `[images, most]`; shorter lists are filled up with the first text.
fn side_by_side(images: &[Vec<u32>], device: &Device) -> candle_core::Result<Tensor> {
    let most = images.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows = Vec::with_capacity(images.len() * most);
    for own in images {
        rows.extend_from_slice(own);
        rows.resize(rows.len() + most - own.len(), 0);
    }
    Tensor::from_vec(rows, (images.len(), most), device)
}

/// An example's targets, in parts of the input's sides, and its texts.
fn object_targets(
    model: &LocateModel,
    example: &LocateExample,
    texts: &mut TextList,
) -> (ImageTargets, Vec<u32>) {
    let mut texts = ImageTexts::new(texts);
    let (wide, high) = model.processor.extent(&example.view);
    let (width, height) = (example.view.width() as f32, example.view.height() as f32);
    let in_input = |bbox: &BBox| bbox.scaled(width / wide, height / high);
    let targets = ImageTargets {
        objects: example
            .objects
            .iter()
            .map(|(bbox, names)| ObjectTarget {
                bbox: in_input(bbox),
                queries: names.iter().map(|name| texts.column(name)).collect(),
            })
            .collect(),
        asked: example
            .asked
            .iter()
            .map(|text| texts.column(text))
            .collect(),
        ignored: example
            .unsure
            .iter()
            .map(|(text, bbox)| (texts.column(text), in_input(bbox)))
            .collect(),
    };
    (targets, texts.rows)
}

/// Teaches `model` the examples while it rehearses what it remembers: `L = L_labels + λ · L_rehearsal`.
///
/// # Errors
/// If the network fails or its gradients are not finite.
pub fn train_locate(
    model: &mut LocateModel,
    examples: &[LocateExample],
    memory: &[&RememberedView],
    training: &Training<'_>,
) -> Result<TrainingCurve> {
    learn_and_rehearse(model, None, examples, memory, training, locate_losses)
}

/// Both losses of one batch, from one forward pass.
pub(crate) fn locate_losses(
    model: &LocateModel,
    labelled: &[&LocateExample],
    remembered: &[&RememberedView],
) -> Losses {
    let mut texts = TextList::default();
    let (images, mut asked): (Vec<ImageTargets>, Vec<Vec<u32>>) = labelled
        .iter()
        .map(|example| object_targets(model, example, &mut texts))
        .unzip();
    asked.extend(
        remembered
            .iter()
            .map(|view| -> Vec<u32> { view.asked.iter().map(|text| texts.row(text)).collect() }),
    );
    let views: Vec<&View> = labelled
        .iter()
        .map(|e| &e.view)
        .chain(remembered.iter().map(|r| &r.view))
        .collect();
    let features = model.image_features(&views)?;
    let queries = model.queries(&texts.texts())?;
    let asked = side_by_side(&asked, &model.device)?;
    let logits = model.network.logits_of_each(&features, &queries, &asked)?;
    let count = labelled.len();
    let loss = detection_loss(
        &logits.narrow(0, 0, count)?,
        &features.boxes.narrow(0, 0, count)?,
        &DetectionTargets { images },
    )?
    .total;
    if remembered.is_empty() {
        return Ok((loss, None));
    }
    let divergence = rehearsal_loss(&logits, &features, remembered, count)?;
    Ok((loss, Some(divergence)))
}

fn rehearsal_loss(
    logits: &Tensor,
    features: &ImageFeatures,
    remembered: &[&RememberedView],
    skipped: usize,
) -> std::result::Result<Tensor, ModelError> {
    let (_, predictions, texts) = logits.dims3()?;
    let size = predictions * texts;
    let mut before = vec![0f32; remembered.len() * size];
    let mut asked = vec![0f32; remembered.len() * size];
    let mut boxes = Vec::with_capacity(remembered.len() * predictions * 4);
    for (image, view) in remembered.iter().enumerate() {
        let own = view.asked.len();
        for (prediction, row) in view.logits.chunks_exact(own.max(1)).enumerate() {
            let start = image * size + prediction * texts;
            before[start..start + own].copy_from_slice(row);
            asked[start..start + own].fill(1.0);
        }
        boxes.extend_from_slice(&view.boxes);
    }
    let count = remembered.len();
    let shape = (count, predictions, texts);
    let device = logits.device();
    detection_divergence(
        &logits.narrow(0, skipped, count)?,
        &Tensor::from_vec(before, shape, device)?,
        &Tensor::from_vec(asked, shape, device)?,
        &features.boxes.narrow(0, skipped, count)?,
        &Tensor::from_vec(boxes, (count, predictions, 4), device)?,
    )
}
