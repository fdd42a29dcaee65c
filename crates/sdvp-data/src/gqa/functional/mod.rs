//! GQA's functional programs (the field `semantic` of a question) as programs: what a model that
//! understood the question would write, without a language model. Always the same program for the
//! same steps.
//!
//! All operations that the published questions use are known, and those that [`picto`](crate::picto)
//! adds for counting and for pairs of pictures. Attributes are open: those that are not asked about
//! in words of their own are asked about as "What ATTRIBUTE is the NAME?".
//!
//! | operation | argument | on | gives |
//! |---|---|---|---|
//! | `select` | name (objects), or `scene` | | objects, the scene |
//! | `filter …` | value, `not(value)` | objects | objects |
//! | `relate` | `name,relation,s` or `o`; `name,same …,_`; `_` for any name | objects | objects |
//! | `exist`, `count` | | objects | truth, number |
//! | `query …` | attribute: `name`, `hposition`, `vposition`, `bbox`, any other | objects, scene | word, boxes |
//! | `verify …`, `choose …` | value; `a\|b` | objects, scene | truth, word |
//! | `verify rel`, `choose rel` | as `relate`; relations `a\|b` | objects | truth, word |
//! | `choose` and a comparative | | two objects | word: the name |
//! | `same …`, `different …` | | one (of all) or two objects | truth |
//! | `common` | | two objects | word: an attribute |
//! | `and`, `or`, `xor` | | two truths | truth |
//! | `image` | `LEFT`, `RIGHT` | | the picture that `select` selects from |
//! | `plus`, `compare` | comparison, perhaps a number | numbers | number, truth |
//! | `list` | names | a truth a name | names that hold |

mod argument;
mod error;
mod meaning;
mod read;
mod relation;
mod viper;
mod visprog;
mod wording;

pub use error::FunctionalError;

use crate::picto::FunctionalStep;
use meaning::Meaning;

/// A functional program whose steps are known and fit together.
#[derive(Clone, Debug, PartialEq)]
pub struct Functional {
    /// What the last step gives, and through it all that it depends on.
    answer: Meaning,
    /// Whether it is about a pair of pictures.
    pair: bool,
}

impl Functional {
    /// Reads the steps of a question, which errors call `question`.
    ///
    /// # Errors
    /// If there are no steps or too many, an operation is not known, an argument does not say what
    /// it should, a step depends on one that is not there, not earlier or gives something else, or
    /// the last step answers nothing.
    pub fn read(question: &str, steps: &[FunctionalStep]) -> Result<Self, FunctionalError> {
        read::read(question, steps)
    }

    /// Whether it is about a pair of pictures: its programs start from `LEFT` and `RIGHT`, or from
    /// `image_dict`.
    pub fn is_pair(&self) -> bool {
        self.pair
    }
}

/// The VisProg program for a functional program. Questions about one picture answer with words,
/// `yes` and `no` among them; statements about a pair with truth values.
pub fn compile_visprog(functional: &Functional) -> String {
    visprog::compile(&functional.answer, functional.pair)
}

/// The ViperGPT program for a functional program; its results are as those of
/// [`compile_visprog`].
pub fn compile_viper(functional: &Functional) -> String {
    viper::compile(&functional.answer, functional.pair)
}

#[cfg(test)]
mod tests;
