//! BLIP for visual question answering: an encoder reads the question while it looks at the picture,
//! a decoder writes the answer while it looks at what was read.

use super::BlipConfig;
use super::text::{Beside, TextTransformer};
use super::vision::VisionTower;
use crate::error::Result;
use crate::generation::{Decoding, Written, generate};
use crate::layers::{Activation, LayerNorm, Linear};
use crate::params::{Builder, Init};
use candle_core::Tensor;

/// The network.
pub struct BlipAnswer {
    image: VisionTower,
    question: TextTransformer,
    answer: TextTransformer,
    head: Linear,
    activation: Activation,
    head_norm: LayerNorm,
    bias: Tensor,
    begin: u32,
    end: u32,
}

impl BlipAnswer {
    /// Builds the network; fresh parameters come from the builder's seed.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(config: &BlipConfig, b: &Builder) -> Result<Self> {
        let text = &config.text_config;
        let (dim, eps) = (text.encoder.hidden_size, text.encoder.layer_norm_eps);
        let seen = config.vision_config.encoder.hidden_size;
        let decoder = b.pp("text_decoder");
        // What it writes words with is what the decoder reads them with.
        let words = decoder.pp("cls.predictions");
        for copy in ["decoder.weight", "decoder.bias"] {
            words.leave_out(copy);
        }
        Ok(Self {
            image: VisionTower::new(&config.vision_config, b)?,
            question: TextTransformer::new(text, seen, &b.pp("text_encoder"))?,
            answer: TextTransformer::new(text, dim, &decoder.pp("bert"))?,
            head: Linear::new(dim, dim, true, &words.pp("transform.dense"))?,
            activation: text.encoder.hidden_act,
            head_norm: LayerNorm::new(dim, eps, &words.pp("transform.LayerNorm"))?,
            bias: words.get(text.vocab_size, "bias", Init::Zeros)?,
            begin: text.bos_token_id,
            end: text.sep_token_id,
        })
    }

    /// States of pictures, `[batch, 1 + patches, hidden]`, of `[batch, 3, side, side]` pixels; the
    /// same for every question about them.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn image_states(&self, pixels: &Tensor) -> Result<Tensor> {
        self.image.states(pixels)
    }

    /// States of pictures after the first `layers` layers, `[batch, 1 + patches, hidden]`: all that the
    /// others need to know of `[batch, 3, side, side]` pixels.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn early_states(&self, pixels: &Tensor, layers: usize) -> Result<Tensor> {
        self.image.early(pixels, layers)
    }

    /// As `image_states`, from the states after `layers` layers.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn image_states_after(&self, early: &Tensor, layers: usize) -> Result<Tensor> {
        self.image.late(early, layers)
    }

    /// States of questions, `[batch, length, hidden]`, as many after one another about each picture;
    /// `ids` and `mask` are `[batch, length]`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn question_states(&self, images: &Tensor, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let beside = Beside {
            states: images,
            mask: None,
        };
        self.question.forward(ids, Some(mask), false, Some(beside))
    }

    /// States of the words of answers, `[batch, length, hidden]`, each of which knows what came before;
    /// `answers` are `[batch, length]` ids. `mask` is the questions': fillers are not looked at, so that
    /// no answer depends on other questions. (The reference looks at them; alone, a question has none.)
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn answer_states(
        &self,
        questions: &Tensor,
        mask: &Tensor,
        answers: &Tensor,
    ) -> Result<Tensor> {
        let beside = Beside {
            states: questions,
            mask: Some(mask),
        };
        self.answer.forward(answers, None, true, Some(beside))
    }

    /// Logits of the next word, `[…, words]`, for states of the words before it.
    ///
    /// # Errors
    /// If widths differ.
    pub fn words(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.activation.apply(&self.head.forward(x)?)?;
        let x = self.head_norm.forward(&x)?;
        self.answer.words.likeness(&x, &self.bias)
    }

    /// The answers, one a question. All are written at the same time, word by word.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn generate(
        &self,
        questions: &Tensor,
        mask: &Tensor,
        decoding: &Decoding,
    ) -> Result<Vec<Written>> {
        let mut answers = self.answer.grow(questions, mask)?;
        let count = questions.dim(0)?;
        generate(count, self.begin, &[self.end], decoding, |words, from| {
            answers.keep(from)?;
            let states = self.answer.next(&mut answers, words)?;
            Ok(self.words(&states)?.squeeze(1)?)
        })
    }
}
