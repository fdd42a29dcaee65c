//! What programs call things, and the questions they ask about them.

use super::argument::Property;
use super::meaning::{Objects, Place, Subject};
use super::relation::{Link, Role};

/// How an attribute is asked about. `{is}` and `{Is}` agree with the name that `{x}` stands for.
struct Attribute {
    name: &'static str,
    /// Which value objects have.
    query: &'static str,
    /// What is said of something with the value `{v}`: "The table is …".
    has: &'static str,
    /// Which value the picture as a whole has.
    scene: &'static str,
    /// Whether the picture as a whole has the value.
    scene_has: &'static str,
}

/// What is asked of attributes that are not listed; `{a}` is the attribute.
const ANY: Attribute = Attribute {
    name: "",
    query: "What {a} {is} the {x}?",
    has: "{v}",
    scene: "What {a} is shown in the picture?",
    scene_has: "Is it {v}?",
};

/// The attributes that are asked about in words of their own.
const ATTRIBUTES: [Attribute; 12] = [
    Attribute {
        name: "material",
        query: "What {is} the {x} made of?",
        has: "made of {v}",
        ..ANY
    },
    Attribute {
        name: "activity",
        query: "What {is} the {x} doing?",
        ..ANY
    },
    Attribute {
        name: "sportActivity",
        query: "What {is} the {x} doing?",
        ..ANY
    },
    Attribute {
        name: "type",
        query: "What type of {x} is this?",
        ..ANY
    },
    Attribute {
        name: "company",
        query: "What company made the {x}?",
        has: "made by {v}",
        ..ANY
    },
    Attribute {
        name: "name",
        query: "What {x} is this?",
        scene: "What is this?",
        scene_has: "Is this {an} {v}?",
        ..ANY
    },
    Attribute {
        name: "place",
        scene: "What place is this?",
        scene_has: "Is this {an} {v}?",
        ..ANY
    },
    Attribute {
        name: "room",
        scene: "What room is this?",
        scene_has: "Is this {an} {v}?",
        ..ANY
    },
    Attribute {
        name: "location",
        scene: "Is it indoors or outdoors?",
        ..ANY
    },
    Attribute {
        name: "weather",
        scene: "How is the weather?",
        ..ANY
    },
    Attribute {
        name: "vposition",
        query: "In which part of the picture {is} the {x}?",
        has: "in the {v} of the picture",
        ..ANY
    },
    Attribute {
        name: "hposition",
        query: "On which side of the picture {is} the {x}?",
        has: "on the {v} of the picture",
        ..ANY
    },
];

/// What is asked of attributes that things have rather than are.
const OF: Attribute = Attribute {
    query: "What is the {a} of the {x}?",
    ..ANY
};

/// The attributes that things have: "the pose of the man", where others are "What color is the …?"
const HAD: [&str; 16] = [
    "pose",
    "age",
    "height",
    "length",
    "width",
    "depth",
    "weight",
    "thickness",
    "cleanliness",
    "state",
    "texture",
    "orientation",
    "face expression",
    "faceExpression",
    "hair length",
    "hairLength",
];

fn attribute(name: &str) -> &'static Attribute {
    let listed = ATTRIBUTES.iter().find(|known| known.name == name);
    listed.unwrap_or(if HAD.contains(&name) { &OF } else { &ANY })
}

/// Puts words into a wording. What they say is not looked at again.
fn fill(wording: &str, words: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = wording;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        text.push_str(before);
        let Some(close) = from.find('}') else { break };
        let (slot, after) = from.split_at(close + 1);
        let word = words
            .iter()
            .find(|(name, _)| slot.trim_matches(['{', '}']) == *name);
        text.push_str(word.map_or(slot, |(_, word)| word));
        rest = after;
    }
    text + rest
}

/// An attribute's name in words: "sport activity" of `sportActivity`.
fn attribute_words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words.trim().to_owned()
}

/// Whether a name is one of several things.
pub(super) fn is_plural(name: &str) -> bool {
    let last = name.rsplit(' ').next().unwrap_or(name);
    matches!(last, "people" | "men" | "women" | "children")
        || last.ends_with('s') && !["ss", "us", "is"].iter().any(|end| last.ends_with(end))
}

/// A name of several things.
pub(super) fn plural(name: &str) -> String {
    if is_plural(name) {
        return name.to_owned();
    }
    let (before, last) = name.rsplit_once(' ').map_or(("", name), |(b, l)| (b, l));
    let many = match last {
        "man" => "men".to_owned(),
        "woman" => "women".to_owned(),
        "child" => "children".to_owned(),
        "person" => "people".to_owned(),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| last.ends_with(end)) => format!("{last}es"),
        _ => match last.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
            _ => format!("{last}s"),
        },
    };
    format!("{before} {many}").trim_start().to_owned()
}

