//! The functions and methods that programs call, and what they do with their arguments.

use super::number_words::{Number, number_in_text, number_in_words};
use super::patch::{Edges, NoArea, Patch};
use super::pending::Pending;
use super::settings::ViperSettings;
use super::signature::{Bound, Signature, int, list, raised, text, wrong_type};
use super::things::{Class, Thing, Things};
use super::video::NoDuration;
use monty_types::{ExcType, MontyException, MontyObject};
use sdvp_core::View;

/// What a call comes to.
#[derive(Debug)]
pub(super) enum Reply {
    /// It has its value.
    Value(MontyObject),
    /// Modules must be asked first.
    Asks(Box<Pending>),
}

impl Reply {
    fn asks(pending: Pending) -> Result<Self, MontyException> {
        Ok(Self::Asks(Box::new(pending)))
    }

    fn text(text: String) -> Result<Self, MontyException> {
        Ok(Self::Value(MontyObject::String(text)))
    }
}

type Arguments = (Vec<MontyObject>, Vec<(MontyObject, MontyObject)>);

/// What the calls of one run work on.
pub(super) struct Api<'a> {
    pub(super) things: &'a mut Things,
    pub(super) settings: &'a ViperSettings,
    /// What a prompt without a view is about.
    pub(super) first: Option<&'a View>,
}

/// What `simple_query` asks if nothing is given.
const DEFAULT_QUESTION: &str = "What is this?";

macro_rules! signature {
    ($method:expr, $name:expr, $($parameter:expr => $optional:expr),*) => {
        Signature {
            name: $name,
            parameters: &[$(($parameter, $optional)),*],
            method: $method,
        }
    };
}

const NEW_PATCH: Signature = signature!(true, "ImagePatch.__init__",
    "image" => false, "left" => true, "lower" => true, "right" => true, "upper" => true,
    "parent_left" => true, "parent_lower" => true);
const NEW_SEGMENT: Signature = signature!(true, "VideoSegment.__init__",
    "video" => false, "start" => true, "end" => true, "parent_start" => true);
const FIND: Signature = signature!(true, "ImagePatch.find", "object_name" => false);
const EXISTS: Signature = signature!(true, "ImagePatch.exists", "object_name" => false);
const VERIFY: Signature = signature!(true, "ImagePatch.verify_property",
    "object_name" => false, "attribute" => false);
const TEXT_MATCH: Signature = signature!(true, "ImagePatch.best_text_match",
    "option_list" => false, "prefix" => true);
const QUERY: Signature = signature!(true, "ImagePatch.simple_query", "question" => true);
const DEPTH: Signature = signature!(true, "ImagePatch.compute_depth",);
const CROP: Signature = signature!(true, "ImagePatch.crop",
    "left" => false, "lower" => false, "right" => false, "upper" => false);
const OVERLAPS: Signature = signature!(true, "ImagePatch.overlaps_with",
    "left" => false, "lower" => false, "right" => false, "upper" => false);
const PATCH_LLM: Signature = signature!(true, "ImagePatch.llm_query",
    "question" => false, "long_answer" => true);
const PRINT_IMAGE: Signature = signature!(true, "ImagePatch.print_image", "size" => true);
const FRAME: Signature = signature!(true, "VideoSegment.frame_from_index", "index" => false);
const TRIM: Signature = signature!(true, "VideoSegment.trim", "start" => true, "end" => true);
const SELECT: Signature = signature!(true, "VideoSegment.select_answer",
    "info" => false, "question" => false, "options" => true);
const FRAMES: Signature = signature!(true, "VideoSegment.frame_iterator",);
const IMAGE_MATCH: Signature = signature!(false, "best_image_match",
    "list_patches" => false, "content" => false);
const DISTANCE: Signature = signature!(false, "distance", "patch_a" => false, "patch_b" => false);
const YES_NO: Signature = signature!(false, "bool_to_yesno", "bool_answer" => false);
const LLM: Signature = signature!(false, "llm_query",
    "query" => false, "context" => true, "long_answer" => true);
