//! The official metrics against `tools/official_metrics_golden.py`, on constructed predictions.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use sdvp_data::gqa::{self, Attention, Choices, GqaQuestion, SceneGraph};
use sdvp_data::{nlvr, nlvr2};
use sdvp_eval::official::{
    GqaScorer, GqaScores, NlvrScores, OfficialError, nlvr_pictures, nlvr_statements, vqa_normalized,
};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn golden() -> Value {
    serde_json::from_str(include_str!("official/golden.json")).unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

fn predictions(value: &Value) -> HashMap<String, String> {
    serde_json::from_value(value.clone()).unwrap()
}

fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(file);
    if path.exists() {
        Some(path)
    } else {
        println!("skipped: {} is not there", path.display());
        None
    }
}

/// The lines of a NLVR script.
fn lines(scores: Result<NlvrScores, OfficialError>) -> [String; 2] {
    let scores = scores.unwrap();
    [
        format!("accuracy={:?}", scores.accuracy),
        format!("consistency={:?}", scores.consistency),
    ]
}

fn assert_exact(scores: &GqaScores, exact: &Value) {
    for (metric, found) in [
        ("binary", Some(scores.binary)),
        ("open", Some(scores.open)),
        ("accuracy", Some(scores.accuracy)),
        ("consistency", scores.consistency),
        ("validity", scores.validity),
        ("plausibility", scores.plausibility),
        ("grounding", scores.grounding),
        ("distribution", scores.distribution),
    ] {
        if let Some(found) = found {
            let right = exact[metric].as_f64().unwrap();
            assert!((found - right).abs() < 1e-10, "{metric}: {found} {right}");
        }
    }
}

/// Constructed files of GQA, written and read.
struct Constructed {
    questions: Vec<GqaQuestion>,
    graphs: Vec<SceneGraph>,
    golden: Value,
}

impl Constructed {
    fn new() -> Self {
        let golden = golden()["constructed"]["gqa"].clone();
        let dir = tempfile::tempdir().unwrap();
        let write = |what: &str| {
            let path = dir.path().join(what);
            std::fs::write(&path, golden[what].to_string()).unwrap();
            path
        };
        Self {
            questions: gqa::read_questions(&write("questions")).unwrap(),
            graphs: gqa::read_scene_graphs(&write("scenes")).unwrap(),
            golden,
        }
    }

    fn choices(&self) -> Vec<Choices> {
        let all = self.golden["choices"].as_object().unwrap();
        all.iter()
            .map(|(id, choices)| Choices {
                question: id.clone(),
                valid: texts(&choices["valid"]),
                plausible: texts(&choices["plausible"]),
            })
            .collect()
    }

    fn scorer(&self, consistency: bool) -> GqaScorer {
        GqaScorer::new(predictions(&self.golden["predictions"]), consistency)
    }
}

#[test]
fn gqa_scores_constructed_files_as_the_script_does() {
    let files = Constructed::new();
    let mut scorer = files.scorer(true);
    for choices in files.choices() {
        scorer.add_choices(&choices);
    }
    for question in &files.questions {
        scorer.add(question).unwrap();
        let graph = files
            .graphs
            .iter()
            .find(|g| g.image_id == question.image_id);
        let attention = Attention {
            question: question.id.clone(),
            map: serde_json::from_value(files.golden["attentions"][&question.id].clone()).unwrap(),
        };
        scorer
            .add_attention(question, graph.unwrap(), &attention)
            .unwrap();
    }
    let scores = scorer.finish().unwrap();
    assert_eq!(scores.lines(), texts(&files.golden["all"]["lines"]));
    assert_exact(&scores, &files.golden["all"]["exact"]);

    // Without the other files, what needs them is left out and the rest is the same.
    let mut scorer = files.scorer(false);
    for question in &files.questions {
        scorer.add(question).unwrap();
    }
    let plain = scorer.finish().unwrap();
    assert_eq!(plain.lines(), texts(&files.golden["plain"]["lines"]));
}

#[test]
fn gqa_says_what_is_lacking() {
    let files = Constructed::new();
    let question = files.questions.iter().find(|q| q.is_balanced).unwrap();
    assert_eq!(
        GqaScorer::new(HashMap::new(), false).add(question),
        Err(OfficialError::NoPrediction {
            question: question.id.clone(),
            for_what: ""
        })
    );
    let kept_back = GqaQuestion {
        answer: None,
        ..question.clone()
    };
    let error = files.scorer(false).add(&kept_back).unwrap_err();
    assert!(matches!(error, OfficialError::NoAnswer { .. }));

    // One choice of many questions; one question that entails others; nothing at all.
    let mut scorer = files.scorer(false);
    scorer.add(question).unwrap();
    let others = files
        .choices()
        .into_iter()
        .filter(|c| c.question != question.id);
    for choices in others {
        scorer.add_choices(&choices);
    }
    assert!(matches!(
        scorer.finish(),
        Err(OfficialError::NoChoices { .. })
    ));
    let mut scorer = files.scorer(true);
    let followed = GqaQuestion {
        entailed: vec!["elsewhere".to_owned()],
        answer: Some(
            files.golden["predictions"][&question.id]
                .as_str()
                .unwrap()
                .to_owned(),
        ),
        ..question.clone()
    };
    scorer.add(&followed).unwrap();
    assert!(matches!(
        scorer.finish(),
        Err(OfficialError::NoEntailed { .. })
    ));
    assert_eq!(files.scorer(false).finish(), Err(OfficialError::Empty));

    let pointing = files
        .questions
        .iter()
        .find(|q| !q.annotations.is_empty() && q.is_balanced);
    let (mut scorer, mut graph) = (files.scorer(false), files.graphs[0].clone());
    graph.objects.clear();
    let attention = |map| Attention {
        question: String::new(),
        map,
    };
    for map in [vec![vec![1.0]], vec![vec![1.0], vec![0.0]], Vec::new()] {
        let error = scorer.add_attention(pointing.unwrap(), &graph, &attention(map));
        assert!(matches!(error, Err(OfficialError::NoGrounding { .. })));
    }
}

