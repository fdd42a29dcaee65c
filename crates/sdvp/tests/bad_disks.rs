//! Runs on disks that are full, cannot be written, or give back something else than was written; with
//! clocks that go backwards, and with two processes at once.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod table;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};
use table::{Table, integrity};

const QUESTIONS: usize = 300;
/// Enough that a run is still at it when it is looked at.
const MANY: usize = 1500;

fn run(table: &Table, how: &str, out: &Path) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.args(table.run(how, out));
    command
}

fn results(out: &Path) -> String {
    std::fs::read_to_string(out.join("results.jsonl")).unwrap()
}

/// What a run comes to that nothing disturbs.
fn undisturbed(table: &Table, folder: &Path) -> String {
    let out = folder.join("undisturbed");
    run(table, "", &out).assert().success();
    let results = results(&out);
    assert_eq!(results.lines().count(), table.questions);
    results
}

/// The number before a text.
fn number_before(said: &str, text: &str) -> usize {
    let before = said.split(text).next().unwrap();
    let number = before.rsplit(' ').next().unwrap();
    number
        .parse()
        .unwrap_or_else(|_| panic!("expected a number before {text:?} in {said}"))
}

#[cfg(unix)]
#[test]
fn files_that_may_not_grow_end_a_run_that_goes_on_when_they_may() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(folder.path(), QUESTIONS);
    let expected = undisturbed(&table, folder.path());
    let sdvp = assert_cmd::cargo::cargo_bin("sdvp");
    // Blocks of 512 bytes.
    for blocks in [8, 300, 2_000] {
        let out = folder.path().join(format!("{blocks} blocks"));
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let stopped = std::process::Command::new("sh")
            .args(["-c", &script])
            .arg(&sdvp)
            .args(table.run("", &out))
            .output()
            .unwrap();
        let said = String::from_utf8(stopped.stderr).unwrap();
        assert_eq!(stopped.status.code(), Some(1), "{blocks} blocks: {said}");
        assert!(
            said.contains("no room left") && said.contains("start the same run again"),
            "{said}"
        );
        let kept = number_before(&said, " finished questions are kept");
        let goes_on = run(&table, "", &out).assert().success();
        let goes_on = String::from_utf8_lossy(&goes_on.get_output().stderr).into_owned();
        match kept {
            0 => assert!(!goes_on.contains("finished already"), "{goes_on}"),
            _ => assert_eq!(number_before(&goes_on, " questions are finished"), kept),
        }
        assert_eq!(results(&out), expected);
        assert_eq!(integrity(&out), "ok");
    }
}

