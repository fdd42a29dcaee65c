//! Checkpoints pulled from a stand-in for the hub and used by name, through the binary.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

#[path = "../../sdvp-hub/tests/stand_in/mod.rs"]
mod stand_in;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use stand_in::{COMMIT, Reply, Repository, StandIn};
use std::path::{Path, PathBuf};

/// A tiny checkpoint as it would be downloaded.
fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../sdvp-modules/tests/golden/published")
        .join(name)
}

/// A home of the hub's files that is gone after the test.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The binary, which knows of nothing but this home and this hub, and works in it.
    fn sdvp(&self, endpoint: &str) -> Command {
        let mut command = Command::cargo_bin("sdvp").unwrap();
        for variable in [
            "HF_HUB_CACHE",
            "HF_TOKEN",
            "HF_HUB_OFFLINE",
            "HTTP_PROXY",
            "ALL_PROXY",
        ] {
            command.env_remove(variable);
        }
        command
            .env("HF_HOME", self.0.path())
            .env("HF_ENDPOINT", endpoint);
        command.current_dir(self.0.path());
        command
    }

    fn offline(&self) -> Command {
        let mut command = self.sdvp("http://127.0.0.1:1");
        command.env("HF_HUB_OFFLINE", "1");
        command
    }
}

fn result(command: &mut Command) -> Value {
    let output = command.assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

const PROGRAM: &str = "B=LOC(image=IMAGE,object='dog')\nA=COUNT(box=B)\nR=RESULT(var=A)\n";

#[test]
fn a_checkpoint_is_pulled_shown_listed_and_run_by_name() {
    let home = Home::new();
    let repository = Repository::new("tiny-org/owlvit").with_folder(&checkpoint("owlvit"));
    let size: u64 = repository
        .files
        .values()
        .map(|file| file.bytes.len() as u64)
        .sum();
    // The connection breaks once in the middle of the weights.
    let mut broken = false;
    let hub = StandIn::start(
        repository.with("README.md", "words"),
        move |request, reply| match request.elsewhere
            && !std::mem::replace(&mut broken, request.elsewhere)
        {
            true => reply.broken_after(1000),
            false => reply,
        },
    );
    let mut pull = home.sdvp(&hub.endpoint);
    pull.args(["models", "pull", "tiny-org/owlvit", "--json"]);
    let pulled = result(&mut pull);
    assert_eq!(pulled["commit"], COMMIT);
    assert_eq!(
        (&pulled["bytes"], &pulled["downloaded"]),
        (&size.into(), &size.into())
    );
    assert_eq!(pulled["files"].as_array().unwrap().len(), 4);
    assert_eq!(pulled["answers"], serde_json::json!(["locate"]));
    let path = PathBuf::from(pulled["path"].as_str().unwrap());
    let place = home
        .0
        .path()
        .join("hub/models--tiny-org--owlvit/snapshots")
        .join(COMMIT);
    assert_eq!(path, place);
    let stderr = String::from_utf8(pull.output().unwrap().stderr).unwrap();
    assert!(
        !stderr.contains("model.safetensors"),
        "nothing comes twice: {stderr}"
    );

    let mut again = home.offline();
    again.args(["models", "pull", "tiny-org/owlvit"]);
    again.assert().success().stdout(
        contains("--locate tiny-org/owlvit")
            .and(contains("0 of them"))
            .and(contains("OFFLINE")),
    );
    let listed = result(home.offline().args(["models", "list", "--json"]));
    let of_cache = listed.as_array().unwrap().last().unwrap();
    assert_eq!(of_cache["name"], "tiny-org/owlvit");
    assert_eq!(of_cache["revisions"], serde_json::json!(["main"]));
    assert_eq!(of_cache["answers"], serde_json::json!(["locate"]));
    home.offline()
        .args(["models", "list"])
        .assert()
        .success()
        .stdout(contains(format!(
            "tiny-org/owlvit        {size:>9} bytes  --locate"
        )));

    let shown = result(
        home.offline()
            .args(["models", "show", "tiny-org/owlvit", "--json"]),
    );
    assert_eq!(
        shown["architectures"],
        serde_json::json!(["OwlViTForObjectDetection"])
    );
    let beside = result(
        home.offline()
            .args(["models", "show", "--json"])
            .arg(checkpoint("owlvit")),
    );
    assert_eq!(shown["parameters"], beside["parameters"]);
    assert!(shown["parameters"].as_u64().unwrap() > 1000, "{shown}");
    home.offline()
        .args(["models", "show", "tiny-org/owlvit"])
        .assert()
        .success()
        .stdout(
            contains("OwlViTForObjectDetection")
                .and(contains("F32"))
                .and(contains("--locate")),
        );

    let program = home.0.path().join("program.txt");
    std::fs::write(&program, PROGRAM).unwrap();
    let picture = home.0.path().join("picture.png");
    image::RgbImage::from_fn(40, 30, |x, y| {
        image::Rgb([(x * 5) as u8, (y * 7) as u8, 90])
    })
    .save(&picture)
    .unwrap();
    let ask = |by: &Path| {
        let mut ask = home.offline();
        ask.args(["ask", "--json", "--question", "?", "--image"])
            .arg(&picture);
        ask.arg("--program").arg(&program).arg("--locate").arg(by);
        let mut said = result(&mut ask);
        // It took another time.
        said.as_object_mut().unwrap().remove("runtime").unwrap();
        said
    };
    let by_name = ask(Path::new("tiny-org/owlvit"));
    assert_eq!(by_name, ask(&checkpoint("owlvit")));
    assert_eq!(
        by_name,
        ask(&PathBuf::from(format!("tiny-org/owlvit@{COMMIT}")))
    );
    let mut run = home.offline();
    run.args([
        "run",
        "picto-gqa",
        "--limit",
        "2",
        "--json",
        "--locate",
        "tiny-org/owlvit",
    ]);
    assert_eq!(result(&mut run)["score"]["n"], 2);
    let mut verify = home.offline();
    verify.args(["models", "verify", "tiny-org/owlvit"]);
    verify
        .assert()
        .success()
        .stdout(contains("--locate tiny-org/owlvit"));
    let mut assemble = home.offline();
    assemble.args([
        "models",
        "assemble",
        "--out",
        "student",
        "--locate",
        "tiny-org/owlvit",
    ]);
    assemble.assert().success().stdout(contains(COMMIT));
}

#[test]
fn folders_come_first_and_names_are_never_downloaded_in_passing() {
    let home = Home::new();
    let hub = StandIn::honest(Repository::new("tiny-org/clip").with_folder(&checkpoint("clip")));
    let ask = |by: &str| {
        let mut run = home.sdvp(&hub.endpoint);
        run.args(["run", "picto-gqa", "--limit", "1", "--match", by]);
        run
    };
    ask("tiny-org/clip").assert().code(1).stderr(
        contains("there is no folder tiny-org/clip")
            .and(contains("sdvp models pull tiny-org/clip")),
    );
    ask("tiny-org/clip@v2")
        .assert()
        .code(1)
        .stderr(contains("pull tiny-org/clip@v2"));
    ask("some/where/else")
        .assert()
        .code(1)
        .stderr(contains("some/where/else"));
    ask("tiny-org/clip@../x")
        .assert()
        .code(1)
        .stderr(contains("a revision is"));
    assert!(hub.requests().is_empty(), "nobody asked the hub");

    home.sdvp(&hub.endpoint)
        .args(["models", "pull", "tiny-org/clip"])
        .assert()
        .success();
    ask("tiny-org/clip").assert().success();
    // A folder of that name, with something else in it.
    std::fs::create_dir_all(home.0.path().join("tiny-org/clip")).unwrap();
    ask("tiny-org/clip")
        .assert()
        .code(1)
        .stderr(contains("config.json"));
}

#[test]
fn what_cannot_be_pulled_says_why() {
    let home = Home::new();
    let only = Repository::new("tiny-org/old")
        .with(
            "config.json",
            std::fs::read(checkpoint("vilt").join("config.json")).unwrap(),
        )
        .with("pytorch_model.bin", "pickle");
    let hub = StandIn::honest(only);
    let pull = |endpoint: &str, id: &str| {
        let mut pull = home.sdvp(endpoint);
        pull.args(["models", "pull", id]);
        pull.assert()
    };
    pull(&hub.endpoint, "tiny-org/old").code(1).stderr(
        contains("pytorch_model.bin").and(contains("ViltForQuestionAnswering, AutoImageProcessor")),
    );
    pull(&hub.endpoint, "tiny-org/old@v7")
        .code(1)
        .stderr(contains("revision v7 of tiny-org/old"));
    pull(&hub.endpoint, "tiny-org")
        .code(2)
        .stderr(contains("org/name"));
    let gated = StandIn::start(Repository::new("a/b"), |_, _| {
        Reply::new(403).with("X-Error-Code", "GatedRepo")
    });
    pull(&gated.endpoint, "a/b")
        .code(1)
        .stderr(contains("licence").and(contains("HF_TOKEN")));
    pull("gopher://x", "a/b")
        .code(1)
        .stderr(contains("HF_ENDPOINT"));
    home.offline()
        .args(["models", "pull", "a/b"])
        .assert()
        .code(1)
        .stderr(contains("a/b is not in the cache").and(contains("HF_HUB_OFFLINE")));
    home.sdvp(&hub.endpoint)
        .args(["models", "show", "tiny-org/old"])
        .assert()
        .code(1)
        .stderr(contains("models pull tiny-org/old"));
}
