//! The first step: teaching a student to find.

use super::{Losses, TrainingCurve, learn_and_rehearse};
use crate::error::Result;
use crate::examples::{LocateExample, RememberedView};
use crate::loss::{
    DetectionTargets, ImageTargets, ObjectTarget, detection_divergence, detection_loss,
};
use crate::observer::Observer;
use crate::settings::StepSettings;
use candle_core::{Device, Tensor};
use sdvp_core::View;
use sdvp_models::ModelError;
use sdvp_models::architectures::ImageFeatures;
use sdvp_modules::LocateModel;
use std::collections::HashMap;

/// The distinct texts of a batch, each a column of the logits.
#[derive(Default)]
pub(crate) struct TextList {
    places: HashMap<String, usize>,
    texts: Vec<String>,
}

impl TextList {
    /// The column of a text, new if need be.
    pub(crate) fn column(&mut self, text: &str) -> usize {
        if let Some(&place) = self.places.get(text) {
            return place;
        }
        self.places.insert(text.to_owned(), self.texts.len());
        self.texts.push(text.to_owned());
        self.texts.len() - 1
    }

    /// All texts, by column.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }
}

/// An example's targets, its texts entered into the batch's list.
pub(crate) fn object_targets(example: &LocateExample, texts: &mut TextList) -> ImageTargets {
    ImageTargets {
        objects: example
            .objects
            .iter()
            .map(|(bbox, names)| ObjectTarget {
                bbox: *bbox,
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
            .map(|(text, bbox)| (texts.column(text), *bbox))
            .collect(),
    }
}

/// Teaches `model` the examples for the given number of steps while it rehearses what it
/// remembers: `L = L_labels + λ · L_rehearsal`.
///
/// # Errors
/// If the network fails or its gradients are not finite.
pub fn train_locate(
    model: &mut LocateModel,
    examples: &[LocateExample],
    memory: &[&RememberedView],
    settings: &StepSettings,
    seed: u64,
    observer: &dyn Observer,
) -> Result<TrainingCurve> {
    learn_and_rehearse(
        model,
        None,
        examples,
        memory,
        settings,
        seed,
        observer,
        locate_losses,
    )
}

/// Both losses of one batch, from one forward pass.
pub(crate) fn locate_losses(
    model: &LocateModel,
    labelled: &[&LocateExample],
    remembered: &[&RememberedView],
) -> Losses {
    let mut texts = TextList::default();
    let images = labelled
        .iter()
        .map(|example| object_targets(example, &mut texts))
        .collect();
    let columns: Vec<Vec<usize>> = remembered
        .iter()
        .map(|view| view.asked.iter().map(|text| texts.column(text)).collect())
        .collect();
    let views: Vec<&View> = labelled
        .iter()
        .map(|e| &e.view)
        .chain(remembered.iter().map(|r| &r.view))
        .collect();
    let pixels = model.processor.batch(&views, &Device::Cpu)?;
    let features = model.network.image_features(&pixels)?;
    let queries = model.queries(&texts.texts())?;
    let logits = model.network.logits(&features, &queries)?;
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
    let divergence = rehearsal_loss(&logits, &features, remembered, &columns, count)?;
    Ok((loss, Some(divergence)))
}

fn rehearsal_loss(
    logits: &Tensor,
    features: &ImageFeatures,
    remembered: &[&RememberedView],
    columns: &[Vec<usize>],
    skipped: usize,
) -> std::result::Result<Tensor, ModelError> {
    let (_, predictions, texts) = logits.dims3()?;
    let size = predictions * texts;
    let mut before = vec![0f32; remembered.len() * size];
    let mut asked = vec![0f32; remembered.len() * size];
    let mut boxes = Vec::with_capacity(remembered.len() * predictions * 4);
    for (image, (view, columns)) in remembered.iter().zip(columns).enumerate() {
        for (prediction, row) in view.logits.chunks_exact(columns.len().max(1)).enumerate() {
            for (&column, &logit) in columns.iter().zip(row) {
                let at = image * size + prediction * texts + column;
                before[at] = logit;
                asked[at] = 1.0;
            }
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
