//! Where objects are looked for, and their boxes and crops.

use super::Compiler;
use crate::gqa::functional::meaning::{Objects, Place};
use crate::picto::{Relation, Side};

/// The step that crops to one side of a box.
fn side_crop(relation: Relation) -> &'static str {
    match relation {
        Relation::LeftOf => "CROP_LEFTOF",
        Relation::RightOf => "CROP_RIGHTOF",
        Relation::Above => "CROP_ABOVE",
        Relation::Below => "CROP_BELOW",
    }
}

/// The step that crops to the surroundings of a box.
fn near_crop(words: &str) -> &'static str {
    match words {
        "in front of" => "CROP_FRONTOF",
        "behind" => "CROP_BEHIND",
        _ => "CROP",
    }
}

/// Ids of descriptions that steps do not have; above those of steps.
const FRESH: usize = 1 << 20;

impl Compiler {
    /// A description that nothing was looked for by yet.
    pub(super) fn fresh(&self, objects: Objects) -> Objects {
        Objects {
            id: FRESH + self.looks.len() + self.boxes.len(),
            ..objects
        }
    }

    /// The variable of the part of the picture where objects are to be looked for: beside or
    /// around what they are related to.
    pub(super) fn look(&mut self, objects: &Objects) -> String {
        if let Some(variable) = self.looks.get(&objects.id) {
            return variable.clone();
        }
        let look = match &objects.place {
            Place::Anywhere => {
                let mut image = self.picture(objects.picture);
                for side in &objects.sides {
                    image = self.half(&image, *side);
                }
                image
            }
            Place::Alike(..) => self.picture(objects.picture),
            Place::Beside(link, anchor) => match link.direction() {
                Some(direction) => {
                    let (image, boxes) = self.framed(anchor);
                    self.cropped(side_crop(direction), image, boxes)
                }
                None => {
                    let (image, boxes) = (self.look(anchor), self.boxes(anchor));
                    self.cropped(near_crop(&link.words), image, boxes)
                }
            },
        };
        self.looks.insert(objects.id, look.clone());
        look
    }

    /// The variable of one half of an image.
    pub(super) fn half(&mut self, image: &str, side: Side) -> String {
        let key = (side.name(), image.to_owned(), String::new());
        if let Some(variable) = self.crops.get(&key) {
            return variable.clone();
        }
        let boxes = self.lines.locate(image, &side.name().to_uppercase());
        let half = self.lines.crop("CROP", image, &boxes);
        self.crops.insert(key, half.clone());
        half
    }

    /// The variable of the boxes of objects, where they are looked for.
    pub(super) fn boxes(&mut self, objects: &Objects) -> String {
        if let Some(variable) = self.boxes.get(&objects.id) {
            return variable.clone();
        }
        let image = self.look(objects);
        let boxes = self.lines.locate(&image, &objects.described());
        self.boxes.insert(objects.id, boxes.clone());
        boxes
    }

    /// The variables of the boxes of objects and of the image that they are in, which shows as much
    /// beside them as there is: what is around them may not reach to what lies beside them.
    pub(super) fn framed(&mut self, objects: &Objects) -> (String, String) {
        if let Some(found) = self.framed.get(&objects.id) {
            return found.clone();
        }
        let found = match &objects.place {
            Place::Beside(link, anchor) if link.direction().is_none() => {
                let image = self.frame(anchor);
                let boxes = self.lines.locate(&image, &objects.located());
                (image, boxes)
            }
            _ => (self.look(objects), self.boxes(objects)),
        };
        self.framed.insert(objects.id, found.clone());
        found
    }

    /// The variable of the image that [`framed`](Self::framed) boxes are in.
    fn frame(&mut self, objects: &Objects) -> String {
        match &objects.place {
            Place::Beside(link, anchor) if link.direction().is_none() => self.frame(anchor),
            _ => self.look(objects),
        }
    }

    /// The variable of a crop of objects.
    pub(super) fn crop(&mut self, objects: &Objects) -> String {
        let (image, boxes) = (self.look(objects), self.boxes(objects));
        self.cropped("CROP", image, boxes)
    }

    /// The variable of a crop, which is made once.
    fn cropped(&mut self, step: &'static str, image: String, boxes: String) -> String {
        let key = (step, image, boxes);
        if let Some(variable) = self.crops.get(&key) {
            return variable.clone();
        }
        let variable = self.lines.crop(step, &key.1, &key.2);
        self.crops.insert(key, variable.clone());
        variable
    }
}
