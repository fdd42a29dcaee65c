use super::*;
use std::path::Path;

fn run(folder: &Path, configuration: &Configuration, questions: &[QuestionRecord]) -> RunReader {
    let mut writer = RunWriter::open_or_create(folder, configuration).unwrap();
    writer.record(questions).unwrap();
    drop(writer);
    RunReader::open(folder).unwrap()
}

#[test]
fn two_runs_differ_where_they_do_and_in_the_step_where_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let questions: Vec<QuestionRecord> = (0..6).map(question).collect();
    let first = run(&folder.path().join("a"), &configuration(), &questions);

    // 0 becomes wrong by another answer, 1 right by another box, 3 asks once more, 5 is not asked.
    let mut changed = questions.clone();
    changed[0].score = 0.0;
    changed[0].sub_tasks[1].outcome = Some(Outcome::Answer(AnswerOutcome::certain("blue")));
    changed[1].score = 1.0;
    changed[1].sub_tasks[0].outcome = Some(Outcome::Boxes(Vec::new()));
    changed[1].sub_tasks[1].region = Region::new(0, 0, 2, 2).unwrap();
    let more = changed[3].sub_tasks[0].clone();
    changed[3].sub_tasks.push(more);
    changed[3].program = Some("another".to_owned());
    // Neither speed nor who answered makes another trace.
    changed[2].sub_tasks[0].micros = 77;
    changed[2].sub_tasks[0].source = Source::Shared;
    changed[5] = QuestionRecord {
        number: 9,
        ..question(7)
    };
    let mut other = configuration();
    other.seed = 8;
    let second = run(&folder.path().join("b"), &other, &changed);
    // The same, but of other data: known by their ids.
    other.data = Digest::of(b"other questions");
    let numbered = changed.iter().zip([17, 3, 9, 2, 11, 1]);
    let elsewhere: Vec<QuestionRecord> = numbered
        .map(|(record, number)| QuestionRecord {
            number,
            ..record.clone()
        })
        .collect();
    let third = run(&folder.path().join("c"), &other, &elsewhere);

    let found = compare(&first, &second, 10).unwrap();
    let by_id = compare(&first, &third, 10).unwrap();
    assert_eq!(by_id.configuration[0].key, "data");
    let mut same = by_id.clone();
    same.configuration = found.configuration.clone();
    for (step, by_number) in same.steps.iter_mut().zip(&found.steps) {
        let second = step.second.as_mut().unwrap();
        second.question = by_number.second.as_ref().unwrap().question;
    }
    assert_eq!(same, found);
    assert_eq!(
        (found.common, found.only_first, found.only_second),
        (5, 1, 1)
    );
    assert_eq!(
        (found.newly_right.as_slice(), found.newly_wrong.as_slice()),
        (&["q00001".to_owned()][..], &["q00000".to_owned()][..])
    );
    assert_eq!((found.both_right, found.both_wrong), (1, 2));
    assert_eq!(
        (found.other_traces, found.other_programs, found.reworded),
        (3, 1, 0)
    );
    assert_eq!((found.first_score, found.second_score), (0.4, 0.4));
    assert_eq!(found.configuration[0].key, "seed");
    let steps: Vec<_> = found
        .steps
        .iter()
        .map(|s| (s.id.as_str(), s.place, s.what.as_slice()))
        .collect();
    assert_eq!(
        steps,
        [
            ("q00000", 1, &["outcome"][..]),
            ("q00001", 0, &["outcome"]),
            ("q00003", 2, &["end"]),
        ]
    );
    assert!(found.steps[2].first.is_none());
    assert_eq!(found.steps[2].second.as_ref().unwrap().text, "hat");

    let few = compare(&first, &second, 1).unwrap();
    assert_eq!((few.steps.len(), few.other_traces), (1, 3));
    let same = compare(&first, &first, 10).unwrap();
    assert_eq!(
        (
            same.common,
            same.other_traces,
            same.both_right,
            same.both_wrong
        ),
        (6, 0, 2, 4)
    );
}

#[test]
fn questions_of_one_name_are_compared_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let twice = |scores: [f64; 2]| -> Vec<QuestionRecord> {
        let each = (0..2u32).zip(scores);
        each.map(|(number, score)| QuestionRecord {
            id: "same".to_owned(),
            score,
            ..question(number)
        })
        .collect()
    };
    let first = run(
        &folder.path().join("a"),
        &configuration(),
        &twice([0.0, 1.0]),
    );
    let mut other = configuration();
    other.data = Digest::of(b"other questions");
    let second = run(&folder.path().join("b"), &other, &twice([0.0, 0.0]));
    let found = compare(&first, &second, 0).unwrap();
    assert_eq!(
        (found.common, found.both_wrong, found.newly_wrong.len()),
        (2, 1, 1)
    );
    assert!(found.newly_right.is_empty() && found.reworded == 0);
}
