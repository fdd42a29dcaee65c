//! General pictures, which a task's own are to be told from.

use super::fit::fitted;
use super::looks::Looks;
use crate::memory::TaskMemory;
use sdvp_core::{Digest, Image};
use sdvp_modules::{Domain, ToldApart};
use std::collections::BTreeSet;
use std::fmt;

/// Of held-out pictures of either side, so many must be told rightly.
pub(super) const ENOUGH: f64 = 0.95;

/// Pictures of all tasks that the trunk learned.
pub(super) struct General {
    looks: Looks,
    /// Those of every task.
    tasks: Vec<(String, BTreeSet<Digest>)>,
}

/// Why pictures cannot be told from general ones.
pub(super) enum Untold {
    /// Nothing parts them.
    NotAtAll,
    /// Too many are taken for those of the other side.
    TooFew(ToldApart),
    /// Too many of one task's are taken for them.
    OfTask(String, f64),
}

impl General {
    /// What is remembered of the tasks; none if that is too little.
    pub(super) fn of(tasks: &[&TaskMemory]) -> Option<Self> {
        let looks = Looks::of(tasks.iter().flat_map(|task| task.images())).enough()?;
        let pictures = |task: &TaskMemory| task.images().map(Image::digest).collect();
        let tasks = tasks.iter().map(|task| (task.task.clone(), pictures(task)));
        Some(Self {
            looks,
            tasks: tasks.collect(),
        })
    }

    /// The domain of pictures that can be told from these, from those of each task.
    pub(super) fn told_from(&self, own: &Looks) -> Result<Domain, Untold> {
        let domain = fitted(own, &self.looks).ok_or(Untold::NotAtAll)?;
        let told = domain.held_out;
        if told.own < ENOUGH || told.general < ENOUGH {
            return Err(Untold::TooFew(told));
        }
        for (task, pictures) in &self.tasks {
            let told = self.looks.share_among(pictures, |one| !domain.holds(one));
            if let Some(told) = told.filter(|told| *told < ENOUGH) {
                return Err(Untold::OfTask(task.clone(), told));
            }
        }
        Ok(domain)
    }
}

/// How well a domain's pictures are told from general ones, for people.
pub(super) fn said(held_out: ToldApart) -> String {
    format!(
        "of pictures held out, {:.1} % of the task's and {:.1} % of general ones are told rightly",
        100.0 * held_out.own,
        100.0 * held_out.general
    )
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAtAll => write!(f, "no weights part them from general ones"),
            Self::TooFew(told) => write!(f, "{}", said(*told)),
            Self::OfTask(task, told) => {
                let told = 100.0 * told;
                write!(
                    f,
                    "of {task}'s pictures held out, only {told:.1} % are told from them"
                )
            }
        }
    }
}
