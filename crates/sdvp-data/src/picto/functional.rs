//! Functional programs: what a question means.

use super::{Color, Noun, Relation, Side, What};

/// What is asked about objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    Name,
    Color,
    Horizontal,
    Vertical,
    Place,
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    More,
    AtLeast,
    AtMost,
}

impl Comparison {
    /// As an expression writes it.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::More => ">",
            Comparison::AtLeast => ">=",
            Comparison::AtMost => "<=",
        }
    }

    pub(crate) fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::More => left > right,
            Comparison::AtLeast => left >= right,
            Comparison::AtMost => left <= right,
        }
    }
}

/// An operation of a functional program. `Image`, `Xor`, `Plus`, `Compare` and `List` are our
/// additions for pairs of pictures and for counting; the others are GQA's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    /// Which picture of a pair the next selection is about.
    Image(usize),
    /// Objects of that kind.
    Select(What),
    /// Those of that colour.
    FilterColor(Color),
    /// Those on that side.
    FilterSide(Side),
    /// Objects of that kind that lie so to the one object selected before.
    Relate(What, Relation),
    Exist,
    Count,
    Query(Attribute),
    VerifyColor(Color),
    /// Whether something described so lies so to the one object selected before.
    VerifyRelation(Noun, Relation),
    ChooseColor(Color, Color),
    ChooseSide(Side),
    /// Whether the described object lies so, or the opposite way, to the one selected before.
    ChooseRelation(Noun, Relation),
    SameColor,
    DifferentColor,
    And,
    Or,
    Xor,
    Plus,
    /// One number with a constant.
    CompareTo(Comparison, i64),
    /// Two numbers with each other.
    Compare(Comparison),
    /// Which of the existence steps before hold.
    List(Vec<Noun>),
}

/// An operation and the earlier steps it works on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) operation: Operation,
    pub(crate) on: Vec<usize>,
}

/// A functional program; the last step is its answer. Steps only refer to earlier ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Functional {
    pub(crate) steps: Vec<Step>,
}

/// A description of objects of one picture, gathered from the steps that select them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Set {
    /// Which picture.
    pub(crate) image: usize,
    pub(crate) noun: Noun,
    pub(crate) place: Place,
}

/// Where the objects of a [`Set`] are looked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    Anywhere,
    On(Side),
    /// So to the one object of the other set.
    By(Relation, Box<Set>),
}

impl Functional {
    /// Adds a step; its place.
    pub(crate) fn push(&mut self, operation: Operation, on: &[usize]) -> usize {
        self.steps.push(Step {
            operation,
            on: on.to_vec(),
        });
        self.steps.len() - 1
    }

    /// Adds the steps that select `set`; the place of the last. `pair` says whether pictures
    /// are named.
    pub(crate) fn select(&mut self, set: &Set, pair: bool) -> usize {
        let mut last = match &set.place {
            Place::By(relation, anchor) => {
                let anchor = self.select(anchor, pair);
                self.push(Operation::Relate(set.noun.what, *relation), &[anchor])
            }
            Place::Anywhere | Place::On(_) => {
                let image: Vec<usize> = pair
                    .then(|| self.push(Operation::Image(set.image), &[]))
                    .into_iter()
                    .collect();
                self.push(Operation::Select(set.noun.what), &image)
            }
        };
        if let Some(color) = set.noun.color {
            last = self.push(Operation::FilterColor(color), &[last]);
        }
        if let Place::On(side) = set.place {
            last = self.push(Operation::FilterSide(side), &[last]);
        }
        last
    }

    /// The objects that step `at` selects; `None` if it does not select any.
    pub(crate) fn set(&self, at: usize) -> Option<Set> {
        let step = self.steps.get(at)?;
        let before = || self.set(*step.on.first()?);
        match &step.operation {
            Operation::Select(what) => {
                let image = match step.on.first().and_then(|&i| self.steps.get(i)) {
                    Some(Step {
                        operation: Operation::Image(index),
                        ..
                    }) => *index,
                    _ => 0,
                };
                Some(Set {
                    image,
                    noun: Noun {
                        color: None,
                        what: *what,
                    },
                    place: Place::Anywhere,
                })
            }
            Operation::FilterColor(color) => {
                let set = before()?;
                Some(Set {
                    noun: set.noun.colored(*color),
                    ..set
                })
            }
            Operation::FilterSide(side) => Some(Set {
                place: Place::On(*side),
                ..before()?
            }),
            Operation::Relate(what, relation) => {
                let anchor = before()?;
                Some(Set {
                    image: anchor.image,
                    noun: Noun {
                        color: None,
                        what: *what,
                    },
                    place: Place::By(*relation, Box::new(anchor)),
                })
            }
            _ => None,
        }
    }
}
