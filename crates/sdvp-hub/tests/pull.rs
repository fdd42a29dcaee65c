//! Pulling from a stand-in for the hub that answers as the hub does, and from one that does not.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

mod stand_in;

use sdvp_hub::{Cache, HubError, ModelId, Pulled, Settings, Unwatched, Watch, pull};
use stand_in::{COMMIT, Reply, Repository, Request, StandIn};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

const ID: &str = "some-org/tiny_model.v1";

/// Weights of three pieces, so that they can break off in the middle.
fn weights() -> Vec<u8> {
    (0..300_000u32).map(|i| (i * i % 251) as u8).collect()
}

fn repository() -> Repository {
    Repository::new(ID)
        .with("config.json", r#"{"architectures": ["TinyForTests"]}"#)
        .with("preprocessor_config.json", "{}")
        .with("tokenizer.json", "")
        .with("model.safetensors", weights())
        .with("README.md", "words")
        .with("onnx/model.onnx", "large")
        .with("pytorch_model.bin", "pickle")
}

/// A cache that is gone after the test, and what asks for it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn settings(&self, endpoint: &str, more: &[(&str, &str)]) -> Settings {
        Settings::read(|name| {
            let said = more.iter().find(|(known, _)| *known == name);
            match (name, said) {
                (_, Some((_, value))) => Some(OsString::from(value)),
                ("HF_HOME", _) => Some(self.0.path().into()),
                ("HF_ENDPOINT", _) => Some(endpoint.into()),
                _ => None,
            }
        })
        .unwrap()
    }

    fn pull(&self, hub: &StandIn, id: &str) -> Result<Pulled, HubError> {
        pull(
            &self.settings(&hub.endpoint, &[]),
            &id.parse().unwrap(),
            &Unwatched,
        )
    }

    fn refused(&self, hub: &StandIn, id: &str) -> String {
        self.pull(hub, id).unwrap_err().to_string()
    }

    fn place(&self) -> PathBuf {
        self.0.path().join("hub/models--some-org--tiny_model.v1")
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.place().join(folder)) else {
            return Vec::new();
        };
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries.map(|e| name(e).into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Nothing can be found of the model.
    fn has_nothing(&self) {
        let cache = Cache::at(self.0.path().join("hub"));
        assert!(matches!(
            cache.find(&id(ID)),
            Err(HubError::NotCached { .. })
        ));
        assert!(self.names("snapshots").is_empty() && self.names("refs").is_empty());
    }
}

fn id(text: &str) -> ModelId {
    text.parse().unwrap()
}

fn weights_request(request: &Request) -> bool {
    request.elsewhere
}

#[test]
fn what_is_used_comes_in_the_hubs_own_layout() {
    let (home, hub) = (Home::new(), StandIn::honest(repository()));
    let pulled = home.pull(&hub, ID).unwrap();
    let used = [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer.json",
    ];
    let names: Vec<&str> = pulled.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, used);
    assert_eq!(pulled.commit.as_str(), COMMIT);
    assert_eq!(pulled.downloaded(), pulled.bytes());
    assert!(pulled.asked);

    let snapshot = home.place().join("snapshots").join(COMMIT);
    assert_eq!(pulled.folder, snapshot);
    assert_eq!(
        std::fs::read(snapshot.join("model.safetensors")).unwrap(),
        weights()
    );
    let files = repository().files;
    let mut tags: Vec<String> = used.iter().map(|name| files[*name].tag()).collect();
    tags.sort();
    assert_eq!(home.names("blobs"), tags);
    assert_eq!(
        std::fs::read_to_string(home.place().join("refs/main")).unwrap(),
        COMMIT
    );
    #[cfg(unix)]
    assert_eq!(
        std::fs::read_link(snapshot.join("config.json")).unwrap(),
        Path::new("../../blobs").join(files["config.json"].tag())
    );

    // Once more: nothing comes.
    let asked = hub.requests().len();
    let again = home.pull(&hub, ID).unwrap();
    assert_eq!((again.bytes(), again.downloaded()), (pulled.bytes(), 0));
    let new = &hub.requests()[asked..];
    assert!(
        new.iter()
            .all(|r| r.method == "HEAD" || r.path.starts_with("/api/")),
        "{new:?}"
    );

    // It was not even locked, so a cache that can only be read will do.
    let locks = home.0.path().join("hub/.locks");
    std::fs::remove_dir_all(&locks).unwrap();
    std::fs::write(&locks, "in the way").unwrap();
    assert_eq!(home.pull(&hub, ID).unwrap().downloaded(), 0);

    // And offline: it is found, without a word to the hub.
    let asked = hub.requests().len();
    let settings = home.settings(&hub.endpoint, &[("HF_HUB_OFFLINE", "1")]);
    let found = pull(&settings, &id(ID), &Unwatched).unwrap();
    assert_eq!(
        (&found.folder, found.bytes()),
        (&pulled.folder, pulled.bytes())
    );
    assert!(!found.asked);
    let error = pull(&settings, &id("some-org/other"), &Unwatched)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("some-org/other") && error.contains("HF_HUB_OFFLINE"),
        "{error}"
    );
    assert_eq!(hub.requests().len(), asked);
}

