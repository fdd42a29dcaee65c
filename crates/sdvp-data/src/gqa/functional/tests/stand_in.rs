//! Answers sub-tasks from a [`Graph`]: by what their text says and their view shows, and nothing
//! else.

use super::graph::{Graph, Thing};
use crate::gqa::functional::relation::{Link, Role};
use crate::gqa::functional::wording::plural;
use crate::picto::Relation;
use sdvp_core::{AnswerOutcome, BBox, Detection, ModuleError, Outcome, SubTask, SubTaskKind};

/// Something is seen if at least this part of its box is in the view.
const SEEN: f32 = 0.4;

/// Answers a sub-task.
pub(super) fn answer(graph: &Graph, task: &SubTask) -> Result<Outcome, ModuleError> {
    let seen = Seen {
        graph,
        view: task.view.region().into(),
    };
    match task.kind {
        SubTaskKind::Locate => {
            let boxes = seen.located(&task.text).into_iter().map(|at| Detection {
                bbox: task.view.to_view_coordinates(seen.shown(at)),
                score: 1.0,
            });
            Ok(Outcome::Boxes(boxes.collect()))
        }
        SubTaskKind::Match => {
            let fits = !seen.named(&task.text).is_empty();
            Ok(Outcome::Score(if fits { 1.0 } else { 0.0 }))
        }
        SubTaskKind::Answer => match seen.answered(&task.text) {
            Some(text) => Ok(Outcome::Answer(AnswerOutcome::certain(text))),
            None => Err(ModuleError::BadText {
                module: "stand-in".to_owned(),
                text: task.text.clone(),
                reason: "the question has no known form".to_owned(),
            }),
        },
        kind => Err(ModuleError::WrongKind {
            module: "stand-in".to_owned(),
            kind,
        }),
    }
}

struct Seen<'a> {
    graph: &'a Graph,
    view: BBox,
}

/// What follows the first of some beginnings.
fn after<'t>(text: &'t str, beginnings: &[&str]) -> Option<&'t str> {
    beginnings.iter().find_map(|start| text.strip_prefix(start))
}

fn without_article(text: &str) -> &str {
    after(text, &["a ", "an ", "the ", "any "]).unwrap_or(text)
}

