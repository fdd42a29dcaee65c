//! Calls in files: what is written so that a model elsewhere can label it, and found again.

use super::error::Result;
use super::fault::Faults;
use super::record::Record;
use sdvp_core::{Digest, Region, SubTask, SubTaskKind, View};
use serde::Serialize;

/// One call of a program, as a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// The request's identity ([`SubTask::key`]).
    pub id: Digest,
    /// What is asked for.
    pub kind: SubTaskKind,
    /// The picture's file, beside this one, named after the picture's digest.
    pub image: String,
    /// What of it is looked at: left, top, right, bottom in pixels from the picture's top-left
    /// corner; half-open.
    pub region: Region,
    /// The thing to find, the description, or the question.
    pub text: String,
}

impl CallRecord {
    /// The folder of the pictures, beside the file of calls.
    pub const IMAGES: &str = "images";

    /// The record of a call.
    pub fn of(task: &SubTask) -> Self {
        let image = task.view.image().digest();
        Self {
            id: task.key(),
            kind: task.kind,
            image: format!("{}/{}", Self::IMAGES, Self::image_file(&image)),
            region: task.view.region(),
            text: task.text.clone(),
        }
    }

    /// The name of a picture's file.
    pub fn image_file(image: &Digest) -> String {
        format!("{image}.png")
    }
}

/// Which call a record is about, as far as it says.
pub(super) struct Address {
    /// The request's identity.
    pub(super) key: Digest,
    /// Unknown where only the identity is given.
    pub(super) kind: Option<SubTaskKind>,
    /// Unknown where it is not given; width and height tell where boxes may be.
    pub(super) region: Option<Region>,
    /// View and text, where they are given.
    pub(super) content: Option<(Digest, String)>,
}

impl Address {
    /// What a record says of its call: its identity, or all that it is made of, or both.
    pub(super) fn of(record: &Record, faults: &Faults<'_>) -> Result<Self> {
        let id = record.id.as_deref().map(|text| {
            let expected = "the 64 hexadecimal digits of a harvested call";
            digest(text).ok_or_else(|| faults.field("id", expected, quoted(text)))
        });
        let id = id.transpose()?;
        let kind = record.kind.as_deref().map(|name| kind(name, faults));
        let kind = kind.transpose()?;
        let image = record.image.as_deref();
        let image = image.map(|name| picture(name, faults)).transpose()?;
        let place = record.region.as_deref().map(|edges| region(edges, faults));
        let place = place.transpose()?;
        let all = (kind, image, place, record.text.as_ref());
        let (Some(asked), Some(image), Some(seen), Some(text)) = all else {
            let missing = |field: &str| {
                let expected =
                    format!("an id, or kind, image, region and text; {field} is missing");
                faults.field(field, expected, "nothing")
            };
            let key = id.ok_or_else(|| match all {
                (None, ..) => missing("kind"),
                (_, None, ..) => missing("image"),
                (_, _, None, _) => missing("region"),
                _ => missing("text"),
            })?;
            return Ok(Self {
                key,
                kind,
                region: place,
                content: None,
            });
        };
        let view = View::digest_of(&image, seen);
        let key = SubTask::key_of(asked, &view, text);
        match id {
            Some(id) if id != key => {
                let expected = format!("{key}, as kind, image, region and text are");
                Err(faults.field("id", expected, id))
            }
            _ => Ok(Self {
                key,
                kind,
                region: place,
                content: Some((view, text.clone())),
            }),
        }
    }
}

/// The digest that a picture's file is named after.
pub(super) fn picture(name: &str, faults: &Faults<'_>) -> Result<Digest> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    digest(file.strip_suffix(".png").unwrap_or(file)).ok_or_else(|| {
        let expected = "a picture as harvested (images/DIGEST.png), or its digest";
        faults.field("image", expected, quoted(name))
    })
}

fn digest(text: &str) -> Option<Digest> {
    Digest::try_from(text.to_owned()).ok()
}

fn kind(name: &str, faults: &Faults<'_>) -> Result<SubTaskKind> {
    let mut taught = SubTaskKind::TAUGHT.into_iter();
    taught.find(|kind| kind.name() == name).ok_or_else(|| {
        let names = SubTaskKind::TAUGHT.map(SubTaskKind::name).join(", ");
        faults.field("kind", format!("one of {names}"), quoted(name))
    })
}

fn region(edges: &[f64], faults: &Faults<'_>) -> Result<Region> {
    let wrong = || {
        let expected =
            "[left, top, right, bottom] in whole pixels, with left < right and top < bottom";
        faults.field("region", expected, format!("{edges:?}"))
    };
    let whole = edges.iter().map(|&edge| {
        let pixel = edge as u32;
        (f64::from(pixel) == edge).then_some(pixel)
    });
    let whole: Option<Vec<u32>> = whole.collect();
    let whole: Option<[u32; 4]> = whole.and_then(|edges| edges.try_into().ok());
    whole
        .and_then(|edges| Region::try_from(edges).ok())
        .ok_or_else(wrong)
}

/// A text for an error: short.
pub(super) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(70).collect();
    format!("{start:?}")
}