#[test]
fn revisions_are_noted_and_commits_are_not() {
    let (home, hub) = (Home::new(), StandIn::honest(repository()));
    let request = format!("{ID}@refs/pr/3");
    home.pull(&hub, &request).unwrap();
    let cache = Cache::at(home.0.path().join("hub"));
    let found = cache.find(&id(&request)).unwrap();
    assert_eq!(found.revisions, ["refs/pr/3"]);
    assert!(cache.find(&id(ID)).is_err(), "main was not asked for");
    home.pull(&hub, &format!("{ID}@{COMMIT}")).unwrap();
    assert_eq!(
        cache
            .find(&id(&format!("{ID}@{COMMIT}")))
            .unwrap()
            .commit
            .as_str(),
        COMMIT
    );
    home.pull(&hub, ID).unwrap();
    let all = cache.all().unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].revisions, ["main", "refs/pr/3"]);
    assert_eq!(all[0].repository.as_str(), ID);
    assert_eq!(all[0].files.len(), 4);
    assert_eq!(all[0].bytes(), found.bytes());
}

#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let (home, hub) = (Home::new(), StandIn::honest(repository()));
    let settings = home.settings(&hub.endpoint, &[("HF_TOKEN", "hf_secret")]);
    pull(&settings, &id(ID), &Unwatched).unwrap();
    let requests = hub.requests();
    assert!(requests.iter().any(|request| request.elsewhere));
    for request in requests {
        let sent = request.header("authorization");
        let expected = (!request.elsewhere).then_some("Bearer hf_secret");
        assert_eq!(sent, expected, "{request:?}");
    }
}

#[test]
fn what_broke_off_is_gone_on_with() {
    let mut times = 0;
    let hub = StandIn::start(repository(), move |request, reply| {
        times += usize::from(weights_request(request));
        match times {
            1 | 2 if weights_request(request) => reply.broken_after(100_000),
            _ => reply,
        }
    });
    let home = Home::new();
    let pulled = home.pull(&hub, ID).unwrap();
    assert_eq!(
        std::fs::read(pulled.folder.join("model.safetensors")).unwrap(),
        weights()
    );
    let ranges: Vec<Option<String>> = hub
        .requests()
        .iter()
        .filter(|request| weights_request(request))
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    assert_eq!(
        ranges,
        [
            None,
            Some("bytes=100000-".into()),
            Some("bytes=200000-".into())
        ]
    );
}

#[test]
fn a_later_pull_goes_on_with_what_an_earlier_one_left() {
    let hub = StandIn::start(repository(), |request, reply| {
        match weights_request(request) {
            true if request.header("range").is_none() => reply.broken_after(120_000),
            true => Reply::new(500).with("Retry-After", 0),
            false => reply,
        }
    });
    let home = Home::new();
    let error = home.refused(&hub, ID);
    assert!(error.contains("500"), "{error}");
    home.has_nothing();
    let tag = repository().files["model.safetensors"].tag();
    let partial = home.place().join("blobs").join(format!("{tag}.incomplete"));
    assert_eq!(std::fs::metadata(&partial).unwrap().len(), 120_000);

    let hub = StandIn::honest(repository());
    let pulled = home.pull(&hub, ID).unwrap();
    assert_eq!(pulled.downloaded(), 180_000);
    assert!(!partial.exists());
    assert_eq!(
        std::fs::read(pulled.folder.join("model.safetensors")).unwrap(),
        weights()
    );
}

