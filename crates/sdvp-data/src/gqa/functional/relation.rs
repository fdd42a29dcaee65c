//! How selected objects are related to those selected before.

use crate::picto::Relation;

/// Which end of a relation the selected object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// "the *cup* on the table", selected from the table.
    Subject,
    /// "the *table* that the cup is on", selected from the cup.
    Object,
    /// Of relations that have no ends: to have the same colour.
    Either,
}

/// A relation as seen from the object that was selected before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// "to the left of", "wearing".
    pub(super) words: String,
    pub(super) role: Role,
}

impl Link {
    pub(super) fn new(words: String, role: Role) -> Self {
        Self { words, role }
    }

    /// The attribute that both have in common, of `same color`.
    pub(super) fn alike(&self) -> Option<&str> {
        self.words.strip_prefix("same ")
    }

    /// Where the selected object lies, if the relation is one of places.
    pub(super) fn direction(&self) -> Option<Relation> {
        let named = direction(&self.words)?;
        Some(match self.role {
            Role::Object => named.opposite(),
            Role::Subject | Role::Either => named,
        })
    }

    /// The word that answers which of several relations holds: GQA says "left" for "to the left of".
    pub(super) fn answer(&self) -> &str {
        match direction(&self.words) {
            Some(named @ (Relation::LeftOf | Relation::RightOf)) => named.answer(),
            _ => &self.words,
        }
    }
}

/// The direction that a relation names.
fn direction(words: &str) -> Option<Relation> {
    Some(match words {
        "to the left of" | "left of" | "on the left of" | "on the left side of" => Relation::LeftOf,
        "to the right of" | "right of" | "on the right of" | "on the right side of" => {
            Relation::RightOf
        }
        "above" | "hanging above" => Relation::Above,
        "below" | "beneath" | "under" | "underneath" => Relation::Below,
        _ => return None,
    })
}
