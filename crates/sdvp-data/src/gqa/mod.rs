//! GQA's files: questions with functional programs, scene graphs.
//!
//! Layout of the published set (Hudson & Manning 2019): `questions.json` is an object from question
//! id to record, `sceneGraphs.json` one from image id to graph, pictures are `images/<id>.…`.

mod question;
mod scene_graph;

pub use question::{GqaQuestion, Groups, QuestionTypes, read_questions, write_questions};
pub use scene_graph::{
    GraphObject, GraphRelation, SceneGraph, read_scene_graphs, write_scene_graphs,
};

#[cfg(test)]
mod tests;