const GUESSES: Signature = signature!(false, "process_guesses",
    "prompt" => false, "guess1" => true, "guess2" => true);
const NUMERIC: Signature = signature!(false, "coerce_to_numeric",
    "string" => false, "no_string" => true);

impl Class {
    /// The names of its methods.
    pub(super) fn methods(self) -> &'static [&'static str] {
        match self {
            Class::ImagePatch => &[
                "find",
                "exists",
                "verify_property",
                "best_text_match",
                "simple_query",
                "compute_depth",
                "crop",
                "overlaps_with",
                "llm_query",
                "print_image",
            ],
            Class::VideoSegment => &[
                "frame_from_index",
                "trim",
                "select_answer",
                "frame_iterator",
            ],
            Class::Image => &[],
        }
    }
}

/// The functions that programs may call, besides the classes.
pub(super) const FUNCTIONS: [&str; 6] = [
    "best_image_match",
    "distance",
    "bool_to_yesno",
    "llm_query",
    "process_guesses",
    "coerce_to_numeric",
];

/// The name of the API that a name is, if it is one.
pub(super) fn api_name(name: &str) -> Option<&'static str> {
    let function = FUNCTIONS.iter().copied().find(|function| *function == name);
    function.or(Class::of_name(name).map(Class::name))
}

