//! Pretraining the answer student: questions about what is in a view, from its scene graph.

use super::PretrainSettings;
use super::patches::PatchHeads;
use super::questions::{Asked, ask_each, wording};
use super::views::{SceneView, scene_views};
use crate::error::Result;
use crate::loss::log_likelihood;
use crate::observer::{Observer, Phase};
use crate::train::{Objective, Recorder, TrainingCurve, learn_from, parts_of, schedule, share};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sdvp_data::picto::SceneSpec;
use sdvp_models::architectures::{EncoderConfig, ViltConfig};
use sdvp_models::layers::Activation;
use sdvp_models::optimizer::{AdamW, AdamWConfig};
use sdvp_models::params::Builder;
use sdvp_models::{ModelError, Tokenizer};
use sdvp_modules::{LocateModel, ViltModel};

/// Weight of what is asked of every patch, beside answering.
const PATCH_WEIGHT: f64 = 0.5;

/// The tiny ViLT: 64 patches of 12×12 pixels, five layers of 128, as many as the locate student's
/// tower; [`deepened`](super::deepened) adds more.
pub fn answer_config(vocabulary: usize, answers: Vec<String>) -> ViltConfig {
    ViltConfig {
        vocab_size: vocabulary,
        max_position_embeddings: 20,
        image_size: 96,
        patch_size: 12,
        answers,
        encoder: EncoderConfig {
            hidden_size: 128,
            intermediate_size: 512,
            num_hidden_layers: 5,
            num_attention_heads: 4,
            hidden_act: Activation::Gelu,
            layer_norm_eps: 1e-5,
        },
    }
}

/// An answer student whose image side starts from the locate student's image tower, as the
/// published ViLT starts from a pretrained ViT; the rest is untrained.
///
/// # Errors
/// If it does not fit in memory.
pub fn fresh_answer(start: &LocateModel, answers: Vec<String>, seed: u64) -> Result<ViltModel> {
    let tokenizer: Tokenizer = start.tokenizer.clone();
    let config = answer_config(tokenizer.vocabulary_size(), answers);
    let model = ViltModel::fresh(config, tokenizer, seed)?;
    start_from(&model, start)?;
    Ok(model)
}

/// Trains an answer student on the training split of the general styles. Beside the answers it
/// learns what each patch shows and whether that is asked about; both are dropped afterwards.
///
/// # Errors
/// If training diverges.
pub fn pretrain_answer(
    model: &ViltModel,
    settings: &PretrainSettings,
    observer: &dyn Observer,
) -> Result<TrainingCurve> {
    observer.begin(&Phase {
        name: "pretraining the answer student".to_owned(),
        total: settings.steps,
    });
    let mut recorder = Recorder::new(settings.steps, observer);

    let head = Builder::fresh(settings.seed ^ 1, &Device::Cpu);
    let heads = PatchHeads::new(model, &head)?;
    let head = head.finish()?;
    let config = AdamWConfig {
        learning_rate: settings.learning_rate,
        ..AdamWConfig::default()
    };
    let mut optimizer = AdamW::new(&model.params, config.clone(), schedule(settings.steps))?;
    let mut head_optimizer = AdamW::new(&head, config, schedule(settings.steps))?;
    let spec = SceneSpec {
        repeats: 0.3,
        ..SceneSpec::default()
    };
    for step in 0..settings.steps {
        let first = (step * settings.batch) as u64;
        let views = scene_views(&spec, settings.seed ^ 0xA5, first, settings.batch);
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed ^ (first << 8));
        let asked = ask_each(&views, &mut rng);
        let learned = learn_from(&parts_of(asked.len(), 0, 1), |(few, _)| {
            let (answers, patches) = losses(model, &heads, &asked[few.clone()])?;
            let answers = (answers * share(few, asked.len()))?;
            let patches = (patches * (PATCH_WEIGHT * share(few, asked.len())))?;
            Ok(Objective {
                total: (&answers + patches)?,
                loss: answers.to_scalar()?,
                divergence: 0.0,
            })
        })?;
        let Some(learned) = learned else { continue };
        optimizer.backward_step(&learned.gradients)?;
        head_optimizer.backward_step(&learned.gradients)?;
        recorder.add(learned.loss, 0.0);
    }
    Ok(recorder.finish())
}

/// Copies every image-side parameter that both architectures have.
fn start_from(model: &ViltModel, start: &LocateModel) -> Result<()> {
    let tower = start.params.to_tensors();
    let vision = "owlvit.vision_model";
    let mut pairs = vec![(
        format!("{vision}.embeddings.patch_embedding.weight"),
        "vilt.embeddings.patch_embeddings.projection.weight".to_owned(),
    )];
    const PARTS: [(&str, &str); 8] = [
        ("layer_norm1", "layernorm_before"),
        ("self_attn.q_proj", "attention.attention.query"),
        ("self_attn.k_proj", "attention.attention.key"),
        ("self_attn.v_proj", "attention.attention.value"),
        ("self_attn.out_proj", "attention.output.dense"),
        ("layer_norm2", "layernorm_after"),
        ("mlp.fc1", "intermediate.dense"),
        ("mlp.fc2", "output.dense"),
    ];
    for layer in 0..model.config.encoder.num_hidden_layers {
        for (from, to) in PARTS {
            for kind in ["weight", "bias"] {
                pairs.push((
                    format!("{vision}.encoder.layers.{layer}.{from}.{kind}"),
                    format!("vilt.encoder.layer.{layer}.{to}.{kind}"),
                ));
            }
        }
    }
    for (from, to) in pairs {
        if let (Some(value), Some(var)) = (tower.get(&from), model.params.get(&to))
            && value.dims() == var.dims()
        {
            var.set(value).map_err(ModelError::from)?;
        }
    }
    // Positions have one more dimension here.
    if let (Some(value), Some(var)) = (
        tower.get(&format!("{vision}.embeddings.position_embedding.weight")),
        model.params.get("vilt.embeddings.position_embeddings"),
    ) {
        let value = value.unsqueeze(0).map_err(ModelError::from)?;
        if value.dims() == var.dims() {
            var.set(&value).map_err(ModelError::from)?;
        }
    }
    Ok(())
}

/// Cross-entropy of the answers, and of what is asked of every patch.
fn losses(
    model: &ViltModel,
    heads: &PatchHeads,
    asked: &[(&SceneView, Asked)],
) -> std::result::Result<(Tensor, Tensor), ModelError> {
    let (views, questions) = wording(asked);
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let output = model.forward(&views, &questions)?;
    let answers: Vec<u32> = asked
        .iter()
        .map(|(_, asked)| {
            model
                .answer_index(&asked.answer)
                .map(|i| i as u32)
                .ok_or_else(|| {
                    ModelError::Config(format!("the student cannot answer {:?}", asked.answer))
                })
        })
        .collect::<std::result::Result<_, _>>()?;
    let answer_loss = log_likelihood(&output.logits, answers)?.mean_all()?.neg()?;
    Ok((answer_loss, heads.losses(model, &output, asked)?))
}
