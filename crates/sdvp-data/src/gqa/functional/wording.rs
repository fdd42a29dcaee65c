//! What programs call things, and the questions they ask about them.

mod attribute;
mod noun;

use super::argument::Property;
use super::meaning::{Objects, Place, Subject};
use super::relation::{Link, Role};
use attribute::{attribute, attribute_words, fill};
pub(super) use noun::plural;
use noun::{a, article, be, be_first, is_plural};

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
