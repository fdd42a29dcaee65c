//! The limits of checkpoints' files.

use sdvp_core::{Limit, Unit};

/// What a safetensors file says of its tensors; see [`Limit::guards`].
pub static SAFETENSORS_HEADER: Limit = Limit::new(
    "safetensors-header",
    Unit::Bytes,
    100_000_000,
    "what a safetensors file says of its tensors",
)
// The format's own.
.at_most(100_000_000);

/// All limits of this crate.
pub static LIMITS: &[&Limit] = &[&SAFETENSORS_HEADER];
