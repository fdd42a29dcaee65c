//! Controls: other sources of labels than a task's own teacher, to see what the labels are worth.

mod final_answer;
mod random;
mod truth;

pub use final_answer::FinalAnswerTeacher;
pub use random::RandomTeacher;
pub use truth::TruthTeacher;
