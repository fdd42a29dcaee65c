//! What a running program holds of ours: patches, pictures, segments of videos. The sandbox knows
//! them by number and with a copy of their plain attributes.

use super::patch::Patch;
use super::signature::raised;
use super::video::Segment;
use monty_types::{
    DictPairs, ExcType, MontyClassInstance, MontyClassType, MontyException, MontyObject, MontyType,
    MontyUuid,
};
use sdvp_core::View;

/// The classes that programs know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    ImagePatch,
    VideoSegment,
    /// Pixels: `image`, and a patch's `cropped_image`.
    Image,
}

impl Class {
    const ALL: [Class; 3] = [Class::ImagePatch, Class::VideoSegment, Class::Image];

    pub(super) fn name(self) -> &'static str {
        match self {
            Class::ImagePatch => "ImagePatch",
            Class::VideoSegment => "VideoSegment",
            Class::Image => "Image",
        }
    }

    fn id(self) -> MontyUuid {
        MontyUuid::from_u128(1 + self as u128)
    }

    /// The class that a program calls by this name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        [Class::ImagePatch, Class::VideoSegment]
            .into_iter()
            .find(|class| class.name() == name)
    }

    pub(super) fn of_id(id: MontyUuid) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.id() == id)
    }

    fn python_type(self) -> MontyClassType {
        MontyClassType {
            name: self.name().to_owned(),
            id: self.id(),
            host_defined: true,
            is_dataclass: false,
            attrs: DictPairs::default(),
        }
    }

    /// The class itself, which a program can call.
    pub(super) fn python(self) -> MontyObject {
        MontyObject::Type(MontyType::Instance(Box::new(self.python_type())))
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) enum Thing {
    Patch(Patch),
    Segment(Segment),
    Picture(View),
}

impl Thing {
    pub(super) fn class(&self) -> Class {
        match self {
            Thing::Patch(_) => Class::ImagePatch,
            Thing::Segment(_) => Class::VideoSegment,
            Thing::Picture(_) => Class::Image,
        }
    }

    /// The attributes that the sandbox keeps a copy of.
    fn attributes(&self) -> Vec<(&'static str, MontyObject)> {
        let int = MontyObject::Int;
        match self {
            Thing::Patch(patch) => {
                let (x, y) = patch.center();
                vec![
                    ("left", int(patch.edges.left)),
                    ("lower", int(patch.edges.lower)),
                    ("right", int(patch.edges.right)),
                    ("upper", int(patch.edges.upper)),
                    ("width", int(patch.width())),
                    ("height", int(patch.height())),
                    ("horizontal_center", MontyObject::Float(x)),
                    ("vertical_center", MontyObject::Float(y)),
                ]
            }
            Thing::Segment(segment) => vec![
                ("start", int(segment.shown.0)),
                ("end", int(segment.shown.1)),
                ("num_frames", int(segment.num_frames())),
            ],
            Thing::Picture(view) => {
                let (width, height) = (view.width().into(), view.height().into());
                let size = vec![int(width), int(height)];
                let shape = vec![int(3), int(height), int(width)];
                vec![
                    ("width", int(width)),
                    ("height", int(height)),
                    ("size", MontyObject::Tuple(size)),
                    ("shape", MontyObject::Tuple(shape)),
                ]
            }
        }
    }
}

/// Numbers of things begin here, above those of classes.
const FIRST: u128 = 1_000;

/// All that one run has been given.
#[derive(Debug, Default)]
pub(super) struct Things(Vec<Thing>);

impl Things {
    /// Hands a thing to the program.
    pub(super) fn hand_out(&mut self, thing: Thing) -> MontyObject {
        let number = self.0.len();
        // Two things are equal only if they are the same, whatever their attributes.
        let identity = ("_id", MontyObject::Int(number as i64));
        let attributes: Vec<(MontyObject, MontyObject)> = std::iter::once(identity)
            .chain(thing.attributes())
            .map(|(name, value)| (MontyObject::String(name.to_owned()), value))
            .collect();
        let class_type = thing.class().python_type();
        self.0.push(thing);
        MontyObject::ClassInstance(Box::new(MontyClassInstance {
            class_type,
            instance_id: MontyUuid::from_u128(FIRST + number as u128),
            attrs: attributes.into(),
        }))
    }

    /// The thing of a number.
    pub(super) fn of_id(&self, id: MontyUuid) -> Option<&Thing> {
        let number = u128::from_be_bytes(*id.as_bytes()).checked_sub(FIRST)?;
        self.0.get(usize::try_from(number).ok()?)
    }

    /// The thing that a value of the program is.
    pub(super) fn of(&self, object: &MontyObject) -> Option<&Thing> {
        match object {
            MontyObject::ClassInstance(instance) => self.of_id(instance.instance_id),
            _ => None,
        }
    }

    /// The patch that a value of the program is.
    ///
    /// # Errors
    /// Python's `TypeError`.
    pub(super) fn patch(&self, object: &MontyObject) -> Result<&Patch, MontyException> {
        match self.of(object) {
            Some(Thing::Patch(patch)) => Ok(patch),
            _ => Err(raised(
                ExcType::TypeError,
                format!("expected an ImagePatch, found {}", object.type_name()),
            )),
        }
    }
}
