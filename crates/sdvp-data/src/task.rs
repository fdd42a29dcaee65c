//! The tasks of the built-in world.

use crate::picto::{Category, SceneSpec, Style};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A set of questions of one kind, over pictures of one style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Task {
    /// Questions about one picture, of GQA's types. A target of distillation.
    #[serde(rename = "picto-gqa")]
    Gqa,
    /// Statements about a pair of pictures, true or false. A target of distillation.
    #[serde(rename = "picto-nlvr2")]
    Nlvr2,
    /// How many are there? Never distilled on.
    #[serde(rename = "picto-count")]
    Count,
    /// Statements about the relations of two things. Never distilled on.
    #[serde(rename = "picto-spatial")]
    Spatial,
    /// Which of these are there? Never distilled on.
    #[serde(rename = "picto-tag")]
    Tag,
    /// Where is the described thing? Never distilled on.
    #[serde(rename = "picto-ref")]
    Ref,
    /// A mix of everything in the general style, for pretraining and rehearsal; never reported.
    #[serde(rename = "picto-general")]
    General,
}

/// The categories of `picto-gqa`.
pub const GQA_CATEGORIES: [Category; 4] = [
    Category::Animal,
    Category::Vehicle,
    Category::Fruit,
    Category::Clothing,
];

/// The categories of `picto-nlvr2`.
pub const NLVR2_CATEGORIES: [Category; 4] = [
    Category::Animal,
    Category::Food,
    Category::Instrument,
    Category::Tool,
];

/// What a task's answers are scored by; every score is in `[0, 1]` and averaged over questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// 1 for the right answer, else 0.
    Accuracy,
    /// Harmonic mean of precision and recall of the named things.
    F1,
    /// Intersection over union of the first box and the right one.
    Iou,
}

impl Metric {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::F1 => "f1",
            Metric::Iou => "iou",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A task's name that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a task, one of {}, found {found:?}", Task::ALL.map(Task::name).join(", "))]
pub struct UnknownTask {
    /// What was found.
    pub found: String,
}

impl Task {
    /// Every task.
    pub const ALL: [Task; 7] = [
        Task::Gqa,
        Task::Nlvr2,
        Task::Count,
        Task::Spatial,
        Task::Tag,
        Task::Ref,
        Task::General,
    ];

    /// The tasks that are distilled on.
    pub fn targets() -> [Task; 2] {
        [Task::Gqa, Task::Nlvr2]
    }

    /// The tasks that are only ever measured.
    pub fn unseen() -> [Task; 4] {
        [Task::Count, Task::Spatial, Task::Tag, Task::Ref]
    }

    /// Name in files, in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Task::Gqa => "picto-gqa",
            Task::Nlvr2 => "picto-nlvr2",
            Task::Count => "picto-count",
            Task::Spatial => "picto-spatial",
            Task::Tag => "picto-tag",
            Task::Ref => "picto-ref",
            Task::General => "picto-general",
        }
    }

    /// The task of that name.
    ///
    /// # Errors
    /// If there is none; the error lists the names there are.
    pub fn named(name: &str) -> Result<Task, UnknownTask> {
        Task::ALL
            .into_iter()
            .find(|task| task.name() == name)
            .ok_or_else(|| UnknownTask {
                found: name.to_owned(),
            })
    }

    /// What its answers are scored by.
    pub fn metric(self) -> Metric {
        match self {
            Task::Tag => Metric::F1,
            Task::Ref => Metric::Iou,
            _ => Metric::Accuracy,
        }
    }

    /// How its pictures are drawn.
    pub fn style(self) -> Style {
        match self {
            Task::Gqa => Style::Dim,
            Task::Nlvr2 => Style::Cast,
            _ => Style::General,
        }
    }

    /// What its pictures show.
    pub fn categories(self) -> &'static [Category] {
        match self {
            Task::Gqa => &GQA_CATEGORIES,
            Task::Nlvr2 => &NLVR2_CATEGORIES,
            _ => &Category::ALL,
        }
    }

    /// What its scenes are drawn from; single questions may ask for fewer categories or more
    /// objects.
    pub fn spec(self) -> SceneSpec {
        SceneSpec {
            style: self.style(),
            categories: self.categories().to_vec(),
            ..SceneSpec::default()
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_an_unknown_one_lists_the_known() {
        for task in Task::ALL {
            assert_eq!(Task::named(task.name()), Ok(task));
            assert_eq!(
                serde_json::to_string(&task).unwrap(),
                format!("\"{}\"", task.name())
            );
        }
        let error = Task::named("gqa").unwrap_err().to_string();
        assert!(error.contains("picto-gqa") && error.contains("\"gqa\""));
    }

    #[test]
    fn targets_and_unseen_tasks_are_disjoint_and_targets_have_styles_of_their_own() {
        assert!(Task::unseen().iter().all(|t| !Task::targets().contains(t)));
        assert_ne!(Task::Gqa.style(), Task::Nlvr2.style());
        assert!(Task::targets().iter().all(|t| t.style() != Style::General));
        assert!(Task::unseen().iter().all(|t| t.style() == Style::General));
    }
}
