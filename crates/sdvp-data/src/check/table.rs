//! Tables of one's own.

use super::{Checking, Count, Next, PartReport};
use crate::DatasetError;
use crate::benchmark::Part;
use crate::table::each_row;

impl Checking<'_> {
    pub(super) fn table(&mut self, part: &Part) -> Result<PartReport, DatasetError> {
        let mut count = Count::of(part);
        for file in &part.files {
            let end = each_row(file, &self.benchmark.columns, |row| {
                let row = match self.record(row) {
                    Ok(row) => row,
                    Err(next) => return next,
                };
                self.id(&mut count, &row.id);
                count.add(&row.kind, row.answer.is_some());
                for image in &row.images {
                    let (path, there) = self.benchmark.pictures.table(image);
                    self.picture(&mut count, &path, there);
                }
                Next::Continue(())
            });
            self.file_end(end)?;
        }
        if count.report.records == 0 {
            self.inconsistent
                .add("tables without a row", part.name.clone());
        }
        Ok(self.done(count))
    }
}
