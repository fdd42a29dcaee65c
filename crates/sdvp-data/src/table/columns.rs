//! What the columns of a table are called.

use super::MOST_IMAGES;

/// Names of columns. Where none is given, the usual names are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The pictures, left to right; else `image`, or `left`, `middle` and `right`, or `image0`,
    /// `image1` …
    pub images: Vec<String>,
    /// The question; else `question`, `query`, `sentence` or `statement`.
    pub question: Option<String>,
    /// The answer; else `answer` or `label`.
    pub answer: Option<String>,
    /// The id; else `id`, `question_id` or `identifier`, if there is one.
    pub id: Option<String>,
    /// The kind of question; else `type` or `kind`, if there is one.
    pub kind: Option<String>,
}

/// The names that a table has of what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) images: Vec<String>,
    pub(super) question: String,
    pub(super) answer: Option<String>,
    pub(super) id: Option<String>,
    pub(super) kind: Option<String>,
}

impl Columns {
    /// Looks for the columns among those that there are; says what was expected where one is missing.
    pub(super) fn find(&self, there: &[&str]) -> Result<Found, String> {
        let among = || format!("found {}", there.join(", "));
        let one = |asked: &Option<String>, usual: &[&str]| match asked {
            Some(name) if there.contains(&name.as_str()) => Ok(Some(name.clone())),
            Some(name) => Err(format!("expected a column {name:?}, {}", among())),
            None => Ok(usual
                .iter()
                .find(|name| there.contains(*name))
                .map(|name| (*name).to_owned())),
        };
        let images = if self.images.is_empty() {
            usual_images(there)
        } else {
            for name in &self.images {
                one(&Some(name.clone()), &[])?;
            }
            self.images.clone()
        };
        if images.is_empty() || images.len() > MOST_IMAGES {
            return Err(format!(
                "expected one to {MOST_IMAGES} columns of pictures, such as image, or left and right, {}",
                among()
            ));
        }
        let question = one(
            &self.question,
            &["question", "query", "sentence", "statement"],
        )?;
        Ok(Found {
            images,
            question: question
                .ok_or_else(|| format!("expected a column \"question\", {}", among()))?,
            answer: one(&self.answer, &["answer", "label"])?,
            id: one(&self.id, &["id", "question_id", "identifier"])?,
            kind: one(&self.kind, &["type", "kind"])?,
        })
    }
}

fn usual_images(there: &[&str]) -> Vec<String> {
    if there.contains(&"image") {
        return vec!["image".to_owned()];
    }
    let placed = ["left", "middle", "right"];
    let placed: Vec<String> = placed
        .into_iter()
        .filter(|name| there.contains(name))
        .map(str::to_owned)
        .collect();
    if !placed.is_empty() {
        return placed;
    }
    let mut numbered: Vec<(u32, &str)> = there
        .iter()
        .filter_map(|name| {
            Some((
                name.strip_prefix("image")?.trim_matches('_').parse().ok()?,
                *name,
            ))
        })
        .collect();
    numbered.sort_unstable();
    numbered
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect()
}
