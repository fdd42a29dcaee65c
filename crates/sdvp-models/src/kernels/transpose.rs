//! Matrices turned, block by block. The `gemm` crate packs what lies across its vectors value by value,
//! from as many places of memory as a vector panel has rows; that can take as long as multiplying.

use super::lanes::vectorised;
use super::matrix::Place;
use rayon::prelude::*;

/// Rows and columns that are turned together: a line of the cache has as many values.
const BLOCK: usize = 16;

vectorised! {
    /// Columns `first ..` of a matrix, as many as `into` has rows of `rows` values.
    fn turn(from: &[f32], place: Place, rows: usize, first: usize, into: &mut [f32]) {
        let columns = into.len() / rows;
        let mut block = [[0f32; BLOCK]; BLOCK];
        for column in (0..columns).step_by(BLOCK) {
            let wide = BLOCK.min(columns - column);
            for row in (0..rows).step_by(BLOCK) {
                let high = BLOCK.min(rows - row);
                for r in 0..high {
                    let start = place.start + (row + r) * place.row + first + column;
                    for (line, value) in block.iter_mut().zip(&from[start..start + wide]) {
                        line[r] = *value;
                    }
                }
                for (c, line) in block.iter().enumerate().take(wide) {
                    let start = (column + c) * rows + row;
                    into[start..start + high].copy_from_slice(&line[..high]);
                }
            }
        }
    }
}

/// Writes the transpose of a matrix of `rows` rows to `into`, as many columns as fit, on one thread.
pub(super) fn transpose(from: &[f32], place: Place, rows: usize, into: &mut [f32]) {
    assert_eq!(place.column, 1, "rows lie in one piece");
    if rows > 0 {
        turn(from, place, rows, 0, into);
    }
}

/// The transpose of a whole matrix of `rows` rows; all threads take part.
pub(super) fn transposed(from: &[f32], rows: usize) -> Vec<f32> {
    let mut into = vec![0f32; from.len()];
    if from.is_empty() {
        return into;
    }
    let place = Place::rows_of(from.len() / rows);
    into.par_chunks_mut(BLOCK * rows)
        .enumerate()
        .for_each(|(at, part)| turn(from, place, rows, at * BLOCK, part));
    into
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_is_where_its_row_and_column_say(
            rows in 1usize..70,
            columns in 1usize..70,
            before in 0usize..5,
            beside in 0usize..5,
        ) {
            let width = columns + beside;
            let from: Vec<f32> = (0..before + rows * width).map(|at| at as f32).collect();
            let place = Place { start: before, row: width, column: 1 };
            let mut into = vec![-1f32; rows * columns];
            transpose(&from, place, rows, &mut into);
            for row in 0..rows {
                for column in 0..columns {
                    let expected = from[before + row * width + column];
                    prop_assert_eq!(into[column * rows + row], expected);
                }
            }
            if beside == 0 {
                prop_assert_eq!(transposed(&from[before..], rows), into);
            }
        }
    }

    #[test]
    fn nothing_turned_is_nothing() {
        assert!(transposed(&[], 3).is_empty());
        transpose(&[], Place::rows_of(3), 0, &mut []);
    }
}
