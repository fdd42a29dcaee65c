//! Writes the VisProg program that a language model would give for a functional program: boxes,
//! crops and counts mixed with sub-questions, the form of each chosen at random.

mod condition;
mod result;
mod visual;

use super::functional::Functional;
use crate::visprog_lines::VisProgLines;
use rand_chacha::ChaCha8Rng;

/// Whose habits a program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Questions about `IMAGE`; the result is a word.
    Gqa,
    /// Statements about `LEFT` and `RIGHT`; the result is a truth value.
    Nlvr,
}

/// How often each form is chosen where several would do, in `[0, 1]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// A sub-question where boxes could be counted to see whether something exists.
    pub(crate) ask_exist: f64,
    /// A sub-question where boxes could be counted.
    pub(crate) ask_count: f64,
    /// A question about the whole picture where a crop of the thing could be asked about.
    pub(crate) ask_whole: f64,
}

impl Dialect {
    /// Its habits: programs for GQA count boxes more, programs for NLVR ask more.
    pub(crate) fn habits(self) -> Habits {
        match self {
            Dialect::Gqa => Habits {
                ask_exist: 0.3,
                ask_count: 0.25,
                ask_whole: 0.15,
            },
            Dialect::Nlvr => Habits {
                ask_exist: 0.5,
                ask_count: 0.5,
                ask_whole: 0.2,
            },
        }
    }
}

/// The program for a functional program. `None` if its steps do not fit together.
pub(crate) fn compile(
    functional: &Functional,
    dialect: Dialect,
    rng: &mut ChaCha8Rng,
) -> Option<String> {
    let mut compiler = Compiler {
        functional,
        dialect,
        habits: dialect.habits(),
        rng,
        out: VisProgLines::default(),
    };
    let last = functional.steps.len().checked_sub(1)?;
    compiler.write_result(last)?;
    Some(compiler.out.finish())
}

struct Compiler<'a> {
    functional: &'a Functional,
    dialect: Dialect,
    habits: Habits,
    rng: &'a mut ChaCha8Rng,
    out: VisProgLines,
}

#[cfg(test)]
mod tests;
