//! What a grid of runs showed: controls and ablations, over seeds, on the same questions.

use super::grid_types::SeedTypes;
use super::rows::gain_kept;
use crate::bootstrap::{Interval, differences, mean, paired_interval};
use crate::{AcrossSeeds, Evaluation, McNemar};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Scores of one student on one task's questions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskScores {
    /// One score a question; failed programs score 0.
    pub scores: Vec<f64>,
    /// Programs that failed.
    pub failed: usize,
}

impl From<&Evaluation> for TaskScores {
    fn from(evaluation: &Evaluation) -> Self {
        let failed = evaluation.answers.iter().filter(|answer| answer.is_err());
        Self {
            scores: evaluation.scores.clone(),
            failed: failed.count(),
        }
    }
}

/// Scores of one student, by task.
pub type Scores = BTreeMap<String, TaskScores>;

/// One run with one seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GridCell {
    /// The seed.
    pub seed: u64,
    /// After every task of the chain, in order; what was untouched has no stage.
    pub stages: Vec<Scores>,
    /// What went otherwise than asked, for people.
    pub notes: Vec<String>,
}

/// One run with every seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GridRun {
    /// Its name.
    pub name: String,
    /// Where it stands on a curve, if it is a point of one.
    pub x: Option<f64>,
    /// One cell a seed.
    pub cells: Vec<GridCell>,
}

/// A grid that was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// What it is called.
    pub name: String,
    /// The tasks that were distilled on, in order.
    pub targets: Vec<String>,
    /// The tasks that were not.
    pub unseen: Vec<String>,
    /// The same over pictures that look like a target's.
    #[serde(default)]
    pub look_alikes: Vec<String>,
    /// The untouched student, by seed.
    pub before: Vec<GridCell>,
    /// The teachers in the modules' place, by seed.
    pub teachers: Vec<GridCell>,
    /// The runs.
    pub runs: Vec<GridRun>,
    /// What types the targets' questions are of, by seed.
    #[serde(default)]
    pub types: Vec<SeedTypes>,
}

/// A run's row in the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GridRow {
    /// The run.
    pub name: String,
    /// Where it stands on a curve.
    pub x: Option<f64>,
    /// Every target, in order.
    pub targets: Vec<TargetSummary>,
    /// Change of the mean over unseen tasks, seed by seed.
    pub unseen: AcrossSeeds,
    /// The same over pictures that look like a target's; none if they were not measured.
    #[serde(default)]
    pub look_alikes: Option<AcrossSeeds>,
    /// Part of its gain that each target but the last keeps to the end, mean over seeds.
    pub kept: Vec<Option<f64>>,
    /// What went otherwise than asked.
    pub notes: Vec<String>,
}

/// A target in a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetSummary {
    /// The task.
    pub task: String,
    /// Mean score at the end.
    pub after: AcrossSeeds,
    /// Gain over the untouched student.
    pub gain: AcrossSeeds,
    /// The paired 95 % interval of each seed's gain.
    pub paired: Vec<Interval>,
    /// Questions gained and lost, all seeds together, and how likely that is by chance.
    pub mcnemar: McNemar,
    /// The part of the gap to the teachers that is closed; none where there is none.
    pub gap_closed: Option<AcrossSeeds>,
}

pub(super) fn scores<'a>(cell: Option<&'a GridCell>, task: &str) -> &'a [f64] {
    let last = cell.and_then(|cell| cell.stages.last());
    last.and_then(|stage| stage.get(task))
        .map_or(&[], |task| task.scores.as_slice())
}

pub(super) fn of_seed(cells: &[GridCell], seed: u64) -> Option<&GridCell> {
    cells.iter().find(|cell| cell.seed == seed)
}

impl Grid {
    /// A row for the untouched student, one for the teachers in the modules' place, and one for
    /// each run.
    pub fn rows(&self) -> Vec<GridRow> {
        let control = |name: &str, cells: &[GridCell]| GridRun {
            name: name.to_owned(),
            x: None,
            cells: cells.to_vec(),
        };
        let controls = [
            control("no distillation", &self.before),
            control("teachers instead", &self.teachers),
        ];
        controls
            .iter()
            .chain(&self.runs)
            .map(|run| self.row(run))
            .collect()
    }

    fn row(&self, run: &GridRun) -> GridRow {
        let targets: Vec<TargetSummary> = self
            .targets
            .iter()
            .map(|task| self.target(run, task))
            .collect();
        let change = |of: &[String], cell: &GridCell| {
            let before = of_seed(&self.before, cell.seed);
            let change =
                |task: &String| mean(scores(Some(cell), task)) - mean(scores(before, task));
            mean(&of.iter().map(change).collect::<Vec<_>>())
        };
        let changes = |of: &[String]| {
            AcrossSeeds::of(run.cells.iter().map(|cell| change(of, cell)).collect())
        };
        let mut notes: Vec<String> = run.cells.iter().flat_map(|c| c.notes.clone()).collect();
        notes.sort();
        notes.dedup();
        GridRow {
            name: run.name.clone(),
            x: run.x,
            unseen: changes(&self.unseen),
            look_alikes: (!self.look_alikes.is_empty()).then(|| changes(&self.look_alikes)),
            kept: self.kept(run),
            targets,
            notes,
        }
    }

