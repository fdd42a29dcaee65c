//! NLVR's development split, answered by someone who sees what the records say is there: all six
//! pictures of every statement, with programs that a language model wrote.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use sdvp_core::{
    AnswerOutcome, DecodeLimits, Digest, Hasher, Image, Module, ModuleError, Outcome, SubTask,
    SubTaskKind,
};
use sdvp_data::Benchmark;
use sdvp_data::benchmark::{OpenOptions, programs_of};
use sdvp_data::nlvr::{NlvrItem, PANEL_STEP, PANEL_WIDTH, PanelOrder, read_statements};
use sdvp_eval::{ExamItem, evaluate};
use sdvp_program::Program;
use sdvp_program::visprog::{VisProgProgram, VisProgSettings};
use sdvp_runtime::Settings;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// Something touches an edge that is at most so many pixels away.
const TOUCHING: f64 = 1.0;
/// It nearly touches one that is at most so many away.
const NEARLY: f64 = 8.0;

fn color(item: &NlvrItem) -> &'static str {
    match item.color.as_str() {
        "Yellow" => "yellow",
        "Black" => "black",
        "#0099ff" => "blue",
        other => panic!("{other}"),
    }
}

fn size(item: &NlvrItem) -> &'static str {
    match item.size as u32 {
        10 => "small",
        20 => "medium",
        _ => "big",
    }
}

/// How far an item is from the left, right, upper and lower edge.
fn distances(item: &NlvrItem) -> [f64; 4] {
    let side = f64::from(PANEL_WIDTH);
    let [right, bottom] = [item.x, item.y].map(|at| side - at - item.size);
    [item.x, right, item.y, bottom]
}

fn touches(item: &NlvrItem, what: &str) -> bool {
    let [left, right, top, bottom] = distances(item).map(|far| far <= TOUCHING);
    match what {
        "wall" => left || right || top || bottom,
        "corner" => (left || right) && (top || bottom),
        "right wall" => right,
        "bottom" => bottom,
        other => panic!("{other}"),
    }
}

/// The items that a description means: "medium or big yellow circles not touching the wall".
fn meant<'a>(description: &str, items: &'a [NlvrItem]) -> Vec<&'a NlvrItem> {
    let (what, edge) = match description.split_once(" touching the ") {
        Some((what, edge)) => (what, Some(edge)),
        None => (description, None),
    };
    let words: Vec<&str> = what.split(' ').collect();
    let among = |known: [&str; 3]| -> Vec<&str> {
        let words = words.iter().copied();
        words.filter(|word| known.contains(word)).collect()
    };
    let (sizes, colors) = (
        among(["small", "medium", "big"]),
        among(["yellow", "black", "blue"]),
    );
    let shapes: Vec<&str> = words
        .iter()
        .map(|word| word.trim_end_matches('s'))
        .filter(|word| ["square", "circle", "triangle"].contains(word))
        .collect();
    let is_meant = |item: &&NlvrItem| {
        let edge = edge.is_none_or(|edge| match words.last() {
            Some(&"not") => !touches(item, edge),
            Some(&"nearly") => {
                let far = distances(item);
                far.iter().any(|far| (0.0..=NEARLY).contains(far)) && !touches(item, edge)
            }
            _ => touches(item, edge),
        });
        let is_one = |of: &[&str], it: &str| of.is_empty() || of.contains(&it);
        edge && is_one(&sizes, size(item))
            && is_one(&colors, color(item))
            && is_one(&shapes, &item.shape)
    };
    items.iter().filter(is_meant).collect()
}

fn without_article(text: &str) -> &str {
    text.strip_prefix("a ")
        .or_else(|| text.strip_prefix("an "))
        .unwrap_or(text)
}

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

/// From the upper one down, or from the lower one up.
fn in_order<'a>(mut items: Vec<&'a NlvrItem>, from: &str) -> Vec<&'a NlvrItem> {
    items.sort_by(|a, b| a.y.total_cmp(&b.y));
    if from == "base" {
        items.reverse();
    }
    items
}

/// Whether an item lies on another with nothing between them.
fn lies_on(item: &NlvrItem, items: &[NlvrItem], others: &[&NlvrItem]) -> bool {
    let below = items
        .iter()
        .filter(|other| other.y > item.y && (other.x - item.x).abs() < item.size.max(other.size));
    let next = below.min_by(|a, b| a.y.total_cmp(&b.y));
    next.is_some_and(|next| others.iter().any(|other| std::ptr::eq(*other, next)))
}

fn answer(question: &str, items: &[NlvrItem]) -> String {
    let question = question.trim_end_matches('?');
    if question == "How many different colors are there" {
        let colors: std::collections::BTreeSet<&str> = items.iter().map(color).collect();
        return colors.len().to_string();
    }
    if let Some(rest) = question.strip_prefix("How many ") {
        let what = rest.strip_suffix(" are there").unwrap();
        return meant(what, items).len().to_string();
    }
    if let Some(rest) = question.strip_prefix("Are all ") {
        let (_, wanted) = rest.split_once(' ').unwrap();
        return yes(items.iter().all(|item| color(item) == wanted));
    }
    if let Some(rest) = question.strip_prefix("What color is the ") {
        let words: Vec<&str> = rest.split(' ').collect();
        let [ordinal, what, "from", "the", from] = words.as_slice() else {
            panic!("{question}");
        };
        let ordinals = ["first", "second", "third"];
        let at = ordinals.iter().position(|it| it == ordinal).unwrap();
        let found = in_order(meant(what, items), from);
        return found.get(at).map_or("none", |item| color(item)).to_owned();
    }
    if let Some(rest) = question.strip_prefix("Is the ") {
        let words: Vec<&str> = rest.split(' ').collect();
        let [what, "at", "the", from, wanted] = words.as_slice() else {
            panic!("{question}");
        };
        let found = in_order(meant(what, items), from);
        return yes(found.first().is_some_and(|item| color(item) == *wanted));
    }
    let rest = without_article(question.strip_prefix("Is there ").unwrap());
    for (between, on) in [(" directly above ", true), (" above ", false)] {
        if let Some((upper, lower)) = rest.split_once(between) {
            let (upper, lower) = (meant(upper, items), meant(without_article(lower), items));
            let above = |item: &&NlvrItem| match on {
                true => lies_on(item, items, &lower),
                false => lower.iter().any(|other| item.y < other.y),
            };
            return yes(upper.iter().any(above));
        }
    }
    yes(!meant(rest, items).is_empty())
}

