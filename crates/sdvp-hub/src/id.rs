//! Names on the hub. They become parts of paths and of addresses, so nothing but what the hub allows
//! in them gets through.

use crate::error::{HubError, Result};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The greatest length of a name of a repository, as the hub has it.
const LONGEST_NAME: usize = 96;
/// The greatest length of a branch's or tag's name.
const LONGEST_REVISION: usize = 200;

/// A model's repository: `org/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepositoryId(String);

impl RepositoryId {
    /// `org/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The repository's folder in the cache.
    pub(crate) fn folder(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }

    /// The repository whose folder in the cache has this name, if it is one of a model.
    pub(crate) fn of_folder(name: &str) -> Option<Self> {
        let (org, name) = name.strip_prefix("models--")?.split_once("--")?;
        format!("{org}/{name}").parse().ok()
    }
}

/// Letters, digits and what joins them.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn name_error(found: &str, reason: &'static str) -> HubError {
    HubError::Name {
        found: found.to_owned(),
        reason,
    }
}

impl FromStr for RepositoryId {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |reason| Err(name_error(text, reason));
        if text.len() > LONGEST_NAME {
            return wrong("a name has at most 96 characters");
        }
        let Some((org, name)) = text.split_once('/') else {
            return wrong("an organisation and a name are joined by one slash");
        };
        for part in [org, name] {
            if part.is_empty() || !is_plain(part) {
                return wrong("either part has letters, digits, '.', '_' and '-'");
            }
            let ends = ['.', '-'];
            if part.starts_with(ends) || part.ends_with(ends) {
                return wrong("neither part begins or ends with '.' or '-'");
            }
            if part.contains("--") || part.contains("..") {
                return wrong("'--' and '..' are in no name");
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RepositoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A branch, a tag, a pull request (`refs/pr/3`) or a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// What is meant where none is said.
    pub const USUAL: &str = "main";

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The commit, if it is said by its whole digest.
    pub(crate) fn commit(&self) -> Option<Commit> {
        Commit::parse(&self.0)
    }
}

impl Default for Revision {
    fn default() -> Self {
        Self(Self::USUAL.to_owned())
    }
}

impl FromStr for Revision {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self> {
        let is_part = |part: &str| !part.is_empty() && is_plain(part) && !part.starts_with('.');
        if text.len() > LONGEST_REVISION || text.contains("..") || !text.split('/').all(is_part) {
            return Err(name_error(
                text,
                "a revision is a branch, a tag, refs/pr/N or a commit",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A commit by its whole digest: 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Commit(String);

impl Commit {
    /// A commit's digest, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 40 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `org/name`, or `org/name@revision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId {
    /// Whose it is and what it is called.
    pub repository: RepositoryId,
    /// Which state of it.
    pub revision: Revision,
}

impl FromStr for ModelId {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self> {
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, revision.parse()?),
            None => (text, Revision::default()),
        };
        Ok(Self {
            repository: repository.parse()?,
            revision,
        })
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        if self.revision == Revision::default() {
            return Ok(());
        }
        write!(f, "@{}", self.revision.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for (text, repository, revision) in [
            (
                "google/owlvit-base-patch32",
                "google/owlvit-base-patch32",
                "main",
            ),
            ("a/b@v1.0", "a/b", "v1.0"),
            ("a/b.c_D-e@refs/pr/3", "a/b.c_D-e", "refs/pr/3"),
        ] {
            let id: ModelId = text.parse().unwrap();
            assert_eq!(id.repository.as_str(), repository);
            assert_eq!(id.revision.as_str(), revision);
            assert_eq!(id.to_string(), text);
        }
        let id: ModelId = "a/b@main".parse().unwrap();
        assert_eq!(id.to_string(), "a/b");
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_name() {
        for text in [
            "",
            "a",
            "/a",
            "a/",
            "a/b/c",
            "../b",
            "a/..",
            "a/b--c",
            ".a/b",
            "a/b\\c",
            "a/b c",
            "ä/b",
            "a/b@",
            "a/b@../x",
            "a/b@x/../y",
            "a/b@/x",
            "a/b@x y",
            "a/b@.x",
            "a/-b",
            "a/b?c",
        ] {
            let error = text.parse::<ModelId>().unwrap_err().to_string();
            assert!(error.starts_with("expected org/name"), "{text}: {error}");
        }
        let long = format!("a/{}", "b".repeat(95));
        assert!(long.parse::<ModelId>().is_err());
    }

    #[test]
    fn folders_of_the_cache_and_names_are_one_to_one() {
        let id: RepositoryId = "google/owlvit-base_patch.32".parse().unwrap();
        assert_eq!(id.folder(), "models--google--owlvit-base_patch.32");
        assert_eq!(RepositoryId::of_folder(&id.folder()), Some(id));
        for other in [
            "datasets--a--b",
            "models--gpt2",
            "models--a--b--c",
            "models",
            ".locks",
        ] {
            assert_eq!(RepositoryId::of_folder(other), None, "{other}");
        }
    }

    #[test]
    fn only_whole_digests_are_commits() {
        let digits = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(Commit::parse(digits).unwrap().as_str(), digits);
        assert!(Commit::parse(&digits[1..]).is_none());
        assert!(Commit::parse(&digits.replace('a', "g")).is_none());
        assert!(Commit::parse(&digits.replace('a', "/")).is_none());
    }
}
