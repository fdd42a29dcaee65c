use super::*;

/// Each thread with the file opened for itself, as processes have it; what one has kept another finds.
#[test]
fn several_at_once_find_each_others_outcomes_and_lose_none() {
    let folder = tempfile::tempdir().unwrap();
    let each = 600;
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                // All make the file at once.
                let cache = open(folder);
                for from in (0..each).step_by(50) {
                    let from = worker * each + from;
                    cache.keep(&numbered(from..from + 50)).unwrap();
                    assert_eq!(there(&cache, from..from + 50), 50);
                    there(&cache, 0..200);
                }
            });
        }
    });
    let cache = open(folder.path());
    assert_eq!(there(&cache, 0..4 * each), 4 * each as usize);
    assert_eq!(cache_summary(folder.path()).unwrap().entries, 4 * each);
}

#[test]
fn several_at_once_within_a_small_bound() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for worker in 0..3 {
            let folder = folder.path();
            scope.spawn(move || {
                let cache = OutcomeFile::open(folder, settings(MEBIBYTE)).unwrap();
                for from in (0..20_000).step_by(500) {
                    cache.keep(&numbered(from..from + 500)).unwrap();
                    there(&cache, worker * 1000..worker * 1000 + 300);
                }
            });
        }
    });
    let summary = cache_summary(folder.path()).unwrap();
    assert!(summary.file_bytes <= MEBIBYTE, "{summary:?}");
    assert!(summary.evicted > 0 && summary.refused == 0, "{summary:?}");
}

#[test]
fn one_file_serves_many_threads() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                let numbers = worker * 100..worker * 100 + 100;
                cache.keep(&numbered(numbers.clone())).unwrap();
                assert_eq!(there(cache, numbers), 100);
            });
        }
    });
    assert_eq!(there(&cache, 0..400), 400);
}

#[test]
fn a_cache_that_is_cleared_meanwhile_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    cache.keep(&numbered(0..100)).unwrap();
    assert_eq!(there(&cache, 0..100), 100);
    let cleared = clear_cache(folder.path(), &Clearing::All).unwrap();
    assert_eq!(cleared.removed, 100);
    assert_eq!(there(&cache, 0..100), 0);
    cache.keep(&numbered(50..150)).unwrap();
    assert_eq!(there(&cache, 0..150), 100);
}
