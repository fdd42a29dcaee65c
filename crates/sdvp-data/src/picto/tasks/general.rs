//! `picto-general`: some of everything, for pretraining and rehearsal.

use super::{QuestionType, count, gqa, nlvr2, referring};

/// The question types of all parts: the two targets, counting and finding.
pub(super) fn types() -> Vec<QuestionType> {
    let parts: [&[QuestionType]; 4] =
        [&gqa::TYPES, &nlvr2::TYPES, &count::TYPES, &referring::TYPES];
    parts.concat()
}
