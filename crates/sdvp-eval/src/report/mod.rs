//! What a distillation showed: `report.json`, `report.html` and a table for the terminal.
//!
//! Scores and rates are parts of one (0.71), never per cent, except where people read them.

mod choose;
mod divergence;
mod example;
mod file;
mod grid;
mod grid_text;
mod grid_types;
mod html;
mod rows;
mod text;
mod training;

pub use choose::choose_examples;
pub use divergence::DivergenceRow;
pub use example::{ExampleRun, ExampleSide, ExampleStep, ShownBox};
pub use file::{ReportError, read_report, write_file, write_report};
pub use grid::{Grid, GridCell, GridRow, GridRun, Scores, TargetSummary, TaskScores};
pub use grid_text::grid_table;
pub use grid_types::{SeedTypes, TypeScores};
pub use html::{grid_html, report_html, trace_html};
pub use rows::{AcrossRow, ExpertRow, ForgettingRow, LookAlikeRow, TargetRow, TypeRow, UnseenRow};
pub use text::text_table;
pub use training::{CurvePoint, ModelSize, RuntimeReport, Stage, Timing};

use serde::{Deserialize, Serialize};

/// Everything a distillation showed, as `report.json` has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The seed that everything random came from.
    pub seed: u64,
    /// The language of the programs, such as `visprog`.
    pub framework: String,
    /// Wall-clock time of everything, seconds.
    pub wall_s: f64,
    /// The tasks that were distilled on.
    pub targets: Vec<TargetRow>,
    /// The tasks that were not.
    pub unseen: Vec<UnseenRow>,
    /// The tasks that were not, over pictures that look like a target's.
    pub look_alikes: Vec<LookAlikeRow>,
    /// What learned for some pictures only.
    pub experts: Vec<ExpertRow>,
    /// All tasks in the programs of other frameworks, which the student was not taught with.
    pub across: Vec<AcrossRow>,
    /// How well the visual calls of the targets' programs are answered.
    pub calls: Vec<crate::CallRow>,
    /// Which step parted the questions that became right or wrong, of those whose steps were kept.
    pub divergence: Vec<DivergenceRow>,
    /// Mean scores of all tasks after each target was learned.
    pub forgetting: Vec<ForgettingRow>,
    /// The modules that learned.
    pub students: Vec<ModelSize>,
    /// The networks they learned from.
    pub teachers: Vec<ModelSize>,
    /// What running programs cost.
    pub runtime: RuntimeReport,
    /// The steps of the distillation, in order.
    pub stages: Vec<Stage>,
    /// What took how long, in order.
    pub timings: Vec<Timing>,
    /// The settings it was made with.
    pub settings: serde_json::Value,
}

impl Report {
    /// Means over the unseen tasks: before, after, teacher-replaced; none without such tasks.
    pub fn unseen_means(&self) -> Option<[f64; 3]> {
        means(self.unseen.iter())
    }

    /// The same over pictures that look like a target's.
    pub fn look_alike_means(&self, target: &str) -> Option<[f64; 3]> {
        let rows = self.look_alikes.iter();
        means(
            rows.filter(|row| row.target == target)
                .map(|row| &row.measured),
        )
    }

    /// Beside experts, the targets that no expert learned: what was learned of them answers for all
    /// pictures that are no expert's.
    pub fn learned_for_all(&self) -> impl Iterator<Item = &str> {
        let targets = self.targets.iter().map(|target| target.task.as_str());
        targets.filter(|task| {
            let mut learned = self.experts.iter().flat_map(|expert| &expert.tasks);
            !self.experts.is_empty() && !learned.any(|known| known == task)
        })
    }
}

fn means<'a>(rows: impl Iterator<Item = &'a UnseenRow>) -> Option<[f64; 3]> {
    let rows: Vec<&UnseenRow> = rows.collect();
    let over = |score: fn(&UnseenRow) -> f64| {
        crate::mean(&rows.iter().map(|row| score(row)).collect::<Vec<f64>>())
    };
    (!rows.is_empty()).then(|| {
        [
            over(|row| row.before),
            over(|row| row.after),
            over(|row| row.teacher_replaced),
        ]
    })
}
