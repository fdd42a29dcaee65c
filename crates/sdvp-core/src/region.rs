//! Integer regions of an image.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A non-empty, half-open rectangle of pixels: `x0 <= x < x1`, `y0 <= y < y1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "[u32; 4]", into = "[u32; 4]")]
pub struct Region {
    x0: u32,
    y0: u32,
    x1: u32,
    y1: u32,
}

/// A rectangle without area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a region with x0 < x1 and y0 < y1, found [{0}, {1}, {2}, {3}]")]
pub struct RegionError(pub u32, pub u32, pub u32, pub u32);

impl Region {
    /// The region `[x0, x1) × [y0, y1)`.
    ///
    /// # Errors
    /// If it holds no pixel.
    pub fn new(x0: u32, y0: u32, x1: u32, y1: u32) -> Result<Self, RegionError> {
        if x0 < x1 && y0 < y1 {
            Ok(Self { x0, y0, x1, y1 })
        } else {
            Err(RegionError(x0, y0, x1, y1))
        }
    }

    /// Left edge, inclusive.
    pub fn x0(&self) -> u32 {
        self.x0
    }
    /// Top edge, inclusive.
    pub fn y0(&self) -> u32 {
        self.y0
    }
    /// Right edge, exclusive.
    pub fn x1(&self) -> u32 {
        self.x1
    }
    /// Bottom edge, exclusive.
    pub fn y1(&self) -> u32 {
        self.y1
    }
    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.x1 - self.x0
    }
    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.y1 - self.y0
    }
    /// `[x0, y0, x1, y1]`.
    pub fn to_array(self) -> [u32; 4] {
        [self.x0, self.y0, self.x1, self.y1]
    }

    /// `inner`, given in coordinates relative to this region's corner, in the coordinates of what
    /// this region is a part of; clipped to this region. `None` if nothing is left.
    pub fn nested(&self, inner: Region) -> Option<Region> {
        let clip = |offset: u32, at: u32, end: u32| offset.saturating_add(at).min(end);
        Region::new(
            clip(self.x0, inner.x0, self.x1),
            clip(self.y0, inner.y0, self.y1),
            clip(self.x0, inner.x1, self.x1),
            clip(self.y0, inner.y1, self.y1),
        )
        .ok()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}, {}, {}]", self.x0, self.y0, self.x1, self.y1)
    }
}

impl TryFrom<[u32; 4]> for Region {
    type Error = RegionError;

    fn try_from([x0, y0, x1, y1]: [u32; 4]) -> Result<Self, RegionError> {
        Self::new(x0, y0, x1, y1)
    }
}

impl From<Region> for [u32; 4] {
    fn from(region: Region) -> Self {
        region.to_array()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn empty_regions_are_refused() {
        assert_eq!(Region::new(3, 0, 3, 5), Err(RegionError(3, 0, 3, 5)));
        assert!(serde_region("[1,2,1,4]").is_none());
    }

    fn serde_region(text: &str) -> Option<Region> {
        let numbers: Vec<u32> = text
            .trim_matches(['[', ']'])
            .split(',')
            .filter_map(|n| n.parse().ok())
            .collect();
        <[u32; 4]>::try_from(numbers).ok()?.try_into().ok()
    }

    proptest! {
        #[test]
        fn nested_stays_inside(a in 0u32..50, b in 0u32..50, w in 1u32..50, h in 1u32..50,
                               c in 0u32..80, d in 0u32..80, v in 1u32..80, g in 1u32..80) {
            let outer = Region::new(a, b, a + w, b + h).unwrap();
            let inner = Region::new(c, d, c + v, d + g).unwrap();
            if let Some(r) = outer.nested(inner) {
                prop_assert!(r.x0 >= outer.x0 && r.x1 <= outer.x1 && r.y0 >= outer.y0 && r.y1 <= outer.y1);
                prop_assert!(r.width() <= inner.width() && r.height() <= inner.height());
            } else {
                prop_assert!(c >= w || d >= h);
            }
        }
    }
}
