//! Pretraining the locate student: every name, category and coloured thing of the general styles.

use super::PretrainSettings;
use super::views::{SceneView, scene_views, validation_views};
use crate::error::Result;
use crate::examples::LocateExample;
use crate::observer::{Observer, Phase};
use crate::train::{Recorder, TrainingCurve, learn_labelled, locate_losses, schedule};
use candle_core::Device;
use sdvp_core::{BBox, View};
use sdvp_data::picto::{Category, SceneObject, SceneSpec, Thing};
use sdvp_models::architectures::{
    EncoderConfig, ImageTowerConfig, OwlGeneration, OwlVitConfig, TextTowerConfig,
};
use sdvp_models::layers::Activation;
use sdvp_models::optimizer::{AdamW, AdamWConfig};
use sdvp_models::{Calibration, ModelError, Tokenizer};
use sdvp_modules::LocateModel;
use std::collections::BTreeSet;

/// Coloured names asked of a batch beside the plain ones.
const COLORED_NAMES: usize = 40;

/// Things of one name never overlap that much in the built-in world, but boxes for one thing that
/// are less exact do, and would be counted twice.
const SAME_OBJECT_IOU: f32 = 0.2;

/// The tiny OWL-ViT: 64 patches of 12×12 pixels, five layers of 128.
pub fn locate_config(vocabulary: usize) -> OwlVitConfig {
    let encoder = |hidden: usize, layers: usize| EncoderConfig {
        hidden_size: hidden,
        intermediate_size: hidden * 4,
        num_hidden_layers: layers,
        num_attention_heads: 4,
        hidden_act: Activation::Gelu,
        layer_norm_eps: 1e-5,
    };
    OwlVitConfig {
        generation: OwlGeneration::default(),
        text_config: TextTowerConfig {
            vocab_size: vocabulary,
            max_position_embeddings: 16,
            encoder: encoder(64, 2),
        },
        vision_config: ImageTowerConfig {
            image_size: 96,
            patch_size: 12,
            encoder: encoder(128, 5),
        },
        projection_dim: 64,
        believed: Calibration::default(),
        same_object_iou: Some(SAME_OBJECT_IOU),
    }
}

/// An untrained locate student.
///
/// # Errors
/// If it does not fit in memory.
pub fn fresh_locate(tokenizer: Tokenizer, seed: u64) -> Result<LocateModel> {
    let config = locate_config(tokenizer.vocabulary_size());
    Ok(LocateModel::fresh(config, tokenizer, seed)?)
}

/// Trains a locate student on the training split of the general styles.
///
/// # Errors
/// If training diverges.
pub fn pretrain_locate(
    model: &LocateModel,
    settings: &PretrainSettings,
    observer: &dyn Observer,
) -> Result<TrainingCurve> {
    observer.begin(&Phase {
        name: "pretraining the locate student".to_owned(),
        total: settings.steps,
    });
    let mut recorder = Recorder::new(settings.steps, observer);
    let config = AdamWConfig {
        learning_rate: settings.learning_rate,
        ..AdamWConfig::default()
    };
    let mut optimizer = AdamW::new(&model.params, config, schedule(settings.steps))?;
    let spec = SceneSpec::default();
    for step in 0..settings.steps {
        let first = (step * settings.batch) as u64;
        let views = scene_views(&spec, settings.seed, first, settings.batch);
        let examples = truth(&views);
        let examples: Vec<&LocateExample> = examples.iter().collect();
        let learned = learn_labelled(examples.len(), |few| {
            Ok(locate_losses(model, &examples[few], &[])?.0)
        })?;
        let Some(learned) = learned else { break };
        optimizer.backward_step(&learned.gradients)?;
        recorder.add(learned.loss, 0.0);
    }
    Ok(recorder.finish())
}

/// Share of things that are found: for every thing that is alone of its name in one of `count`
/// validation views, whether the best box for its name overlaps it by half.
///
/// # Errors
/// If the student fails.
pub fn locate_recall(model: &LocateModel, spec: &SceneSpec, count: usize) -> Result<f32> {
    let (mut found, mut asked) = (0usize, 0usize);
    for chunk in 0..count.div_ceil(32) {
        let views = validation_views(spec, (chunk * 32) as u64, 32);
        let pixels: Vec<&View> = views.iter().map(|view| &view.view).collect();
        let pixels = model.processor.batch(&pixels, &Device::Cpu)?;
        let features = model.network.image_features(&pixels)?.detach();
        let names: Vec<&str> = Thing::all().map(Thing::name).collect();
        let logits = model.network.logits(&features, &model.queries(&names)?)?;
        let logits = logits.to_vec3::<f32>().map_err(ModelError::from)?;
        let boxes = features.boxes.to_vec3::<f32>().map_err(ModelError::from)?;
        for (image, view) in views.iter().enumerate() {
            for (object, bbox) in &view.objects {
                let thing = object.thing;
                if view
                    .objects
                    .iter()
                    .filter(|(other, _)| other.thing == thing)
                    .count()
                    > 1
                {
                    continue;
                }
                let score = |patch: &usize| logits[image][*patch][thing.index()];
                let best = (0..logits[image].len()).max_by(|a, b| score(a).total_cmp(&score(b)));
                let overlap = best.map_or(0.0, |patch| {
                    let b = &boxes[image][patch];
                    BBox::from_center(b[0], b[1], b[2], b[3]).iou(bbox)
                });
                asked += 1;
                found += usize::from(overlap >= 0.5);
            }
        }
    }
    Ok(found as f32 / asked.max(1) as f32)
}

/// Labels from the scene graphs; all names are asked of all views.
pub(crate) fn truth(views: &[SceneView]) -> Vec<LocateExample> {
    let mut texts: Vec<String> = Thing::all().map(|thing| thing.name().to_owned()).collect();
    texts.extend(Category::ALL.map(|category| category.name().to_owned()));
    let colored: BTreeSet<String> = views
        .iter()
        .flat_map(|view| &view.objects)
        .map(|(object, _)| format!("{} {}", object.color, object.thing))
        .take(COLORED_NAMES)
        .collect();
    texts.extend(colored.iter().cloned());
    let names = |object: &SceneObject| -> Vec<String> {
        let own = format!("{} {}", object.color, object.thing);
        let mut names = vec![
            object.thing.name().to_owned(),
            object.thing.category().name().to_owned(),
        ];
        names.extend(colored.contains(&own).then_some(own));
        names
    };
    views
        .iter()
        .map(|view| LocateExample {
            view: view.view.clone(),
            objects: view
                .objects
                .iter()
                .map(|(o, bbox)| (*bbox, names(o)))
                .collect(),
            asked: texts.clone(),
            unsure: view
                .glimpsed
                .iter()
                .flat_map(|(o, bbox)| names(o).into_iter().map(|name| (name, *bbox)))
                .collect(),
        })
        .collect()
}