#[test]
fn a_partial_file_of_another_making_is_no_harm() {
    let tag = repository().files["model.safetensors"].tag();
    // Other bytes; more bytes than there are; and a server that knows no ranges.
    for (left, ranges) in [
        (vec![7; 90_000], true),
        (vec![7; 900_000], true),
        (vec![7; 90_000], false),
    ] {
        let home = Home::new();
        std::fs::create_dir_all(home.place().join("blobs")).unwrap();
        let partial = home.place().join("blobs").join(format!("{tag}.incomplete"));
        std::fs::write(&partial, left).unwrap();
        let hub = StandIn::start(repository(), move |request, reply| match ranges {
            false if weights_request(request) => Reply::new(200).body(weights()),
            _ => reply,
        });
        let pulled = home.pull(&hub, ID).unwrap();
        assert_eq!(
            std::fs::read(pulled.folder.join("model.safetensors")).unwrap(),
            weights()
        );
        assert!(!partial.exists());
    }
}

#[test]
fn what_is_not_as_announced_is_not_kept() {
    let other = |request: &Request, reply: Reply| match weights_request(request) {
        true => Reply {
            body: vec![9; 300_000],
            ..reply
        },
        false => reply,
    };
    let longer = |request: &Request, reply: Reply| match weights_request(request) {
        true => Reply {
            body: [weights(), vec![0]].concat(),
            ..reply
        },
        false => reply,
    };
    let text =
        |request: &Request, reply: Reply| match request.path.starts_with("/api/resolve-cache") {
            true => reply.body("[]"),
            false => reply,
        };
    let tag = repository().files["model.safetensors"].tag();
    for (twist, named) in [
        (
            Box::new(other) as Box<dyn FnMut(&Request, Reply) -> Reply + Send>,
            tag.as_str(),
        ),
        (Box::new(longer), "300000 bytes"),
    ] {
        let (home, hub) = (Home::new(), StandIn::start(repository(), twist));
        let error = home.refused(&hub, ID);
        assert!(
            error.contains("model.safetensors") && error.contains(named),
            "{error}"
        );
        assert!(error.contains(ID), "{error}");
        home.has_nothing();
        assert!(
            home.names("blobs")
                .iter()
                .all(|name| !name.starts_with(&tag))
        );
    }
    // `{}` and `[]` have one size: git's digest tells them apart.
    let only = Repository::new(ID)
        .with("config.json", "{}")
        .with("model.safetensors", weights());
    let (home, hub) = (Home::new(), StandIn::start(only, text));
    let error = home.refused(&hub, ID);
    assert!(
        error.contains("config.json") && error.contains("SHA-1"),
        "{error}"
    );
    home.has_nothing();
}

#[derive(Default)]
struct Waits(Mutex<Vec<(String, Duration)>>);

impl Watch for Waits {
    fn begin(&self, _: &str, _: u64, _: u64) {}
    fn advance(&self, _: u64) {}
    fn restart(&self) {}
    fn end(&self) {}
    fn wait(&self, reason: &str, time: Duration) {
        self.0.lock().unwrap().push((reason.to_owned(), time));
    }
    fn queue(&self, _: &str) {}
}

#[test]
fn a_busy_hub_is_asked_again_when_it_says() {
    let mut first = true;
    let hub = StandIn::start(repository(), move |_, reply| {
        match std::mem::take(&mut first) {
            true => Reply::new(429).with("Retry-After", 1),
            false => reply,
        }
    });
    let (home, waits) = (Home::new(), Waits::default());
    pull(&home.settings(&hub.endpoint, &[]), &id(ID), &waits).unwrap();
    let waits = waits.0.into_inner().unwrap();
    assert_eq!(waits.len(), 1);
    assert!(
        waits[0].0.contains("429") && waits[0].1 == Duration::from_secs(1),
        "{waits:?}"
    );

    let hub = StandIn::start(repository(), |_, _| Reply::new(503).with("Retry-After", 0));
    let error = home.refused(&hub, ID);
    assert!(error.contains("503"), "{error}");
    assert_eq!(hub.requests().len(), 5, "patience ends");

    let hub = StandIn::start(repository(), |_, _| {
        Reply::new(429).with("Retry-After", 4000)
    });
    let error = home.refused(&hub, ID);
    assert!(error.contains("4000 s"), "{error}");
    assert_eq!(hub.requests().len(), 1);
}

