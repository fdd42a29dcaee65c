//! The steps there are, with their arguments.

/// What a variable holds, as far as the text of a program tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Image,
    Boxes,
    Text,
    Number,
    /// Whatever an expression gives.
    Scalar,
    /// Set by a faulty statement: anything is believed of it.
    Unknown,
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Type::Image => "an image",
            Type::Boxes => "boxes",
            Type::Text => "text",
            Type::Number => "a number",
            Type::Scalar => "the value of an expression",
            Type::Unknown => "something unknown",
        }
    }
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A variable with an image.
    Image,
    /// A variable with boxes.
    Boxes,
    /// Any variable.
    Variable,
    /// Quoted text.
    Text,
}

/// The side of the first box that a crop keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Right,
    Left,
    Above,
    Below,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Locate,
    Count,
    Crop,
    CropSide(Side),
    Ask,
    Evaluate,
    Result,
}

/// A step's name, meaning and arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) arguments: &'static [(&'static str, Takes)],
    pub(super) gives: Type,
}

const fn crop(name: &'static str, kind: Kind) -> Signature {
    Signature {
        name,
        kind,
        arguments: &[("image", Takes::Image), ("box", Takes::Boxes)],
        gives: Type::Image,
    }
}

/// The steps of the GQA and NLVR dialects.
pub(super) static SIGNATURES: [Signature; 15] = [
    Signature {
        name: "LOC",
        kind: Kind::Locate,
        arguments: &[("image", Takes::Image), ("object", Takes::Text)],
        gives: Type::Boxes,
    },
    Signature {
        name: "COUNT",
        kind: Kind::Count,
        arguments: &[("box", Takes::Boxes)],
        gives: Type::Number,
    },
    crop("CROP", Kind::Crop),
    crop("CROP_RIGHTOF", Kind::CropSide(Side::Right)),
    crop("CROP_LEFTOF", Kind::CropSide(Side::Left)),
    crop("CROP_ABOVE", Kind::CropSide(Side::Above)),
    crop("CROP_BELOW", Kind::CropSide(Side::Below)),
    // The reference cannot see depth: these look at the object's surroundings.
    crop("CROP_FRONTOF", Kind::Crop),
    crop("CROP_INFRONT", Kind::Crop),
    crop("CROP_INFRONTOF", Kind::Crop),
    crop("CROP_BEHIND", Kind::Crop),
    crop("CROP_AHEAD", Kind::Crop),
    Signature {
        name: "VQA",
        kind: Kind::Ask,
        arguments: &[("image", Takes::Image), ("question", Takes::Text)],
        gives: Type::Text,
    },
    Signature {
        name: "EVAL",
        kind: Kind::Evaluate,
        arguments: &[("expr", Takes::Text)],
        gives: Type::Scalar,
    },
    Signature {
        name: "RESULT",
        kind: Kind::Result,
        arguments: &[("var", Takes::Variable)],
        gives: Type::Unknown,
    },
];

/// Steps of VisProg's editing and tagging dialects.
const NOT_YET: [&str; 10] = [
    "FACEDET", "SEG", "SELECT", "COLORPOP", "BGBLUR", "REPLACE", "EMOJI", "LIST", "CLASSIFY", "TAG",
];

/// The step with this name, in any case.
///
/// # Errors
/// A message if there is none, with the nearest name.
pub(super) fn signature(name: &str) -> Result<&'static Signature, String> {
    if let Some(found) = SIGNATURES
        .iter()
        .find(|signature| signature.name.eq_ignore_ascii_case(name))
    {
        return Ok(found);
    }
    if let Some(step) = NOT_YET.iter().find(|step| step.eq_ignore_ascii_case(name)) {
        return Err(format!(
            "the step {step} is not available yet (only the steps of the GQA and NLVR dialects are)"
        ));
    }
    let names = SIGNATURES.iter().map(|signature| signature.name);
    let name = super::syntax::abridged(name);
    Err(match nearest(&name, names.clone()) {
        Some(near) => format!("there is no step `{name}`; did you mean {near}?"),
        None => format!(
            "there is no step `{name}`; expected one of {}",
            names.collect::<Vec<_>>().join(", ")
        ),
    })
}

/// The candidate that takes the fewest changes of single characters, if it takes at most a third
/// of the word's length.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_uppercase();
    let most = word.chars().count().div_ceil(3);
    candidates
        .map(|candidate| (edit_distance(&word, &candidate.to_uppercase()), candidate))
        .filter(|&(distance, _)| distance <= most)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "ab"), 2);
        assert_eq!(edit_distance("ab", "ab"), 0);
    }

    #[test]
    fn names_are_found_or_explained() {
        assert_eq!(signature("loc").map(|s| s.kind), Ok(Kind::Locate));
        assert!(signature("LOCATE").unwrap_err().contains("expected one of"));
        assert!(
            signature("CROP_LEFT")
                .unwrap_err()
                .contains("did you mean CROP_LEFTOF")
        );
        assert!(signature("VQ").unwrap_err().contains("did you mean VQA"));
        assert!(
            signature("SEG")
                .unwrap_err()
                .contains("SEG is not available yet")
        );
    }
}