/// Knows what is in each box by its pixels.
struct Perfect(HashMap<Digest, Vec<NlvrItem>>);

impl Module for Perfect {
    fn name(&self) -> &str {
        "perfect perception"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Answer]
    }

    fn fingerprint(&self) -> Digest {
        Hasher::new("perfect perception").finish()
    }

    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
        let said = |task: &SubTask| {
            let text = answer(&task.text, &self.0[&task.view.image().digest()]);
            let top = vec![(text.clone(), 1.0)];
            Ok(Outcome::Answer(AnswerOutcome {
                text,
                confidence: 1.0,
                top,
            }))
        };
        batch.iter().map(said).collect()
    }
}

/// In an order of its own: a record lists the items of equal boxes in any.
fn sorted(items: &[NlvrItem]) -> Vec<NlvrItem> {
    let mut items = items.to_vec();
    items.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x)));
    items
}

#[test]
fn statements_are_judged_alike_whatever_the_order_of_their_boxes() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/nlvr");
    if !shared.exists() {
        println!("skipped: {} is not there", shared.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let archive = std::fs::File::open(shared.join("dev-images.tar")).unwrap();
    tar::Archive::new(archive)
        .unpack(root.join("images"))
        .unwrap();
    for file in ["dev.jsonl", "dev_programs.jsonl"] {
        std::fs::copy(shared.join(file), root.join(file)).unwrap();
    }
    let benchmark = Benchmark::open(root, &OpenOptions::default()).unwrap();
    let programs = programs_of(&benchmark, None).unwrap();
    let part = benchmark.part(None).unwrap();
    let records = benchmark.records(part, &programs, usize::MAX, |_| true);
    let records = records.unwrap();
    assert_eq!(records.len(), 6 * 989);

    // What each picture shows where, by the file's own number of its order.
    let statements = read_statements(&root.join("dev.jsonl")).unwrap();
    let boxes: HashMap<&str, _> = statements
        .iter()
        .map(|it| (it.identifier.as_str(), it.boxes.as_ref().unwrap()))
        .collect();
    let mut known: HashMap<Digest, Vec<NlvrItem>> = HashMap::new();
    for record in &records {
        let (identifier, number) = record.id.rsplit_once('-').unwrap();
        let order = PanelOrder::new(number.parse().unwrap()).unwrap();
        let picture = Image::open(&record.images[0], &DecodeLimits::default()).unwrap();
        for (place, shown) in (0..).zip(order.shown()) {
            let panel = image::imageops::crop_imm(
                picture.rgb(),
                place * PANEL_STEP,
                0,
                PANEL_WIDTH,
                PANEL_WIDTH,
            );
            let digest = Image::new(panel.to_image()).unwrap().digest();
            let items = sorted(&boxes[identifier][shown]);
            let before = known.entry(digest).or_insert_with(|| items.clone());
            assert_eq!(*before, items, "{}, place {place}", record.id);
        }
    }

    let settings = VisProgSettings::default();
    let items: Vec<ExamItem> = records
        .into_iter()
        .map(|record| {
            let program = VisProgProgram::parse(record.program.as_ref().unwrap(), &settings);
            let record = Arc::new(record);
            ExamItem {
                id: record.id.clone(),
                question: record.text.clone(),
                kind: String::new(),
                program: Ok(Arc::new(program.unwrap()) as Arc<dyn Program>),
                gold: record.gold.clone(),
                inputs: Arc::new(move || {
                    let inputs = record.inputs(&DecodeLimits::default());
                    inputs.map_err(|error| error.to_string())
                }),
            }
        })
        .collect();
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(Perfect(known))];
    let done = evaluate(&items, modules, &Settings::default(), |_| false, |_| ()).unwrap();

    let mut of_order = BTreeMap::new();
    let mut of_sentence: BTreeMap<&str, bool> = BTreeMap::new();
    let mut of_statement: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for ((item, score), said) in items.iter().zip(&done.scores).zip(&done.answers) {
        let (identifier, order) = item.id.rsplit_once('-').unwrap();
        *of_order.entry(order).or_insert(0.0) += score;
        *of_sentence.entry(&item.question).or_insert(true) &= *score == 1.0;
        let said = said.as_deref().unwrap();
        of_statement.entry(identifier).or_default().push(said);
    }
    assert!(
        of_order.values().all(|right| *right == 983.0),
        "{of_order:?}"
    );
    assert_eq!(of_order.len(), 6);
    let entirely = of_sentence.values().filter(|right| **right).count();
    assert_eq!((entirely, of_sentence.len()), (243, 249));
    for (identifier, said) in of_statement {
        assert!(
            said.iter().all(|one| *one == said[0]),
            "{identifier}: {said:?}"
        );
    }
}
