//! Training a task's teacher on the labelled training split of that task, and on nothing else.

use super::PretrainSettings;
use super::views::{SceneView, scene_views};
use crate::error::Result;
use crate::loss::{focal_loss, log_likelihood};
use crate::observer::{Observer, Phase};
use crate::patch::patch_center;
use crate::train::{Recorder, TrainingCurve, learn_labelled, schedule};
use candle_core::{Device, Tensor};
use sdvp_core::{BBox, View};
use sdvp_data::picto::{Category, Color, SceneSpec};
use sdvp_models::architectures::ConvTeacherConfig;
use sdvp_models::optimizer::{AdamW, AdamWConfig};
use sdvp_models::{Calibration, ModelError};
use sdvp_modules::TeacherModel;

/// The part of a box around its centre whose cells answer for the object.
const CENTRAL: f32 = 0.4;

/// A small convolutional network that knows the things of the given categories.
pub fn teacher_config(categories: &[Category]) -> ConvTeacherConfig {
    let things: Vec<_> = categories
        .iter()
        .flat_map(|category| category.things())
        .collect();
    ConvTeacherConfig {
        image_size: 96,
        channels: [24, 48, 96],
        names: things.iter().map(|thing| thing.name().to_owned()).collect(),
        categories: things
            .iter()
            .map(|thing| thing.category().name().to_owned())
            .collect(),
        colors: Color::ALL.map(|color| color.name().to_owned()).to_vec(),
        believed: Calibration::default(),
    }
}

/// Trains a teacher on `scenes` labelled scenes of the task's training split.
///
/// # Errors
/// If training diverges.
pub fn train_teacher(
    name: &str,
    spec: &SceneSpec,
    scenes: usize,
    settings: &PretrainSettings,
    observer: &dyn Observer,
) -> Result<(TeacherModel, TrainingCurve)> {
    let model = TeacherModel::fresh(teacher_config(&spec.categories), settings.seed)?;
    observer.begin(&Phase {
        name: format!("training the teacher of {name}"),
        total: settings.steps,
    });
    let mut recorder = Recorder::new(settings.steps, observer);
    let config = AdamWConfig {
        learning_rate: settings.learning_rate,
        ..AdamWConfig::default()
    };
    let mut optimizer = AdamW::new(&model.params, config, schedule(settings.steps))?;
    for step in 0..settings.steps {
        let first = (step * settings.batch) % scenes.max(settings.batch);
        let views = scene_views(spec, settings.seed, first as u64, settings.batch);
        let learned = learn_labelled(views.len(), |few| teacher_loss(&model, &views[few]))?;
        let Some(learned) = learned else { break };
        optimizer.backward_step(&learned.gradients)?;
        recorder.add(learned.loss, 0.0);
    }
    Ok((model, recorder.finish()))
}

/// Focal loss of names over all cells; cross-entropy of colours and distance of box edges over the
/// cells that answer for an object.
pub(crate) fn teacher_loss(
    model: &TeacherModel,
    views: &[SceneView],
) -> std::result::Result<Tensor, ModelError> {
    let grid = model.config.grid();
    let (names, colors) = (model.config.names.len(), model.config.colors.len());
    let cells = grid * grid;
    let mut wanted = vec![0f32; views.len() * cells * names];
    let mut weight = vec![1f32; views.len() * cells * names];
    let (mut rows, mut color_of, mut reach) = (Vec::new(), Vec::new(), Vec::new());
    for (image, view) in views.iter().enumerate() {
        for cell in 0..cells {
            let at = image * cells + cell;
            let (x, y) = patch_center(cell, grid);
            if view.glimpsed.iter().any(|(_, bbox)| contains(bbox, x, y)) {
                weight[at * names..(at + 1) * names].fill(0.0);
            }
            let Some((object, bbox)) = owner(view, x, y) else {
                continue;
            };
            let Some(name) = model
                .config
                .names
                .iter()
                .position(|n| n == object.thing.name())
            else {
                continue;
            };
            weight[at * names..(at + 1) * names].fill(1.0);
            wanted[at * names + name] = 1.0;
            rows.push(at as u32);
            let color = model
                .config
                .colors
                .iter()
                .position(|c| c == object.color.name());
            color_of.push(color.unwrap_or(0) as u32);
            let side = grid as f32;
            reach.extend([x - bbox.x0, y - bbox.y0, bbox.x1 - x, bbox.y1 - y].map(|d| d * side));
        }
    }
    let device = Device::Cpu;
    let pixels: Vec<&View> = views.iter().map(|view| &view.view).collect();
    let output = model
        .network
        .forward(&model.processor.batch(&pixels, &device)?)?;
    let shape = (views.len(), cells, names);
    let count = rows.len().max(1) as f64;
    let focal = focal_loss(&output.names, &Tensor::from_vec(wanted, shape, &device)?)?;
    let presence = (focal
        .mul(&Tensor::from_vec(weight, shape, &device)?)?
        .sum_all()?
        / count)?;
    if rows.is_empty() {
        return Ok(presence);
    }
    let positives = rows.len();
    let rows = Tensor::from_vec(rows, positives, &device)?;
    let flat = |tensor: &Tensor, width: usize| {
        tensor
            .reshape((views.len() * cells, width))?
            .index_select(&rows, 0)
    };
    let color = log_likelihood(&flat(&output.colors, colors)?, color_of)?
        .mean_all()?
        .neg()?;
    let reach = Tensor::from_vec(reach, (positives, 4), &device)?;
    let edges = (flat(&output.extents, 4)? - reach)?.abs()?.mean_all()?;
    Ok(((presence * 4.0)? + (color + edges)?)?)
}

/// The object whose centre is near the point; of several, the one drawn last.
fn owner(view: &SceneView, x: f32, y: f32) -> Option<&(sdvp_data::picto::SceneObject, BBox)> {
    view.objects.iter().rev().find(|(_, bbox)| {
        let (cx, cy) = bbox.center();
        let reach = |size: f32| (size * CENTRAL / 2.0).max(0.5 / 12.0);
        (x - cx).abs() <= reach(bbox.width()) && (y - cy).abs() <= reach(bbox.height())
    })
}

fn contains(bbox: &BBox, x: f32, y: f32) -> bool {
    x >= bbox.x0 && x < bbox.x1 && y >= bbox.y0 && y < bbox.y1
}
