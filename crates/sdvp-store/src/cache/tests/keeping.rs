use super::*;
use proptest::prelude::*;

fn any_number() -> impl Strategy<Value = f32> {
    // Every pattern of bits: what is no number, too.
    any::<u32>().prop_map(f32::from_bits)
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let detection = (any::<[u32; 4]>(), any_number()).prop_map(|(edges, score)| {
        let [x0, y0, x1, y1] = edges.map(f32::from_bits);
        Detection {
            bbox: BBox::new(x0, y0, x1, y1),
            score,
        }
    });
    let top = prop::collection::vec((any::<String>(), any_number()), 0..4);
    prop_oneof![
        prop::collection::vec(detection, 0..40).prop_map(Outcome::Boxes),
        (any::<String>(), any_number(), top).prop_map(|(text, confidence, top)| {
            Outcome::Answer(AnswerOutcome {
                text,
                confidence,
                top,
            })
        }),
        any_number().prop_map(Outcome::Score),
        any_number().prop_map(Outcome::Depth),
        any::<String>().prop_map(Outcome::Text),
    ]
}

/// Everything in an outcome, numbers by their bits.
fn bits(outcome: &Outcome) -> (Vec<u32>, Vec<&str>) {
    match outcome {
        Outcome::Boxes(found) => {
            let edges = |d: &Detection| [d.bbox.x0, d.bbox.y0, d.bbox.x1, d.bbox.y1, d.score];
            let numbers = found.iter().flat_map(edges).map(f32::to_bits);
            (numbers.collect(), vec!["boxes"])
        }
        Outcome::Answer(answer) => {
            let mut numbers = vec![answer.confidence.to_bits()];
            numbers.extend(answer.top.iter().map(|(_, p)| p.to_bits()));
            let mut texts = vec!["answer", answer.text.as_str()];
            texts.extend(answer.top.iter().map(|(text, _)| text.as_str()));
            (numbers, texts)
        }
        Outcome::Score(score) => (vec![score.to_bits()], vec!["score"]),
        Outcome::Depth(depth) => (vec![depth.to_bits()], vec!["depth"]),
        Outcome::Text(text) => (Vec::new(), vec!["text", text]),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_is_read_is_bit_for_bit_what_was_kept(
        outcomes in prop::collection::vec(any_outcome(), 1..30),
        again in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let entries: Vec<(OutcomeKey, Outcome)> = (0u64..)
            .map(|number| key(number % 2, number))
            .zip(outcomes)
            .collect();
        let cache = open(folder.path());
        prop_assert_eq!(cache.keep(&entries).unwrap(), entries.len());
        let cache = if again {
            drop(cache);
            open(folder.path())
        } else {
            cache
        };
        let keys: Vec<OutcomeKey> = entries.iter().rev().map(|(key, _)| *key).collect();
        let found = cache.look_up(&keys).unwrap();
        for ((_, kept), found) in entries.iter().rev().zip(&found.outcomes) {
            prop_assert_eq!(bits(found.as_ref().unwrap()), bits(kept));
        }
    }
}

#[test]
fn another_module_request_or_program_is_another_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    cache.keep(&[(key(1, 1), outcome(1))]).unwrap();
    let found = cache
        .look_up(&[key(2, 1), key(1, 2), key(1, 1), key(3, 3)])
        .unwrap();
    assert_eq!(found.outcomes, [None, None, Some(outcome(1)), None]);
    let other = CacheSettings {
        program: Digest::of(b"another program"),
        ..settings(CacheSettings::USUAL_BYTES)
    };
    let other = OutcomeFile::open(folder.path(), other).unwrap();
    assert_eq!(other.look_up(&[key(1, 1)]).unwrap().outcomes, [None]);
    other.keep(&[(key(1, 1), outcome(2))]).unwrap();
    let found = cache.look_up(&[key(1, 1)]).unwrap();
    assert_eq!(found.outcomes, [Some(outcome(1))]);
    let summary = cache_summary(folder.path()).unwrap();
    assert_eq!((summary.entries, summary.modules.len()), (2, 2));
    assert_eq!(summary.modules[0].fingerprint, digest("module", 1));
    assert_eq!(cache.look_up(&[]).unwrap().outcomes, []);
    assert_eq!(cache.keep(&[]).unwrap(), 0);
}