#[test]
fn gqa_scores_full_records_as_the_script_does() {
    let Some(path) = shared("gqa/full_records_50.json") else {
        return;
    };
    let mut questions = gqa::read_questions(&path).unwrap();
    let ids: Vec<String> = questions.iter().map(|q| q.id.clone()).collect();
    let answers: Vec<String> = questions
        .iter()
        .map(|q| q.answer.clone().unwrap())
        .collect();
    let n = questions.len();
    let answer = |i: usize| answers[i % n].clone();
    let predicted = |i: usize| if i % 3 == 1 { answer(i + 1) } else { answer(i) };
    let predictions = ids.iter().cloned().zip((0..n).map(predicted)).collect();
    let mut scorer = GqaScorer::new(predictions, true);
    for (i, question) in questions.iter_mut().enumerate() {
        question.entailed.retain(|entailed| ids.contains(entailed));
        question.entailed.push(ids[(i + 7) % n].clone());
        scorer.add_choices(&Choices {
            question: question.id.clone(),
            valid: vec![answer(i), answer(i + 1), answer(i + 2)],
            plausible: vec![answer(i), answer(i + 2)],
        });
        scorer.add(question).unwrap();
    }
    let (scores, golden) = (scorer.finish().unwrap(), golden());
    assert_eq!(scores.lines(), texts(&golden["shared"]["gqa"]["lines"]));
}

#[test]
fn nlvr_and_nlvr2_score_constructed_labels_as_the_scripts_do() {
    let golden = &golden()["constructed"];
    let labels = |value: &Value| -> Vec<(String, bool)> {
        let labels = value["labels"].as_object().unwrap().iter();
        labels
            .map(|(id, label)| (id.clone(), label.as_bool().unwrap()))
            .collect()
    };
    let pairs = labels(&golden["nlvr2"]);
    let of_pairs = predictions(&golden["nlvr2"]["predictions"]);
    let items = |labels: &'static [(String, bool)]| labels.iter().map(|(id, l)| (id.as_str(), *l));
    let pairs: &'static [(String, bool)] = pairs.leak();
    assert_eq!(
        lines(sdvp_eval::official::nlvr2(items(pairs), &of_pairs)).to_vec(),
        texts(&golden["nlvr2"]["lines"])
    );
    let boxes: &'static [(String, bool)] = labels(&golden["nlvr"]).leak();
    let of_boxes = predictions(&golden["nlvr"]["predictions"]);
    assert_eq!(
        lines(nlvr_statements(items(boxes), &of_boxes)).to_vec(),
        texts(&golden["nlvr"]["statements"])
    );
    assert_eq!(
        lines(nlvr_pictures(items(boxes), &of_boxes)).to_vec(),
        texts(&golden["nlvr"]["pictures"])
    );
    assert!(matches!(
        nlvr_pictures([("9999-0", true)], &of_boxes),
        Err(OfficialError::NoPrediction { .. })
    ));
    assert!(matches!(
        sdvp_eval::official::nlvr2([("dev-1", true)], &of_pairs),
        Err(OfficialError::Identifier { .. })
    ));
    assert_eq!(nlvr_statements([], &of_boxes), Err(OfficialError::Empty));
}

#[test]
fn nlvr_and_nlvr2_score_the_development_splits_as_the_scripts_do() {
    let golden = &golden()["shared"];
    let word =
        |right: bool, label: bool| (if right == label { "True" } else { "False" }).to_owned();
    if let Some(path) = shared("nlvr2/dev.json") {
        let statements = nlvr2::read_statements(&path).unwrap();
        let numbered = statements.iter().enumerate();
        let predictions = numbered
            .map(|(n, s)| (s.identifier.clone(), word(n % 5 != 2, s.label.unwrap())))
            .collect();
        let labels = statements
            .iter()
            .map(|s| (s.identifier.as_str(), s.label.unwrap()));
        let scores = sdvp_eval::official::nlvr2(labels, &predictions);
        assert_eq!(scores.as_ref().unwrap().sentences, 2018);
        assert_eq!(lines(scores).to_vec(), texts(&golden["nlvr2"]));
    }
    if let Some(path) = shared("nlvr/dev.jsonl") {
        let statements = nlvr::read_statements(&path).unwrap();
        let labels = || {
            statements
                .iter()
                .map(|s| (s.identifier.as_str(), s.label.unwrap()))
        };
        let numbered = || labels().enumerate();
        let predictions = numbered()
            .map(|(n, (id, label))| (id.to_owned(), word(n % 11 != 4, label)))
            .collect();
        let scores = nlvr_statements(labels(), &predictions);
        assert_eq!(lines(scores).to_vec(), texts(&golden["nlvr_statements"]));
        let predictions = numbered()
            .flat_map(|(n, (id, label))| {
                (0..6).map(move |k| (format!("{id}-{k}"), word((n * 6 + k) % 17 != 3, label)))
            })
            .collect();
        let scores = nlvr_pictures(labels(), &predictions);
        assert_eq!(lines(scores).to_vec(), texts(&golden["nlvr_pictures"]));
    }
}

#[test]
fn answers_are_rewritten_as_the_vqa_evaluation_does() {
    for pair in golden()["constructed"]["vqa"].as_array().unwrap() {
        let [answer, right] = [&pair[0], &pair[1]].map(|text| text.as_str().unwrap());
        assert_eq!(vqa_normalized(answer), right, "{answer:?}");
    }
}
