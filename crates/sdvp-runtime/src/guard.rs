//! Keeps a panic to those it concerns.

use sdvp_core::{Module, ModuleError, Outcome, SubTask};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a module answers, or why it could not.
pub(crate) type Answer = Result<Outcome, ModuleError>;

/// The value of `work`, or the message of its panic.
///
/// Whatever `work` was changing when it panicked must not be used again.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(payload.as_ref()))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

/// Runs a module on one batch; the result has the batch's length. A panic or a result of another
/// length fails this batch and nothing else.
pub(crate) fn ask(module: &dyn Module, batch: &[SubTask]) -> Vec<Answer> {
    let reason = match guarded(|| module.run(batch)) {
        Ok(answers) if answers.len() == batch.len() => return answers,
        Ok(answers) => format!(
            "expected {} outcomes, one for each sub-task of the batch, found {}",
            batch.len(),
            answers.len()
        ),
        Err(message) => format!("it panicked: {message}"),
    };
    let error = ModuleError::Failed {
        module: module.name().to_owned(),
        reason,
    };
    vec![Err(error); batch.len()]
}
