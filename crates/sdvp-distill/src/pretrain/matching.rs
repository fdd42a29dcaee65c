//! Pretraining the match student: which descriptions fit what a view shows.

use super::PretrainSettings;
use super::views::{SceneView, patch_views, scene_views, validation_patches};
use crate::error::Result;
use crate::examples::MatchExample;
use crate::observer::{Observer, Phase};
use crate::train::{Recorder, TrainingCurve, learn_labelled, match_losses, schedule};
use sdvp_core::{BBox, View};
use sdvp_data::picto::{Category, Color, Noun, SceneObject, SceneSpec, Thing};
use sdvp_models::ModelError;
use sdvp_models::architectures::{ClipConfig, EncoderConfig, ImageTowerConfig, TextTowerConfig};
use sdvp_models::layers::Activation;
use sdvp_models::optimizer::{AdamW, AdamWConfig};
use sdvp_modules::{ClipModel, LocateModel};

/// Texts fit from this logit on: a third of the greatest that an untrained scale allows.
const FITS_FROM: f32 = 5.0;

/// The tiny CLIP: the locate student's two towers, and a class token that is compared.
pub fn match_config(vocabulary: usize) -> ClipConfig {
    let encoder = |hidden: usize, layers: usize| EncoderConfig {
        hidden_size: hidden,
        intermediate_size: hidden * 4,
        num_hidden_layers: layers,
        num_attention_heads: 4,
        hidden_act: Activation::Gelu,
        layer_norm_eps: 1e-5,
    };
    ClipConfig {
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
        fits_from: FITS_FROM,
    }
}

/// A match student whose towers start from the locate student's. (The published OWL-ViT starts from
/// a CLIP; here it is the other way round, because places teach a small network sooner.)
///
/// # Errors
/// If it does not fit in memory.
pub fn fresh_match(start: &LocateModel, seed: u64) -> Result<ClipModel> {
    let tokenizer = start.tokenizer.clone();
    let config = match_config(tokenizer.vocabulary_size());
    let model = ClipModel::fresh(config, tokenizer, seed)?;
    for (name, value) in start.params.to_tensors() {
        let Some(name) = name.strip_prefix("owlvit.") else {
            continue;
        };
        // The norm before the encoder has another name in either publication.
        let name = name.replace("pre_layernorm", "pre_layrnorm");
        if let Some(var) = model.params.get(&name)
            && var.dims() == value.dims()
            && name != "logit_scale"
        {
            var.set(&value).map_err(ModelError::from)?;
        }
    }
    Ok(model)
}

/// Trains a match student on the training split of the general styles: half of what it sees are
/// views as programs take them, half are single things cut out.
///
/// # Errors
/// If training diverges.
pub fn pretrain_match(
    model: &ClipModel,
    settings: &PretrainSettings,
    observer: &dyn Observer,
) -> Result<TrainingCurve> {
    observer.begin(&Phase {
        name: "pretraining the match student".to_owned(),
        total: settings.steps,
    });
    let mut recorder = Recorder::new(settings.steps, observer);
    let config = AdamWConfig {
        learning_rate: settings.learning_rate,
        ..AdamWConfig::default()
    };
    let mut optimizer = AdamW::new(&model.params, config, schedule(settings.steps))?;
    let spec = SceneSpec::default();
    let half = settings.batch / 2;
    for step in 0..settings.steps {
        let first = (step * settings.batch) as u64;
        let mut views = scene_views(&spec, settings.seed ^ 0xC1, first, settings.batch - half);
        let next = first + views.len() as u64;
        views.extend(patch_views(&spec, settings.seed ^ 0xC1, next, half));
        let examples = truth(&views);
        let examples: Vec<&MatchExample> = examples.iter().collect();
        let learned = learn_labelled(examples.len(), |few| {
            Ok(match_losses(model, &examples[few], &[])?.0)
        })?;
        let Some(learned) = learned else { break };
        optimizer.backward_step(&learned.gradients)?;
        recorder.add(learned.loss, 0.0);
    }
    Ok(recorder.finish())
}

/// Everything that views are tried with: things, categories, and both in every colour.
fn descriptions() -> Vec<Noun> {
    let things = Thing::all().map(Noun::thing);
    let plain: Vec<Noun> = things.chain(Category::ALL.map(Noun::category)).collect();
    let colored = plain
        .iter()
        .flat_map(|noun| Color::ALL.map(|color| noun.colored(color)));
    plain.iter().copied().chain(colored).collect()
}

