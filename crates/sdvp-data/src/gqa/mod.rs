//! GQA's files: questions with functional programs, scene graphs, choices, attention.
//!
//! Layout of the published set (Hudson & Manning 2019): `questions/*_questions.json` are objects from
//! question id to record, `sceneGraphs/*_sceneGraphs.json` from image id to graph, `*_choices.json`
//! from question id to answers that are valid and plausible; pictures are `images/<id>.jpg`. Files
//! may be over a gigabyte, so all are read record by record.

mod attention;
mod choices;
pub mod functional;
mod question;
mod scene_graph;

pub use attention::{Attention, each_attention};
pub use choices::{Choices, each_choices};
pub use question::{
    Annotations, GqaQuestion, Groups, Pointers, QuestionTypes, each_question, read_questions,
    write_questions,
};
pub use scene_graph::{
    GraphObject, GraphRelation, SceneGraph, each_scene_graph, read_scene_graphs, write_scene_graphs,
};

#[cfg(test)]
mod tests;
