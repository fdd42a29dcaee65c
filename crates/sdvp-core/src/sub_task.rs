//! Sub-tasks: what a program asks of a visual module.

use crate::{Digest, Hasher, View};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubTaskKind {
    /// Where in the view are objects that the text names? Answered by boxes with scores.
    Locate,
    /// What is the answer to the text, a question about the view? Answered by a word or phrase.
    Answer,
    /// How well does the text describe the view? Answered by a score.
    Match,
    /// How far away is what the view shows? Answered by the median depth of its pixels; a module
    /// may look at the whole image for it. The text is empty.
    Depth,
    /// What would a language model say to the text? The view is what it is about, for those that
    /// see. Answered by a text.
    Prompt,
}

impl SubTaskKind {
    /// Every kind.
    pub const ALL: [SubTaskKind; 5] = [
        SubTaskKind::Locate,
        SubTaskKind::Answer,
        SubTaskKind::Match,
        SubTaskKind::Depth,
        SubTaskKind::Prompt,
    ];

    /// The kinds that are distilled, in the order in which they are.
    pub const TAUGHT: [SubTaskKind; 3] =
        [SubTaskKind::Locate, SubTaskKind::Match, SubTaskKind::Answer];

    /// Name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            SubTaskKind::Locate => "locate",
            SubTaskKind::Answer => "answer",
            SubTaskKind::Match => "match",
            SubTaskKind::Depth => "depth",
            SubTaskKind::Prompt => "prompt",
        }
    }
}

impl fmt::Display for SubTaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One visual call of a program: a kind and an input (view and text).
#[derive(Clone, Debug)]
pub struct SubTask {
    /// What is asked for.
    pub kind: SubTaskKind,
    /// What is looked at.
    pub view: View,
    /// The object's name, the question, the description or the prompt.
    pub text: String,
}

impl SubTask {
    /// A request to find `object` in `view`.
    pub fn locate(view: View, object: impl Into<String>) -> Self {
        Self {
            kind: SubTaskKind::Locate,
            view,
            text: object.into(),
        }
    }

    /// A question about `view`.
    pub fn answer(view: View, question: impl Into<String>) -> Self {
        Self {
            kind: SubTaskKind::Answer,
            view,
            text: question.into(),
        }
    }

    /// How well `description` fits `view`.
    pub fn matching(view: View, description: impl Into<String>) -> Self {
        Self {
            kind: SubTaskKind::Match,
            view,
            text: description.into(),
        }
    }

    /// How far away what `view` shows is.
    pub fn depth(view: View) -> Self {
        Self {
            kind: SubTaskKind::Depth,
            view,
            text: String::new(),
        }
    }

    /// What a language model says to `prompt`, which is about `view`.
    pub fn prompt(view: View, prompt: impl Into<String>) -> Self {
        Self {
            kind: SubTaskKind::Prompt,
            view,
            text: prompt.into(),
        }
    }

    /// Identity of the request: equal keys have equal outcomes under equal modules.
    pub fn key(&self) -> Digest {
        Self::key_of(self.kind, &self.view.digest(), &self.text)
    }

    /// The identity of a request of which only the view's digest is known.
    pub fn key_of(kind: SubTaskKind, view: &Digest, text: &str) -> Digest {
        Hasher::new("sub-task")
            .part(kind.name().as_bytes())
            .part(view.as_bytes())
            .part(text.as_bytes())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Image, Region};
    use image::{Rgb, RgbImage};
    use std::collections::BTreeSet;

    fn pixels() -> RgbImage {
        RgbImage::from_fn(9, 7, |x, y| Rgb([x as u8, y as u8, 50]))
    }

    fn view(pixels: RgbImage, region: [u32; 4]) -> View {
        let [x0, y0, x1, y1] = region;
        let whole = Image::new(pixels).unwrap().view();
        whole.crop(Region::new(x0, y0, x1, y1).unwrap()).unwrap()
    }

    const PART: [u32; 4] = [2, 1, 6, 5];

    #[test]
    fn the_key_is_of_every_bit_of_what_is_asked() {
        let text = "red dog";
        let plain = SubTask::locate(view(pixels(), PART), text);
        assert_eq!(
            plain.key(),
            SubTask::locate(view(pixels(), PART), text).key()
        );
        let mut known = BTreeSet::from([plain.key()]);
        // Any byte of the picture, outside of the region, too: some modules look at the whole.
        for at in 0..pixels().as_raw().len() {
            let mut changed = pixels();
            (*changed)[at] ^= 1;
            let task = SubTask::locate(view(changed, PART), text);
            assert!(known.insert(task.key()), "byte {at} of the picture");
        }
        let turned = RgbImage::from_raw(7, 9, pixels().into_raw()).unwrap();
        assert!(
            known.insert(SubTask::locate(view(turned, PART), text).key()),
            "its shape"
        );
        for edge in 0..PART.len() {
            let mut region = PART;
            region[edge] ^= 1;
            let task = SubTask::locate(view(pixels(), region), text);
            assert!(known.insert(task.key()), "edge {edge} of the region");
        }
        for at in 0..8 * text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            // Half of one letter in two is no text.
            if let Ok(text) = String::from_utf8(bytes) {
                let task = SubTask::locate(view(pixels(), PART), text);
                assert!(known.insert(task.key()), "bit {at} of the text");
            }
        }
        for kind in SubTaskKind::ALL {
            let task = SubTask {
                kind,
                ..plain.clone()
            };
            assert_eq!(
                known.insert(task.key()),
                kind != SubTaskKind::Locate,
                "{kind}"
            );
        }
    }
}
