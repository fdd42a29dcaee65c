//! Scene graphs that fit records whose own are not published with them: what the steps name, with
//! what they and the right answer say of it, laid out as boxes. Beside every object that a step
//! tells apart from others lies a greater one that it is to be told apart from.

use crate::gqa::GqaQuestion;
use crate::gqa::functional::argument::{property, related, split_objects};
use crate::gqa::functional::relation::Role;
use crate::picto::Relation;
use sdvp_core::BBox;

pub(super) const WIDTH: u32 = 1000;
pub(super) const HEIGHT: u32 = 800;
/// Width and height of what the steps name, and of what is to be told apart from it.
const SIZE: f32 = 80.0;
const GREATER: f32 = 120.0;

#[derive(Clone, Debug)]
pub(super) struct Thing {
    id: String,
    /// The most special first.
    pub(super) names: Vec<String>,
    /// Attribute and value.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) bbox: BBox,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) things: Vec<Thing>,
    /// Subject, relation, object.
    pub(super) relations: Vec<(usize, String, usize)>,
    /// Attributes of the picture as a whole.
    pub(super) scene: Vec<(String, String)>,
    /// Every relation that is spoken of.
    pub(super) spoken: Vec<String>,
    others: usize,
}

impl Graph {
    /// The objects of every step of a record: what the graph is built from.
    pub(super) fn of(record: &GqaQuestion) -> Self {
        let gold = record.answer.clone().unwrap();
        let mut graph = Self::default();
        let mut found: Vec<Vec<usize>> = Vec::new();
        for step in &record.semantic {
            let before = |n: usize| -> Vec<usize> {
                let on = step.dependencies.get(n);
                on.map_or_else(Vec::new, |on| found[*on].clone())
            };
            let (head, about) = step
                .operation
                .split_once(' ')
                .unwrap_or((&step.operation, ""));
            let (text, ids) = split_objects(&step.argument);
            let mut here = before(0);
            match (head, about) {
                ("select", _) if text == "scene" => {}
                ("select", _) => {
                    here = ids
                        .iter()
                        .enumerate()
                        .map(|(n, id)| graph.thing(id, text, (500.0 - 150.0 * n as f32, 400.0)))
                        .collect();
                }
                ("filter", _) => {
                    let said = property(about, text).unwrap();
                    let name = graph.things[here[0]].names[0].clone();
                    let other = graph.other(&name);
                    let having = if said.negated {
                        vec![other]
                    } else {
                        here.clone()
                    };
                    graph.have(&having, about, &said.value);
                }
                ("relate", _) => here = graph.relate(&step.argument, here[0], None),
                ("verify", "rel") => {
                    graph.relate(&step.argument, here[0], Some(gold == "yes"));
                }
                ("choose", "rel") => graph.choose_relation(&step.argument, here[0], &gold),
                ("query", _) if text == "name" => graph.name(&here, &gold),
                ("choose", "name") => graph.name(&here, &gold),
                ("query", _) if text == "hposition" || text == "vposition" => {
                    graph.lay(here[0], &gold);
                }
                ("choose", "hposition" | "vposition") => graph.lay(here[0], &gold),
                ("query", _) => graph.have(&here, text, &gold),
                ("verify", _) if gold == "yes" => graph.have(&here, about, text),
                ("same", _) => {
                    for (n, thing) in here.iter().enumerate() {
                        let kind = if gold == "yes" { 0 } else { n };
                        graph.have(&[*thing], text, &format!("kind {kind}"));
                    }
                }
                ("exist" | "and" | "or", _) => {}
                other => panic!("no graph is made of {other:?}: {}", record.semantic_str),
            }
            found.push(here);
        }
        graph
    }

    fn thing(&mut self, id: &str, name: &str, (x, y): (f32, f32)) -> usize {
        let at = self.things.iter().position(|thing| thing.id == id);
        let at = at.unwrap_or_else(|| {
            self.things.push(Thing {
                id: id.to_owned(),
                names: Vec::new(),
                attributes: Vec::new(),
                bbox: BBox::from_center(x, y, SIZE, SIZE),
            });
            self.things.len() - 1
        });
        if name != "_" {
            self.things[at].names.push(name.to_owned());
        }
        at
    }

