//! What was trained and run, and what it cost.

use sdvp_runtime::Statistics;
use serde::{Deserialize, Deserializer, Serialize};

/// One step of a distillation: one kind of module learned one task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stage {
    /// The task.
    pub task: String,
    /// The kind of module: `locate` or `answer`.
    pub kind: String,
    /// Distinct calls that the programs made.
    pub harvested: usize,
    /// Examples that came of them.
    pub labelled: usize,
    /// Calls rehearsed.
    pub rehearsed: usize,
    /// Wall-clock time of the training, seconds.
    pub seconds: f64,
    /// How the loss fell.
    pub curve: Vec<CurvePoint>,
}

/// The loss at one point of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurvePoint {
    /// Optimizer step, from 1.
    pub step: usize,
    /// Mean loss on labelled calls since the last point. JSON has no infinities: where a training
    /// diverged, this is written as null and read as not a number.
    #[serde(deserialize_with = "number_or_nan")]
    pub loss: f64,
    /// Mean divergence from the former self on rehearsed calls, where there were any.
    pub rehearsal: Option<f64>,
    /// Loss on calls held out, where there were any.
    pub validation: Option<f64>,
}

fn number_or_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

/// A network and its size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSize {
    /// The kind of sub-task it answers.
    pub kind: String,
    /// The one task it knows; none for a student.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Numbers in its weights.
    pub parameters: usize,
}

/// How long a part of the work took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// What was done.
    pub phase: String,
    /// Wall-clock time, seconds.
    pub seconds: f64,
}

/// What running programs cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuntimeReport {
    /// Programs per second, batched.
    pub questions_per_s: f64,
    /// Programs per second, one program and one call at a time.
    pub questions_per_s_one_at_a_time: f64,
    /// Of all the batched runs: `sub_tasks`, `sub_tasks_executed` and more.
    #[serde(flatten)]
    pub statistics: Statistics,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diverged_losses_are_read_back() {
        let point = CurvePoint {
            step: 3,
            loss: f64::INFINITY,
            ..CurvePoint::default()
        };
        let json = serde_json::to_string(&point).unwrap();
        let read: CurvePoint = serde_json::from_str(&json).unwrap();
        assert!(read.loss.is_nan() && read.step == 3, "{json}");
    }

    #[test]
    fn counts_stand_beside_the_speeds() {
        let report = RuntimeReport {
            questions_per_s: 2.0,
            statistics: Statistics {
                sub_tasks: 7,
                ..Statistics::default()
            },
            ..RuntimeReport::default()
        };
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            (&json["sub_tasks"], &json["sub_tasks_executed"]),
            (&7.into(), &0.into())
        );
        assert_eq!(
            serde_json::from_value::<RuntimeReport>(json).unwrap(),
            report
        );
    }
}
