//! What is run: whatever of it differs makes another run.

use sdvp_core::{Digest, Hasher};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What is run. Two runs of equal configurations answer equally, so one can go on where another was
/// broken off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Versions of programs, by name.
    pub versions: BTreeMap<String, String>,
    /// Fingerprints of what answers sub-tasks, by what it is asked for.
    pub weights: BTreeMap<String, Digest>,
    /// Digest of the questions with their programs and right answers.
    pub data: Digest,
    /// Digest of the pictures that the questions are about, where they are files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Digest>,
    /// Seed of everything random.
    pub seed: u64,
    /// Whatever else was chosen, as JSON.
    pub settings: BTreeMap<String, Value>,
}

/// A key on which two configurations differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The key, `settings.limit` for example.
    pub key: String,
    /// What the first says, as JSON, if it says anything.
    pub first: Option<String>,
    /// What the second says.
    pub second: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        let (key, first, second) = (&self.key, side(&self.first), side(&self.second));
        write!(f, "{key} is {first} there and {second} here")
    }
}

impl Configuration {
    /// Identity: independent of the order in which anything is listed.
    pub fn digest(&self) -> Digest {
        let hasher = Hasher::new("configuration");
        let parts = self.leaves().into_iter();
        let hashed = parts.fold(hasher, |hasher, (key, value)| {
            hasher.part(key.as_bytes()).part(value.as_bytes())
        });
        hashed.finish()
    }

    /// The keys on which `other` says something else, in alphabetical order.
    pub fn differences(&self, other: &Configuration) -> Vec<Difference> {
        let (mine, theirs) = (self.leaves(), other.leaves());
        let mut keys: Vec<&String> = mine.keys().chain(theirs.keys()).collect();
        keys.sort();
        keys.dedup();
        let differing = keys
            .into_iter()
            .filter(|key| mine.get(*key) != theirs.get(*key));
        differing
            .map(|key| Difference {
                key: key.clone(),
                first: mine.get(key).cloned(),
                second: theirs.get(key).cloned(),
            })
            .collect()
    }

    /// Every value that is no object, as JSON, by the path of keys that leads to it.
    fn leaves(&self) -> BTreeMap<String, String> {
        let mut leaves = BTreeMap::new();
        for (name, version) in &self.versions {
            leaf(
                format!("versions.{name}"),
                &version.as_str().into(),
                &mut leaves,
            );
        }
        for (name, weights) in &self.weights {
            leaf(
                format!("weights.{name}"),
                &weights.to_string().into(),
                &mut leaves,
            );
        }
        leaf(
            "data".to_owned(),
            &self.data.to_string().into(),
            &mut leaves,
        );
        if let Some(pictures) = &self.pictures {
            leaf(
                "pictures".to_owned(),
                &pictures.to_string().into(),
                &mut leaves,
            );
        }
        leaf("seed".to_owned(), &self.seed.into(), &mut leaves);
        for (name, value) in &self.settings {
            leaf(format!("settings.{name}"), value, &mut leaves);
        }
        leaves
    }
}

fn leaf(path: String, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                leaf(format!("{path}.{name}"), value, leaves);
            }
        }
        value => {
            leaves.insert(path, value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn configuration(settings: &[(&str, Value)]) -> Configuration {
        let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
        Configuration {
            versions: BTreeMap::from([("sdvp".to_owned(), "0.1.0".to_owned())]),
            weights: BTreeMap::from([("locate".to_owned(), Digest::of(b"weights"))]),
            data: Digest::of(b"data"),
            pictures: None,
            seed: u64::MAX,
            settings: settings.collect(),
        }
    }

    #[test]
    fn the_order_of_keys_is_of_no_matter_and_every_value_is() {
        let one = configuration(&[
            ("batch", json!({"size": 8, "in_flight": 64})),
            ("a", json!(1)),
        ]);
        let two = configuration(&[
            ("a", json!(1)),
            ("batch", json!({"in_flight": 64, "size": 8})),
        ]);
        assert_eq!(one.digest(), two.digest());
        assert!(one.differences(&two).is_empty());

        let other = configuration(&[("a", json!("1")), ("batch", json!({"size": 9}))]);
        assert_ne!(one.digest(), other.digest());
        let differing: Vec<String> = one
            .differences(&other)
            .iter()
            .map(Difference::to_string)
            .collect();
        assert_eq!(
            differing,
            [
                "settings.a is 1 there and \"1\" here",
                "settings.batch.in_flight is 64 there and nothing here",
                "settings.batch.size is 8 there and 9 here",
            ]
        );
        let mut weights = one.clone();
        weights
            .weights
            .insert("locate".to_owned(), Digest::of(b"others"));
        weights.seed = 0;
        let keys: Vec<String> = one
            .differences(&weights)
            .into_iter()
            .map(|d| d.key)
            .collect();
        assert_eq!(keys, ["seed", "weights.locate"]);
    }

    #[test]
    fn other_pictures_make_another_run_and_those_of_old_runs_are_unknown() {
        let old = configuration(&[]);
        let [one, two] = [b"one", b"two"].map(|pixels| Configuration {
            pictures: Some(Digest::of(pixels)),
            ..old.clone()
        });
        for (first, second) in [(&one, &two), (&old, &two)] {
            assert_ne!(first.digest(), second.digest());
            let keys: Vec<String> = first
                .differences(second)
                .into_iter()
                .map(|d| d.key)
                .collect();
            assert_eq!(keys, ["pictures"]);
        }
        // As versions before this one wrote it.
        let text = serde_json::to_string(&old).unwrap();
        assert!(!text.contains("pictures"), "{text}");
        assert_eq!(serde_json::from_str::<Configuration>(&text).unwrap(), old);
    }

    #[test]
    fn it_is_read_again_as_it_was_written() {
        let one = configuration(&[("subset", Value::Null), ("limit", json!(200))]);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Configuration>(&text).unwrap(), one);
    }
}