/// What is done on a small disk of its own, which nobody else sees: a run until the disk is full, the same
/// again, with room, and where nothing can be written any more. `$0` is the disk, `$1` its size.
#[cfg(target_os = "linux")]
const SMALL_DISK: &str = r#"
disk=$0; size=$1; shift
mount -t tmpfs -o "size=$size" tmpfs "$disk" || exit 77
echo "== full"; "$@"; echo "code $?"
echo "== full again"; "$@"; echo "code $?"
mount -o remount,size=256m "$disk"
echo "== room"; "$@"; echo "code $?"
cp "$disk/run/results.jsonl" "$disk.results"
mount -o remount,ro "$disk"
echo "== read-only"; "$@"; echo "code $?"
echo "== read"; "$1" runs show "$disk/run"; echo "code $?"
"#;

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_and_a_read_only_one_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(folder.path(), QUESTIONS);
    let expected = undisturbed(&table, folder.path());
    for (size, least) in [("60k", 0), ("400k", 1), ("2500k", 20)] {
        let disk = folder.path().join(format!("disk of {size}"));
        std::fs::create_dir(&disk).unwrap();
        let done = std::process::Command::new("unshare")
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                SMALL_DISK,
            ])
            .arg(&disk)
            .arg(size)
            .arg(assert_cmd::cargo::cargo_bin("sdvp"))
            .args(table.run("", &disk.join("run")))
            .output();
        let done = match done {
            Ok(done) if done.status.success() => done,
            refused => {
                println!("skipped: a disk of one's own cannot be mounted here ({refused:?})");
                return;
            }
        };
        // Codes and results are on one, messages on the other.
        let said = String::from_utf8(done.stderr).unwrap();
        let told = String::from_utf8(done.stdout).unwrap();
        let codes: Vec<&str> = told
            .lines()
            .filter_map(|line| line.strip_prefix("code "))
            .collect();
        assert_eq!(codes, ["1", "1", "0", "1", "0"], "{size}: {said}\n{told}");
        assert_eq!(said.matches("no room left").count(), 2, "{said}");
        let refusals: Vec<&str> = said.split("no room left").skip(1).collect();
        let kept = number_before(refusals[0], " finished questions are kept");
        assert!(kept >= least, "{size}: {said}");
        // The second one, too, says what is kept, if it can tell.
        assert!(
            refusals[1].contains("what was finished is kept")
                || number_before(refusals[1], " finished questions are kept") >= kept,
            "{said}"
        );
        if kept > 0 {
            assert!(
                said.contains(&format!("{kept} questions are finished already")),
                "{said}"
            );
        }
        assert!(
            said.contains("cannot be written; choose a folder that can"),
            "{said}"
        );
        assert!(told.contains(&format!("{QUESTIONS} questions")), "{told}");
        let results = folder.path().join(format!("disk of {size}.results"));
        assert_eq!(std::fs::read_to_string(results).unwrap(), expected);
    }
}

#[test]
fn what_a_disk_gives_back_otherwise_is_named_with_the_next_step_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(folder.path(), QUESTIONS);
    let out = folder.path().join("run");
    run(&table, "", &out).assert().success();
    let path = out.join("run.sqlite");
    let whole = std::fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at..at + 512]
            .iter_mut()
            .for_each(|byte| *byte ^= 0xff);
        bytes
    };
    let page = 4096;
    let pages = whole.len() / page;
    let damaged = [
        flipped((pages / 2) * page),
        flipped((pages - 1) * page),
        whole[..whole.len() / 2].to_vec(),
        whole[..whole.len() - page].to_vec(),
    ];
    for bytes in damaged {
        std::fs::write(&path, &bytes).unwrap();
        run(&table, "", &out).assert().code(1).stderr(
            contains("run.sqlite is damaged")
                .and(contains("nothing was changed"))
                .and(contains(".recover"))
                .and(contains("run again into a new folder")),
        );
        assert!(std::fs::read(&path).unwrap() == bytes, "it was changed");
        // What was written beside it is still there.
        assert_eq!(results(&out).lines().count(), QUESTIONS);
        // Readers see less of it: all that can be read, or what is wrong.
        let export = folder.path().join("export.jsonl");
        let _ = std::fs::remove_file(&export);
        let mut command = Command::cargo_bin("sdvp").unwrap();
        command.args(["runs", "export"]).arg(&out);
        command.args(["--format", "jsonl", "--what", "questions", "--out"]);
        let exported = command.arg(&export).output().unwrap();
        let said = String::from_utf8_lossy(&exported.stderr);
        match exported.status.code() {
            Some(0) => {
                let rows = std::fs::read_to_string(&export).unwrap();
                assert_eq!(rows.lines().count(), QUESTIONS);
            }
            code => assert!(
                code == Some(1) && said.contains("run.sqlite"),
                "{code:?}: {said}"
            ),
        }
    }
    std::fs::write(&path, &whole).unwrap();
    // A log that is none is nobody's.
    std::fs::write(out.join("run.sqlite-wal"), [0xa5; 9000]).unwrap();
    run(&table, "", &out)
        .assert()
        .success()
        .stderr(contains(format!(
            "{QUESTIONS} questions are finished already"
        )));
    assert_eq!(integrity(&out), "ok");
}

