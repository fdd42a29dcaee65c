//! NLVR2 and NLVR: statements, pairs and boxes.

use super::{Checking, Count, Next, PartReport};
use crate::DatasetError;
use crate::benchmark::{Part, split_of_part};
use crate::nlvr::{NlvrStatement, PANEL_WIDTH, each_statement as each_nlvr};
use crate::nlvr2::each_statement as each_nlvr2;

/// The type of a statement in tables.
fn kind(label: Option<bool>) -> &'static str {
    match label {
        Some(true) => "true",
        Some(false) => "false",
        None => "",
    }
}

impl Checking<'_> {
    pub(super) fn nlvr2(&mut self, part: &Part) -> Result<PartReport, DatasetError> {
        let mut count = Count::of(part);
        let split = split_of_part(&part.name);
        for file in &part.files {
            let end = each_nlvr2(file, |statement| {
                let statement = match self.record(statement) {
                    Ok(statement) => statement,
                    Err(next) => return next,
                };
                self.id(&mut count, &statement.identifier);
                count.add(kind(statement.label), statement.label.is_some());
                let parts: Vec<&str> = statement.identifier.split('-').collect();
                let published = self.benchmark.task.is_none();
                let known = ["train", "dev", "test1", "test2"].contains(&split);
                let other = parts.len() != 4 || (known && parts.first() != Some(&split));
                if published && other {
                    self.inconsistent.add(
                        &format!(
                            "identifiers of {} that are not split-set-pair-sentence",
                            part.name
                        ),
                        statement.identifier.clone(),
                    );
                }
                for (path, there) in self.benchmark.pictures.nlvr2(&part.name, &statement) {
                    self.picture(&mut count, &path, there);
                }
                Next::Continue(())
            });
            self.file_end(end)?;
        }
        Ok(self.done(count))
    }

    pub(super) fn nlvr(&mut self, part: &Part) -> Result<PartReport, DatasetError> {
        let mut count = Count::of(part);
        for file in &part.files {
            let end = each_nlvr(file, |statement| {
                let statement = match self.record(statement) {
                    Ok(statement) => statement,
                    Err(next) => return next,
                };
                count.add(kind(statement.label), statement.label.is_some());
                self.boxes(&statement);
                let pictures = self.benchmark.pictures.nlvr(&part.name, &statement);
                // A file of single pictures has several of one statement.
                let id = match pictures.as_slice() {
                    [(order, ..)] => format!("{}-{}", statement.identifier, order.number()),
                    _ => statement.identifier.clone(),
                };
                self.id(&mut count, &id);
                for (_, path, there) in pictures {
                    let (new, size) = self.picture(&mut count, &path, there);
                    let right = (4 * PANEL_WIDTH, PANEL_WIDTH);
                    if let Some(size) = size.filter(|size| new && *size != right) {
                        self.inconsistent.add(
                            &format!(
                                "pictures of {} that are not three boxes in 400×100 pixels",
                                part.name
                            ),
                            format!("{}: {}×{}", path.display(), size.0, size.1),
                        );
                    }
                }
                Next::Continue(())
            });
            self.file_end(end)?;
        }
        Ok(self.done(count))
    }

    fn boxes(&mut self, statement: &NlvrStatement) {
        let side = f64::from(PANEL_WIDTH);
        for (at, items) in statement.boxes.iter().flatten().enumerate() {
            for item in items {
                let inside = |from: f64| from >= 0.0 && from + item.size <= side;
                if !(inside(item.x) && inside(item.y) && item.size > 0.0) {
                    self.inconsistent.add(
                        "items outside their box",
                        format!(
                            "{}, box {at}: {} at {}, {} of size {}",
                            statement.identifier, item.shape, item.x, item.y, item.size
                        ),
                    );
                }
            }
        }
    }
}