#[test]
fn the_file_stays_within_its_bound_and_the_newest_outcomes_stay() {
    let folder = tempfile::tempdir().unwrap();
    let cache = OutcomeFile::open(folder.path(), settings(2 * MEBIBYTE)).unwrap();
    let all = 60_000;
    for from in (0..all).step_by(500) {
        cache.keep(&numbered(from..from + 500)).unwrap();
        let size = std::fs::metadata(cache.path()).unwrap().len();
        assert!(size <= 2 * MEBIBYTE, "{size} bytes after {from}");
    }
    let summary = cache_summary(folder.path()).unwrap();
    assert!(summary.file_bytes <= 2 * MEBIBYTE, "{summary:?}");
    assert!(summary.used_bytes > MEBIBYTE, "room is used: {summary:?}");
    assert_eq!(summary.max_bytes, 2 * MEBIBYTE);
    assert_eq!(summary.entries + summary.evicted, all);
    let kept = summary.entries;
    assert!(kept > 5000, "{kept}");
    // Kept in the order in which they came: a block at the end, and nothing before.
    assert_eq!(there(&cache, all - kept..all) as u64, kept);
    assert_eq!(there(&cache, 0..all - kept), 0);
}

#[test]
fn what_is_used_stays_longer_than_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let cache = OutcomeFile::open(folder.path(), settings(MEBIBYTE)).unwrap();
    cache.keep(&numbered(0..4000)).unwrap();
    drop(cache);
    // Another process, another tick: the first thousand are used again.
    let cache = OutcomeFile::open(folder.path(), settings(MEBIBYTE)).unwrap();
    assert_eq!(there(&cache, 0..1000), 1000);
    let mut next = 4000;
    while cache_summary(folder.path()).unwrap().evicted < 2000 {
        cache.keep(&numbered(next..next + 100)).unwrap();
        next += 100;
        assert!(next < 40_000, "nothing ever went");
    }
    assert_eq!(there(&cache, 1000..3000), 0);
    assert_eq!(there(&cache, 0..1000), 1000, "used ones went first");
}

#[test]
fn a_smaller_bound_shrinks_the_file_and_a_huge_outcome_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    cache.keep(&numbered(0..40_000)).unwrap();
    drop(cache);
    let before = cache_summary(folder.path()).unwrap().file_bytes;
    assert!(before > 3 * MEBIBYTE);
    let cache = OutcomeFile::open(folder.path(), settings(MEBIBYTE)).unwrap();
    let after = cache_summary(folder.path()).unwrap();
    assert!(after.file_bytes <= MEBIBYTE, "{after:?}");
    assert!(after.entries > 1000 && after.entries + after.evicted == 40_000);

    let huge = Outcome::Text("x".repeat(200_000));
    let some = [(key(1, 1), huge), (key(1, 2), outcome(2))];
    assert_eq!(cache.keep(&some).unwrap(), 1);
    let found = cache.look_up(&[key(1, 1), key(1, 2)]).unwrap();
    assert_eq!(found.outcomes, [None, Some(outcome(2))]);

    // Many that are large, given at once, are written bit by bit.
    let large: Vec<(OutcomeKey, Outcome)> = (0..300)
        .map(|number| (key(9, number), Outcome::Text("y".repeat(20_000))))
        .collect();
    assert_eq!(cache.keep(&large).unwrap(), 300);
    assert!(cache_summary(folder.path()).unwrap().file_bytes <= MEBIBYTE);
    let error = OutcomeFile::open(folder.path(), settings(MEBIBYTE - 1)).err();
    assert!(
        matches!(error, Some(CacheError::TooSmall { .. })),
        "{error:?}"
    );
}

#[test]
fn hits_are_counted_by_module_over_all_processes() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    cache.keep(&numbered(0..30)).unwrap();
    drop(cache);
    for _ in 0..2 {
        let cache = open(folder.path());
        assert_eq!(there(&cache, 0..15), 15);
        assert_eq!(there(&cache, 100..110), 0);
    }
    let summary = cache_summary(folder.path()).unwrap();
    assert_eq!((summary.hits, summary.entries), (30, 30));
    let hits: Vec<u64> = summary.modules.iter().map(|module| module.hits).collect();
    assert_eq!(hits, [10, 10, 10]);
    assert!(summary.oldest_use <= summary.newest_use && summary.newest_use.is_some());
}
