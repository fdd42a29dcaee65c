//! Which questions to show.

/// Indices of up to `count` questions that show what changed, rising: half of them newly right,
/// then as many newly wrong, right both times and wrong both times as fit in equal parts; where
/// there are too few of one sort, others take their place, in the order of the exam. Scores are
/// those of the same questions before and after, in `[0, 1]`.
pub fn choose_examples(before: &[f64], after: &[f64], count: usize) -> Vec<usize> {
    let mut sorts: [Vec<usize>; 4] = Default::default();
    for (index, (before, after)) in before.iter().zip(after).enumerate() {
        let sort = match (before < after, before > after, *after >= 0.5) {
            (true, _, _) => 0,
            (_, true, _) => 1,
            (_, _, true) => 2,
            _ => 3,
        };
        if let Some(sort) = sorts.get_mut(sort) {
            sort.push(index);
        }
    }
    let half = count.div_ceil(2);
    let rest = (count - half).div_ceil(3);
    let mut chosen: Vec<usize> = Vec::new();
    for (sort, part) in sorts.iter().zip([half, rest, rest, rest]) {
        let room = count - chosen.len();
        chosen.extend(sort.iter().take(part.min(room)));
    }
    for index in sorts.iter().flatten() {
        if chosen.len() < count && !chosen.contains(index) {
            chosen.push(*index);
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sorts_are_shown_and_gains_most() {
        let before = [0.0, 1.0, 1.0, 0.0].repeat(10);
        let after = [1.0, 0.0, 1.0, 0.0].repeat(10);
        let chosen = choose_examples(&before, &after, 10);
        let sort = |which: usize| chosen.iter().filter(|&&i| i % 4 == which).count();
        assert_eq!([0, 1, 2, 3].map(sort), [5, 2, 2, 1]);
        assert!(chosen.is_sorted());
    }

    #[test]
    fn others_fill_the_place_of_what_is_rare() {
        assert_eq!(choose_examples(&[1.0; 20], &[1.0; 20], 10).len(), 10);
        assert_eq!(choose_examples(&[0.0, 1.0], &[0.0, 0.0], 10), [0, 1]);
        assert!(choose_examples(&[0.0], &[1.0], 0).is_empty());
    }
}
