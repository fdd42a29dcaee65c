use super::*;
use std::time::Instant;

/// `cargo test --release -p sdvp-store --lib -- --ignored --nocapture how_fast`
#[test]
#[ignore = "measures"]
fn how_fast_outcomes_are_kept_and_found() {
    const ALL: u64 = 200_000;
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    let batches: Vec<_> = (0..ALL)
        .step_by(512)
        .map(|from| numbered(from..(from + 512).min(ALL)))
        .collect();
    let begun = Instant::now();
    for batch in &batches {
        cache.keep(batch).unwrap();
    }
    let rate = |begun: Instant| ALL as f64 / begun.elapsed().as_secs_f64();
    println!("kept: {:.0} outcomes/s, 512 at once", rate(begun));
    drop(cache);
    let cache = open(folder.path());
    for what in ["found, and noted as used", "found again"] {
        let begun = Instant::now();
        for batch in &batches {
            let keys: Vec<OutcomeKey> = batch.iter().map(|(key, _)| *key).collect();
            let found = cache.look_up(&keys).unwrap();
            assert!(found.outcomes.iter().all(Option::is_some));
        }
        println!("{what}: {:.0} outcomes/s, 512 at once", rate(begun));
    }
    let begun = Instant::now();
    for batch in &batches {
        let keys: Vec<OutcomeKey> = batch
            .iter()
            .map(|(key, _)| OutcomeKey {
                request: key.module,
                ..*key
            })
            .collect();
        assert!(
            cache
                .look_up(&keys)
                .unwrap()
                .outcomes
                .iter()
                .all(Option::is_none)
        );
    }
    println!(
        "looked up in vain: {:.0} outcomes/s, 512 at once",
        rate(begun)
    );
    drop(cache);
    let begun = Instant::now();
    let summary = cache_summary(folder.path()).unwrap();
    let took = begun.elapsed().as_secs_f64();
    println!(
        "{} outcomes in {} bytes ({} a piece); counted in {took:.2} s",
        summary.entries,
        summary.file_bytes,
        summary.file_bytes / summary.entries
    );
    let begun = Instant::now();
    let bounded = OutcomeFile::open(folder.path(), settings(8 * MEBIBYTE)).unwrap();
    println!("shrunk to 8 MiB in {:.2} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    for batch in &batches {
        let other: Vec<_> = batch
            .iter()
            .map(|(key, outcome)| {
                let module = digest("module", 7);
                (OutcomeKey { module, ..*key }, outcome.clone())
            })
            .collect();
        bounded.keep(&other).unwrap();
    }
    println!("kept within 8 MiB: {:.0} outcomes/s", rate(begun));
}
