//! Experts that are there already, and whether another task's pictures look like theirs.

use super::general::{ENOUGH, General};
use super::looks::Looks;
use super::remembered;
use crate::memory::Memory;
use sdvp_modules::{Domain, Student, StudentPart, domain_of};
use std::fmt;

/// An expert that learned tasks before.
pub(super) struct Earlier {
    pub(super) place: usize,
    /// Its tasks, for people.
    pub(super) tasks: String,
    domain: Domain,
    /// Its pictures; none if too few are remembered.
    looks: Option<Looks>,
}

/// Why an expert does not learn a task whose pictures look like its own.
pub(super) enum Refused {
    /// Too few of its own are remembered.
    Forgotten,
    /// Together they cannot be told from general ones.
    General,
    /// They can, but then these tasks' pictures would look like theirs.
    Others(String),
}

impl Earlier {
    /// All experts of a student, who knows of `task` nothing yet.
    pub(super) fn all(task: &str, student: &Student, memory: &Memory) -> Vec<Self> {
        let experts = student.manifest.experts.iter().enumerate();
        let expert = experts.map(|(place, expert)| {
            let pictures = remembered(StudentPart::Expert(place), task, student, memory);
            Self {
                place,
                tasks: expert.tasks.join(" and "),
                domain: expert.domain.clone(),
                looks: Looks::of(pictures.iter().flat_map(|it| it.images())).enough(),
            }
        });
        expert.collect()
    }

    /// Of held-out pictures of a task, and of the expert's, the lesser part that does not go to the other
    /// if the task gets an expert of its own.
    pub(super) fn parted(&self, own: &Looks, domain: &Domain) -> f64 {
        let kept_from = |looks: &Looks, other: usize| {
            looks.share(|one| domain_of([&self.domain, domain], one) != Some(other))
        };
        let of_others = self.looks.as_ref().map_or(1.0, |looks| kept_from(looks, 1));
        kept_from(own, 0).min(of_others)
    }

    /// How alike they are, for people.
    pub(super) fn alike(&self, parted: f64) -> String {
        format!(
            "of its pictures and those of {}, only {:.1} % can be told from the others",
            self.tasks,
            100.0 * parted
        )
    }

    /// The domain of a task's pictures and the expert's own: told from general ones and from those of the
    /// `others`, few of either left out.
    pub(super) fn together<'a>(
        &self,
        own: &Looks,
        general: &General,
        mut others: impl Iterator<Item = &'a Self>,
    ) -> Result<Domain, Refused> {
        let looks = self.looks.as_ref().ok_or(Refused::Forgotten)?;
        let all = own.clone().with(looks);
        let domain = general.told_from(&all).map_err(|_| Refused::General)?;
        let holds = |looks: &Looks| looks.share(|one| domain.holds(one)) >= ENOUGH;
        if !holds(own) || !holds(looks) {
            return Err(Refused::General);
        }
        match others.find(|other| other.parted(&all, &domain) < ENOUGH) {
            Some(other) => Err(Refused::Others(other.tasks.clone())),
            None => Ok(domain),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forgotten => write!(
                f,
                "too few of the latter are remembered to learn both together"
            ),
            Self::General => write!(f, "both together cannot be told from general ones"),
            Self::Others(tasks) => write!(f, "both together cannot be told from those of {tasks}"),
        }
    }
}
