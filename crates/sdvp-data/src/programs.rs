//! Files of programs: one `{"id", "query", "program"}` a line.

use crate::DatasetError;
use crate::records::{Fields, each_json_line};
use crate::stream::{Lines, Next, collect, parse_value};
use sdvp_core::{Digest, admit_json};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One line of a file of programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramLine {
    /// The question's id (`id`, `question_id`), where it is given.
    pub id: Option<String>,
    /// The question or statement (`query`, `question`, `sentence`), where it is given.
    pub query: Option<String>,
    /// The program (`program`, `code`).
    pub program: String,
}

/// The programs of questions, found by id, or by the question's words where they have none.
///
/// Of every program only its place in the file is held, about 40 bytes; it is read when it is asked
/// for.
#[derive(Debug, Default)]
pub struct Programs {
    /// The file, unless there is none.
    file: Option<(PathBuf, Mutex<File>)>,
    by_id: HashMap<Key, Place>,
    by_query: HashMap<Key, Place>,
}

/// Half of a digest: that two of any number of names share one is out of the question.
type Key = [u8; 16];

/// A line of the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u64,
    length: u32,
    number: u32,
}

impl Programs {
    /// Reads a file of programs, and keeps it open.
    ///
    /// # Errors
    /// If the file cannot be read, a line is not JSON, or lacks its program or what it is for, or is
    /// another program for an id that has one.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let mut programs = Self::default();
        let mut lines = Lines::open(path)?;
        while let Some(line) = lines.next()? {
            let place = Place {
                start: line.start,
                // Lines are of bounded length; one that is beyond these would not be found again.
                length: u32::try_from(line.text.len()).unwrap_or(u32::MAX),
                number: u32::try_from(line.number).unwrap_or(u32::MAX),
            };
            let read = program_in(path, line.number, line.text)?;
            match (read.id, read.query) {
                (Some(id), _) => {
                    if let Some(earlier) = programs.by_id.insert(key(&id), place) {
                        earlier.must_be(path, line.number, &id, &read.program)?;
                    }
                }
                // Words may be those of several questions, whose programs need not be the same.
                (None, Some(query)) => {
                    programs.by_query.insert(key(&query), place);
                }
                (None, None) => {}
            }
        }
        programs.file = Some((path.to_owned(), Mutex::new(open_again(path)?)));
        Ok(programs)
    }

    /// The program of a question: the one with its id, or the one of its words.
    ///
    /// # Errors
    /// If the file cannot be read any more, or is another than it was.
    pub fn of(&self, id: &str, question: &str) -> Result<Option<String>, DatasetError> {
        let by_id = self.by_id.get(&key(id));
        let Some(place) = by_id.or_else(|| self.by_query.get(&key(question))) else {
            return Ok(None);
        };
        let Some((path, file)) = &self.file else {
            return Ok(None);
        };
        let number = place.number as usize;
        let bytes = {
            // A seek and a read that another's panic came between are begun again.
            let file = file.lock().unwrap_or_else(PoisonError::into_inner);
            place.read(&file)
        };
        let bytes = bytes.map_err(|source| DatasetError::read(path, source))?;
        let read = program_in(path, number, &bytes)?;
        let same = match (by_id, &read.id) {
            (Some(_), found) => found.as_deref() == Some(id),
            (None, _) => read.query.as_deref() == Some(question),
        };
        if !same {
            return Err(DatasetError::Field {
                path: path.clone(),
                record: format!("line {number}"),
                field: "id".to_owned(),
                expected: "the same as before: the file was changed while it was in use",
                found: format!("{:?}", read.id.or(read.query).unwrap_or_default()),
            });
        }
        Ok(Some(read.program))
    }
}

/// Opens a file that was read once already.
fn open_again(path: &Path) -> Result<File, DatasetError> {
    let about = std::fs::metadata(path);
    if !about.is_ok_and(|about| about.is_file()) {
        return Err(DatasetError::Layout {
            path: path.to_owned(),
            expected: "a file, whose programs are read when they are needed",
            found: "a pipe or a device, which can be read once".to_owned(),
        });
    }
    File::open(path).map_err(|source| DatasetError::read(path, source))
}

impl Place {
    /// Refuses another program for the id of this line.
    fn must_be(
        self,
        path: &Path,
        number: usize,
        id: &str,
        program: &str,
    ) -> Result<(), DatasetError> {
        let file = open_again(path)?;
        let bytes = self
            .read(&file)
            .map_err(|source| DatasetError::read(path, source))?;
        match program_in(path, self.number as usize, &bytes)?.program == program {
            true => Ok(()),
            false => Err(DatasetError::Field {
                path: path.to_owned(),
                record: format!("line {number}"),
                field: "id".to_owned(),
                expected: "one program for every id",
                found: format!("{id:?}, which has another in line {}", self.number),
            }),
        }
    }

    /// The line's bytes, without a mark of the byte order.
    fn read(self, mut file: &File) -> std::io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start(self.start))?;
        let mark: &[u8] = b"\xef\xbb\xbf";
        let mut bytes = vec![0; self.length as usize];
        file.read_exact(&mut bytes)?;
        if self.start == 0 && bytes.starts_with(mark) {
            // The length is that without it.
            let end = bytes.len();
            bytes.drain(..mark.len());
            bytes.resize(end, 0);
            let rest = bytes.get_mut(end - mark.len()..).unwrap_or_default();
            file.read_exact(rest)?;
        }
        Ok(bytes)
    }
}

