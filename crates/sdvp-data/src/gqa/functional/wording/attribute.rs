//! How attributes are asked about.

/// How an attribute is asked about. `{is}` and `{Is}` agree with the name that `{x}` stands for.
pub(super) struct Attribute {
    name: &'static str,
    /// Which value objects have.
    pub(super) query: &'static str,
    /// What is said of something with the value `{v}`: "The table is …".
    pub(super) has: &'static str,
    /// Which value the picture as a whole has.
    pub(super) scene: &'static str,
    /// Whether the picture as a whole has the value.
    pub(super) scene_has: &'static str,
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

/// How the attribute of that name is asked about.
pub(super) fn attribute(name: &str) -> &'static Attribute {
    let listed = ATTRIBUTES.iter().find(|known| known.name == name);
    listed.unwrap_or(if HAD.contains(&name) { &OF } else { &ANY })
}

/// Puts words into a wording. What they say is not looked at again.
pub(super) fn fill(wording: &str, words: &[(&str, &str)]) -> String {
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
pub(super) fn attribute_words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words.trim().to_owned()
}
