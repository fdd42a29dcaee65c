//! GQA: questions against each other, scene graphs, choices and pictures.

use super::{Checking, Count, IdSet, Next, PartReport};
use crate::DatasetError;
use crate::benchmark::{Part, split_of_part};
use crate::gqa::{GqaQuestion, SceneGraph, each_question, each_scene_graph};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The pictures that scene graphs describe, with their sizes, by split.
pub(super) type Graphs = BTreeMap<String, HashMap<String, (u32, u32)>>;

/// By how much a box may stand out: published ones are whole pixels, ours are not.
const SLACK: f32 = 0.01;

impl Checking<'_> {
    /// Reads every scene graph.
    pub(super) fn graphs(&mut self) -> Result<Graphs, DatasetError> {
        let mut graphs = Graphs::new();
        for file in &self.benchmark.graphs {
            let sizes = graphs.entry(file.split.clone()).or_default();
            let end = each_scene_graph(&file.path, |graph| {
                let graph = match self.record(graph) {
                    Ok(graph) => graph,
                    Err(next) => return next,
                };
                self.graph(&graph);
                let size = (graph.width, graph.height);
                if sizes.insert(graph.image_id.clone(), size).is_some() {
                    let what = "pictures with two scene graphs";
                    self.inconsistent.add(what, graph.image_id);
                }
                Next::Continue(())
            });
            self.file_end(end)?;
        }
        Ok(graphs)
    }

    fn graph(&mut self, graph: &SceneGraph) {
        let known: HashSet<&str> = graph.objects.iter().map(|o| o.id.as_str()).collect();
        let (width, height) = (graph.width as f32 + SLACK, graph.height as f32 + SLACK);
        for object in &graph.objects {
            let name = || format!("object {} of {}", object.id, graph.image_id);
            let inside = object.x >= -SLACK
                && object.y >= -SLACK
                && object.w >= 0.0
                && object.h >= 0.0
                && object.x + object.w <= width
                && object.y + object.h <= height;
            if !inside {
                let found = format!(
                    "{}: {} {} {} {} in {}×{}",
                    name(),
                    object.x,
                    object.y,
                    object.w,
                    object.h,
                    graph.width,
                    graph.height
                );
                self.inconsistent.add("boxes outside their picture", found);
            }
            for relation in &object.relations {
                if !known.contains(relation.object.as_str()) {
                    self.inconsistent.add(
                        "relations to objects that are not in the scene graph",
                        format!("{} {} {}", name(), relation.name, relation.object),
                    );
                }
            }
        }
    }

    /// Reads a part's questions.
    pub(super) fn gqa(&mut self, part: &Part, graphs: &Graphs) -> Result<PartReport, DatasetError> {
        let mut count = Count::of(part);
        let split = split_of_part(&part.name);
        // Files of the built-in world are called questions.json and sceneGraphs.json.
        let graphs = graphs.get(split).or_else(|| graphs.get(""));
        for file in &part.files {
            let end = each_question(file, |question| {
                let question = match self.record(question) {
                    Ok(question) => question,
                    Err(next) => return next,
                };
                self.id(&mut count, &question.id);
                count.add(question.types.kind(), question.answer.is_some());
                self.gqa_picture(&mut count, &question, graphs);
                self.steps(&question);
                Next::Continue(())
            });
            self.file_end(end)?;
        }
        if graphs.is_none() {
            self.missing.add(
                "parts without scene graphs (grounding, and programs run on the truth, need them)",
                part.name.clone(),
            );
        }
        self.entailed(part, &count.ids)?;
        Ok(self.done(count))
    }

    fn gqa_picture(
        &mut self,
        count: &mut Count,
        question: &GqaQuestion,
        graphs: Option<&HashMap<String, (u32, u32)>>,
    ) {
        let part = count.report.name.clone();
        let (path, there) = self.benchmark.pictures.gqa(&question.image_id);
        let (new, size) = self.picture(count, &path, there);
        if !new {
            return;
        }
        let Some(graphs) = graphs else { return };
        match (graphs.get(&question.image_id), size) {
            (None, _) => self.missing.add(
                &format!("pictures of {part} without a scene graph"),
                question.image_id.clone(),
            ),
            (Some(told), Some(real)) if *told != real => self.inconsistent.add(
                &format!("pictures of {part} of another size than their scene graph says"),
                format!(
                    "{}: {}×{}, not {}×{}",
                    question.image_id, real.0, real.1, told.0, told.1
                ),
            ),
            _ => {}
        }
    }

    fn steps(&mut self, question: &GqaQuestion) {
        let steps = question.semantic.iter().enumerate();
        let mut early = steps.filter(|(at, step)| step.dependencies.iter().any(|on| on >= at));
        if let Some((at, _)) = early.next() {
            self.inconsistent.add(
                "functional programs with a step that needs a later one",
                format!("question {}, step {at}", question.id),
            );
        }
    }

    /// Whether entailed questions are there. They are among all questions of a split, so that can be
    /// told only where those are, too.
    fn entailed(&mut self, part: &Part, own: &IdSet) -> Result<(), DatasetError> {
        let name = &part.name;
        let whole = match name.strip_suffix("_balanced") {
            Some(split) => {
                let wanted = format!("{split}_all");
                let found = self.benchmark.parts.iter().find(|p| p.name == wanted);
                let Some(whole) = found else {
                    self.missing.add(
                        "parts without all questions of their split (entailed questions, and so consistency, need them)",
                        format!("{name}: no {wanted}_questions"),
                    );
                    return Ok(());
                };
                Some(whole)
            }
            None => None,
        };
        let mut all = IdSet::default();
        if let Some(whole) = whole {
            for file in &whole.files {
                // What is wrong in it is told of that part itself.
                let _ = each_question(file, |question| {
                    if let Ok(question) = question {
                        all.insert(&question.id);
                    }
                    Next::Continue(())
                });
            }
        }
        let known = if whole.is_some() { &all } else { own };
        let (mut absent, mut examples, mut outside) = (0, Vec::new(), Vec::new());
        for file in &part.files {
            let _ = each_question(file, |question| {
                let Ok(question) = question else {
                    return Next::Continue(());
                };
                if !known.contains(&question.id) {
                    outside.push(question.id.clone());
                }
                for entailed in question.entailed.iter().filter(|id| !known.contains(id)) {
                    absent += 1;
                    if examples.len() < 5 {
                        examples.push(format!("{entailed}, from {}", question.id));
                    }
                }
                Next::Continue(())
            });
        }
        let what = format!("questions of {name} that are not among all of their split");
        self.inconsistent.add_many(&what, outside.len(), outside);
        let what = format!("entailed questions of {name} that do not exist");
        if whole.is_some() || name.ends_with("_all") {
            self.inconsistent.add_many(&what, absent, examples);
        } else {
            // A selection of questions leaves out what they entail; that is no fault of it.
            let what = format!("{what} in it (consistency needs them)");
            self.missing.add_many(&what, absent, examples);
        }
        Ok(())
    }

    /// Whether every balanced question with an answer has choices; those that have some, by split.
    pub(super) fn choices(&mut self, with: &BTreeMap<String, IdSet>) {
        for part in &self.benchmark.parts {
            if !part.name.ends_with("_balanced") {
                continue;
            }
            let split = split_of_part(&part.name);
            let Some(with) = with.get(split) else {
                self.missing.add(
                    "parts without choices (validity and plausibility need them)",
                    format!("{}: no {split}_choices.json", part.name),
                );
                continue;
            };
            let what = format!("questions of {} without choices", part.name);
            for file in &part.files {
                let _ = each_question(file, |question| {
                    if let Ok(question) = question
                        && !with.contains(&question.id)
                    {
                        self.missing.add(&what, question.id);
                    }
                    Next::Continue(())
                });
            }
        }
    }
}
