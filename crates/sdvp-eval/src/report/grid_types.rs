//! A grid by type of question.

use super::grid::{Grid, GridCell, of_seed, scores};
use crate::mean;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The types of one seed's questions, by task, in the order of the scores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedTypes {
    /// The seed.
    pub seed: u64,
    /// One type a question.
    pub types: BTreeMap<String, Vec<String>>,
}

/// One type of question, over all seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TypeScores {
    /// The type.
    pub name: String,
    /// How many questions of all seeds are of it.
    pub n: usize,
    /// Their mean score in every row of the grid, in the order of [`Grid::rows`]; none where a row
    /// has no such question yet.
    pub scores: Vec<Option<f64>>,
}

impl Grid {
    /// What every row scores on a task's types of questions, in alphabetical order.
    pub fn by_type(&self, task: &str) -> Vec<TypeScores> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.types.iter().filter_map(|seed| seed.types.get(task)) {
            name.iter()
                .for_each(|name| *counts.entry(name).or_default() += 1);
        }
        let rows: Vec<&[GridCell]> = [&self.before, &self.teachers]
            .into_iter()
            .chain(self.runs.iter().map(|run| &run.cells))
            .map(Vec::as_slice)
            .collect();
        let row = |(name, n): (&str, usize)| TypeScores {
            name: name.to_owned(),
            n,
            scores: rows
                .iter()
                .map(|cells| self.of_type(cells, task, name))
                .collect(),
        };
        counts.into_iter().map(row).collect()
    }

    fn of_type(&self, cells: &[GridCell], task: &str, name: &str) -> Option<f64> {
        let mut all = Vec::new();
        for seed in &self.types {
            let Some(types) = seed.types.get(task) else {
                continue;
            };
            let scored = types.iter().zip(scores(of_seed(cells, seed.seed), task));
            all.extend(
                scored
                    .filter(|(kind, _)| *kind == name)
                    .map(|(_, score)| *score),
            );
        }
        (!all.is_empty()).then(|| mean(&all))
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::grid;
    use super::*;

    #[test]
    fn questions_of_one_type_are_scored_together_over_seeds() {
        let mut grid = grid();
        assert!(grid.by_type("first").is_empty());
        // Of ten questions the first ones are right.
        let types: Vec<String> = (0..10)
            .map(|i| if i < 5 { "easy" } else { "hard" }.to_owned())
            .collect();
        grid.types = [0, 1]
            .map(|seed| SeedTypes {
                seed,
                types: BTreeMap::from([("first".to_owned(), types.clone())]),
            })
            .to_vec();
        let rows = grid.by_type("first");
        let [easy, hard] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!((easy.name.as_str(), easy.n, hard.n), ("easy", 10, 10));
        // Before: 4 and 5 of ten are right; teachers: 9 and 10; half: 6 and 9; all: 9 of one seed.
        let about = |row: &TypeScores| -> Vec<f64> {
            row.scores
                .iter()
                .map(|score| (score.unwrap() * 10.0).round())
                .collect()
        };
        assert_eq!(about(easy), [9.0, 10.0, 10.0, 10.0]);
        assert_eq!(about(hard), [0.0, 9.0, 5.0, 8.0]);
    }
}
