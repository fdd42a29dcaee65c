//! `VideoSegment`: some frames of a video.

use sdvp_core::{Image, View};
use std::ops::Range;
use std::sync::Arc;

/// Some frames of a video that a program works with.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The whole video.
    frames: Arc<[Image]>,
    /// Which of them.
    range: Range<usize>,
    /// `start` and `end` as the program sees them: what it gave, counted from the video's start.
    pub(super) shown: (i64, i64),
}

/// A segment without a frame. The reference's wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoDuration;

impl NoDuration {
    pub(super) const MESSAGE: &'static str = "VideoSegment has duration=0";
}

impl Segment {
    /// All frames of a video.
    pub(super) fn whole(frames: Arc<[Image]>) -> Result<Self, NoDuration> {
        if frames.is_empty() {
            return Err(NoDuration);
        }
        let length = frames.len();
        Ok(Self {
            frames,
            range: 0..length,
            shown: (0, length as i64),
        })
    }

    /// `[start:end]` of this segment as Python slices it, where `None` is its edge; `origin` is
    /// the frame that the program counts from.
    pub(super) fn part(
        &self,
        start: Option<i64>,
        end: Option<i64>,
        origin: i64,
    ) -> Result<Self, NoDuration> {
        let length = self.num_frames();
        let place = |at: i64| {
            let at = if at < 0 {
                at.saturating_add(length)
            } else {
                at
            };
            self.range.start + at.clamp(0, length) as usize
        };
        let (first, last) = (start.unwrap_or(0), end.unwrap_or(length));
        let range = place(first)..place(last);
        if range.is_empty() {
            return Err(NoDuration);
        }
        Ok(Self {
            frames: Arc::clone(&self.frames),
            range,
            shown: (first.saturating_add(origin), last.saturating_add(origin)),
        })
    }

    /// `trim`: the part between two frames of this segment, as far as it goes.
    pub(super) fn trim(&self, start: Option<i64>, end: Option<i64>) -> Result<Self, NoDuration> {
        let start = start.map(|at| at.max(0));
        let end = end.map(|at| at.min(self.num_frames()));
        self.part(start, end, self.shown.0)
    }

    pub(super) fn num_frames(&self) -> i64 {
        self.range.len() as i64
    }

    /// The frame of an index; beyond the end the last, and negative ones count from the end.
    /// `None` if there is none so far before it.
    pub(super) fn frame(&self, index: i64) -> Option<View> {
        let last = self.num_frames() - 1;
        let index = if index < 0 {
            index.saturating_add(self.num_frames())
        } else {
            index.min(last)
        };
        let at = self.range.start + usize::try_from(index).ok()?;
        self.frames.get(at).map(Image::view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    fn video(length: u32) -> Segment {
        let frames = (1..=length).map(|width| Image::new(RgbImage::new(width, 1)).unwrap());
        Segment::whole(frames.collect()).unwrap()
    }

    /// Frames are told apart by their width, which is their number from 1.
    fn frame(segment: &Segment, index: i64) -> Option<u32> {
        segment.frame(index).map(|view| view.width())
    }

    #[test]
    fn frames_beyond_the_end_are_the_last() {
        let video = video(5);
        assert_eq!(frame(&video, 0), Some(1));
        assert_eq!(frame(&video, 9), Some(5));
        assert_eq!(frame(&video, -2), Some(4));
        assert_eq!(frame(&video, -6), None);
    }

    #[test]
    fn parts_of_parts_count_from_the_start_of_the_video() {
        let part = video(9).trim(Some(-3), Some(7)).unwrap();
        assert_eq!((part.num_frames(), part.shown), (7, (0, 7)));
        let inner = part.trim(Some(2), Some(100)).unwrap();
        assert_eq!((inner.num_frames(), inner.shown), (5, (2, 7)));
        assert_eq!((frame(&inner, 0), frame(&inner, 8)), (Some(3), Some(7)));
        assert_eq!(part.trim(Some(7), None).unwrap_err(), NoDuration);
        assert!(Segment::whole(Arc::new([])).is_err());
        let open = part.part(None, Some(-1), 0).unwrap();
        assert_eq!((open.num_frames(), open.shown), (6, (0, -1)));
    }
}
