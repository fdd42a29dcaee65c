//! Where patches and tokens are: learned positions between places, and the angles of rotations.

use super::{PatchGrid, Qwen3VlTextConfig, Qwen3VlVisionConfig};
use crate::error::Result;
use crate::layers::Rotation;
use candle_core::{Device, Tensor};

/// Base of the angles that stand for a patch's row and column.
const VISION_BASE: f64 = 10_000.0;

/// `base^(−2 i / width)` for `i` below `count`.
fn frequencies(base: f64, width: usize, count: usize) -> Vec<f32> {
    let exponent = |i: usize| (2 * i) as f64 / width as f64;
    (0..count)
        .map(|i| (1.0 / base.powf(exponent(i))) as f32)
        .collect()
}

/// The two learned places on either side of each of `count` ones, with the part that each has; the
/// first and last are the same.
fn between(learned: usize, count: usize) -> Vec<[(usize, f32); 2]> {
    let span = count.saturating_sub(1).max(1) as f32;
    let last = learned.saturating_sub(1);
    (0..count)
        .map(|at| {
            let place = at as f32 * last as f32 / span;
            let before = place.floor();
            let part = place - before;
            let before = (before as usize).min(last);
            [(before, 1.0 - part), ((before + 1).min(last), part)]
        })
        .collect()
}

/// The learned positions `[places², hidden]` at a grid's patches, `[patches, hidden]`, found linearly
/// between places.
pub(super) fn interpolated(
    learned: &Tensor,
    config: &Qwen3VlVisionConfig,
    grid: PatchGrid,
) -> Result<Tensor> {
    let (down, across) = (
        between(config.places, grid.rows),
        between(config.places, grid.columns),
    );
    let mut neighbours = Vec::with_capacity(4 * grid.patches());
    let mut parts = Vec::with_capacity(4 * grid.patches());
    for (row, column) in grid.in_squares(config.merge) {
        for (y, of_row) in down.get(row).into_iter().flatten() {
            for (x, of_column) in across.get(column).into_iter().flatten() {
                neighbours.push((y * config.places + x) as u32);
                parts.push(of_row * of_column);
            }
        }
    }
    let patches = grid.patches();
    let device = learned.device();
    let neighbours = Tensor::from_vec(neighbours, 4 * patches, device)?;
    let parts = Tensor::from_vec(parts, (patches, 4, 1), device)?;
    let vectors = learned
        .index_select(&neighbours, 0)?
        .reshape((patches, 4, config.hidden))?
        .to_dtype(parts.dtype())?;
    Ok(vectors.broadcast_mul(&parts)?.sum(1)?)
}

/// Of every patch: half of a head's angles by its row, half by its column.
pub(super) fn vision_rotation(
    config: &Qwen3VlVisionConfig,
    grid: PatchGrid,
    device: &Device,
) -> Result<Rotation> {
    let half = config.hidden / config.heads / 2;
    let frequencies = frequencies(VISION_BASE, half, half / 2);
    let angles = grid.in_squares(config.merge).flat_map(|(row, column)| {
        let frequencies = &frequencies;
        [row, column]
            .into_iter()
            .flat_map(move |at| frequencies.iter().map(move |f| at as f32 * f))
    });
    Rotation::new(angles.collect(), half, device)
}

/// Where a token is: in time, in height, and in width.
pub(super) type Place = [u32; 3];

/// Places of as many words, from `first` on.
pub(super) fn word_places(first: u32, count: usize) -> Vec<Place> {
    (first..).take(count).map(|at| [at; 3]).collect()
}

/// Places of a picture's tokens, all at the time `first`; and where what follows begins.
pub(super) fn picture_places(first: u32, grid: PatchGrid, merge: usize) -> (Vec<Place>, u32) {
    let (rows, columns) = ((grid.rows / merge) as u32, (grid.columns / merge) as u32);
    let place = |row: u32, column: u32| [first, first + row, first + column];
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| place(row, column)));
    (places.collect(), first + rows.max(columns))
}

/// Of every token: angles by time, with every third one by height and every third one by width as
/// long as their sections last.
pub(super) fn text_rotation(
    config: &Qwen3VlTextConfig,
    places: &[Place],
    device: &Device,
) -> Result<Rotation> {
    let half = config.head / 2;
    let [_, height, width] = config.sections;
    let frequencies = frequencies(config.rope_base, config.head, half);
    let axis = |i: usize| match i % 3 {
        1 if i < 3 * height => 1,
        2 if i < 3 * width => 2,
        _ => 0,
    };
    let angles = places.iter().flat_map(|place| {
        let angle = move |(i, f): (usize, &f32)| place[axis(i)] as f32 * f;
        frequencies.iter().enumerate().map(angle)
    });
    Rotation::new(angles.collect(), half, device)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: PatchGrid = PatchGrid {
        rows: 4,
        columns: 2,
    };

    #[test]
    fn patches_are_read_square_by_square() {
        let expected = [
            (0, 0),
            (0, 1),
            (1, 0),
            (1, 1),
            (2, 0),
            (2, 1),
            (3, 0),
            (3, 1),
        ];
        assert!(GRID.in_squares(2).eq(expected));
    }

    #[test]
    fn the_first_and_last_places_are_the_learned_ones() {
        let found = between(3, 5);
        assert_eq!(found[0][0], (0, 1.0));
        assert_eq!(found[1], [(0, 0.5), (1, 0.5)]);
        assert_eq!(found[4][0], (2, 1.0));
        assert_eq!(between(3, 1), [[(0, 1.0), (1, 0.0)]]);
        assert_eq!(between(1, 2), [[(0, 1.0), (0, 0.0)]; 2]);
    }

    #[test]
    fn a_picture_takes_as_much_room_as_its_longer_side() {
        let (places, next) = picture_places(5, GRID, 2);
        assert_eq!(places, [[5, 5, 5], [5, 6, 5]]);
        assert_eq!(next, 7);
        assert_eq!(word_places(next, 2), [[7; 3], [8; 3]]);
    }
}
