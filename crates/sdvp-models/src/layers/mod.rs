//! Layers that carry gradients.

mod activation;
mod attention;
mod conv;
mod conv_transpose;
mod embedding;
mod interpolation;
mod layer_norm;
mod linear;
mod softmax;

pub use activation::{Activation, gelu, quick_gelu, sigmoid, softplus};
pub use attention::{
    Attention, AttentionNames, CrossAttention, KeysValues, PackedAttention, attention,
};
pub use conv::{ChannelNorm, Conv2d};
pub use conv_transpose::ConvTranspose2d;
pub use embedding::Embedding;
pub use interpolation::{Interpolation, Tap, interpolate};
pub use layer_norm::LayerNorm;
pub use linear::{Linear, linear};
pub use softmax::{log_softmax, softmax};

#[cfg(test)]
mod difference;
#[cfg(test)]
mod tests;
