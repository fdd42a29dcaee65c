//! What is found, counted and asked. ViperGPT's rows count upwards.

use super::Coder;
use crate::picto::functional::{Place, Set};
use crate::picto::{Color, Noun, SubQuestion, What};
use crate::viper_code::{lies, lies_on};

/// Whether a patch shows such a thing of that colour.
fn has_color(one: &str, name: &str, color: Color) -> String {
    format!("{one}.verify_property('{name}', '{color}')")
}

impl Coder<'_> {
    /// The variable of the patches of a set's objects.
    pub(super) fn objects(&mut self, set: &Set) -> String {
        let patch = self.patch(set.image);
        let name = set.noun.name();
        let find = format!("{patch}.find('{name}')");
        match &set.place {
            Place::Anywhere => match set.noun.color {
                // Found by name and told apart by colour, or looked for as a whole.
                Some(color) if self.chance(0.35) => {
                    let name = set.noun.uncolored().name();
                    let find = format!("{patch}.find('{name}')");
                    self.those(&name, &find, |one| has_color(one, &name, color))
                }
                _ => self.set(&format!("{name}_patches"), &find),
            },
            Place::On(side) => self.those(&name, &find, |one| lies_on(one, *side, patch)),
            Place::By(relation, anchor) => {
                let anchors = self.objects(anchor);
                self.those(&name, &find, |one| {
                    format!(
                        "any({} for other in {anchors})",
                        lies(one, *relation, "other")
                    )
                })
            }
        }
    }

    /// The variable of those found of which a condition holds: picked in one line or in a loop.
    fn those(&mut self, name: &str, find: &str, holds: impl Fn(&str) -> String) -> String {
        if self.chance(0.5) {
            let value = format!("[patch for patch in {find} if {}]", holds("patch"));
            return self.set(&format!("{name}_patches"), &value);
        }
        let found = self.set(&format!("{name}_patches"), "[]");
        let one = self.variable(&format!("{name}_patch"));
        self.line(format!("for {one} in {find}:"));
        self.line(format!("    if {}:", holds(&one)));
        self.line(format!("        {found}.append({one})"));
        found
    }

    /// The variable of one patch of a set's objects; the whole picture if there are none.
    pub(super) fn one(&mut self, set: &Set) -> String {
        let found = self.objects(set);
        let patch = self.patch(set.image);
        self.line(format!("if len({found}) == 0:"));
        self.line(format!("    {found} = [{patch}]"));
        self.set(
            &format!("{}_patch", set.noun.name()),
            &format!("{found}[0]"),
        )
    }

    /// A number of objects.
    pub(super) fn count(&mut self, set: &Set) -> String {
        if set.place == Place::Anywhere && self.chance(0.3) {
            let question = SubQuestion::Count(set.noun).text();
            let patch = self.patch(set.image);
            return format!("int({patch}.simple_query('{question}'))");
        }
        format!("len({})", self.objects(set))
    }

    /// Whether there is one of the set's objects.
    pub(super) fn exist(&mut self, set: &Set) -> String {
        let patch = self.patch(set.image);
        if set.place == Place::Anywhere {
            if self.chance(0.2) {
                return format!("{patch}.exists('{}')", set.noun.name());
            }
            if self.chance(0.35) {
                let plural = matches!(set.noun.what, What::Category(_));
                let noun = set.noun;
                let question = SubQuestion::Exist { noun, plural }.text();
                return format!("{patch}.simple_query('{question}') == 'yes'");
            }
        }
        format!("len({}) > 0", self.objects(set))
    }

    /// The set's object, or sometimes the whole picture, asked a question.
    fn ask(&mut self, set: &Set, whole: f64, question: &SubQuestion) -> String {
        let of = if set.place == Place::Anywhere && self.chance(whole) {
            self.patch(set.image).to_owned()
        } else {
            self.one(set)
        };
        format!("{of}.simple_query('{}')", question.text())
    }

    /// The colour of the set's object.
    pub(super) fn color(&mut self, set: &Set) -> String {
        let question = SubQuestion::Color(set.noun.uncolored());
        self.ask(set, 0.15, &question)
    }

    /// Whether the set's object has that colour: seen, or asked.
    pub(super) fn is_color(&mut self, set: &Set, color: Color) -> String {
        if self.chance(0.5) {
            let name = set.noun.uncolored().name();
            return has_color(&self.one(set), &name, color);
        }
        let question = SubQuestion::IsColor(set.noun.uncolored(), color);
        format!("{} == 'yes'", self.ask(set, 0.15, &question))
    }

    /// Which of two colours the set's object has: as the better of two descriptions.
    pub(super) fn better_color(&mut self, set: &Set, a: Color, b: Color) -> String {
        let one = self.one(set);
        let name = set.noun.uncolored().name();
        let best = format!("{one}.best_text_match(['{a} {name}', '{b} {name}'])");
        let best = self.set("best", &best);
        format!("'{a}' if {best} == '{a} {name}' else '{b}'")
    }

    /// The name of the set's object.
    pub(super) fn name(&mut self, set: &Set) -> String {
        if set.place == Place::Anywhere && self.chance(0.4) {
            let question = SubQuestion::Name {
                of: set.noun,
                this: false,
            };
            let patch = self.patch(set.image);
            return format!("{patch}.simple_query('{}')", question.text());
        }
        let what = if self.chance(0.2) {
            What::Anything
        } else {
            set.noun.what
        };
        let question = SubQuestion::Name {
            of: Noun { color: None, what },
            this: true,
        };
        self.ask(set, 0.0, &question)
    }
}
