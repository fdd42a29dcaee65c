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

/// Gathers a [`TrainingCurve`] of at most 50 points.
pub(crate) struct Recorder<'a> {
    curve: TrainingCurve,
    stretch: usize,
    sums: (f32, f32, usize),
    step: usize,
    started: std::time::Instant,
    observer: &'a dyn Observer,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(steps: usize, observer: &'a dyn Observer) -> Self {
        Self {
            curve: TrainingCurve::default(),
            stretch: steps.div_ceil(50).max(1),
            sums: (0.0, 0.0, 0),
            step: 0,
            started: std::time::Instant::now(),
            observer,
        }
    }

    pub(crate) fn add(&mut self, loss: f32, divergence: f32) {
        self.step += 1;
        self.sums = (
            self.sums.0 + loss,
            self.sums.1 + divergence,
            self.sums.2 + 1,
        );
        self.observer.advance(1);
        if self.sums.2 == self.stretch {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let (loss, divergence, count) = self.sums;
        if count > 0 {
            let count = count as f32;
            let point = CurvePoint {
                step: self.step,
                loss: loss / count,
                divergence: divergence / count,
            };
            self.observer.loss(point.step, point.loss);
            self.curve.points.push(point);
        }
        self.sums = (0.0, 0.0, 0);
    }

    pub(crate) fn finish(mut self) -> TrainingCurve {
        self.flush();
        self.curve.seconds = self.started.elapsed().as_secs_f64();
        self.curve
    }
}
