//! Options that say how a benchmark's files are to be read.

use sdvp_data::benchmark::OpenOptions;
use sdvp_data::table::Columns;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Files {
    /// Where the pictures are, if not where published archives have them.
    #[arg(long)]
    image_folder: Option<PathBuf>,
    /// A column of pictures in a table, from left to right; may be given up to three times.
    #[arg(long)]
    image_column: Vec<String>,
    /// The column of questions in a table.
    #[arg(long)]
    question_column: Option<String>,
    /// The column of answers in a table.
    #[arg(long)]
    answer_column: Option<String>,
    /// The column of ids in a table.
    #[arg(long)]
    id_column: Option<String>,
    /// The column of types of questions in a table.
    #[arg(long)]
    type_column: Option<String>,
}

impl From<&Files> for OpenOptions {
    fn from(files: &Files) -> Self {
        Self {
            pictures: files.image_folder.clone(),
            columns: Columns {
                images: files.image_column.clone(),
                question: files.question_column.clone(),
                answer: files.answer_column.clone(),
                id: files.id_column.clone(),
                kind: files.type_column.clone(),
            },
        }
    }
}
