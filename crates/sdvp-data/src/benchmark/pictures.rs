//! Where pictures are.

use super::split_of_part;
use crate::nlvr::{NlvrPictures, NlvrStatement, PanelOrder};
use crate::nlvr2::Nlvr2Statement;
use std::path::{Path, PathBuf};

/// The folders in which pictures may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    roots: Vec<PathBuf>,
}

impl Pictures {
    /// Those of published archives below folders; a folder that is named comes first.
    pub(super) fn below(roots: &[&Path], named: Option<&Path>) -> Self {
        const USUAL: [&str; 4] = ["images", "allImages/images", "allImages", ""];
        let mut all: Vec<PathBuf> = named.map(Path::to_owned).into_iter().collect();
        for root in roots {
            let folders = USUAL.iter().map(|folder| root.join(folder));
            all.extend(folders.filter(|folder| folder.is_dir() || folder == root));
        }
        Self { roots: all }
    }

    /// The first of these that is there; else where the first would be.
    fn first(&self, relative: &[String]) -> (PathBuf, bool) {
        for root in &self.roots {
            for path in relative {
                let path = root.join(path);
                if path.is_file() {
                    return (path, true);
                }
            }
        }
        let first = relative.first().map(String::as_str).unwrap_or_default();
        let root = self.roots.first().map(PathBuf::as_path);
        (root.unwrap_or(Path::new("")).join(first), false)
    }

    /// A GQA picture, and whether it is there.
    pub fn gqa(&self, image_id: &str) -> (PathBuf, bool) {
        self.first(&["jpg", "png", "jpeg"].map(|extension| format!("{image_id}.{extension}")))
    }

    /// The left and the right picture of an NLVR2 statement of a part, and whether each is there. They
    /// are in `images/train/<directory>`, `images/dev`, `images/test1`, the same without `images`, or
    /// all in one folder.
    pub fn nlvr2(&self, part: &str, statement: &Nlvr2Statement) -> [(PathBuf, bool); 2] {
        let split = statement
            .identifier
            .split_once('-')
            .map_or(split_of_part(part), |(split, _)| split);
        statement.image_files().map(|file| {
            let mut places = Vec::new();
            if let Some(directory) = &statement.directory {
                places.push(format!("{split}/{directory}/{file}"));
                places.push(format!("{directory}/{file}"));
            }
            places.push(format!("{split}/{file}"));
            places.push(file);
            self.first(&places)
        })
    }

    /// The pictures of an NLVR statement of a part, each with its order of the boxes and whether it is
    /// there. They are in `<split>/images/<directory>`, `images/<directory>` or `<directory>`.
    pub fn nlvr(&self, part: &str, statement: &NlvrStatement) -> Vec<(PanelOrder, PathBuf, bool)> {
        let split = split_of_part(part);
        match &statement.pictures {
            NlvrPictures::One { file, order } => {
                let places = [file.clone(), format!("{split}/images/{file}")];
                let (path, there) = self.first(&places);
                vec![(*order, path, there)]
            }
            NlvrPictures::Orders { directory } => PanelOrder::ALL
                .into_iter()
                .map(|order| {
                    let file = statement.image_file(split, order);
                    let file = match directory {
                        Some(directory) => format!("{directory}/{file}"),
                        None => file,
                    };
                    let places = [format!("{split}/images/{file}"), file];
                    let (path, there) = self.first(&places);
                    (order, path, there)
                })
                .collect(),
        }
    }

    /// A picture of a table, and whether it is there.
    pub fn table(&self, path: &str) -> (PathBuf, bool) {
        self.first(&[path.to_owned()])
    }
}