impl Seen<'_> {
    fn shown(&self, at: usize) -> BBox {
        self.graph.things[at].bbox.intersection(&self.view)
    }

    /// Whether words are a name with values before it, in any order.
    fn is(&self, thing: &Thing, words: &str) -> bool {
        let is_value = |words: &str| {
            let mut rest = words.trim();
            while !rest.is_empty() {
                let value = thing.attributes.iter().find_map(|(_, value)| {
                    let after = rest.strip_prefix(value.as_str())?;
                    (after.is_empty() || after.starts_with(' ')).then(|| after.trim_start())
                });
                match value {
                    Some(after) => rest = after,
                    None => return false,
                }
            }
            true
        };
        let any = ["object".to_owned()];
        thing.names.iter().chain(&any).any(|name| {
            [name.clone(), plural(name)].iter().any(|name| {
                let before = words.strip_suffix(name.as_str());
                before.is_some_and(|b| (b.is_empty() || b.ends_with(' ')) && is_value(b))
            })
        })
    }

    /// The seen things that words name, the greatest first.
    fn named(&self, words: &str) -> Vec<usize> {
        self.those(|thing| self.is(thing, words))
    }

    fn those(&self, holds: impl Fn(&Thing) -> bool) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.graph.things.len())
            .filter(|at| {
                let thing = &self.graph.things[*at];
                thing.bbox.coverage_by(&self.view) >= SEEN && holds(thing)
            })
            .collect();
        let area = |at: &usize| self.shown(*at).area();
        found.sort_by(|a, b| area(b).total_cmp(&area(a)));
        found
    }

    /// Whether a thing is as a predicate says: "red", "made of metal", "not white".
    fn has(&self, at: usize, predicate: &str) -> bool {
        if let Some(rest) = predicate.strip_prefix("not ") {
            return !self.has(at, rest);
        }
        let value = after(predicate, &["made of ", "made by "]).unwrap_or(predicate);
        let attributes = &self.graph.things[at].attributes;
        attributes.iter().any(|(_, known)| known == value)
    }

    fn value(&self, at: usize, attribute: &str) -> String {
        let attributes = &self.graph.things[at].attributes;
        let found = attributes.iter().find(|(known, _)| known == attribute);
        found.map_or_else(|| "none".to_owned(), |(_, value)| value.clone())
    }

    fn holds(&self, subject: usize, words: &str, object: usize) -> bool {
        let center = |at: usize| self.graph.things[at].bbox.center();
        let ((x, y), (u, v)) = (center(subject), center(object));
        match Link::new(words.to_owned(), Role::Subject).direction() {
            Some(Relation::LeftOf) => x < u,
            Some(Relation::RightOf) => x > u,
            Some(Relation::Above) => y < v,
            Some(Relation::Below) => y > v,
            None => self
                .graph
                .relations
                .contains(&(subject, words.to_owned(), object)),
        }
    }

    /// The first of some things that is so related to one of others.
    fn related(
        &self,
        subjects: &[usize],
        words: &str,
        objects: &[usize],
    ) -> Option<(usize, usize)> {
        let mut pairs = subjects
            .iter()
            .flat_map(|s| objects.iter().map(move |o| (*s, *o)));
        pairs.find(|(s, o)| self.holds(*s, words, *o))
    }

    /// Takes a text apart at a relation: what comes before, the relation, what comes after.
    fn at_relation<'t>(&self, text: &'t str) -> Option<(&'t str, &str, &'t str)> {
        let mut spoken: Vec<&str> = self.graph.spoken.iter().map(String::as_str).collect();
        spoken.sort_by_key(|words| std::cmp::Reverse(words.len()));
        spoken.into_iter().find_map(|words| {
            let padded = format!(" {words} ");
            let at = text.find(&padded)?;
            Some((&text[..at], words, &text[at + padded.len()..]))
        })
    }

    /// What a description that is to be located means.
    fn located(&self, text: &str) -> Vec<usize> {
        if let Some((what, rest)) = text.split_once(" that the ") {
            let found = self.named(what);
            let mut spoken = self.graph.spoken.iter();
            let related = spoken.find_map(|words| {
                let end = [format!(" is {words}"), format!(" are {words}")];
                let other = end.iter().find_map(|end| rest.strip_suffix(end.as_str()))?;
                Some((words, self.named(other)))
            });
            let Some((words, others)) = related else {
                return Vec::new();
            };
            let holds = |at: &usize| self.related(&others, words, &[*at]).is_some();
            return found.into_iter().filter(holds).collect();
        }
        if let Some((what, predicate)) = text.split_once(" that is ") {
            let found = self.named(what).into_iter();
            return found.filter(|at| self.has(*at, predicate)).collect();
        }
        if let Some((what, words, other)) = self.at_relation(text) {
            let (found, others) = (self.named(what), self.named(without_article(other)));
            let holds = |at: &usize| self.related(&[*at], words, &others).is_some();
            return found.into_iter().filter(holds).collect();
        }
        self.named(text)
    }

    /// The most special name of the first thing.
    fn name(&self, found: &[usize]) -> String {
        found.first().map_or_else(
            || "nothing".to_owned(),
            |at| self.graph.things[*at].names[0].clone(),
        )
    }

    /// The answer to a question; `None` if it has no known form.
    fn answered(&self, question: &str) -> Option<String> {
        let text = question.strip_suffix('?')?;
        let yes_no = |truth: bool| (if truth { "yes" } else { "no" }).to_owned();
        if let Some(found) = self.of_scene(text) {
            return Some(found);
        }
        if let Some(rest) = after(text, &["What ", "Who "]) {
            let who = if text.starts_with("Who") {
                "person "
            } else {
                ""
            };
            return self.what(&format!("{who}{rest}"));
        }
        if let Some(rest) = after(text, &["Is there ", "Are there "]) {
            let rest = without_article(rest);
            if let Some((what, words, other)) = self.at_relation(rest) {
                let others = self.named(without_article(other));
                let found = self.related(&self.named(what), words, &others);
                return Some(yes_no(found.is_some()));
            }
            let what = rest.strip_suffix(" in the picture")?;
            return Some(yes_no(!self.located(what).is_empty()));
        }
        if let Some(rest) = after(text, &["Is this ", "Are these "]) {
            return Some(yes_no(!self.named(without_article(rest)).is_empty()));
        }
        if let Some(rest) = text.strip_prefix("Are all the ") {
            let (what, attribute) = rest.split_once(" the same ")?;
            let values: Vec<String> = self
                .named(what)
                .into_iter()
                .map(|at| self.value(at, attribute))
                .collect();
            return Some(yes_no(values.windows(2).all(|two| two[0] == two[1])));
        }
        let rest = after(text, &["Is the ", "Are the "])?;
        if let Some((what, words, other)) = self.at_relation(rest) {
            let others = self.named(without_article(other));
            let found = self.related(&self.named(what), words, &others);
            return Some(yes_no(found.is_some()));
        }
        // The longest name that leaves a predicate.
        let ends = rest.match_indices(' ').map(|(at, _)| at).rev();
        for end in ends {
            let found = self.named(&rest[..end]);
            if let Some(at) = found.first() {
                return Some(yes_no(self.has(*at, &rest[end + 1..])));
            }
        }
        Some("no".to_owned())
    }

    fn of_scene(&self, text: &str) -> Option<String> {
        let attribute = match text {
            "How is the weather" => "weather",
            _ => after(text, &["What "])
                .and_then(|t| t.strip_suffix(" is this"))
                .unwrap_or(""),
        };
        let known = self
            .graph
            .scene
            .iter()
            .find(|(known, _)| known == attribute);
        if let Some((_, value)) = known {
            return Some(value.clone());
        }
        let value = text.strip_prefix("Is it ")?;
        let holds = self.graph.scene.iter().any(|(_, known)| known == value);
        Some((if holds { "yes" } else { "no" }).to_owned())
    }

    /// The answer to what follows "What", where "Who" is "person".
    fn what(&self, text: &str) -> Option<String> {
        if let Some((what, rest)) = text.split_once(" has the same ") {
            let (attribute, other) = rest.split_once(" as the ")?;
            let others = self.named(other);
            let value = self.value(*others.first()?, attribute);
            let mut found = self.named(what);
            found.retain(|at| !others.contains(at) && self.value(*at, attribute) == value);
            return Some(self.name(&found));
        }
        if let Some(what) = text.strip_prefix("type of ") {
            let found = self.named(what.strip_suffix(" is this")?);
            return Some(self.value(*found.first()?, "type"));
        }
        if let Some(other) = after(text, &["is the ", "are the "])
            && let Some(what) = other.strip_suffix(" made of")
        {
            return Some(self.value(*self.named(what).first()?, "material"));
        }
        // Without a name it is about anything.
        let text = match after(text, &["is ", "are "]) {
            Some(_) => format!("object {text}"),
            None => text.to_owned(),
        };
        let (what, rest) = text
            .split_once(" is ")
            .or_else(|| text.split_once(" are "))?;
        if matches!(rest, "this" | "in the picture") || text.ends_with(" are these") {
            return Some(self.name(&self.named(what)));
        }
        if let Some(other) = rest.strip_prefix("the ") {
            let mut spoken = self.graph.spoken.iter();
            let at_end = spoken.find_map(|words| {
                let other = other.strip_suffix(words.as_str())?.strip_suffix(' ')?;
                Some((words, other))
            });
            if let Some((words, other)) = at_end {
                let found = self.related(&self.named(other), words, &self.named(what));
                return Some(self.name(&found.map(|(_, o)| o).into_iter().collect::<Vec<_>>()));
            }
            // "What color is the dog?"
            return Some(self.value(*self.named(other).first()?, what));
        }
        let padded = format!(" {rest}");
        if let Some((_, words, other)) = self.at_relation(&padded) {
            let others = self.named(without_article(other));
            let found = self.related(&self.named(what), words, &others);
            return Some(self.name(&found.map(|(s, _)| s).into_iter().collect::<Vec<_>>()));
        }
        let mut found = self.named(what);
        found.retain(|at| self.has(*at, rest));
        Some(self.name(&found))
    }
}