impl Api<'_> {
    /// Calls a function. `None` if there is none of this name.
    pub(super) fn function(
        &mut self,
        name: &str,
        (args, kwargs): Arguments,
    ) -> Option<Result<Reply, MontyException>> {
        Some(match name {
            "best_image_match" => IMAGE_MATCH
                .bind(args, kwargs)
                .and_then(|b| self.best_image_match(b)),
            "distance" => DISTANCE.bind(args, kwargs).and_then(|b| self.distance(b)),
            "bool_to_yesno" => YES_NO.bind(args, kwargs).and_then(|mut bound| {
                let yes = bound.object().is_truthy();
                Reply::text(if yes { "yes" } else { "no" }.to_owned())
            }),
            "llm_query" => LLM.bind(args, kwargs).and_then(|mut bound| {
                let query = bound.text("query")?;
                let context = match bound.object() {
                    MontyObject::None => String::new(),
                    context => format!("\n{}", plain(&context)),
                };
                self.prompt(None, query + &context)
            }),
            "process_guesses" => GUESSES.bind(args, kwargs).and_then(|mut bound| {
                let mut text = bound.text("prompt")?;
                for number in 1..=2 {
                    match bound.object() {
                        MontyObject::None => {}
                        guess => text += &format!("\nGuess {number}: {}", plain(&guess)),
                    }
                }
                self.prompt(None, text)
            }),
            "coerce_to_numeric" => NUMERIC.bind(args, kwargs).and_then(coerce_to_numeric),
            _ => return None,
        })
    }

    /// Makes an object of a class.
    pub(super) fn construct(
        &mut self,
        class: Class,
        (args, kwargs): Arguments,
    ) -> Result<Reply, MontyException> {
        match class {
            Class::ImagePatch => self.new_patch(NEW_PATCH.bind(args, kwargs)?),
            Class::VideoSegment => self.new_segment(NEW_SEGMENT.bind(args, kwargs)?),
            Class::Image => Err(raised(
                ExcType::TypeError,
                "an Image cannot be made; it is given",
            )),
        }
    }

    /// Calls a method of a thing. `None` if its class has none of this name.
    pub(super) fn method(
        &mut self,
        thing: &Thing,
        name: &str,
        arguments: Arguments,
    ) -> Option<Result<Reply, MontyException>> {
        match thing {
            Thing::Patch(patch) => self.patch_method(patch, name, arguments),
            Thing::Segment(segment) => self.segment_method(segment, name, arguments),
            Thing::Picture(_) => None,
        }
    }

    fn value(&mut self, thing: Thing) -> Result<Reply, MontyException> {
        Ok(Reply::Value(self.things.hand_out(thing)))
    }

    /// A patch for the program, or the reference's exception.
    fn patch(&mut self, patch: Result<Patch, NoArea>) -> Result<Reply, MontyException> {
        let patch = patch.map_err(|NoArea| raised(ExcType::Exception, NoArea::MESSAGE))?;
        self.value(Thing::Patch(patch))
    }

    fn prompt(&mut self, view: Option<&View>, text: String) -> Result<Reply, MontyException> {
        let view = view.or(self.first).ok_or_else(|| {
            raised(
                ExcType::RuntimeError,
                "there is no image that the query could be about",
            )
        })?;
        Reply::asks(Pending::Prompt {
            view: view.clone(),
            text,
        })
    }

    fn new_patch(&mut self, mut bound: Bound) -> Result<Reply, MontyException> {
        let image = bound.object();
        let view = match self.things.of(&image) {
            Some(Thing::Picture(view)) => view.clone(),
            _ => return Err(wrong_type("image", "Image", &image)),
        };
        let edges = [bound.take(), bound.take(), bound.take(), bound.take()];
        let none = |edge: &Option<MontyObject>| matches!(edge, None | Some(MontyObject::None));
        if edges.iter().all(none) {
            return self.value(Thing::Patch(Patch::whole(view)));
        }
        let [left, lower, right, upper] = edges.map(whole_number);
        let edges = Edges {
            left: left?,
            lower: lower?,
            right: right?,
            upper: upper?,
        };
        let mut origin = || {
            bound
                .take()
                .map_or(Ok(0), |value| whole_number(Some(value)))
        };
        let origin = (origin()?, origin()?);
        self.patch(Patch::of(&view, edges, origin))
    }

    fn patch_method(
        &mut self,
        patch: &Patch,
        name: &str,
        (args, kwargs): Arguments,
    ) -> Option<Result<Reply, MontyException>> {
        let view = || patch.view.clone();
        Some(match name {
            "find" => FIND.bind(args, kwargs).and_then(|mut bound| {
                Reply::asks(Pending::Find {
                    patch: patch.clone(),
                    object: bound.text("object_name")?,
                })
            }),
            "exists" => EXISTS
                .bind(args, kwargs)
                .and_then(|mut bound| exists(patch, bound.text("object_name")?)),
            "verify_property" => VERIFY.bind(args, kwargs).and_then(|mut bound| {
                let (object, attribute) = (bound.text("object_name")?, bound.text("attribute")?);
                Reply::asks(Pending::Verify {
                    view: view(),
                    text: format!("{attribute} {object}"),
                })
            }),
            "best_text_match" => TEXT_MATCH
                .bind(args, kwargs)
                .and_then(|bound| best_text_match(patch, bound)),
            "simple_query" => QUERY.bind(args, kwargs).and_then(|mut bound| {
                let question = match bound.take() {
                    None => DEFAULT_QUESTION.to_owned(),
                    Some(question) => text(question, "question")?,
                };
                Reply::asks(Pending::Query {
                    view: view(),
                    question,
                })
            }),
            "compute_depth" => DEPTH
                .bind(args, kwargs)
                .and_then(|_| Reply::asks(Pending::Depth { view: view() })),
            "crop" => CROP.bind(args, kwargs).and_then(|bound| {
                let edges = edges(bound)?;
                self.patch(patch.crop(edges, self.settings.crop_margin))
            }),
            "overlaps_with" => OVERLAPS.bind(args, kwargs).and_then(|bound| {
                let overlap = patch.edges.overlap(&edges(bound)?);
                Ok(Reply::Value(MontyObject::Bool(overlap)))
            }),
            "llm_query" => PATCH_LLM.bind(args, kwargs).and_then(|mut bound| {
                let question = bound.text("question")?;
                self.prompt(Some(&patch.view), question)
            }),
            // Nobody looks while programs run by thousands; a trace shows the patch.
            "print_image" => PRINT_IMAGE
                .bind(args, kwargs)
                .map(|_| Reply::Value(MontyObject::None)),
            _ => return None,
        })
    }

    fn new_segment(&mut self, mut bound: Bound) -> Result<Reply, MontyException> {
        let video = bound.object();
        let whole = match self.things.of(&video) {
            Some(Thing::Segment(segment)) => segment.clone(),
            _ => return Err(wrong_type("video", "frames", &video)),
        };
        let (start, end) = (frame_number(bound.take())?, frame_number(bound.take())?);
        let origin = frame_number(bound.take())?.unwrap_or(0);
        let part = whole.part(start, end, origin);
        self.segment(part)
    }

    fn segment(
        &mut self,
        segment: Result<super::video::Segment, NoDuration>,
    ) -> Result<Reply, MontyException> {
        let segment =
            segment.map_err(|NoDuration| raised(ExcType::Exception, NoDuration::MESSAGE))?;
        self.value(Thing::Segment(segment))
    }

    fn segment_method(
        &mut self,
        segment: &super::video::Segment,
        name: &str,
        (args, kwargs): Arguments,
    ) -> Option<Result<Reply, MontyException>> {
        Some(match name {
            "frame_from_index" => FRAME.bind(args, kwargs).and_then(|mut bound| {
                let frame = segment.frame(whole_number(bound.take())?).ok_or_else(|| {
                    raised(ExcType::IndexError, "the index is before the first frame")
                })?;
                self.value(Thing::Patch(Patch::whole(frame)))
            }),
            "trim" => TRIM.bind(args, kwargs).and_then(|mut bound| {
                let (start, end) = (frame_number(bound.take())?, frame_number(bound.take())?);
                self.segment(segment.trim(start, end))
            }),
            "select_answer" => SELECT.bind(args, kwargs).and_then(|mut bound| {
                let (info, question) = (bound.object(), bound.text("question")?);
                let mut text = format!("{}\nQuestion: {question}", plain(&info));
                match bound.object() {
                    MontyObject::None => {}
                    options => text += &format!("\nOptions: {}", plain(&options)),
                }
                self.prompt(segment.frame(0).as_ref(), text)
            }),
            "frame_iterator" => FRAMES.bind(args, kwargs).map(|_| {
                let frames = (0..segment.num_frames()).filter_map(|index| segment.frame(index));
                let patches =
                    frames.map(|frame| self.things.hand_out(Thing::Patch(Patch::whole(frame))));
                Reply::Value(MontyObject::List(patches.collect()))
            }),
            _ => return None,
        })
    }

    fn best_image_match(&mut self, mut bound: Bound) -> Result<Reply, MontyException> {
        let patches = list(bound.object(), "list_patches")?;
        let contents = match bound.object() {
            MontyObject::String(content) => vec![content],
            contents => list(contents, "content")?
                .into_iter()
                .map(|content| text(content, "content"))
                .collect::<Result<_, _>>()?,
        };
        if patches.is_empty() {
            return Ok(Reply::Value(MontyObject::None));
        }
        let views = patches
            .iter()
            .map(|patch| Ok(self.things.patch(patch)?.view.clone()))
            .collect::<Result<_, MontyException>>()?;
        if contents.is_empty() {
            // The reference stacks no scores then.
            return Err(raised(
                ExcType::RuntimeError,
                "best_image_match expects a content, found none",
            ));
        }
        Reply::asks(Pending::ImageMatch {
            views,
            contents,
            scores: Vec::new(),
        })
    }

    fn distance(&self, mut bound: Bound) -> Result<Reply, MontyException> {
        let (a, b) = (bound.object(), bound.object());
        if let (Ok(a), Ok(b)) = (self.things.patch(&a), self.things.patch(&b)) {
            let distance = a.edges.distance(&b.edges);
            return Ok(Reply::Value(MontyObject::Float(distance)));
        }
        match (&a, &b) {
            (MontyObject::Int(a), MontyObject::Int(b)) => Ok(Reply::Value(MontyObject::Int(
                a.saturating_sub(*b).saturating_abs(),
            ))),
            _ => match (real(&a), real(&b)) {
                (Some(a), Some(b)) => Ok(Reply::Value(MontyObject::Float((a - b).abs()))),
                _ => Err(raised(
                    ExcType::TypeError,
                    format!(
                        "unsupported operand type(s) for -: '{}' and '{}'",
                        a.type_name(),
                        b.type_name()
                    ),
                )),
            },
        }
    }
}

