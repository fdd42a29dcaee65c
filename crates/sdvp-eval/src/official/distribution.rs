//! How far predicted answers are distributed otherwise than the right ones.

use std::collections::HashMap;

/// How often each answer is right, and how often it was predicted, group by group in the order in which
/// they first occurred: sums of fractions depend on it.
#[derive(Debug, Default)]
pub(super) struct Distribution {
    groups: Vec<Group>,
    places: HashMap<String, usize>,
}

#[derive(Debug, Default)]
struct Group {
    right: Vec<u64>,
    places: HashMap<String, usize>,
    predicted: HashMap<String, u64>,
}

impl Distribution {
    pub(super) fn add(&mut self, group: &str, right: &str, predicted: &str) {
        let place = *self.places.entry(group.to_owned()).or_insert_with(|| {
            self.groups.push(Group::default());
            self.groups.len() - 1
        });
        let Some(group) = self.groups.get_mut(place) else {
            return;
        };
        let place = *group.places.entry(right.to_owned()).or_insert_with(|| {
            group.right.push(0);
            group.right.len() - 1
        });
        if let Some(count) = group.right.get_mut(place) {
            *count += 1;
        }
        *group.predicted.entry(predicted.to_owned()).or_default() += 1;
    }

    /// The chi-square statistic of each group, weighed by its questions, over 100; none without groups.
    /// Answers that are never right in a group do not count.
    pub(super) fn chi_square(&self) -> Option<f64> {
        let (mut weighed, mut questions) = (0.0, 0);
        for group in &self.groups {
            let mut answers: Vec<(&usize, &String)> = group
                .places
                .iter()
                .map(|(answer, place)| (place, answer))
                .collect();
            answers.sort_unstable();
            let (mut score, mut overall) = (0.0, 0);
            for (expected, (_, answer)) in group.right.iter().zip(answers) {
                let observed = group.predicted.get(answer).copied().unwrap_or(0);
                let difference = observed as f64 - *expected as f64;
                score += difference.powi(2) / *expected as f64;
                overall += expected;
            }
            weighed += score * overall as f64;
            questions += overall;
        }
        (questions > 0).then(|| weighed / questions as f64 / 100.0)
    }
}
