use super::*;
use crate::benchmark::tests::write;
use crate::benchmark::{Benchmark, OpenOptions};
use std::path::Path;

fn benchmark(root: &Path, rows: impl Iterator<Item = usize>) -> Benchmark {
    let rows: Vec<String> = rows
        .map(|n| {
            format!(
                "q{n},a.png,What?,dog,{}\n",
                if n % 5 == 0 { "rare" } else { "usual" }
            )
        })
        .collect();
    write(
        root,
        "t.csv",
        format!("id,image,question,answer,type\n{}", rows.concat()),
    );
    Benchmark::open(root, &OpenOptions::default()).unwrap()
}

fn chosen(root: &Path, rows: impl Iterator<Item = usize>, rule: &str, seed: u64) -> Manifest {
    let benchmark = benchmark(root, rows);
    let part = benchmark.part(None).unwrap();
    choose(&benchmark, &[part], rule.parse().unwrap(), seed).unwrap()
}

#[test]
fn the_same_seed_chooses_the_same_whatever_the_order() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let first = chosen(root, 0..100, "per-type:12", 3);
    assert_eq!(first.ids.len(), 24);
    let rare = first
        .ids
        .iter()
        .filter(|id| id[1..].parse::<usize>().unwrap() % 5 == 0);
    assert_eq!(rare.count(), 12);
    assert_eq!(
        chosen(root, (0..100).rev(), "per-type:12", 3).ids,
        first.ids
    );
    assert_ne!(chosen(root, 0..100, "per-type:12", 4).ids, first.ids);
    // A smaller choice is part of a larger one.
    let fewer = chosen(root, 0..100, "per-type:4", 3);
    assert!(fewer.ids.iter().all(|id| first.ids.contains(id)));
    assert_eq!(chosen(root, 0..100, "30", 3).ids.len(), 30);
    assert_eq!(chosen(root, 0..100, "per-type:30", 3).ids.len(), 50);
    assert_eq!(chosen(root, 0..10, "30", 3).source.records, 10);
}

#[test]
fn statements_are_of_two_types() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..40)
        .map(|n| {
            let label = if n % 4 == 0 { "True" } else { "False" };
            format!("{{\"identifier\": \"dev-{n}-0-0\", \"sentence\": \"Dogs.\", \"label\": \"{label}\"}}\n")
        })
        .collect();
    write(dir.path(), "dev.json", lines.concat());
    let found = Benchmark::open(dir.path(), &OpenOptions::default()).unwrap();
    let part = found.part(None).unwrap();
    let chosen = choose(&found, &[part], Rule::PerType(5), 0).unwrap();
    assert_eq!(chosen.ids.len(), 10);
}

#[test]
fn a_manifest_reads_back_and_fits_only_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let manifest = chosen(root, 0..50, "10", 3);
    let path = root.join("manifest.out");
    manifest.write(&path).unwrap();
    assert_eq!(Manifest::read(&path).unwrap(), manifest);
    let same = benchmark(root, 0..50);
    assert_eq!(manifest.parts(&same).unwrap().len(), 1);
    let ids = || manifest.ids.iter().map(String::as_str);
    manifest.complete(ids()).unwrap();
    let error = manifest.complete(ids().skip(1)).unwrap_err().to_string();
    assert!(
        error.contains("1 of its questions are not in the files"),
        "{error}"
    );
    let error = manifest.complete(ids().chain(ids().take(2))).unwrap_err();
    assert!(
        error.to_string().contains("2 of its questions occur more"),
        "{error}"
    );

    let other = benchmark(root, 0..51);
    let error = manifest.parts(&other).unwrap_err().to_string();
    assert!(
        error.contains("of other files") && error.contains("expected t with digest"),
        "{error}"
    );
    std::fs::rename(root.join("t.csv"), root.join("u.csv")).unwrap();
    let renamed = Benchmark::open(root, &OpenOptions::default()).unwrap();
    let error = manifest.parts(&renamed).unwrap_err().to_string();
    assert!(error.contains("\"t\""), "{error}");
}

#[test]
fn wrong_manifests_and_rules_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let text = serde_json::to_string(&chosen(root, 0..9, "3", 0)).unwrap();
    let path = root.join("m");
    for (from, to, what) in [
        ("sdvp-subset-1", "sdvp-subset-9", "expected format"),
        ("\"rule\":\"3\"", "\"rule\":\"some\"", "per-type:NUMBER"),
        ("{", "[", "expected a manifest"),
    ] {
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = Manifest::read(&path).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest["ids"] = serde_json::json!(["a", "a"]);
    std::fs::write(&path, manifest.to_string()).unwrap();
    assert!(
        Manifest::read(&path)
            .unwrap_err()
            .to_string()
            .contains("\"a\" twice")
    );
    manifest["ids"] = serde_json::json!([]);
    std::fs::write(&path, manifest.to_string()).unwrap();
    assert!(
        Manifest::read(&path)
            .unwrap_err()
            .to_string()
            .contains("found none")
    );
    for rule in ["", "0", "per-type:", "per-type:0", "per-type:x", "-3"] {
        assert!(rule.parse::<Rule>().is_err(), "{rule}");
    }
    assert_eq!(
        "per-type:20".parse::<Rule>().unwrap().to_string(),
        "per-type:20"
    );

    // Ids that occur twice cannot be told apart.
    let twice = benchmark(root, (0..3).chain(0..3));
    let part = twice.part(None).unwrap();
    let error = choose(&twice, &[part], Rule::Of(9), 0).unwrap_err();
    assert!(error.to_string().contains("occur once"), "{error}");
}