#[test]
fn refusals_say_what_helps() {
    let home = Home::new();
    let refused = |status: u16, code: &'static str| {
        let hub = StandIn::start(repository(), move |_, _| {
            let reply = Reply::new(status).with("X-Error-Code", code);
            reply.with("X-Error-Message", "the hub's words")
        });
        (
            home.refused(&hub, &format!("{ID}@v9")),
            hub.endpoint.clone(),
        )
    };
    let (error, endpoint) = refused(403, "GatedRepo");
    for part in [
        "licence",
        "HF_TOKEN",
        "the hub's words",
        &format!("{endpoint}/{ID}"),
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    let (error, _) = refused(401, "RepoNotFound");
    for part in [ID, "401", "HF_TOKEN", "private", "none was sent"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    let (error, endpoint) = refused(404, "RevisionNotFound");
    assert!(
        error.contains(&format!("revision v9 of {ID}")) && error.contains(&endpoint),
        "{error}"
    );
    let (error, _) = refused(404, "RepoNotFound");
    assert!(error.contains(ID) && error.contains("v9"), "{error}");
    let (error, _) = refused(418, "");
    assert!(error.contains("418"), "{error}");

    let hub = StandIn::honest(repository());
    let error = home.refused(&hub, &format!("{ID}@v9"));
    assert!(error.contains("revision v9"), "{error}");
    let error = home.refused(&hub, "some-org/nothing");
    assert!(
        error.contains("some-org/nothing") && error.contains("main"),
        "{error}"
    );
    // A listed file that is not there.
    let hub = StandIn::start(repository(), |request, reply| {
        match request.is_for("tokenizer.json") {
            true => Reply::new(404).with("X-Error-Code", "EntryNotFound"),
            false => reply,
        }
    });
    let error = home.refused(&hub, ID);
    assert!(
        error.contains(&format!("tokenizer.json in {ID} at main")),
        "{error}"
    );
    home.has_nothing();
    // Nobody there at all.
    let settings = home.settings("http://127.0.0.1:1", &[]);
    let error = pull(&settings, &id(ID), &Unwatched)
        .unwrap_err()
        .to_string();
    assert!(error.contains("127.0.0.1:1"), "{error}");
}

#[test]
fn weights_that_run_code_are_not_pulled() {
    let only = Repository::new(ID)
        .with(
            "config.json",
            r#"{"architectures": ["ViltForQuestionAnswering"]}"#,
        )
        .with("pytorch_model.bin", "pickle");
    let (home, hub) = (Home::new(), StandIn::honest(only));
    let error = home.refused(&hub, ID);
    for part in [
        "pytorch_model.bin",
        "refs/pr/N",
        "import AutoImageProcessor, AutoTokenizer, ViltForQuestionAnswering",
        "save_pretrained(\"tiny_model.v1\")",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert!(
        hub.requests()
            .iter()
            .all(|request| !request.is_for("pytorch_model.bin"))
    );
    home.has_nothing();
    // What a configuration says does not become part of the program.
    let evil = r#"{"architectures": ["X\nimport os; os.system('rm')"]}"#;
    let only = Repository::new(ID)
        .with("config.json", evil)
        .with("pytorch_model.bin", "pickle");
    let error = home.refused(&StandIn::honest(only), ID);
    assert!(
        error.contains("AutoModel") && !error.contains("os.system"),
        "{error}"
    );
}

#[test]
fn weights_in_parts_come_with_their_index() {
    let index = |part: &str| {
        let map = serde_json::json!({"weight_map": {"a": "model-1.safetensors", "b": part}});
        Repository::new(ID)
            .with("config.json", "{}")
            .with("model.safetensors.index.json", map.to_string())
            .with("model-1.safetensors", vec![1; 10])
            .with("model-2.safetensors", vec![2; 20])
            .with("model-3.safetensors", vec![3; 30])
    };
    let (home, hub) = (Home::new(), StandIn::honest(index("model-2.safetensors")));
    let pulled = home.pull(&hub, ID).unwrap();
    let names: Vec<&str> = pulled.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "config.json",
            "model-1.safetensors",
            "model-2.safetensors",
            "model.safetensors.index.json"
        ]
    );
    for evil in [
        "../../../evil.safetensors",
        "/tmp/evil.safetensors",
        "model-9.safetensors",
    ] {
        let (home, hub) = (Home::new(), StandIn::honest(index(evil)));
        let error = home.refused(&hub, ID);
        assert!(error.contains(evil), "{error}");
        home.has_nothing();
    }
}

