//! Where things are: relations between two objects, halves of the picture.

use sdvp_core::BBox;

/// How one object lies to another, by their centres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// Smaller x.
    LeftOf,
    /// Greater x.
    RightOf,
    /// Smaller y.
    Above,
    /// Greater y.
    Below,
}

impl Relation {
    /// All four.
    pub const ALL: [Relation; 4] = [
        Relation::LeftOf,
        Relation::RightOf,
        Relation::Above,
        Relation::Below,
    ];

    /// The words, as in "a dog *to the left of* a car".
    pub fn phrase(self) -> &'static str {
        match self {
            Relation::LeftOf => "to the left of",
            Relation::RightOf => "to the right of",
            Relation::Above => "above",
            Relation::Below => "below",
        }
    }

    /// The word that answers where something is: "left", "above".
    pub fn answer(self) -> &'static str {
        match self {
            Relation::LeftOf => "left",
            Relation::RightOf => "right",
            Relation::Above => "above",
            Relation::Below => "below",
        }
    }

    /// The same relation seen from the other object.
    pub fn opposite(self) -> Self {
        match self {
            Relation::LeftOf => Relation::RightOf,
            Relation::RightOf => Relation::LeftOf,
            Relation::Above => Relation::Below,
            Relation::Below => Relation::Above,
        }
    }

    /// The part of a picture of the given side in which everything lies that stands in this
    /// relation to `anchor`: cut at the anchor's centre, rounded down to whole pixels.
    pub fn region(self, anchor: &BBox, side: f32) -> BBox {
        let (cx, cy) = anchor.center();
        let (cx, cy) = (cx.floor(), cy.floor());
        match self {
            Relation::LeftOf => BBox::new(0.0, 0.0, cx, side),
            Relation::RightOf => BBox::new(cx, 0.0, side, side),
            Relation::Above => BBox::new(0.0, 0.0, side, cy),
            Relation::Below => BBox::new(0.0, cy, side, side),
        }
    }
}

/// A half of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The left half.
    Left,
    /// The right half.
    Right,
    /// The upper half.
    Top,
    /// The lower half.
    Bottom,
}

impl Side {
    /// The two sides of an axis: left and right, or top and bottom.
    pub fn pair(horizontal: bool) -> [Side; 2] {
        if horizontal {
            [Side::Left, Side::Right]
        } else {
            [Side::Top, Side::Bottom]
        }
    }

    /// Its name, as answers say it.
    pub fn name(self) -> &'static str {
        match self {
            Side::Left => "left",
            Side::Right => "right",
            Side::Top => "top",
            Side::Bottom => "bottom",
        }
    }

    /// The side across.
    pub fn opposite(self) -> Self {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
            Side::Top => Side::Bottom,
            Side::Bottom => Side::Top,
        }
    }

    /// What a program sees of the side: programs enlarge the half they crop by half of its size
    /// about its centre, so it reaches over the middle, to 5/8 of the picture.
    pub fn region(self, side: f32) -> BBox {
        let (near, far) = (side * 5.0 / 8.0, side * 3.0 / 8.0);
        match self {
            Side::Left => BBox::new(0.0, 0.0, near, side),
            Side::Right => BBox::new(far, 0.0, side, side),
            Side::Top => BBox::new(0.0, 0.0, side, near),
            Side::Bottom => BBox::new(0.0, far, side, side),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opposite_regions_share_no_pixel() {
        let anchor = BBox::new(30.0, 41.0, 61.0, 70.0);
        for relation in Relation::ALL {
            let here = relation.region(&anchor, 128.0);
            let there = relation.opposite().region(&anchor, 128.0);
            assert_eq!(here.intersection(&there).area(), 0.0);
            assert_eq!(here.area() + there.area(), 128.0 * 128.0);
        }
    }
}
