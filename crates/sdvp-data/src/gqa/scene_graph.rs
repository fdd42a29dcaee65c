//! Scene graphs.

use crate::DatasetError;
use crate::picto::Noun;
use crate::picto::evaluate::INSIDE;
use crate::picto::{Relation, Scene};
use crate::records::Fields;
use crate::stream::{Entries, Entry, Next, collect, parse_value};
use sdvp_core::BBox;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;

/// One relation of an object to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphRelation {
    /// "to the left of" …
    pub name: String,
    /// The other object's id.
    pub object: String,
}

/// One object of a scene graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GraphObject {
    /// Its id within the graph; not among its fields.
    #[serde(skip)]
    pub id: String,
    /// What it is.
    pub name: String,
    /// Left edge, pixels.
    pub x: f32,
    /// Top edge, pixels.
    pub y: f32,
    /// Width, pixels.
    pub w: f32,
    /// Height, pixels.
    pub h: f32,
    /// Its attributes, colours among them.
    pub attributes: Vec<String>,
    /// How it lies to others.
    pub relations: Vec<GraphRelation>,
}

/// What is in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneGraph {
    /// The picture's id.
    pub image_id: String,
    /// Its width, pixels.
    pub width: u32,
    /// Its height, pixels.
    pub height: u32,
    /// What is in it.
    pub objects: Vec<GraphObject>,
}

impl GraphObject {
    /// Its box.
    pub fn bbox(&self) -> BBox {
        BBox::new(self.x, self.y, self.x + self.w, self.y + self.h)
    }
}

impl SceneGraph {
    /// The graph of a scene: objects are named by their place in drawing order; relations are
    /// those that clearly hold.
    pub fn of(image_id: impl Into<String>, scene: &Scene) -> Self {
        let side = scene.side as f32;
        let objects = scene.objects.iter().enumerate().map(|(at, object)| {
            let others = scene.objects.iter().enumerate().filter(|(n, _)| *n != at);
            let relations = others.flat_map(|(n, other)| {
                let holds = move |relation: &Relation| {
                    let region = relation.region(&other.bbox, side);
                    object.bbox.coverage_by(&region) >= INSIDE
                };
                Relation::ALL
                    .into_iter()
                    .filter(holds)
                    .map(move |relation| GraphRelation {
                        name: relation.phrase().to_owned(),
                        object: n.to_string(),
                    })
            });
            GraphObject {
                id: at.to_string(),
                name: Noun::thing(object.thing).name(),
                x: object.bbox.x0,
                y: object.bbox.y0,
                w: object.bbox.width(),
                h: object.bbox.height(),
                attributes: vec![object.color.to_string()],
                relations: relations.collect(),
            }
        });
        Self {
            image_id: image_id.into(),
            width: scene.side,
            height: scene.side,
            objects: objects.collect(),
        }
    }
}

/// Reads a file of scene graphs: an object from image id to graph. For files that fit into memory;
/// see [`each_scene_graph`].
///
/// # Errors
/// If the file cannot be read, is not JSON, or a graph or object lacks a field.
pub fn read_scene_graphs(path: &Path) -> Result<Vec<SceneGraph>, DatasetError> {
    collect(|each| each_scene_graph(path, each))
}

/// Hands out the scene graphs of a file one by one, holding one at a time, until told to stop. A
/// graph that is wrong is handed out as what is wrong with it.
///
/// # Errors
/// If the file cannot be read or is not JSON.
pub fn each_scene_graph(
    path: &Path,
    mut each: impl FnMut(Result<SceneGraph, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    const EXPECTED: &str = "an object from image id to scene graph";
    let mut entries = Entries::open(path, EXPECTED)?;
    if !entries.is_object() {
        return Err(DatasetError::Layout {
            path: path.to_owned(),
            expected: EXPECTED,
            found: "a list".to_owned(),
        });
    }
    while let Some(entry) = entries.next()? {
        if each(read_graph(path, &entry)).is_break() {
            break;
        }
    }
    Ok(())
}

fn read_graph(path: &Path, entry: &Entry<'_>) -> Result<SceneGraph, DatasetError> {
    let value = parse_value(path, entry.line, entry.column, entry.text)?;
    let record = entry.name("graph");
    let image_id = entry.key.clone().unwrap_or_default();
    let fields = Fields::of(path, &record, &value)?;
    fields.file_stem("imageId", &image_id)?;
    let objects = match fields.get("objects") {
        Some(Value::Object(objects)) => objects
            .iter()
            .map(|(id, value)| read_object(path, &record, id, value))
            .collect::<Result<_, _>>()?,
        Some(_) | None => {
            return Err(fields.wrong("objects", "an object from object id to object"));
        }
    };
    Ok(SceneGraph {
        image_id,
        width: pixels(&fields, "width")?,
        height: pixels(&fields, "height")?,
        objects,
    })
}

fn pixels(fields: &Fields, field: &str) -> Result<u32, DatasetError> {
    fields
        .get(field)
        .and_then(Value::as_u64)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| fields.wrong(field, "a number of pixels"))
}

fn read_object(
    path: &Path,
    graph: &str,
    id: &str,
    value: &Value,
) -> Result<GraphObject, DatasetError> {
    let record = format!("{graph}, object {id:?}");
    let fields = Fields::of(path, &record, value)?;
    let number = |field| fields.number(field).map(|n| n as f32);
    Ok(GraphObject {
        id: id.to_owned(),
        name: fields.text("name")?,
        x: number("x")?,
        y: number("y")?,
        w: number("w")?,
        h: number("h")?,
        attributes: fields.texts("attributes")?,
        relations: fields
            .read("relations", "a list of relations with name and object")?
            .unwrap_or_default(),
    })
}

/// Writes scene graphs as an object from image id to graph.
///
/// # Errors
/// If the file cannot be written.
pub fn write_scene_graphs(path: &Path, graphs: &[SceneGraph]) -> Result<(), DatasetError> {
    let mut all = Map::new();
    for graph in graphs {
        let mut objects = Map::new();
        for object in &graph.objects {
            let value = serde_json::to_value(object)
                .map_err(|error| DatasetError::write(path, error.into()))?;
            objects.insert(object.id.clone(), value);
        }
        all.insert(
            graph.image_id.clone(),
            serde_json::json!({
                "width": graph.width,
                "height": graph.height,
                "objects": objects,
            }),
        );
    }
    std::fs::write(path, Value::Object(all).to_string())
        .map_err(|source| DatasetError::write(path, source))
}