#[test]
fn names_that_lead_out_of_the_cache_are_refused() {
    let home = Home::new();
    for evil in [
        "../../evil.json",
        "/evil.json",
        "a/../../../evil.json",
        "a\\..\\evil.json",
    ] {
        let hub = StandIn::honest(repository().with(evil, "evil"));
        let error = home.refused(&hub, ID);
        assert!(
            error.contains(&format!("{evil:?}")) && error.contains(ID),
            "{error}"
        );
        home.has_nothing();
    }
    // A commit and a tag become names of files, too.
    let hub = StandIn::start(repository(), |request, reply| {
        match request.path.contains("/revision/") {
            true => reply.body(r#"{"sha": "../../../../evil", "siblings": []}"#),
            false => reply,
        }
    });
    assert!(home.refused(&hub, ID).contains("../../../../evil"));
    let hub = StandIn::start(repository(), |request, mut reply| {
        if request.method == "HEAD" {
            reply.headers.retain(|(name, _)| name != "X-Linked-Etag");
            reply = reply.with("X-Linked-Etag", "\"../../../evil\"");
        }
        reply
    });
    assert!(home.refused(&hub, ID).contains("../../../evil"));
    let found: Vec<_> = std::fs::read_dir(home.0.path()).unwrap().collect();
    assert!(found.len() <= 1, "{found:?}");
}

#[test]
fn a_hub_that_sends_in_circles_or_away_is_not_followed() {
    for location in ["/again", "file:///etc/passwd", "relative", ""] {
        let hub = StandIn::start(repository(), move |_, _| {
            Reply::new(302).with("Location", location)
        });
        let error = Home::new().refused(&hub, ID);
        assert!(error.contains("redirection"), "{location}: {error}");
        assert!(hub.requests().len() < 12);
    }
    for body in ["", "{", "[]", r#"{"sha": "main"}"#, "<html>"] {
        let hub = StandIn::start(repository(), move |_, _| Reply::new(200).body(body));
        let error = Home::new().refused(&hub, ID);
        assert!(
            error.contains("a commit and the names of files"),
            "{body}: {error}"
        );
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let (home, hub) = (Home::new(), StandIn::honest(repository()));
    let file = home.0.path().join("file");
    std::fs::write(&file, "").unwrap();
    let settings = home.settings(&hub.endpoint, &[("HF_HUB_CACHE", file.to_str().unwrap())]);
    let error = pull(&settings, &id(ID), &Unwatched)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(file.to_str().unwrap()) && error.contains("HF_HOME"),
        "{error}"
    );
}

/// A device that is always full stands where the partial file would be.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_that_looks_finished() {
    let (home, hub) = (Home::new(), StandIn::honest(repository()));
    let tag = repository().files["model.safetensors"].tag();
    std::fs::create_dir_all(home.place().join("blobs")).unwrap();
    let partial = home.place().join("blobs").join(format!("{tag}.incomplete"));
    std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
    let error = home.refused(&hub, ID);
    assert!(
        error.contains("make room") && error.contains(&tag),
        "{error}"
    );
    home.has_nothing();
    assert!(!home.names("blobs").contains(&tag));
    std::fs::remove_file(&partial).unwrap();
    home.pull(&hub, ID).unwrap();
}

#[test]
fn two_who_pull_at_once_download_once() {
    let hub = StandIn::honest(repository());
    let home = Home::new();
    let both: Vec<u64> = std::thread::scope(|scope| {
        let pulls: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| home.pull(&hub, ID).unwrap()))
            .collect();
        pulls
            .into_iter()
            .map(|pull| pull.join().unwrap().downloaded())
            .collect()
    });
    let bytes: usize = repository().files["model.safetensors"].bytes.len();
    assert!(both.iter().sum::<u64>() < 2 * bytes as u64, "{both:?}");
    let times = hub
        .requests()
        .iter()
        .filter(|request| weights_request(request))
        .count();
    assert_eq!(times, 1);
}
