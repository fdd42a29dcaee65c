//! Qwen3-VL: answers in words of its own what it is asked about a picture (Qwen team 2025), as
//! published in `Qwen/Qwen3-VL-*-Instruct`. Its weights stay as precise as they are stored; what learns are
//! low-rank additions to them.

mod config;
mod config_file;
mod positions;
mod text;
mod vision;

pub use config::{Qwen3VlConfig, Qwen3VlTextConfig, Qwen3VlVisionConfig};
pub use vision::PictureStates;

use crate::error::{ModelError, Result};
use crate::generation::{Decoding, Written, generate};
use crate::layers::{RmsNorm, compact_linear};
use crate::params::Builder;
use candle_core::{DType, Device, Tensor};
use positions::{Place, picture_places, text_rotation, word_places};
use text::{Layer, Seen};
use vision::VisionTower;

/// Rows and columns of a picture's patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchGrid {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

impl PatchGrid {
    /// Their number.
    pub fn patches(self) -> usize {
        self.rows * self.columns
    }

    /// Rows and columns of all in the order in which they are read: square by square, of `merge` on a
    /// side, of those that become one token.
    pub fn in_squares(self, merge: usize) -> impl Iterator<Item = (usize, usize)> {
        let starts = move |side: usize| (0..side).step_by(merge.max(1));
        starts(self.rows).flat_map(move |top| {
            starts(self.columns).flat_map(move |left| {
                (top..top + merge)
                    .flat_map(move |row| (left..left + merge).map(move |column| (row, column)))
            })
        })
    }
}

/// What was read so far. Clones go on from there, each by itself.
#[derive(Clone)]
pub struct Reading {
    seen: Vec<Option<Seen>>,
    /// Tokens.
    length: usize,
    /// Where the next one is.
    next: u32,
}

/// The network.
pub struct Qwen3Vl {
    config: Qwen3VlConfig,
    vision: VisionTower,
    words: Tensor,
    layers: Vec<Layer>,
    norm: RmsNorm,
    /// Where words are not written with the vectors they are read with.
    head: Option<Tensor>,
    device: Device,
}

