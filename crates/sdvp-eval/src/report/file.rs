//! Reports on disk.

use super::{ExampleRun, Report, report_html};
use std::path::{Path, PathBuf};

/// Why a report cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is no report.
    #[error("{} is not a report: {source}", path.display())]
    NotAReport {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// The report cannot be expressed in JSON.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[source] serde_json::Error),
}

/// Writes a file, so that readers see all of it or nothing.
///
/// # Errors
/// If the system refuses; the error names the path, and what was there before is untouched.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    sdvp_core::write_whole(path, bytes).map_err(|source| ReportError::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

/// Writes `report.json` and `report.html` into a folder, which is made if it is missing.
///
/// # Errors
/// If the system refuses.
pub fn write_report(
    folder: &Path,
    report: &Report,
    examples: &[ExampleRun],
) -> Result<(), ReportError> {
    std::fs::create_dir_all(folder).map_err(|source| ReportError::File {
        action: "make the folder",
        path: folder.to_owned(),
        source,
    })?;
    let mut json = serde_json::to_vec_pretty(report).map_err(ReportError::Json)?;
    json.push(b'\n');
    write_file(&folder.join("report.json"), &json)?;
    write_file(
        &folder.join("report.html"),
        report_html(report, examples).as_bytes(),
    )
}

/// Reads a `report.json`. Fields that are missing have their defaults.
///
/// # Errors
/// If the file cannot be read or is no report.
pub fn read_report(path: &Path) -> Result<Report, ReportError> {
    let bytes = std::fs::read(path).map_err(|source| ReportError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| ReportError::NotAReport {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_report_is_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let report = super::super::html::fabricated::report();
        write_report(&out, &report, &[]).unwrap();
        assert_eq!(names(&out), ["report.html", "report.json"]);
        let read = read_report(&out.join("report.json")).unwrap();
        assert_eq!(read, report, "to the last bit");
    }

    #[test]
    fn the_files_fields_are_those_agreed_on() {
        let json = serde_json::to_value(super::super::html::fabricated::report()).unwrap();
        for pointer in [
            "/seed",
            "/framework",
            "/wall_s",
            "/targets/0/task",
            "/targets/0/split",
            "/targets/0/n",
            "/targets/0/before/accuracy",
            "/targets/0/before/ci95/1",
            "/targets/0/before/failure_rate",
            "/targets/0/after/accuracy",
            "/targets/0/teacher_replaced/accuracy",
            "/unseen/0/task",
            "/unseen/0/metric",
            "/unseen/0/n",
            "/unseen/0/before",
            "/unseen/0/after",
            "/unseen/0/teacher_replaced",
            "/across/0/framework",
            "/across/0/task",
            "/across/0/after",
            "/students/0/kind",
            "/students/0/parameters",
            "/teachers/0/task",
            "/runtime/sub_tasks",
            "/runtime/sub_tasks_executed",
            "/runtime/questions_per_s",
            "/runtime/questions_per_s_one_at_a_time",
        ] {
            assert!(
                json.pointer(pointer).is_some_and(|v| !v.is_null()),
                "{pointer}"
            );
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("report.json");
        std::fs::create_dir(&taken).unwrap();
        let error = write_file(&taken, b"{}").unwrap_err().to_string();
        assert!(
            error.contains("cannot write") && error.contains("report.json"),
            "{error}"
        );
        assert_eq!(names(folder.path()), ["report.json"]);
        assert!(write_file(Path::new("/"), b"").is_err());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write_file(&file, b"x").unwrap();
        let error = write_report(&file.join("out"), &Report::default(), &[]).unwrap_err();
        assert!(error.to_string().contains("out"), "{error}");
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        write_file(&path, b"[1, 2").unwrap();
        let error = read_report(&path).unwrap_err().to_string();
        assert!(
            error.contains("r.json") && error.contains("line 1"),
            "{error}"
        );
        let error = read_report(&folder.path().join("none.json")).unwrap_err();
        assert!(error.to_string().contains("cannot read"), "{error}");
    }
}