fn key(name: &str) -> Key {
    let digest = Digest::of(name.as_bytes());
    let mut key = Key::default();
    key.iter_mut()
        .zip(digest.as_bytes())
        .for_each(|(to, from)| *to = *from);
    key
}

/// Reads a file of programs, one JSON record a line.
///
/// # Errors
/// If the file cannot be read, a line is not JSON, or lacks its program or what it is for.
pub fn read_programs(path: &Path) -> Result<Vec<ProgramLine>, DatasetError> {
    collect(|each| each_program(path, each))
}

/// Hands out the lines of a file of programs one by one, until told to stop.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn each_program(
    path: &Path,
    mut each: impl FnMut(Result<ProgramLine, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    each_json_line(path, |line, value| {
        each(value.and_then(|value| read_program(path, line, &value)))
    })
}

/// The program of a line.
fn program_in(path: &Path, line: usize, text: &[u8]) -> Result<ProgramLine, DatasetError> {
    admit_json(text).map_err(DatasetError::beyond(path, &format!("line {line}")))?;
    let value = parse_value(path, line, 1, text)?;
    read_program(path, line, &value)
}

fn read_program(path: &Path, line: usize, value: &Value) -> Result<ProgramLine, DatasetError> {
    let record = format!("line {line}");
    let fields = Fields::of(path, &record, value)?;
    let id = fields.first(&["id", "question_id"], Fields::optional_identifier)?;
    let query = fields.first(&["query", "question", "sentence"], Fields::optional_text)?;
    if id.is_none() && query.is_none() {
        return Err(fields.wrong("id", "an identifier, or the question in query"));
    }
    let program = fields.first(&["program", "code"], Fields::optional_text)?;
    Ok(ProgramLine {
        id,
        query,
        program: program.ok_or_else(|| fields.wrong("program", "text"))?,
    })
}

/// Writes a file of programs from their id, question and text.
///
/// # Errors
/// If the file cannot be written.
pub fn write_programs<'a>(
    path: &Path,
    programs: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Result<(), DatasetError> {
    let mut lines = String::new();
    for (id, query, program) in programs {
        lines.push_str(&json!({"id": id, "query": query, "program": program}).to_string());
        lines.push('\n');
    }
    std::fs::write(path, lines).map_err(|source| DatasetError::write(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_where_they_are_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("programs.jsonl");
        let lines = "\u{feff}{\"id\": 7, \"program\": \"seven\"}\r\n\n  \n\
                     {\"query\": \"Is it é?\", \"code\": \"two\\nlines\"}\n\
                     {\"id\": \"a\", \"query\": \"Is it é?\", \"program\": \"é\"}";
        std::fs::write(&path, lines).unwrap();
        let programs = Programs::read(&path).unwrap();
        let of = |id: &str, question: &str| programs.of(id, question).unwrap();
        for _ in 0..2 {
            assert_eq!(of("7", "").as_deref(), Some("seven"));
            assert_eq!(of("a", "Is it é?").as_deref(), Some("é"));
            assert_eq!(of("b", "Is it é?").as_deref(), Some("two\nlines"));
            assert_eq!(of("b", "Is it?"), None);
        }
        assert_eq!(Programs::default().of("7", "").unwrap(), None);
    }

    #[test]
    fn an_id_has_one_program_and_words_may_have_several() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("programs.jsonl");
        let line =
            |id: &str, program: &str| format!("{{\"id\": \"{id}\", \"program\": \"{program}\"}}\n");
        let words = |program: &str| format!("{{\"query\": \"q\", \"program\": \"{program}\"}}\n");
        std::fs::write(&path, line("a", "p") + &words("r") + &words("s")).unwrap();
        let programs = Programs::read(&path).unwrap();
        assert_eq!(programs.of("b", "q").unwrap().as_deref(), Some("s"));
        std::fs::write(&path, line("a", "p") + &line("b", "p") + &line("a", "p")).unwrap();
        let programs = Programs::read(&path).unwrap();
        assert_eq!(programs.of("a", "").unwrap().as_deref(), Some("p"));
        std::fs::write(&path, line("a", "p") + &line("b", "p") + &line("a", "q")).unwrap();
        let error = Programs::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("line 3") && error.contains("another in line 1"),
            "{error}"
        );
    }

    #[test]
    fn lines_that_are_nested_too_deep_are_refused_by_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("programs.jsonl");
        let deep = "[".repeat(70) + &"]".repeat(70);
        let line = format!("{{\"id\": \"a\", \"program\": \"p\", \"more\": {deep}}}\n");
        std::fs::write(&path, line).unwrap();
        let error = Programs::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("line 1") && error.contains("json-depth"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_is_changed_meanwhile_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("programs.jsonl");
        let line = |id: &str| format!("{{\"id\": \"{id}\", \"program\": \"p\"}}\n");
        std::fs::write(&path, line("a") + &line("b")).unwrap();
        let programs = Programs::read(&path).unwrap();
        std::fs::write(&path, line("c")).unwrap();
        let other = programs.of("a", "?").unwrap_err().to_string();
        assert!(
            other.contains("line 1") && other.contains("was changed"),
            "{other}"
        );
        assert!(programs.of("b", "?").is_err(), "it is not there any more");
        assert_eq!(programs.of("c", "?").unwrap(), None);
    }
}