impl Qwen3Vl {
    /// Builds the network of loaded parameters, which it keeps as precise as the builder hands them
    /// out.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(config: &Qwen3VlConfig, b: &Builder) -> Result<Self> {
        let text = &config.text;
        let (model, shape) = (b.pp("model"), (text.vocabulary, text.hidden));
        let language = model.pp("language_model");
        let head = b.pp("lm_head");
        if config.tied {
            head.leave_out("weight");
        }
        Ok(Self {
            config: config.clone(),
            vision: VisionTower::new(&config.vision, text.hidden, &model.pp("visual"))?,
            words: language.pp("embed_tokens").stored(shape, "weight")?,
            layers: (0..text.layers)
                .map(|i| Layer::new(text, &language.pp("layers").pp(i)))
                .collect::<Result<_>>()?,
            norm: RmsNorm::new(text.hidden, text.eps, &language.pp("norm"))?,
            head: match config.tied {
                true => None,
                false => Some(head.stored(shape, "weight")?),
            },
            device: b.device().clone(),
        })
    }

    /// States of a picture, the same whatever is asked about it, of patches `[patches, 3 · side²]` as
    /// [`PatchProcessor`](crate::PatchProcessor) makes them.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn picture_states(&self, patches: &Tensor, grid: PatchGrid) -> Result<PictureStates> {
        self.vision.states(patches, grid)
    }

    /// The picture that [`PictureStates::to_row`] made a row of.
    ///
    /// # Errors
    /// If the row is of one of another shape.
    pub fn picture_of_row(&self, row: Vec<f32>, grid: PatchGrid) -> Result<PictureStates> {
        let merge = self.config.vision.merge;
        let tokens = grid.patches() / (merge * merge).max(1);
        let parts = 1 + self.config.vision.deepstack.len();
        let all = Tensor::from_vec(row, (parts, tokens, self.config.text.hidden), &self.device)?;
        Ok(PictureStates {
            tokens: all.get(0)?,
            added: (1..parts)
                .map(|part| all.get(part))
                .collect::<candle_core::Result<_>>()?,
            grid,
        })
    }

    /// Before anything is read.
    pub fn begin(&self) -> Reading {
        Reading {
            seen: vec![None; self.layers.len()],
            length: 0,
            next: 0,
        }
    }

    /// Reads words; their states, `[words, hidden]`.
    ///
    /// # Errors
    /// If there are none, more than the network takes, or ones that it does not know.
    pub fn read(&self, reading: &mut Reading, words: &[u32]) -> Result<Tensor> {
        let known = self.config.text.vocabulary;
        if let Some(word) = words.iter().find(|word| **word as usize >= known) {
            return Err(ModelError::Config(format!(
                "expected ids of words below {known}, found {word}"
            )));
        }
        let places = word_places(reading.next, words.len());
        let ids = Tensor::new(words, &self.device)?;
        let x = self.words.index_select(&ids, 0)?.to_dtype(DType::F32)?;
        let next = reading.next.saturating_add(words.len() as u32);
        self.forward(reading, x, &[], &places, next)
    }

    /// Reads a picture; states of its tokens, `[tokens, hidden]`.
    ///
    /// # Errors
    /// If it is more than the network takes.
    pub fn read_picture(&self, reading: &mut Reading, picture: &PictureStates) -> Result<Tensor> {
        let merge = self.config.vision.merge;
        let (places, next) = picture_places(reading.next, picture.grid, merge);
        let tokens = picture.tokens.clone();
        self.forward(reading, tokens, &picture.added, &places, next)
    }

    /// Puts tokens `x` through all layers; to what the first ones give, `added` is added.
    fn forward(
        &self,
        reading: &mut Reading,
        x: Tensor,
        added: &[Tensor],
        places: &[Place],
        next: u32,
    ) -> Result<Tensor> {
        let longest = self.config.text.longest;
        let length = reading.length + places.len();
        if places.is_empty() || length > longest {
            return Err(ModelError::Config(format!(
                "expected a text of 1 to {longest} tokens, found {length}"
            )));
        }
        let rotation = text_rotation(&self.config.text, places, &self.device)?;
        let mut x = x;
        for (at, (layer, seen)) in self.layers.iter().zip(&mut reading.seen).enumerate() {
            x = layer.forward(&x, &rotation, seen)?;
            if let Some(added) = added.get(at) {
                x = (x + added)?;
            }
        }
        reading.length = length;
        reading.next = next;
        Ok(x)
    }

    /// Logits of the next word after each of some states, `[states, words]`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn logits(&self, states: &Tensor) -> Result<Tensor> {
        let head = self.head.as_ref().unwrap_or(&self.words);
        compact_linear(&self.norm.forward(states)?, head)
    }

    /// Writes on, word by word the likeliest, until one of `ends` or the `longest`th word (an end
    /// counts as one), after what was read; `states` are those of the last words of it.
    ///
    /// # Errors
    /// If the text becomes longer than the network takes, or logits are no numbers.
    pub fn write(
        &self,
        reading: Reading,
        states: &Tensor,
        ends: &[u32],
        longest: usize,
    ) -> Result<Written> {
        let decoding = Decoding {
            beams: 1,
            longest,
            ..Decoding::default()
        };
        let mut reading = reading;
        // What was read is what the text begins with; the word that stands for it is not read.
        let mut last = Some(states.narrow(0, states.dim(0)? - 1, 1)?);
        let written = generate(1, 0, ends, &decoding, |words, _| {
            let last = match last.take() {
                Some(last) => last,
                None => self.read(&mut reading, words)?,
            };
            self.logits(&last)
        })?;
        Ok(written.into_iter().next().unwrap_or_default())
    }
}
