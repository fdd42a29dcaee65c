//! How the loss fell.

use crate::observer::Observer;
use serde::{Deserialize, Serialize};

/// The mean loss of a stretch of steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Last step of the stretch, from 1.
    pub step: usize,
    /// Mean loss on labelled calls.
    pub loss: f32,
    /// Mean divergence on rehearsed calls.
    pub divergence: f32,
}

/// A training run's loss over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingCurve {
    /// Points, in order.
    pub points: Vec<CurvePoint>,
    /// Wall-clock time, seconds.
    pub seconds: f64,
}

/// A curve on its way, to go on with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    curve: TrainingCurve,
    /// Of the stretch that has not ended: the sums of both losses, and of how many steps.
    sums: (f32, f32, usize),
    /// Steps recorded.
    pub(crate) step: usize,
}

/// Gathers a [`TrainingCurve`] of at most 50 points.
pub(crate) struct Recorder<'a> {
    recorded: Recorded,
    stretch: usize,
    started: std::time::Instant,
    observer: &'a dyn Observer,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(steps: usize, observer: &'a dyn Observer) -> Self {
        Self {
            recorded: Recorded::default(),
            stretch: steps.div_ceil(50).max(1),
            started: std::time::Instant::now(),
            observer,
        }
    }

    /// Goes on from what was recorded.
    pub(crate) fn go_on(&mut self, recorded: Recorded) {
        self.observer.advance(recorded.step);
        self.recorded = recorded;
    }

    /// What is recorded so far, with the time it took.
    pub(crate) fn so_far(&self) -> Recorded {
        let mut recorded = self.recorded.clone();
        recorded.curve.seconds += self.started.elapsed().as_secs_f64();
        recorded
    }

    pub(crate) fn add(&mut self, loss: f32, divergence: f32) {
        let recorded = &mut self.recorded;
        recorded.step += 1;
        let sums = recorded.sums;
        recorded.sums = (sums.0 + loss, sums.1 + divergence, sums.2 + 1);
        self.observer.advance(1);
        if self.recorded.sums.2 == self.stretch {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let recorded = &mut self.recorded;
        let (loss, divergence, count) = std::mem::take(&mut recorded.sums);
        if count > 0 {
            let count = count as f32;
            let point = CurvePoint {
                step: recorded.step,
                loss: loss / count,
                divergence: divergence / count,
            };
            self.observer.loss(point.step, point.loss);
            recorded.curve.points.push(point);
        }
    }

    pub(crate) fn finish(mut self) -> TrainingCurve {
        self.flush();
        self.so_far().curve
    }
}
