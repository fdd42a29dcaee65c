//! Layers that carry gradients; and a linear one, for networks that are only used, that does not.

mod activation;
mod attention;
mod compact_linear;
mod conv;
mod conv_transpose;
mod embedding;
mod interpolation;
mod layer_norm;
mod linear;
mod low_rank;
mod rms_norm;
mod rotary;
mod softmax;

pub use activation::{Activation, gelu, quick_gelu, sigmoid, silu, softplus, tanh_gelu};
pub(crate) use attention::self_attention;
pub use attention::{
    Attention, AttentionNames, CrossAttention, KeysValues, PackedAttention, attention,
};
pub use compact_linear::{CompactLinear, compact_linear};
pub use conv::{ChannelNorm, Conv2d};
pub use conv_transpose::ConvTranspose2d;
pub use embedding::Embedding;
pub use interpolation::{Interpolation, Tap, interpolate};
pub use layer_norm::LayerNorm;
pub use linear::{Linear, linear};
pub use rms_norm::RmsNorm;
pub use rotary::Rotation;
pub use softmax::{log_softmax, softmax};

#[cfg(test)]
mod difference;
#[cfg(test)]
mod tests;