/// "a dog", "an apple", "flowers".
pub(super) fn a(name: &str) -> String {
    match article(name) {
        "" => name.to_owned(),
        article => format!("{article} {name}"),
    }
}

fn article(name: &str) -> &'static str {
    if is_plural(name) {
        ""
    } else if name.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']) {
        "an"
    } else {
        "a"
    }
}

fn be(name: &str) -> &'static str {
    if is_plural(name) { "are" } else { "is" }
}

fn be_first(name: &str) -> &'static str {
    if is_plural(name) { "Are" } else { "Is" }
}

impl Property {
    /// Whether it can stand before a name: "red", "light blue"; "talking on the phone" cannot.
    fn stands_before(&self) -> bool {
        !self.negated
            && (self.attribute == "color" || !self.value.contains(' '))
            && !matches!(self.attribute.as_str(), "hposition" | "vposition")
    }

    /// What is said of something that has it: "The table is …".
    pub(super) fn predicate(&self) -> String {
        let has = fill(attribute(&self.attribute).has, &[("v", &self.value)]);
        if self.negated {
            format!("not {has}")
        } else {
            has
        }
    }
}

impl Objects {
    /// Their name, "object" for anything.
    pub(super) fn kind(&self) -> &str {
        self.name.as_deref().unwrap_or("object")
    }

    /// Their name with the words that stand before it: "large red dog".
    pub(super) fn head(&self) -> String {
        let before = self.properties.iter().filter(|p| p.stands_before());
        let mut words: Vec<&str> = before.map(|property| property.value.as_str()).collect();
        words.reverse();
        words.push(self.kind());
        words.join(" ")
    }

    /// What is said of them that does not stand before the name.
    pub(super) fn rest(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter(|p| !p.stands_before())
    }

    /// Whether words must describe them that no detector is taught by: what they are not, what
    /// takes a clause to say, what they have in common with others.
    pub(super) fn takes_words(&self) -> bool {
        self.rest().next().is_some() || matches!(self.place, Place::Alike(..))
    }

    /// All that is said of them but their place: "clothing that is not white".
    pub(super) fn described(&self) -> String {
        let mut text = self.head();
        let rest: Vec<String> = self.rest().map(Property::predicate).collect();
        if !rest.is_empty() {
            let is = be(self.kind());
            text = format!("{text} that {is} {}", rest.join(" and "));
        }
        if let Place::Alike(attribute, anchor) = &self.place {
            let attribute = attribute_words(attribute);
            text = format!("{text} of the same {attribute} as the {}", anchor.head());
        }
        text
    }

    /// All that is said of them, what they are beside included: "girl wearing shirt".
    pub(super) fn located(&self) -> String {
        let described = self.described();
        let Place::Beside(link, anchor) = &self.place else {
            return described;
        };
        let (words, other) = (&link.words, anchor.head());
        match link.role {
            Role::Object => format!("{described} that the {other} {} {words}", be(&other)),
            Role::Subject | Role::Either => format!("{described} {words} the {other}"),
        }
    }

    /// "Who", "What" or "What animal".
    fn asked(&self) -> String {
        let plain = self.properties.is_empty();
        match self.name.as_deref() {
            None if plain => "What".to_owned(),
            Some("person") if plain => "Who".to_owned(),
            _ => format!("What {}", self.head()),
        }
    }
}

/// What something related is: "Who is holding the camera?", "What is the candle on?"
pub(super) fn name_beside(objects: &Objects, link: &Link, anchor: &Objects) -> String {
    let mut asked = objects.asked();
    let rest: Vec<String> = objects.rest().map(Property::predicate).collect();
    if !rest.is_empty() {
        asked = format!("{asked} that is {}", rest.join(" and "));
    }
    let (words, other) = (&link.words, anchor.head());
    match link.role {
        Role::Object => format!("{asked} {} the {other} {words}?", be(&other)),
        Role::Subject | Role::Either => format!("{asked} is {words} the {other}?"),
    }
}

/// What they are, asked of a picture that shows more than them.
pub(super) fn name_in_picture(objects: &Objects) -> String {
    let asked = objects.asked();
    let is = be(objects.kind());
    if let Place::Alike(attribute, anchor) = &objects.place {
        let attribute = attribute_words(attribute);
        return format!("{asked} has the same {attribute} as the {}?", anchor.head());
    }
    let rest: Vec<String> = objects.rest().map(Property::predicate).collect();
    if rest.is_empty() {
        format!("{asked} {is} in the picture?")
    } else {
        format!("{asked} {is} {}?", rest.join(" and "))
    }
}

