//! How much of a model's attention lies where question and answer point.

use super::OfficialError;
use sdvp_data::gqa::{GqaQuestion, SceneGraph};

/// A box in shares of the picture: left, top, right, bottom.
type Share = [f64; 4];

/// The attention given to the objects that a question and its full answer point to: over every such
/// object and every cell, the cell's attention times the part of the cell that the object covers.
/// `attention[column][row]` is a square grid, as the script reads it.
///
/// The script means to add the whole picture for questions about the scene, but looks for that where
/// it never is; so nothing is added here either.
///
/// # Errors
/// If an object is not in the scene graph or the grid is not square.
pub fn grounding(
    question: &GqaQuestion,
    graph: &SceneGraph,
    attention: &[Vec<f64>],
) -> Result<f64, OfficialError> {
    let side = attention.len();
    let lacks = |expected: String| OfficialError::NoGrounding {
        question: question.id.clone(),
        expected,
    };
    if side == 0 || attention.iter().any(|column| column.len() != side) {
        return Err(lacks("a square grid of attention".to_owned()));
    }
    let edge = 1.0 / side as f64;
    let annotations = &question.annotations;
    let pointers = annotations
        .question
        .values()
        .chain(annotations.full_answer.values());
    let mut score = 0.0;
    for pointer in pointers {
        let region = pointer
            .as_str()
            .and_then(|id| region(graph, id))
            .ok_or_else(|| lacks(format!("object {pointer} in the scene graph")))?;
        for (i, column) in attention.iter().enumerate() {
            for (j, attention) in column.iter().enumerate() {
                let (i, j) = (i as f64, j as f64);
                let cell = [edge * i, edge * j, edge * (i + 1.0), edge * (j + 1.0)];
                score += attention * covered(&cell, &region);
            }
        }
    }
    Ok(score)
}

fn region(graph: &SceneGraph, id: &str) -> Option<Share> {
    let object = graph.objects.iter().find(|object| object.id == id)?;
    let (width, height) = (f64::from(graph.width), f64::from(graph.height));
    let [x, y, w, h] = [object.x, object.y, object.w, object.h].map(f64::from);
    Some([x / width, y / height, (x + w) / width, (y + h) / height])
}

/// The part of a cell that a region covers.
fn covered(cell: &Share, region: &Share) -> f64 {
    let overlap = |from: usize, to: usize| {
        let (low, high) = (cell[from].max(region[from]), cell[to].min(region[to]));
        if high > low { high - low } else { 0.0 }
    };
    let size = (cell[2] - cell[0]) * (cell[3] - cell[1]);
    overlap(0, 2) * overlap(1, 3) / size
}
