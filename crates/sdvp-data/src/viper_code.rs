//! What ViperGPT programs are put together of. Their rows count upwards.

use crate::picto::{Relation, Side};
use std::collections::BTreeSet;

/// Whether `a` lies so to `b`.
pub(crate) fn lies(a: &str, relation: Relation, b: &str) -> String {
    let (axis, symbol) = match relation {
        Relation::LeftOf => ("horizontal_center", "<"),
        Relation::RightOf => ("horizontal_center", ">"),
        Relation::Above => ("vertical_center", ">"),
        Relation::Below => ("vertical_center", "<"),
    };
    format!("{a}.{axis} {symbol} {b}.{axis}")
}

/// Whether `a` lies in that half of the picture that `patch` is all of.
pub(crate) fn lies_on(a: &str, side: Side, patch: &str) -> String {
    match side {
        Side::Left => format!("{a}.horizontal_center < {patch}.width / 2"),
        Side::Right => format!("{a}.horizontal_center > {patch}.width / 2"),
        Side::Top => format!("{a}.vertical_center > {patch}.height / 2"),
        Side::Bottom => format!("{a}.vertical_center < {patch}.height / 2"),
    }
}

/// A variable that is not taken: `plain`, or `plain` and a number. It is taken from now on.
pub(crate) fn untaken(plain: &str, names: &mut BTreeSet<String>) -> String {
    let mut name = plain.to_owned();
    let mut number = 1;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{plain}_{number}");
    }
    name
}
