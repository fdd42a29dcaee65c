use super::*;

#[test]
fn all_one_module_or_what_is_old_can_go() {
    let folder = tempfile::tempdir().unwrap();
    let missing = cache_summary(folder.path()).unwrap_err();
    assert!(missing.to_string().contains("holds no cache"), "{missing}");
    assert!(clear_cache(folder.path(), &Clearing::All).is_err());
    assert!(!folder.path().join(FILE).exists(), "asking made a cache");

    let cache = open(folder.path());
    cache.keep(&numbered(0..3000)).unwrap();
    drop(cache);
    let one = digest("module", 1).to_string();
    let clear = |what: &Clearing| clear_cache(folder.path(), what);
    for (said, count) in [("", 0), ("xyz", 0), ("%", 0), ("ffffffffffffffff", 0)] {
        let error = clear(&Clearing::Module(said.to_owned())).unwrap_err();
        let found = matches!(error, CacheError::Module { count: found, .. } if found == count);
        assert!(found, "{error}");
        assert!(error.to_string().contains("cache stats"), "{error}");
    }
    let cleared = clear(&Clearing::Module(one[..12].to_uppercase())).unwrap();
    assert_eq!(cleared.removed, 1000);
    let summary = cache_summary(folder.path()).unwrap();
    assert_eq!((summary.entries, summary.modules.len()), (2000, 2));
    assert_eq!(clear(&Clearing::Module(one)).unwrap().removed, 0);

    assert_eq!(clear(&Clearing::OlderThan { days: 1 }).unwrap().removed, 0);
    // As if three days had passed; then some are used again.
    tamper(
        folder.path(),
        "UPDATE tick SET seconds = seconds - 3 * 86400",
    );
    let cache = open(folder.path());
    assert_eq!(there(&cache, 0..300), 200);
    drop(cache);
    let cleared = clear(&Clearing::OlderThan { days: 2 }).unwrap();
    assert_eq!(cleared.removed, 1800);
    let cache = open(folder.path());
    assert_eq!(there(&cache, 0..3000), 200);
    drop(cache);

    let before = std::fs::metadata(folder.path().join(FILE)).unwrap().len();
    assert_eq!(clear(&Clearing::All).unwrap().removed, 200);
    let after = std::fs::metadata(folder.path().join(FILE)).unwrap().len();
    assert!(after < before && after < 100_000, "{before} {after}");
    let summary = cache_summary(folder.path()).unwrap();
    assert_eq!((summary.entries, summary.oldest_use), (0, None));
    assert_eq!(there(&open(folder.path()), 0..3000), 0);
}

#[test]
fn several_modules_that_begin_alike_are_told_apart_before_anything_goes() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    let many: Vec<(OutcomeKey, Outcome)> = (0..40)
        .map(|number| (key(number, number), outcome(number)))
        .collect();
    cache.keep(&many).unwrap();
    // Of forty, two begin with the same digit.
    let mut digits: Vec<String> = (0..40)
        .map(|number| digest("module", number).to_string()[..1].to_owned())
        .collect();
    digits.sort();
    let twice = digits.windows(2).find(|pair| pair[0] == pair[1]).unwrap();
    let error = clear_cache(folder.path(), &Clearing::Module(twice[0].clone())).unwrap_err();
    assert!(
        matches!(error, CacheError::Module { count, .. } if count > 1),
        "{error}"
    );
    assert_eq!(cache_summary(folder.path()).unwrap().entries, 40);
}
