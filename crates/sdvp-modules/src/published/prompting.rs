//! How an instruction-tuned model is asked.

use candle_core::DType;

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
