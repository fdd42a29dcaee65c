//! A table of questions about few small pictures, with programs, that runs in no time with stand-ins.

// Not every test uses all of it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Pictures that questions are about.
const PICTURES: usize = 8;

pub struct Table {
    /// The folder of the table and its pictures.
    pub folder: PathBuf,
    /// How many questions there are.
    pub questions: usize,
}

impl Table {
    /// Writes it below a folder. Of every forty questions one has a program that cannot be read, one asks
    /// for what there is not, and one has no picture.
    pub fn new(folder: &Path, questions: usize) -> Self {
        let folder = folder.join("table");
        std::fs::create_dir(&folder).unwrap();
        for number in 0..PICTURES {
            let shade = (number * 31) as u8;
            let picture = image::RgbImage::from_fn(48, 40, |x, y| {
                image::Rgb([shade, (5 * x) as u8, (6 * y) as u8])
            });
            let file = folder.join(format!("picture-{number}.png"));
            picture.save(file).unwrap();
        }
        let (mut rows, mut programs) = (String::new(), String::new());
        for number in 0..questions {
            let thing = ["dog", "hat", "car", "tree", "red box"][number % 5];
            let picture = match number % 40 {
                31 => "missing.png".to_owned(),
                _ => format!("picture-{}.png", number % PICTURES),
            };
            let program = match number % 40 {
                7 => "BOX0=LOC(image=IMAGE,object=".to_owned(),
                13 => "ANSWER0=EVAL(expr=\"{NOTHING} + 1\")\nFINAL_RESULT=RESULT(var=ANSWER0)"
                    .to_owned(),
                _ => format!(
                    "BOX0=LOC(image=IMAGE,object='{thing}')\n\
                     IMAGE0=CROP(image=IMAGE,box=BOX0)\n\
                     ANSWER0=VQA(image=IMAGE0,question='Is the {thing} number {number}?')\n\
                     FINAL_RESULT=RESULT(var=ANSWER0)"
                ),
            };
            let answer = ["yes", "no"][number % 2];
            let row = serde_json::json!({
                "id": format!("q{number}"),
                "image": picture,
                "question": format!("Is the {thing} number {number}?"),
                "answer": answer,
                "type": thing,
            });
            let line = serde_json::json!({"id": format!("q{number}"), "program": program});
            writeln!(rows, "{row}").unwrap();
            writeln!(programs, "{line}").unwrap();
        }
        std::fs::write(folder.join("table.jsonl"), rows).unwrap();
        std::fs::write(folder.join("programs.jsonl"), programs).unwrap();
        Self { folder, questions }
    }

    /// The arguments that run it, with some more.
    pub fn run(&self, how: &str, out: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["run".into()];
        arguments.push(self.folder.join("table.jsonl").into());
        arguments.push("--programs".into());
        arguments.push(self.folder.join("programs.jsonl").into());
        arguments.push("--stand-ins".into());
        arguments.extend(how.split_whitespace().map(OsString::from));
        arguments.push("--out".into());
        arguments.push(out.into());
        arguments
    }
}

/// What SQLite says of a run's database.
pub fn integrity(out: &Path) -> String {
    let database = rusqlite::Connection::open(out.join("run.sqlite")).unwrap();
    let said = database.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    said.unwrap()
}
