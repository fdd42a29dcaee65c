//! What experts learned, and what would come of it if they answered for all pictures.

use super::sitting::{Sitting, Stopwatch};
use anyhow::Result;
use sdvp_data::Task;
use sdvp_eval::mean;
use sdvp_eval::report::ExpertRow;
use sdvp_modules::{Student, StudentPart};

/// A row for every expert of a student: it sits the unseen tasks alone, all pictures being its own.
pub(super) fn experts(
    student: &Student,
    sittings: &[Sitting],
    watch: &mut Stopwatch,
) -> Result<Vec<ExpertRow>> {
    let experts = student.manifest.experts.iter().enumerate();
    let rows = experts.map(|(place, expert)| {
        let alone = student.at(StudentPart::Expert(place));
        let unseen = sittings
            .iter()
            .filter(|sitting| sitting.like.is_none() && Task::unseen().contains(&sitting.task));
        let scores = unseen.map(|sitting| {
            let name = format!("{}: {} everywhere", sitting.name(), expert.tasks.join(", "));
            Ok(watch.sit(&sitting.exam, alone.modules()?, &name)?.score())
        });
        let scores = scores.collect::<Result<Vec<f64>>>()?;
        Ok(ExpertRow {
            tasks: expert.tasks.clone(),
            parameters: expert
                .modules
                .keys()
                .map(|kind| alone.parameters(*kind))
                .sum(),
            told_own: expert.domain.held_out.own,
            told_general: expert.domain.held_out.general,
            unseen_everywhere: (!scores.is_empty()).then(|| mean(&scores)),
        })
    });
    rows.collect()
}