/// Begins a run and waits until some of its questions are written.
fn begun(table: &Table, out: &Path) -> std::process::Child {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("sdvp"))
        .args(table.run("--one-at-a-time", out))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    loop {
        let count = sdvp_store::RunReader::open(out)
            .and_then(|reader| reader.summary(0))
            .map_or(0, |summary| summary.questions);
        if count > 0 {
            return child;
        }
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "it ended before it was looked at"
        );
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "nothing is written"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_log_that_is_damaged_in_the_middle_loses_what_comes_after_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(folder.path(), MANY);
    let expected = undisturbed(&table, folder.path());
    let out = folder.path().join("run");
    let mut child = begun(&table, &out);
    child.kill().unwrap();
    child.wait().unwrap();
    let log = out.join("run.sqlite-wal");
    let mut bytes = std::fs::read(&log).unwrap_or_default();
    assert!(bytes.len() > 8192, "nothing is in the log");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0x5a);
    std::fs::write(&log, bytes).unwrap();
    run(&table, "--one-at-a-time", &out).assert().success();
    assert_eq!(results(&out), expected);
    assert_eq!(integrity(&out), "ok");
}

#[cfg(unix)]
#[test]
fn a_second_process_is_told_of_the_first_and_goes_on_when_that_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(folder.path(), MANY);
    let expected = undisturbed(&table, folder.path());
    let out = folder.path().join("run");
    let mut first = begun(&table, &out);
    let stop = format!("kill -STOP {}", first.id());
    let stopped = std::process::Command::new("sh")
        .args(["-c", &stop])
        .status();
    assert!(stopped.unwrap().success());
    run(&table, "--one-at-a-time", &out)
        .assert()
        .code(1)
        .stderr(contains(format!(
            "is being written by process {}",
            first.id()
        )));
    first.kill().unwrap();
    assert!(
        !first.wait().unwrap().success(),
        "it had ended before it was stopped"
    );
    run(&table, "--one-at-a-time", &out)
        .assert()
        .success()
        .stderr(contains("questions are finished already"));
    assert_eq!(results(&out), expected);
}

#[test]
fn a_grid_that_another_process_fills_is_left_to_it_and_half_a_cell_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    let text = "name = \"a\"\ntasks = [\"picto-gqa\"]\nquestions = 2\nunseen_questions = 2\n\
                [[run]]\nname = \"b\"\n";
    std::fs::write(&plan, text).unwrap();
    let out = folder.path().join("grid");
    std::fs::create_dir(&out).unwrap();
    let ablate = || {
        let mut command = Command::cargo_bin("sdvp").unwrap();
        command.arg("ablate").arg(&plan).arg("--out").arg(&out);
        command.assert()
    };
    let lock = sdvp_store::Lock::take(&out).unwrap();
    let me = std::process::id();
    ablate()
        .code(1)
        .stderr(contains(format!("is being written by process {me}")));
    drop(lock);
    // A cell that is whole is renamed into its place; these are what a machine that went down, or a
    // process that was killed, may leave.
    let cell = out.join("no distillation.seed-0.json");
    std::fs::write(&cell, "{\"made_with\":{").unwrap();
    let partial = out.join(".no distillation.seed-0.json.partial-4194304");
    std::fs::write(&partial, "{").unwrap();
    ablate().code(1).stderr(
        contains("no distillation.seed-0.json is not a finished cell").and(contains("remove it")),
    );
    assert!(!partial.exists() && cell.exists());
}

#[test]
fn files_from_the_future_are_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(folder.path(), MANY);
    let expected = undisturbed(&table, folder.path());
    let out = folder.path().join("run");
    let mut child = begun(&table, &out);
    child.kill().unwrap();
    child.wait().unwrap();
    // As they look when the clock was set back since.
    let later = SystemTime::now() + Duration::from_secs(400 * 24 * 60 * 60);
    for entry in std::fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(later).unwrap();
        }
    }
    run(&table, "--one-at-a-time", &out)
        .assert()
        .success()
        .stderr(contains("questions are finished already"));
    assert_eq!(results(&out), expected);
}
