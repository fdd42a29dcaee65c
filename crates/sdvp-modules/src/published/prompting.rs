//! How models that write their answers are asked, and how they write.

use candle_core::DType;
use sdvp_models::Decoding;

/// What such a model is told beside a question, and what its answers may cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompting {
    /// Said in a line of its own after every question; nothing if it is empty.
    pub instruction: String,
    /// The most tokens of an answer, its end included; what is longer is cut off there.
    pub longest_answer: usize,
    /// A view with more pixels is made smaller, also where the checkpoint's own limit is higher: of
    /// the published sizes, every 1,024 are a token.
    pub most_pixels: u64,
    /// How precise the weights are in memory; as in their files if nothing is said. Computing is in
    /// single precision always.
    pub precision: Option<DType>,
}

impl Default for Prompting {
    /// A short answer about at most 1,280 tokens of a picture.
    fn default() -> Self {
        Self {
            instruction: "Answer with a single word or short phrase.".to_owned(),
            longest_answer: 32,
            most_pixels: 1280 * 1024,
            precision: None,
        }
    }
}

/// What may be said of how a model writes its answers; where nothing is said, it is as usual for the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answering {
    /// As in [`Prompting`].
    pub instruction: Option<String>,
    /// The most tokens of an answer, its end included.
    pub longest: Option<usize>,
    /// As in [`Prompting`].
    pub most_pixels: Option<u64>,
    /// As in [`Prompting`].
    pub precision: Option<DType>,
    /// As in [`Decoding`].
    pub beams: Option<usize>,
    /// As in [`Decoding`].
    pub length_penalty: Option<f32>,
}

/// That something was said of a model that has no such thing, which is named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NotOfIt(pub(crate) &'static str);

impl Answering {
    fn searches(&self) -> Option<&'static str> {
        let said = self.beams.is_some() || self.length_penalty.is_some();
        said.then_some("a number of beams, and a penalty on length, can be set of a BLIP only")
    }

    fn prompts(&self) -> Option<&'static str> {
        let said =
            self.instruction.is_some() || self.most_pixels.is_some() || self.precision.is_some();
        said.then_some("an instruction, pixels and a precision can be set of a qwen3_vl only")
    }

    /// For a model that is prompted.
    ///
    /// # Errors
    /// If something else was said, too.
    pub(crate) fn prompting(&self) -> Result<Prompting, NotOfIt> {
        if let Some(what) = self.searches() {
            return Err(NotOfIt(what));
        }
        let usual = Prompting::default();
        Ok(Prompting {
            instruction: self.instruction.clone().unwrap_or(usual.instruction),
            longest_answer: self.longest.unwrap_or(usual.longest_answer),
            most_pixels: self.most_pixels.unwrap_or(usual.most_pixels),
            precision: self.precision,
        })
    }

    /// For a model that searches for what it writes.
    ///
    /// # Errors
    /// If something else was said, too.
    pub(crate) fn decoding(&self) -> Result<Decoding, NotOfIt> {
        if let Some(what) = self.prompts() {
            return Err(NotOfIt(what));
        }
        let usual = Decoding::default();
        Ok(Decoding {
            beams: self.beams.unwrap_or(usual.beams),
            longest: self.longest.unwrap_or(usual.longest),
            length_penalty: self.length_penalty.unwrap_or(usual.length_penalty),
        })
    }

    /// For a model that writes nothing.
    ///
    /// # Errors
    /// If anything was said.
    pub(crate) fn nothing(&self) -> Result<(), NotOfIt> {
        let longest = self.longest.map(|_| {
            "a length of answers can be set of a qwen3_vl or a BLIP for question answering only"
        });
        match self.searches().or(self.prompts()).or(longest) {
            Some(what) => Err(NotOfIt(what)),
            None => Ok(()),
        }
    }
}