/// What they are, asked of what shows little else.
pub(super) fn name_here(objects: &Objects) -> String {
    match &objects.name {
        None => "What is this?".to_owned(),
        Some(name) if is_plural(name) => format!("What {} are these?", objects.head()),
        Some(_) => format!("What {} is this?", objects.head()),
    }
}

/// Whether what is shown is such a thing.
pub(super) fn is_this(name: &str) -> String {
    if is_plural(name) {
        format!("Are these {name}?")
    } else {
        format!("Is this {}?", a(name))
    }
}

/// Whether there is such a thing in the picture.
pub(super) fn exists(objects: &Objects) -> String {
    let described = objects.described();
    if is_plural(objects.kind()) {
        format!("Are there any {described} in the picture?")
    } else {
        format!("Is there {} in the picture?", a(&described))
    }
}

/// Whether something is related so: "Is there a statue near the boy?", "Is the girl wearing a coat?"
pub(super) fn exists_beside(objects: &Objects, link: &Link, anchor: &Objects) -> String {
    let (words, other, described) = (&link.words, anchor.head(), objects.described());
    let many = is_plural(objects.kind());
    let a = |described: &str| match many {
        true => described.to_owned(),
        false => format!(
            "{} {described}",
            if article(described) == "an" {
                "an"
            } else {
                "a"
            }
        ),
    };
    match link.role {
        Role::Object => {
            format!(
                "{} the {other} {words} {}?",
                be_first(&other),
                a(&described)
            )
        }
        Role::Subject | Role::Either if many => {
            format!("Are there any {described} {words} the {other}?")
        }
        Role::Subject | Role::Either => format!("Is there {} {words} the {other}?", a(&described)),
    }
}

/// Whether the one thing is related so to the other: "Is the chair behind the girl?"
pub(super) fn is_beside(objects: &Objects, link: &Link, anchor: &Objects) -> String {
    let (one, words, other) = (objects.described(), &link.words, anchor.head());
    match link.role {
        Role::Object => format!("{} the {other} {words} the {one}?", be_first(&other)),
        Role::Subject | Role::Either => {
            format!(
                "{} the {one} {words} the {other}?",
                be_first(objects.kind())
            )
        }
    }
}

/// How many there are.
pub(super) fn how_many(objects: &Objects) -> String {
    let head = plural(&objects.head());
    let rest: Vec<String> = objects.rest().map(Property::predicate).collect();
    let mut text = format!("How many {head}");
    if !rest.is_empty() {
        text = format!("{text} that are {}", rest.join(" and "));
    }
    if let Place::Alike(attribute, anchor) = &objects.place {
        let attribute = attribute_words(attribute);
        text = format!("{text} of the same {attribute} as the {}", anchor.head());
    }
    format!("{text} are in the picture?")
}

/// What an attribute of the subject is.
pub(super) fn query(subject: &Subject, name: &str) -> String {
    let wording = attribute(name);
    let words = attribute_words(name);
    match subject {
        Subject::Scene(_) => fill(wording.scene, &[("a", &words)]),
        Subject::Objects(objects) => {
            let described = objects.described();
            let is = be(objects.kind());
            fill(
                wording.query,
                &[("a", &words), ("is", is), ("x", &described)],
            )
        }
    }
}

/// Whether the subject has the value of the attribute.
pub(super) fn verify(subject: &Subject, property: &Property) -> String {
    match subject {
        Subject::Scene(_) => {
            let (value, an) = (&property.value, article(&property.value));
            let text = fill(
                attribute(&property.attribute).scene_has,
                &[("v", value), ("an", an)],
            );
            text.replacen("  ", " ", 1)
        }
        Subject::Objects(_) if property.attribute == "name" => is_this(&property.value),
        Subject::Objects(objects) => format!(
            "{} the {} {}?",
            be_first(objects.kind()),
            objects.described(),
            property.predicate()
        ),
    }
}

/// Whether the one is more so than the other: "Is the girl older than the boy?"
pub(super) fn compare(how: &str, a: &Objects, b: &Objects) -> String {
    let is = be_first(a.kind());
    format!("{is} the {} {how} than the {}?", a.located(), b.located())
}

/// Whether all agree in an attribute.
pub(super) fn all_same(name: &str, objects: &Objects) -> String {
    let many = plural(&objects.head());
    let rest: Vec<String> = objects.rest().map(Property::predicate).collect();
    let that = match rest.is_empty() {
        true => String::new(),
        false => format!(" that are {}", rest.join(" and ")),
    };
    format!(
        "Are all the {many}{that} the same {}?",
        attribute_words(name)
    )
}
