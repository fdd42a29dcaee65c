//! The limits of what the hub says.

use sdvp_core::{Limit, Unit};

/// A repository's list of files; see [`Limit::guards`].
pub static HUB_LISTING: Limit = Limit::new(
    "hub-listing",
    Unit::Bytes,
    32 << 20,
    "the hub's list of a repository's files",
);

/// All limits of this crate.
pub static LIMITS: &[&Limit] = &[&HUB_LISTING];