    fn target(&self, run: &GridRun, task: &str) -> TargetSummary {
        let (mut after, mut gain, mut closed) = (Vec::new(), Vec::new(), Vec::new());
        let (mut paired, mut gained, mut lost) = (Vec::new(), 0, 0);
        for cell in &run.cells {
            let before = scores(of_seed(&self.before, cell.seed), task);
            let teachers = mean(scores(of_seed(&self.teachers, cell.seed), task));
            let now = scores(Some(cell), task);
            let won = mean(&differences(before, now));
            let gap = teachers - mean(before);
            after.push(mean(now));
            gain.push(won);
            paired.push(paired_interval(before, now, cell.seed));
            if gap > 0.0 {
                closed.push(won / gap);
            }
            let counts = McNemar::of(before, now);
            gained += counts.gained;
            lost += counts.lost;
        }
        TargetSummary {
            task: task.to_owned(),
            after: AcrossSeeds::of(after),
            gain: AcrossSeeds::of(gain),
            paired,
            mcnemar: McNemar::from_counts(gained, lost),
            gap_closed: (!closed.is_empty()).then(|| AcrossSeeds::of(closed)),
        }
    }

    /// For each target but the last, the part of what it gained when it was learned that is left
    /// at the end.
    fn kept(&self, run: &GridRun) -> Vec<Option<f64>> {
        let earlier = self.targets.len().saturating_sub(1);
        let targets = self.targets.iter().take(earlier).enumerate();
        targets
            .map(|(place, task)| {
                let parts: Vec<f64> = run
                    .cells
                    .iter()
                    .filter_map(|cell| {
                        let before = mean(scores(of_seed(&self.before, cell.seed), task));
                        let learned = mean(&cell.stages.get(place)?.get(task)?.scores);
                        let last = mean(scores(Some(cell), task));
                        let others = cell.stages.len() > place + 1;
                        others.then(|| gain_kept(before, learned, last)).flatten()
                    })
                    .collect();
                (!parts.is_empty()).then(|| mean(&parts))
            })
            .collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn cell(seed: u64, stages: &[[f64; 3]]) -> GridCell {
        // Ten questions each on two targets and an unseen task, so many of them right.
        let stage = |shares: &[f64; 3]| -> Scores {
            ["first", "second", "unseen"]
                .into_iter()
                .zip(shares)
                .map(|(task, share)| {
                    let right = |i: usize| f64::from(u8::from((i as f64) < share * 10.0));
                    let scores = (0..10).map(right).collect();
                    (task.to_owned(), TaskScores { scores, failed: 0 })
                })
                .collect()
        };
        GridCell {
            seed,
            stages: stages.iter().map(stage).collect(),
            notes: Vec::new(),
        }
    }

    pub(in crate::report) fn grid() -> Grid {
        let run = |name: &str, x, cells| GridRun {
            name: name.to_owned(),
            x,
            cells,
        };
        Grid {
            types: Vec::new(),
            name: "sizes".to_owned(),
            targets: vec!["first".to_owned(), "second".to_owned()],
            unseen: vec!["unseen".to_owned()],
            look_alikes: Vec::new(),
            before: vec![cell(0, &[[0.4, 0.5, 0.8]]), cell(1, &[[0.5, 0.5, 0.8]])],
            teachers: vec![cell(0, &[[0.9, 1.0, 0.1]]), cell(1, &[[1.0, 1.0, 0.1]])],
            runs: vec![
                run(
                    "half",
                    Some(0.5),
                    vec![
                        cell(0, &[[0.8, 0.5, 0.8], [0.6, 0.8, 0.7]]),
                        cell(1, &[[0.9, 0.5, 0.8], [0.9, 0.7, 0.8]]),
                    ],
                ),
                run(
                    "all",
                    Some(1.0),
                    vec![cell(0, &[[0.9, 0.5, 0.8], [0.9, 0.9, 0.8]])],
                ),
            ],
        }
    }

    #[test]
    fn gains_gaps_and_what_is_kept() {
        let rows = grid().rows();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(
            names,
            ["no distillation", "teachers instead", "half", "all"]
        );
        assert_eq!(rows[0].targets[0].gain.mean, 0.0);
        assert!((rows[1].unseen.mean + 0.7).abs() < 1e-9);
        let half = &rows[2];
        let first = &half.targets[0];
        assert!((first.gain.values[0] - 0.2).abs() < 1e-9);
        assert!((first.gain.values[1] - 0.4).abs() < 1e-9);
        let closed = first.gap_closed.as_ref().unwrap();
        assert!((closed.mean - (0.4 + 0.8) / 2.0).abs() < 1e-9, "{closed:?}");
        assert_eq!((first.mcnemar.gained, first.mcnemar.lost), (6, 0));
        assert!((half.unseen.mean + 0.05).abs() < 1e-9);
        // Of +0.4 and +0.4 there are +0.2 and +0.4 left.
        assert!(
            (half.kept[0].unwrap() - 0.75).abs() < 1e-9,
            "{:?}",
            half.kept
        );
        assert_eq!(rows[0].kept, [None]);
        assert_eq!(
            rows[3].targets[1].gain.ci95, None,
            "one seed says nothing of others"
        );
    }
}
