//! Where objects are looked for, and their patches. ViperGPT's rows count upwards.

use super::body::python;
use super::{Coder, asked, patch, verified, yes};
use crate::gqa::functional::argument::Property;
use crate::gqa::functional::meaning::{Objects, Place, Subject};
use crate::gqa::functional::wording;
use crate::picto::{Relation, Side};
use crate::viper_code::lies;
use std::sync::Arc;

impl Coder {
    /// The variable of the patches of objects.
    pub(super) fn found(&mut self, objects: &Objects) -> String {
        if let Some(variable) = self.found.get(&objects.id) {
            return variable.clone();
        }
        let head = python(&objects.head());
        let mut conditions: Vec<String> = Vec::new();
        let find = match &objects.place {
            Place::Beside(link, anchor) => match link.direction() {
                Some(direction) => {
                    let other = self.one(anchor);
                    conditions.push(lies("patch", direction, &other));
                    format!("{}.find({head})", patch(objects.picture))
                }
                None => format!("{}.find({head})", self.look(objects)),
            },
            Place::Alike(attribute, anchor) => {
                let other = self.one(anchor);
                let of =
                    |objects: Arc<Objects>| wording::query(&Subject::Objects(objects), attribute);
                let value = asked(&other, &of(Arc::clone(anchor)));
                let value = self.body.set(&format!("{attribute} of it"), &value);
                let plain = Objects {
                    place: Place::Anywhere,
                    ..objects.clone()
                };
                conditions.push(format!(
                    "patch.left != {other}.left or patch.lower != {other}.lower"
                ));
                conditions.push(format!(
                    "{} == {value}",
                    asked("patch", &of(Arc::new(plain)))
                ));
                format!("{}.find({head})", patch(objects.picture))
            }
            Place::Anywhere => format!("{}.find({head})", self.look(objects)),
        };
        conditions.extend(
            objects
                .rest()
                .map(|property| holds("patch", objects, property)),
        );
        let name = format!("{} patches", objects.kind());
        let found = if conditions.is_empty() {
            self.body.set(&name, &find)
        } else {
            let found = self.body.set(&name, "[]");
            self.body.line(format!("for patch in {find}:"));
            let all = match conditions.as_slice() {
                [one] => one.clone(),
                several => {
                    let bracketed: Vec<String> =
                        several.iter().map(|one| format!("({one})")).collect();
                    bracketed.join(" and ")
                }
            };
            self.body.line(format!("    if {all}:"));
            self.body.line(format!("        {found}.append(patch)"));
            found
        };
        self.found.insert(objects.id, found.clone());
        found
    }

    /// The variable of one patch of objects; what they were looked for in if there are none.
    pub(super) fn one(&mut self, objects: &Objects) -> String {
        if let Some(variable) = self.ones.get(&objects.id) {
            return variable.clone();
        }
        let found = self.found(objects);
        let instead = match &objects.place {
            Place::Alike(..) => patch(objects.picture).to_owned(),
            Place::Beside(link, _) if link.direction().is_some() => {
                patch(objects.picture).to_owned()
            }
            _ => self.look(objects),
        };
        let one = self.body.set(
            &format!("{} patch", objects.kind()),
            &format!("{found}[0] if len({found}) > 0 else {instead}"),
        );
        self.ones.insert(objects.id, one.clone());
        one
    }

    /// The variable of the part of the picture that is looked at for objects: beside or around
    /// what they are related to.
    pub(super) fn look(&mut self, objects: &Objects) -> String {
        if let Some(variable) = self.looks.get(&objects.id) {
            return variable.clone();
        }
        let whole = patch(objects.picture);
        let look = match &objects.place {
            Place::Anywhere => {
                let mut look = whole.to_owned();
                for side in &objects.sides {
                    look = self.half(&look, *side);
                }
                look
            }
            Place::Alike(..) => whole.to_owned(),
            Place::Beside(link, anchor) => {
                let one = self.one(anchor);
                match link.direction() {
                    Some(direction) => {
                        let crop = beside(whole, direction, &one);
                        self.body.set(&format!("beside {}", anchor.kind()), &crop)
                    }
                    None => match self.arounds.get(&anchor.id) {
                        Some(around) => around.clone(),
                        None => {
                            let greater = format!("max({one}.width, {one}.height) // 4");
                            let margin = self.body.set("margin", &greater);
                            let crop = around(whole, &one, &margin);
                            let around = self.body.set(&format!("around {}", anchor.kind()), &crop);
                            self.arounds.insert(anchor.id, around.clone());
                            around
                        }
                    },
                }
            }
        };
        self.looks.insert(objects.id, look.clone());
        look
    }

    /// The variable of one half of a patch, and a little over its middle: what lies across it is
    /// on that side, too.
    fn half(&mut self, whole: &str, side: Side) -> String {
        let key = (whole.to_owned(), side.name());
        if let Some(variable) = self.halves.get(&key) {
            return variable.clone();
        }
        let (width, height) = (format!("{whole}.width"), format!("{whole}.height"));
        let edges = match side {
            Side::Left => format!("0, 0, {width} * 5 // 8, {height}"),
            Side::Right => format!("{width} * 3 // 8, 0, {width}, {height}"),
            Side::Top => format!("0, {height} * 3 // 8, {width}, {height}"),
            Side::Bottom => format!("0, 0, {width}, {height} * 5 // 8"),
        };
        let half = self.body.set(
            &format!("{} half", side.name()),
            &format!("{whole}.crop({edges})"),
        );
        self.halves.insert(key, half.clone());
        half
    }
}

/// Whether a patch of objects has a property that their name does not say.
fn holds(patch: &str, objects: &Objects, property: &Property) -> String {
    let plain = Property {
        negated: false,
        ..property.clone()
    };
    let holds = if plain.predicate() == plain.value && plain.attribute != "name" {
        verified(patch, objects, &plain)
    } else {
        let bare = Objects {
            properties: Vec::new(),
            place: Place::Anywhere,
            ..objects.clone()
        };
        yes(
            patch,
            &wording::verify(&Subject::Objects(Arc::new(bare)), &plain),
        )
    };
    match property.negated {
        true => format!("not ({holds})"),
        false => holds,
    }
}

/// The part of a picture on one side of a patch's centre.
fn beside(whole: &str, relation: Relation, one: &str) -> String {
    let (width, height) = (format!("{whole}.width"), format!("{whole}.height"));
    let x = format!("int({one}.horizontal_center)");
    let y = format!("int({one}.vertical_center)");
    match relation {
        Relation::LeftOf => format!("{whole}.crop(0, 0, {x}, {height})"),
        Relation::RightOf => format!("{whole}.crop({x}, 0, {width}, {height})"),
        Relation::Above => format!("{whole}.crop(0, {y}, {width}, {height})"),
        Relation::Below => format!("{whole}.crop(0, 0, {width}, {y})"),
    }
}

/// What a patch and some pixels around it show; ViperGPT does not stop at the picture's edges.
fn around(whole: &str, one: &str, margin: &str) -> String {
    format!(
        "{whole}.crop(max({one}.left - {margin}, 0), max({one}.lower - {margin}, 0), \
         min({one}.right + {margin}, {whole}.width), min({one}.upper + {margin}, {whole}.height))"
    )
}
