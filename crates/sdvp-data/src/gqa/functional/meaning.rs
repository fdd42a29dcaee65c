//! What a functional program means: its steps, put together into things that programs are written
//! of. Nothing here can refer to what is not there.

use super::argument::Property;
use super::relation::Link;
use crate::picto::Side;
use std::sync::Arc;

/// Which picture something is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    /// The only one.
    Only,
    /// Of a pair.
    Left,
    /// Of a pair.
    Right,
}

/// A description of objects, gathered from the steps that select them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Objects {
    /// Unique in its program; the same description is looked for once.
    pub(super) id: usize,
    pub(super) picture: Picture,
    /// What they are; `None` for anything.
    pub(super) name: Option<String>,
    /// What else they are, in the order of steps.
    pub(super) properties: Vec<Property>,
    /// Halves of the picture that they lie in.
    pub(super) sides: Vec<Side>,
    pub(super) place: Place,
}

/// Where objects are looked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    Anywhere,
    /// Related so to another object.
    Beside(Link, Arc<Objects>),
    /// Of the same colour, material … as another object.
    Alike(String, Arc<Objects>),
}

/// What a question about attributes is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    Objects(Arc<Objects>),
    /// The picture as a whole.
    Scene(Picture),
}

/// What a step gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    Picture(Picture),
    Scene(Picture),
    Objects(Arc<Objects>),
    Truth(Arc<Truth>),
    Number(Arc<Number>),
    Word(Arc<Word>),
    /// Where the objects are.
    Boxes(Arc<Objects>),
}

impl Meaning {
    /// What it is called in errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Meaning::Picture(_) => "a picture",
            Meaning::Scene(_) => "the scene",
            Meaning::Objects(_) => "objects",
            Meaning::Truth(_) => "a truth value",
            Meaning::Number(_) => "a number",
            Meaning::Word(_) => "a word",
            Meaning::Boxes(_) => "boxes",
        }
    }
}

/// Something that holds or not; `id` is unique in its program.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Truth {
    pub(super) id: usize,
    pub(super) says: Claim,
}

/// What is claimed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Claim {
    Exist(Arc<Objects>),
    Has(Subject, Property),
    /// Whether it lies on that side of the picture.
    On(Arc<Objects>, Side),
    Same(Agreement),
    And(Arc<Truth>, Arc<Truth>),
    Or(Arc<Truth>, Arc<Truth>),
    Xor(Arc<Truth>, Arc<Truth>),
    /// Two numbers, and Python's operator between them.
    Compare(Arc<Number>, &'static str, Arc<Number>),
    CompareTo(Arc<Number>, &'static str, i64),
    Not(Arc<Truth>),
}

/// That an attribute is the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Agreement {
    /// Of two objects.
    Two(String, Arc<Objects>, Arc<Objects>),
    /// Of all objects of a kind.
    All(String, Arc<Objects>),
}

/// A number; `id` is unique in its program.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    pub(super) id: usize,
    pub(super) is: Amount,
}

/// What a number is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Amount {
    Count(Arc<Objects>),
    Plus(Arc<Number>, Arc<Number>),
}

/// A word that answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// What they are.
    Name(Arc<Objects>),
    /// What is left and right, or top and bottom: which of the two sides they are on.
    Side(Arc<Objects>, [Side; 2]),
    Attribute(Subject, String),
    /// Which of the options is the value of the attribute.
    Choice(Subject, String, Vec<String>),
    /// Which of the options the related object is.
    NameChoice(Arc<Objects>, Vec<String>),
    /// Which of the links holds; the objects that each would give.
    Relation(Vec<(Link, Arc<Objects>)>),
    /// Which of the two is more so: "older", "less healthy".
    Comparative(String, Arc<Objects>, Arc<Objects>),
    /// What two objects have in common.
    Common(Arc<Objects>, Arc<Objects>),
    /// Names of those claims that hold, with commas between them.
    List(Vec<(String, Arc<Truth>)>),
}