    /// Something of that name, greater, away from everything else.
    fn other(&mut self, name: &str) -> usize {
        self.others += 1;
        let x = 20.0 + GREATER * (self.others as f32 - 0.5);
        self.other_at(name, (x, 70.0))
    }

    fn other_at(&mut self, name: &str, place: (f32, f32)) -> usize {
        let id = format!("other {}", self.things.len());
        let at = self.thing(&id, &format!("unusual {name}"), place);
        self.things[at].names.push(name.to_owned());
        self.things[at].bbox = BBox::from_center(place.0, place.1, GREATER, GREATER);
        at
    }

    fn name(&mut self, things: &[usize], name: &str) {
        self.things[things[0]].names.insert(0, name.to_owned());
    }

    fn have(&mut self, things: &[usize], attribute: &str, value: &str) {
        let said = (attribute.to_owned(), value.trim().to_owned());
        if things.is_empty() {
            self.scene.push(said.clone());
        }
        for thing in things {
            self.things[*thing].attributes.push(said.clone());
        }
    }

    /// Moves a thing to a side of the picture.
    fn lay(&mut self, thing: usize, side: &str) {
        let (x, y) = match side {
            "left" => (150.0, 400.0),
            "right" => (850.0, 400.0),
            "top" => (500.0, 120.0),
            _ => (500.0, 680.0),
        };
        self.things[thing].bbox = BBox::from_center(x, y, SIZE, SIZE);
    }

    /// Beside the anchor in that direction.
    fn beside(&self, anchor: usize, direction: Relation) -> (f32, f32) {
        let (x, y) = self.things[anchor].bbox.center();
        match direction {
            Relation::LeftOf => (x - 200.0, y),
            Relation::RightOf => (x + 200.0, y),
            Relation::Above => (x, y - 200.0),
            Relation::Below => (x, y + 200.0),
        }
    }

    /// The things of a `relate` or `verify rel`; `holds` is what a verification is to find.
    fn relate(&mut self, argument: &str, anchor: usize, holds: Option<bool>) -> Vec<usize> {
        let (_, ids) = split_objects(argument);
        let (name, links) = related(argument).unwrap();
        let link = &links[0];
        self.spoken.push(link.words.clone());
        let (x, y) = self.things[anchor].bbox.center();
        let shown = name.as_deref().unwrap_or("_");
        let place = match link.direction() {
            Some(direction) => self.beside(anchor, direction),
            None => (x + 25.0, y + 15.0),
        };
        let things: Vec<usize> = ids.iter().map(|id| self.thing(id, shown, place)).collect();
        if let Some(name) = &name {
            match link.direction() {
                Some(direction) => {
                    let across = self.beside(anchor, direction.opposite());
                    self.other_at(name, across);
                }
                None => {
                    self.other(name);
                }
            }
        }
        if let Some(attribute) = link.alike() {
            let mut both = things.clone();
            both.push(anchor);
            self.have(&both, attribute, "teal");
        } else if holds != Some(false) {
            for thing in &things {
                let (subject, object) = match link.role {
                    Role::Object => (anchor, *thing),
                    Role::Subject | Role::Either => (*thing, anchor),
                };
                self.relations.push((subject, link.words.clone(), object));
            }
        }
        things
    }

    fn choose_relation(&mut self, argument: &str, anchor: usize, gold: &str) {
        let (_, ids) = split_objects(argument);
        let (name, links) = related(argument).unwrap();
        let link = links.iter().find(|link| link.answer() == gold).unwrap();
        self.spoken
            .extend(links.iter().map(|link| link.words.clone()));
        let (x, y) = self.things[anchor].bbox.center();
        let place = match link.direction() {
            Some(direction) => self.beside(anchor, direction),
            None => (x + 25.0, y + 15.0),
        };
        let thing = self.thing(ids[0], name.as_deref().unwrap_or("_"), place);
        self.relations.push(match link.role {
            Role::Object => (anchor, link.words.clone(), thing),
            Role::Subject | Role::Either => (thing, link.words.clone(), anchor),
        });
    }
}
