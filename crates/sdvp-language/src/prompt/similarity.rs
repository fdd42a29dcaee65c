//! How alike questions are: the cosine of their words and pairs of words, weighted by how rare they
//! are among the questions that are compared with.

use std::collections::{BTreeMap, BTreeSet};

/// The words of a text, lower-case, and its pairs of neighbours.
fn terms(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    words
        .iter()
        .map(|&word| word.to_owned())
        .chain(pairs)
        .collect()
}

/// How alike `question` is to each of `others`, in `[0, 1]`. Ordered maps keep sums the same from run
/// to run.
pub(super) fn similarities(question: &str, others: &[&str]) -> Vec<f64> {
    let others: Vec<Vec<String>> = others.iter().map(|text| terms(text)).collect();
    let mut containing: BTreeMap<&str, usize> = BTreeMap::new();
    for other in &others {
        for term in other.iter().map(String::as_str).collect::<BTreeSet<_>>() {
            *containing.entry(term).or_default() += 1;
        }
    }
    let count = others.len() as f64;
    // Of scikit-learn's form, so that a term of all texts still counts.
    let rarity = |term: &str| {
        let texts = containing.get(term).copied().unwrap_or(0) as f64;
        ((1.0 + count) / (1.0 + texts)).ln() + 1.0
    };
    let vector = |terms: &[String]| {
        let mut vector: BTreeMap<String, f64> = BTreeMap::new();
        for term in terms {
            *vector.entry(term.clone()).or_default() += rarity(term);
        }
        vector
    };
    let norm = |vector: &BTreeMap<String, f64>| vector.values().map(|w| w * w).sum::<f64>().sqrt();
    let asked = vector(&terms(question));
    others
        .iter()
        .map(|other| {
            let other = vector(other);
            let product: f64 = asked
                .iter()
                .filter_map(|(term, weight)| Some(weight * other.get(term)?))
                .sum();
            let norms = norm(&asked) * norm(&other);
            if norms > 0.0 { product / norms } else { 0.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_alike_and_rare_ones_count_more() {
        let others = [
            "Is there a dog?",
            "is THERE a dog",
            "Is there a cat?",
            "Where is the xylophone?",
            "",
        ];
        let alike = similarities("Is there a dog?", &others);
        assert!((alike[0] - 1.0).abs() < 1e-12 && (alike[1] - 1.0).abs() < 1e-12);
        assert!(alike[2] > alike[3] && alike[2] < 1.0);
        assert_eq!(alike[4], 0.0);
        let alike = similarities("Is it a xylophone?", &others);
        assert!(alike[3] > alike[0], "{alike:?}");
        assert_eq!(similarities("", &others), [0.0; 5]);
    }

    #[test]
    fn it_is_the_cosine_of_the_formula() {
        // Two texts; "a" is in both, "b", "c", "a b" and "a c" in one each.
        let found = similarities("a b", &["a b", "a c"]);
        let (both, one) = (1.0f64, (3.0f64 / 2.0).ln() + 1.0);
        let norm = (both * both + 2.0 * one * one).sqrt();
        assert!((found[1] - both * both / (norm * norm)).abs() < 1e-12);
    }
}
