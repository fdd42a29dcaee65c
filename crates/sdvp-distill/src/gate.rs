//! The gate: a distilled student is accepted only if what it could before, it still can.

use crate::error::Result;
use crate::harvest::Exercise;
use crate::observer::Observer;
use crate::scoring::scores_of;
use sdvp_core::Module;
use sdvp_modules::Student;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Questions of one task that nobody learns from, with their answers.
pub struct HeldOut {
    /// The task's name.
    pub task: String,
    /// The questions; those without a right answer count as wrong.
    pub exercises: Vec<Exercise>,
}

/// What a student must not lose.
pub struct Gate {
    /// General and earlier tasks.
    pub kept: Vec<HeldOut>,
    /// The task that was learned: of the students that lose nothing, the one best at it is kept.
    pub target: HeldOut,
    /// How far the mean score of a kept task may fall, in parts of 1.
    pub tolerance: f64,
}

/// Mean scores of one task's held-out questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptTask {
    /// The task.
    pub task: String,
    /// Questions.
    pub n: usize,
    /// Before.
    pub before: f64,
    /// After.
    pub after: f64,
}

impl KeptTask {
    /// Whether it fell by more than is tolerated.
    pub fn fell(&self, tolerance: f64) -> bool {
        // Scores are means of a finite number of questions: equal falls must not differ by rounding.
        self.before - self.after > tolerance + 1e-9
    }
}

/// What the gate said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the distilled student passed.
    pub accepted: bool,
    /// How far a task was allowed to fall, in parts of 1.
    pub tolerance: f64,
    /// The general and earlier tasks, with the distilled student.
    pub kept: Vec<KeptTask>,
    /// The task that was learned, with the student that was kept.
    pub target: KeptTask,
    /// Steps of the distillation that the kept student has gone through; 0 is the student as it
    /// was.
    pub steps: usize,
}

impl Gate {
    /// Judges the last of `steps`: what became of the student `before` after every step. Returns the
    /// verdict and the student to keep: the last one if it passes; of the others that pass, the one
    /// best at the target if it does not.
    ///
    /// # Errors
    /// If modules cannot run together.
    pub fn judge(
        &self,
        before: &Student,
        steps: &[Student],
        observer: &dyn Observer,
    ) -> Result<(Verdict, Student)> {
        let scores = |student: &Student| -> Result<Vec<f64>> {
            let kept = self.kept.iter();
            kept.map(|task| task.score(student.modules()?, observer))
                .collect()
        };
        let first = scores(before)?;
        let compared = |after: Vec<f64>| -> Vec<KeptTask> {
            let tasks = self.kept.iter().zip(&first).zip(after);
            tasks
                .map(|((task, &before), after)| task.compared(before, after))
                .collect()
        };
        let passes = |kept: &[KeptTask]| kept.iter().all(|task| !task.fell(self.tolerance));
        let last = match steps.last() {
            Some(last) => compared(scores(last)?),
            None => compared(first.clone()),
        };
        let accepted = passes(&last);

        let at_target = |student: &Student| self.target.score(student.modules()?, observer);
        let target_before = at_target(before)?;
        let (mut kept, mut place, mut target) = (before, 0, target_before);
        if accepted {
            if let Some(student) = steps.last() {
                (kept, place, target) = (student, steps.len(), at_target(student)?);
            }
        } else {
            let earlier = steps.split_last().map_or(&[][..], |(_, earlier)| earlier);
            for (step, student) in earlier.iter().enumerate() {
                let score = at_target(student)?;
                if score > target && passes(&compared(scores(student)?)) {
                    (kept, place, target) = (student, step + 1, score);
                }
            }
        }
        let verdict = Verdict {
            accepted,
            tolerance: self.tolerance,
            kept: last,
            target: self.target.compared(target_before, target),
            steps: place,
        };
        Ok((verdict, kept.clone()))
    }
}

impl HeldOut {
    fn compared(&self, before: f64, after: f64) -> KeptTask {
        KeptTask {
            task: self.task.clone(),
            n: self.exercises.len(),
            before,
            after,
        }
    }

    /// The mean score.
    fn score(&self, modules: Vec<Arc<dyn Module>>, observer: &dyn Observer) -> Result<f64> {
        let name = format!("{}: held-out questions", self.task);
        let scores = scores_of(&self.exercises, modules, &name, observer)?;
        Ok(scores.iter().sum::<f64>() / scores.len().max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use sdvp_data::Task;
    use sdvp_data::picto::{Split, questions};
    use sdvp_models::Tokenizer;
    use sdvp_modules::LocateModel;
    use sdvp_program::visprog::{VisProgProgram, VisProgSettings};

    fn held_out(task: Task, count: usize) -> HeldOut {
        let exercise = |question: sdvp_data::Question| {
            let program = VisProgProgram::parse(&question.program, &VisProgSettings::default());
            Exercise {
                program: Arc::new(program.unwrap()),
                gold: Some(question.gold.clone()),
                inputs: Arc::new(move || Ok(question.inputs())),
            }
        };
        let questions = questions(task, Split::Val, 1, count).into_iter();
        HeldOut {
            task: task.name().to_owned(),
            exercises: questions.map(exercise).collect(),
        }
    }

    /// A student that finds nothing it was not told at random.
    fn ruined(student: &Student) -> Student {
        let config = student.locate.config.clone();
        let tokenizer: Tokenizer = student.locate.tokenizer.clone();
        let locate = LocateModel::fresh(config, tokenizer, 5).unwrap();
        let mut ruined = student.clone();
        ruined.locate = Arc::new(locate);
        ruined
    }

    #[test]
    fn who_forgets_is_refused_and_the_best_who_does_not_is_kept() {
        let able = Student::builtin().unwrap();
        let unable = ruined(&able);
        let gate = Gate {
            kept: vec![held_out(Task::named("picto-ref").unwrap(), 30)],
            // Enough that what a student finds counts for more than what it happens to guess.
            target: held_out(Task::named("picto-gqa").unwrap(), 200),
            tolerance: 0.01,
        };
        let same = |a: &Student, b: &Student| Arc::ptr_eq(&a.locate, &b.locate);

        let (verdict, kept) = gate
            .judge(&unable, std::slice::from_ref(&able), &Silent)
            .unwrap();
        assert!(verdict.accepted && verdict.steps == 1 && same(&kept, &able));
        assert!(verdict.target.after > verdict.target.before);

        let steps = [able.clone(), unable.clone()];
        let (verdict, kept) = gate.judge(&able, &steps, &Silent).unwrap();
        assert!(
            !verdict.accepted && verdict.kept[0].fell(0.01),
            "{verdict:?}"
        );
        // The first step is as good as the untouched student, so nothing speaks for it.
        assert!(verdict.steps == 0 && same(&kept, &able));

        let mut worse = gate;
        worse.kept[0].exercises.truncate(0);
        worse.kept.push(held_out(Task::General, 30));
        let steps = [able.clone(), ruined(&unable)];
        let (verdict, kept) = worse.judge(&unable, &steps, &Silent).unwrap();
        // What could do nothing before cannot lose anything.
        assert!(verdict.accepted && verdict.steps == 2 && !same(&kept, &able));
    }

    #[test]
    fn a_fall_within_the_tolerance_is_none() {
        let task = |after| KeptTask {
            task: "t".to_owned(),
            n: 100,
            before: 0.5,
            after,
        };
        assert!(!task(0.49).fell(0.01) && task(0.48).fell(0.01) && !task(0.6).fell(0.0));
    }
}
