//! The six orders in which NLVR draws a statement's three boxes.

use image::imageops::crop_imm;
use sdvp_core::{Image, ImageError};
use std::path::Path;

/// Width of a box and height of a picture, pixels.
pub const PANEL_WIDTH: u32 = 100;
/// From the left edge of one box to that of the next, pixels.
pub const PANEL_STEP: u32 = 150;

/// Which box is where: the `k`-th permutation of the boxes, in lexicographic order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PanelOrder(u8);

impl PanelOrder {
    /// All six; the first is the record's own order.
    pub const ALL: [PanelOrder; 6] = [
        PanelOrder(0),
        PanelOrder(1),
        PanelOrder(2),
        PanelOrder(3),
        PanelOrder(4),
        PanelOrder(5),
    ];

    /// The order with this number, from 0 to 5, which ends the names of its pictures.
    pub fn new(number: u8) -> Option<Self> {
        (number < 6).then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The box (0 to 2, as the record lists them) that each place shows, from left to right.
    pub fn shown(self) -> [usize; 3] {
        match self.0 {
            0 => [0, 1, 2],
            1 => [0, 2, 1],
            2 => [1, 0, 2],
            3 => [1, 2, 0],
            4 => [2, 0, 1],
            _ => [2, 1, 0],
        }
    }
}

/// Cuts a picture into its three boxes and puts them into the record's own order.
///
/// # Errors
/// If the picture does not have three boxes of 100 by 100 pixels with 50 between them.
pub fn panels(path: &Path, picture: &Image, order: PanelOrder) -> Result<[Image; 3], ImageError> {
    let size = (picture.width(), picture.height());
    let right = (2 * PANEL_STEP + PANEL_WIDTH, PANEL_WIDTH);
    if size != right {
        return Err(ImageError::Damaged {
            name: path.display().to_string(),
            reason: format!(
                "expected three boxes in {} by {} pixels, found {} by {}",
                right.0, right.1, size.0, size.1
            ),
        });
    }
    let cut = |place: u32| {
        let left = place * PANEL_STEP;
        Image::new(crop_imm(picture.rgb(), left, 0, PANEL_WIDTH, PANEL_WIDTH).to_image())
    };
    let mut boxes = [cut(0)?, cut(1)?, cut(2)?];
    let places = boxes.clone();
    for (place, shown) in places.into_iter().zip(order.shown()) {
        boxes[shown] = place;
    }
    Ok(boxes)
}