fn real(object: &MontyObject) -> Option<f64> {
    match object {
        MontyObject::Int(value) => Some(*value as f64),
        MontyObject::Float(value) => Some(*value),
        MontyObject::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    }
}

/// A value as Python's `str` would write it.
fn plain(object: &MontyObject) -> String {
    match object {
        MontyObject::String(text) => text.clone(),
        other => other.py_repr(),
    }
}

/// A number that may stand in a slice.
fn whole_number(object: Option<MontyObject>) -> Result<i64, MontyException> {
    match object {
        Some(MontyObject::Int(value)) => Ok(value),
        Some(MontyObject::Bool(value)) => Ok(i64::from(value)),
        other => Err(raised(
            ExcType::TypeError,
            format!(
                "slice indices must be integers, found {}",
                other.unwrap_or(MontyObject::None).type_name()
            ),
        )),
    }
}

fn frame_number(object: Option<MontyObject>) -> Result<Option<i64>, MontyException> {
    match object {
        None | Some(MontyObject::None) => Ok(None),
        // Programs divide; the reference's slice of a tensor would refuse what `int` takes.
        Some(object) => int(&object).map(Some),
    }
}

fn edges(mut bound: Bound) -> Result<Edges, MontyException> {
    let mut edge = || int(&bound.object());
    Ok(Edges {
        left: edge()?,
        lower: edge()?,
        right: edge()?,
        upper: edge()?,
    })
}