/// What fits from the scene graphs; what only a part of something says is left out.
fn truth(views: &[SceneView]) -> Vec<MatchExample> {
    let descriptions = descriptions();
    let any = |objects: &[(SceneObject, BBox)], noun: &Noun| {
        objects.iter().any(|(object, _)| noun.matches(object))
    };
    let example = |view: &SceneView| {
        let clear = descriptions.iter().filter_map(|noun| {
            let fits = any(&view.objects, noun);
            let clear = fits || !any(&view.glimpsed, noun);
            clear.then(|| (noun.name(), f32::from(u8::from(fits))))
        });
        let (texts, fits) = clear.unzip();
        MatchExample {
            view: view.view.clone(),
            texts,
            fits,
        }
    };
    views.iter().map(example).collect()
}

/// How rightly single things are described: the part of `count` views of the validation split, each of
/// one thing, whose best thing is the one it shows, and the part whose best colour of that thing is.
///
/// # Errors
/// If the student fails.
pub fn match_accuracy(model: &ClipModel, spec: &SceneSpec, count: usize) -> Result<[f32; 2]> {
    let (mut named, mut colored, mut asked) = (0usize, 0usize, 0usize);
    let things = || Thing::all().map(Noun::thing);
    let descriptions: Vec<Noun> = things()
        .chain(things().flat_map(|noun| Color::ALL.map(|color| noun.colored(color))))
        .collect();
    let texts: Vec<String> = descriptions.iter().map(Noun::name).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let texts = model.text_vectors(&texts)?.detach();
    for chunk in 0..count.div_ceil(32) {
        let views = validation_patches(spec, (chunk * 32) as u64, 32);
        let seen: Vec<&View> = views.iter().map(|view| &view.view).collect();
        let images = model.image_vectors(&seen)?.detach();
        let logits = model.logits(&images, &texts)?;
        let logits = logits.to_vec2::<f32>().map_err(ModelError::from)?;
        for (view, row) in views.iter().zip(&logits) {
            let [(object, _)] = view.objects.as_slice() else {
                continue;
            };
            let best = |among: &dyn Fn(&Noun) -> bool| {
                let scored = descriptions.iter().zip(row).filter(|(noun, _)| among(noun));
                scored
                    .max_by(|(_, a), (_, b)| a.total_cmp(b))
                    .map(|(noun, _)| *noun)
            };
            let thing = Noun::thing(object.thing);
            asked += 1;
            named += usize::from(best(&|noun| noun.color.is_none()) == Some(thing));
            let in_color = |noun: &Noun| noun.color.is_some() && noun.uncolored() == thing;
            colored += usize::from(best(&in_color) == Some(thing.colored(object.color)));
        }
    }
    let part = |right: usize| right as f32 / asked.max(1) as f32;
    Ok([part(named), part(colored)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pretrain::{fresh_locate, validation_views};
    use sdvp_models::Tokenizer;

    #[test]
    fn fresh_towers_are_the_locate_students() {
        let words = sdvp_data::picto::word_list();
        let tokenizer = Tokenizer::from_words(words.iter().map(String::as_str)).unwrap();
        let start = fresh_locate(tokenizer, 1).unwrap();
        let model = fresh_match(&start, 2).unwrap();
        for (from, to) in [
            ("owlvit.text_projection.weight", "text_projection.weight"),
            (
                "owlvit.vision_model.pre_layernorm.weight",
                "vision_model.pre_layrnorm.weight",
            ),
            (
                "owlvit.vision_model.encoder.layers.4.mlp.fc2.weight",
                "vision_model.encoder.layers.4.mlp.fc2.weight",
            ),
        ] {
            let values = |tensor: &candle_core::Tensor| {
                tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            };
            let from = values(start.params.get(from).unwrap());
            assert_eq!(from, values(model.params.get(to).unwrap()), "{to}");
        }
    }

    #[test]
    fn what_is_there_fits_and_what_is_half_seen_is_not_asked() {
        let views = validation_views(&SceneSpec::default(), 0, 24);
        let mut skipped = 0;
        for (view, example) in views.iter().zip(truth(&views)) {
            let fit = |text: &str| {
                let place = example.texts.iter().position(|known| known == text)?;
                Some(example.fits[place])
            };
            for (object, _) in &view.objects {
                let noun = Noun::thing(object.thing);
                assert_eq!(fit(&noun.name()), Some(1.0));
                assert_eq!(fit(&noun.colored(object.color).name()), Some(1.0));
            }
            let all = descriptions().len();
            skipped += all - example.texts.len();
            assert!(example.fits.contains(&0.0));
        }
        assert!(skipped > 0);
    }
}
