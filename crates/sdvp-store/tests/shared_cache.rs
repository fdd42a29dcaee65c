//! One cache of outcomes and several processes, some of which are killed: nobody is told anything but
//! what was kept, and the file is whole.
//!
//! The processes are this program again, told by the environment what to do.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sdvp_core::{AnswerOutcome, Digest, Outcome, OutcomeKey};
use sdvp_store::{CacheSettings, OutcomeFile, cache_summary};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where a child keeps outcomes, and which.
const FOLDER: &str = "SDVP_CACHE_TEST_FOLDER";
const SEED: &str = "SDVP_CACHE_TEST_SEED";
/// Batches of one that is not killed.
const BATCHES: usize = 300;
const MOST_BYTES: u64 = 2 << 20;
/// Requests there are.
const REQUESTS: u64 = 20_000;

fn main() {
    if let (Ok(folder), Ok(seed)) = (std::env::var(FOLDER), std::env::var(SEED)) {
        return work(Path::new(&folder), seed.parse().unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let start = |seed: u64| -> Child {
        Command::new(std::env::current_exe().unwrap())
            .env(FOLDER, folder.path())
            .env(SEED, seed.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    // Two that stay, and one after another that is killed.
    let mut staying = [start(1), start(2)];
    let mut chance = ChaCha8Rng::seed_from_u64(5);
    for kill in 0..20 {
        let mut doomed = start(100 + kill);
        std::thread::sleep(Duration::from_millis(chance.random_range(1..60)));
        doomed.kill().unwrap();
        doomed.wait().unwrap();
    }
    for child in &mut staying {
        assert!(
            child.wait().unwrap().success(),
            "a process that was not killed failed"
        );
    }
    let summary = cache_summary(folder.path()).unwrap();
    assert!(summary.entries > 1000 && summary.hits > 0, "{summary:?}");
    assert!(
        summary.evicted > 0 && summary.file_bytes <= MOST_BYTES,
        "{summary:?}"
    );
    assert_eq!(summary.refused, 0);
    let connection = rusqlite::Connection::open(&summary.path).unwrap();
    let finding: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(finding, "ok");
    println!("several processes share a cache, and some are killed: ok");
}

fn key(request: u64) -> OutcomeKey {
    OutcomeKey {
        module: Digest::of(&(request % 3).to_le_bytes()),
        request: Digest::of(&request.to_le_bytes()),
    }
}

/// What every process says of a request.
fn outcome(request: u64) -> Outcome {
    Outcome::Answer(AnswerOutcome::certain(format!("answer {request}")))
}

/// Looks up, keeps what is not there, and checks what is.
fn work(folder: &Path, seed: u64) {
    let settings = CacheSettings {
        max_bytes: MOST_BYTES,
        program: Digest::of(b"this program"),
    };
    let cache = OutcomeFile::open(folder, settings).unwrap();
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..BATCHES {
        let requests: Vec<u64> = (0..100).map(|_| chance.random_range(0..REQUESTS)).collect();
        let keys: Vec<OutcomeKey> = requests.iter().map(|request| key(*request)).collect();
        let found = cache.look_up(&keys).unwrap();
        assert_eq!(found.refused, Vec::<String>::new());
        let mut missing = Vec::new();
        for (request, found) in requests.iter().zip(found.outcomes) {
            match found {
                Some(found) => assert_eq!(found, outcome(*request)),
                None => missing.push((key(*request), outcome(*request))),
            }
        }
        cache.keep(&missing).unwrap();
    }
}