fn exists(patch: &Patch, object: String) -> Result<Reply, MontyException> {
    let lower = object.to_lowercase();
    let digits = !object.is_empty() && object.chars().all(char::is_numeric);
    if digits || lower.starts_with("number") {
        return Reply::asks(Pending::ExistsNumber {
            view: patch.view.clone(),
            number: number_in_words(lower.replace("number", "").trim()),
        });
    }
    Reply::asks(Pending::Exists {
        patch: patch.clone(),
        object,
        found: None,
        asked: 0,
        yes: false,
    })
}

fn best_text_match(patch: &Patch, mut bound: Bound) -> Result<Reply, MontyException> {
    let options = list(bound.object(), "option_list")?;
    let prefix = match bound.object() {
        MontyObject::None => String::new(),
        prefix => text(prefix, "prefix")? + " ",
    };
    let texts: Vec<String> = options
        .iter()
        .map(|option| Ok(format!("{prefix}{}", text(option.clone(), "option")?)))
        .collect::<Result<_, MontyException>>()?;
    if texts.is_empty() {
        return Err(raised(
            ExcType::IndexError,
            "best_text_match expects an option, found none",
        ));
    }
    Reply::asks(Pending::TextMatch {
        view: patch.view.clone(),
        texts,
        options,
        scores: Vec::new(),
    })
}

fn coerce_to_numeric(mut bound: Bound) -> Result<Reply, MontyException> {
    let (object, no_string) = (bound.object(), bound.object().is_truthy());
    let string = text(object, "string")?;
    let value = match number_in_text(&string) {
        Some(Number::Int(value)) => MontyObject::Int(value),
        Some(Number::Float(value)) => MontyObject::Float(value),
        None if no_string => {
            return Err(raised(
                ExcType::ValueError,
                format!("could not convert string to number: {string:?}"),
            ));
        }
        None => MontyObject::String(string),
    };
    Ok(Reply::Value(value))
}
