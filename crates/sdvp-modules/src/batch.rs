//! A batch of sub-tasks, of which a module answers one kind.

use sdvp_core::{Module, ModuleError, Outcome, SubTask, SubTaskKind};
use sdvp_models::ModelError;

/// One outcome a sub-task of the kind, and an error for every other one.
pub(crate) fn outcomes_of(
    module: &dyn Module,
    kind: SubTaskKind,
    batch: &[SubTask],
    outcomes: impl Fn(&[&SubTask]) -> std::result::Result<Vec<Outcome>, ModelError>,
) -> Vec<std::result::Result<Outcome, ModuleError>> {
    let name = || module.name().to_owned();
    let own: Vec<&SubTask> = batch.iter().filter(|task| task.kind == kind).collect();
    let found = match own.as_slice() {
        [] => Ok(Vec::new()),
        own => outcomes(own),
    };
    let mut outcomes = match found {
        Ok(outcomes) => outcomes.into_iter(),
        Err(error) => {
            let failed = ModuleError::Failed {
                module: name(),
                reason: error.to_string(),
            };
            return vec![Err(failed); batch.len()];
        }
    };
    batch
        .iter()
        .map(|task| {
            if task.kind != kind {
                return Err(ModuleError::WrongKind {
                    module: name(),
                    kind: task.kind,
                });
            }
            outcomes.next().ok_or_else(|| ModuleError::Failed {
                module: name(),
                reason: "the network gave fewer outcomes than it was asked for".to_owned(),
            })
        })
        .collect()
}
