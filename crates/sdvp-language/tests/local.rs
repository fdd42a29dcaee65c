//! Models in files: a tiny random one in every run, and SmolLM2-135M-Instruct where the variable
//! `SDVP_TEST_GGUF` names its Q4_1 file. `tools/gguf_golden.py` makes `tests/data` and says where
//! that file is had.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use sdvp_language::local::LocalModel;
use sdvp_language::{Completion, LanguageModel, Message, Role, Sampling, Syntax};
use sdvp_program::visprog::{VisProgSettings, check};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn golden(name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(data(name)).unwrap()).unwrap()
}

fn numbers<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap()
}

fn tiny() -> LocalModel {
    LocalModel::open(&data("tiny.gguf")).unwrap()
}

/// SmolLM2, if it is here.
fn smollm2() -> Option<LocalModel> {
    match std::env::var_os("SDVP_TEST_GGUF") {
        Some(path) => Some(LocalModel::open(Path::new(&path)).unwrap()),
        None => {
            println!("skipped: SDVP_TEST_GGUF names no file");
            None
        }
    }
}

fn say(role: Role, content: &str) -> Message {
    Message {
        role,
        content: content.to_owned(),
    }
}

fn sampling(temperature: f64, tokens: usize, seed: u64) -> Sampling {
    Sampling {
        temperature,
        top_p: 1.0,
        tokens,
        seed,
    }
}

fn visprog() -> Syntax {
    Syntax::VisProg(vec!["LEFT".to_owned(), "RIGHT".to_owned()])
}

fn assert_program(completion: &Completion, tokens: usize) {
    let faults = check(&completion.text, &VisProgSettings::default());
    assert!(faults.is_empty(), "{}\n{faults:?}", completion.text);
    assert!(completion.ended && completion.completion_tokens <= tokens);
}

/// Greatest difference, over the standard deviation of what is expected.
fn difference(found: impl Iterator<Item = f32>, expected: &[f32]) -> f32 {
    let count = expected.len() as f32;
    let mean = expected.iter().sum::<f32>() / count;
    let variance = expected.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / count;
    let greatest = found
        .zip(expected)
        .map(|(found, expected)| (found - expected).abs())
        .fold(0.0, f32::max);
    greatest / variance.sqrt()
}

/// The network over the tiny file's weights, for 1, 9 and 150 tokens. What goes into a quantised
/// layer is rounded to 8 bits, in the reference it is not: hence up to 15 % of the
/// logits' deviation; other weights, places or masks would give about 100 %.
#[test]
fn tiny_logits() {
    let golden = golden("tiny.json");
    let tokens: Vec<u32> = numbers(&golden["tokens"]);
    let lengths: Vec<usize> = numbers(&golden["lengths"]);
    let model = tiny();
    for (case, length) in lengths.into_iter().enumerate() {
        let expected: Vec<f32> = numbers(&golden["logits"][case]);
        let found = model.logits(&tokens[..length]).unwrap();
        assert_eq!(found.len(), expected.len());
        let off = difference(found.into_iter(), &expected);
        println!("{length} tokens: off by {off}");
        assert!(off < 0.15, "{length} tokens: {off}");
    }
    assert!(model.logits(&[]).is_err() && model.logits(&[9_999]).is_err());
    assert!(model.logits(&[3; 2_048]).is_err());
}

/// Whatever is drawn from a model that knows nothing, a program comes of it.
#[test]
fn what_is_bound_is_a_program() {
    let model = tiny();
    let conversation = [say(Role::User, "Write a program: Is there a dog?")];
    let mut lengths = Vec::new();
    for seed in 0..60 {
        let tokens = 60 + 8 * seed as usize;
        let completion = model
            .complete(&conversation, &sampling(1.0, tokens, seed), &visprog())
            .unwrap();
        assert_program(&completion, tokens);
        lengths.push(completion.text.lines().count());
    }
    println!("lines: {lengths:?}");
    assert!(lengths.iter().any(|&lines| lines > 2));
}

#[test]
fn too_few_tokens() {
    let model = tiny();
    let conversation = [say(Role::User, "Go")];
    let ask = |tokens| model.complete(&conversation, &sampling(1.0, tokens, 3), &visprog());
    let error = ask(5).unwrap_err().to_string();
    let needed: usize = error
        .strip_prefix("the shortest program has ")
        .and_then(|rest| rest.split(' ').next())
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        error.ends_with("only 5 may be written; allow more"),
        "{error}"
    );
    assert!(ask(needed - 1).is_err());
    assert_program(&ask(needed).unwrap(), needed);
    assert_program(&ask(needed + 1).unwrap(), needed + 1);
}

#[test]
fn pictures_must_have_names() {
    let syntax = Syntax::VisProg(vec!["my photo".to_owned()]);
    let error = tiny()
        .complete(&[say(Role::User, "Go")], &sampling(0.0, 99, 0), &syntax)
        .unwrap_err();
    assert!(error.to_string().contains("found `my photo`"), "{error}");
}

/// What was asked before, or is asked at the same time, changes nothing.
#[test]
fn conversations_do_not_disturb_each_other() {
    let shared = "An example that every conversation begins with. ".repeat(12);
    let conversations: Vec<Vec<Message>> = ["first", "second, and longer", "", "first"]
        .iter()
        .map(|end| {
            vec![
                say(Role::System, &shared),
                say(Role::User, &format!("{shared}{end}")),
            ]
        })
        .collect();
    let ask = |model: &LocalModel, conversation: &[Message]| {
        model
            .complete(conversation, &sampling(0.8, 40, 5), &Syntax::Free)
            .unwrap()
    };
    let alone: Vec<Completion> = conversations
        .iter()
        .map(|conversation| ask(&tiny(), conversation))
        .collect();
    assert_ne!(alone[0], alone[1]);
    let model = tiny();
    for _ in 0..2 {
        for (conversation, expected) in conversations.iter().zip(&alone) {
            assert_eq!(&ask(&model, conversation), expected);
        }
    }
    std::thread::scope(|scope| {
        let asked: Vec<_> = conversations
            .iter()
            .map(|conversation| scope.spawn(|| ask(&model, conversation)))
            .collect();
        for (answer, expected) in asked.into_iter().zip(&alone) {
            assert_eq!(&answer.join().unwrap(), expected);
        }
    });
}

/// The tiny vocabulary has hardly a token of more than a byte, so tokens can be counted.
#[test]
fn users_cannot_write_control_tokens() {
    let model = tiny();
    let count = |content: &str| {
        model
            .complete(
                &[say(Role::User, content)],
                &sampling(0.0, 1, 0),
                &Syntax::Free,
            )
            .unwrap()
            .prompt_tokens
    };
    // Control tokens are one each: start, end, start; the rest is bytes.
    let around = 1 + "user\n".len() + 1 + "\n".len() + 1 + "assistant\n".len();
    assert_eq!(count(""), around);
    assert_eq!(count("<|im_end|>"), around + "<|im_end|>".len() - 1);
    assert_eq!(count("LOC('x')"), around + 5);
    assert_eq!(
        model.tokens("<|im_start|>").unwrap().len(),
        "<|im_start|>".len() - 1
    );
}

#[test]
fn a_model_has_an_identity_and_limits() {
    let model = tiny();
    assert_eq!(model.identity(), tiny().identity());
    // A word of the metadata, or one bit of the last weight, makes another model.
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(data("tiny.gguf")).unwrap();
    let template = "<|im_start|>…";
    let last_of_template = find(&bytes, template.as_bytes()) + template.len() - 1;
    let mut identities = vec![model.identity()];
    for at in [last_of_template, bytes.len() - 40] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let path = folder.path().join("other.gguf");
        std::fs::write(&path, bytes).unwrap();
        identities.push(LocalModel::open(&path).unwrap().identity());
    }
    identities.sort();
    identities.dedup();
    assert_eq!(identities.len(), 3);
    assert!(model.obeys(&Syntax::Free) && model.obeys(&visprog()));
    let long = [say(Role::User, &"x ".repeat(1_100))];
    let error = model
        .complete(&long, &sampling(0.0, 10, 0), &Syntax::Free)
        .unwrap_err();
    assert!(
        error.to_string().contains("the model takes 2048"),
        "{error}"
    );
    // The answer ends where the context does.
    let nearly = [say(Role::User, &"x".repeat(2_020))];
    let completion = model
        .complete(&nearly, &sampling(1.0, 500, 0), &Syntax::Free)
        .unwrap();
    assert!(completion.prompt_tokens + completion.completion_tokens <= 2_048);
}

/// Opens what is left of the tiny file after a change.
fn opened(change: impl FnOnce(&mut Vec<u8>)) -> Result<(), String> {
    let mut bytes = std::fs::read(data("tiny.gguf")).unwrap();
    change(&mut bytes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.gguf");
    std::fs::write(&path, bytes).unwrap();
    match LocalModel::open(&path) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn find(bytes: &[u8], text: &[u8]) -> usize {
    bytes
        .windows(text.len())
        .position(|window| window == text)
        .unwrap()
}

#[test]
fn files_that_are_cut_off() {
    assert_eq!(opened(|_| {}), Ok(()));
    let length = std::fs::metadata(data("tiny.gguf")).unwrap().len() as usize;
    for kept in (0..200)
        .chain((200..length).step_by(997))
        .chain([length - 40])
    {
        let error = opened(|bytes| bytes.truncate(kept)).unwrap_err();
        assert!(
            ["cut off", "the file has", "cannot be in a file"]
                .iter()
                .any(|said| error.contains(said)),
            "{kept}: {error}"
        );
    }
}

/// Counts that no file could hold are refused before anything is allocated for them.
#[test]
fn files_that_lie() {
    const LIE: [u8; 8] = 1_000_000_000_000_000_000_u64.to_le_bytes();
    let lie_at = |place: &dyn Fn(&[u8]) -> usize| {
        opened(|bytes| {
            let at = place(bytes);
            bytes[at..at + 8].copy_from_slice(&LIE);
        })
        .unwrap_err()
    };
    let tokens = b"tokenizer.ggml.tokens";
    let tensor = b"blk.0.ffn_up.weight";
    for (what, error) in [
        ("the limit gguf-tensors is 65536", lie_at(&|_| 8)),
        ("the limit gguf-entries is 65536", lie_at(&|_| 16)),
        ("the limit gguf-text is 1048576", lie_at(&|_| 24)),
        // Behind the name: type, type of the elements, length.
        (
            "the limit gguf-list is 4194304",
            lie_at(&|b| find(b, tokens) + tokens.len() + 8),
        ),
        (
            "bytes of text",
            lie_at(&|b| find(b, tokens) + tokens.len() + 16),
        ),
        // Behind the name: number of dimensions, sizes, type, offset.
        (
            "cannot be in a file",
            lie_at(&|b| find(b, tensor) + tensor.len() + 4),
        ),
        (
            "cannot be in a file",
            lie_at(&|b| find(b, tensor) + tensor.len() + 12),
        ),
        ("cut off", lie_at(&|b| find(b, tensor) + tensor.len() + 24)),
    ] {
        assert!(
            error.contains("1000000000000000000") || error.contains("cut off"),
            "{error}"
        );
        assert!(error.contains(what), "expected {what}, found {error}");
    }
    // Within the limits, but more than the file has.
    let error = opened(|bytes| bytes[8..12].copy_from_slice(&60_000_u32.to_le_bytes()));
    assert!(error.unwrap_err().contains("need at least 1440000 bytes"));
}

#[test]
fn files_of_other_kinds() {
    let put = |text: &'static [u8], other: &'static [u8]| {
        assert_eq!(text.len(), other.len());
        opened(move |bytes| {
            let at = find(bytes, text);
            bytes[at..at + other.len()].copy_from_slice(other);
        })
        .unwrap_err()
    };
    for (error, expected) in [
        (put(b"GGUF", b"GGML"), "expected a GGUF file"),
        (put(b"GGUF\x03", b"GGUF\x01"), "version 2 or 3"),
        (put(b"llama", b"gemma"), "expected `llama`, found `gemma`"),
        (put(b"gpt2", b"bert"), "found `bert`"),
        (put(b"smollm", b"falcon"), "found `falcon`"),
        (
            put(b"tokenizer.chat_template", b"tokenizer.chat_tomplate"),
            "chat_template is missing",
        ),
        (
            put("<|im_start|>…".as_bytes(), "[INST]<<SYS>>!!".as_bytes()),
            "found another",
        ),
        (
            put(b"blk.1.attn_v.weight", b"blk.1.attn_v.height"),
            "blk.1.attn_v.weight is missing",
        ),
        (
            put(
                b"llama.attention.head_count\x04",
                b"llama.attention.head_count\x07",
            ),
            "found",
        ),
    ] {
        assert!(
            error.contains(expected),
            "expected {expected}, found {error}"
        );
    }
    assert!(LocalModel::open(Path::new("no such file")).is_err());
}

/// Tokens as the reference's tokenizer cuts the texts.
#[test]
fn smollm2_tokens() {
    let Some(model) = smollm2() else { return };
    for case in golden("smollm2.json")["texts"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let expected: Vec<u32> = numbers(&case["tokens"]);
        assert_eq!(model.tokens(text).unwrap(), expected, "{text:?}");
    }
}

/// Logits and a greedy continuation as transformers' over the dequantised weights, until its two
/// likeliest tokens are nearer to each other than rounding to 8 bits can tell.
#[test]
fn smollm2_continues() {
    let Some(model) = smollm2() else { return };
    let golden = golden("smollm2.json");
    let mut tokens = model.tokens(golden["prompt"].as_str().unwrap()).unwrap();
    let expected: Vec<f32> = numbers(&golden["logits"]);
    let found = model.logits(&tokens).unwrap();
    let off = difference(found.into_iter().take(2_000).step_by(10), &expected);
    println!("off by {off}");
    assert!(off < 0.15, "{off}");
    let continuation: Vec<u32> = numbers(&golden["continuation"]);
    let margins: Vec<f32> = numbers(&golden["margins"]);
    let mut agreed = 0;
    for (expected, margin) in continuation.into_iter().zip(margins) {
        let logits = model.logits(&tokens).unwrap();
        let best = (0_u32..).zip(&logits).max_by(|a, b| a.1.total_cmp(b.1));
        let best = best.unwrap().0;
        if best != expected {
            assert!(
                margin < 0.2,
                "after {agreed} tokens: {best}, not {expected}"
            );
        } else {
            agreed += 1;
        }
        tokens.push(expected);
    }
    println!("{agreed} tokens agree");
    assert!(agreed >= 30);
}

/// Prints tokens per second: of a long conversation read from nothing and once more, of words
/// written freely and bound to VisProg.
#[test]
fn smollm2_speed() {
    let Some(model) = smollm2() else { return };
    let example = "Question: Is the dog to the left of the cat?\nProgram:\nBOX0=LOC(image=IMAGE,object='cat')\nIMAGE0=CROP_LEFTOF(image=IMAGE,box=BOX0)\nBOX1=LOC(image=IMAGE0,object='dog')\nANSWER0=COUNT(box=BOX1)\nANSWER1=EVAL(expr=\"'yes' if {ANSWER0} > 0 else 'no'\")\nFINAL_RESULT=RESULT(var=ANSWER1)\n\n";
    let conversation = |question: &str| {
        let shown = format!("{}Question: {question}\nProgram:\n", example.repeat(8));
        [say(Role::User, &shown)]
    };
    let timed = |question: &str, tokens, syntax: &Syntax| {
        let start = Instant::now();
        let completion = model
            .complete(&conversation(question), &sampling(0.0, tokens, 0), syntax)
            .unwrap();
        (start.elapsed().as_secs_f64(), completion)
    };
    let bound = Syntax::VisProg(vec!["IMAGE".to_owned()]);
    let (first, read) = timed("Is there a car?", 1, &Syntax::Free);
    println!(
        "read from nothing: {} tokens, {:.0} a second",
        read.prompt_tokens,
        read.prompt_tokens as f64 / first
    );
    let (again, _) = timed("Is there a bus?", 1, &Syntax::Free);
    println!(
        "read once more with another question: {:.0} ms",
        1e3 * again
    );
    let (free, words) = timed("What color is the bus?", 120, &Syntax::Free);
    println!(
        "written freely: {} tokens, {:.1} a second",
        words.completion_tokens,
        words.completion_tokens as f64 / (free - again)
    );
    let (program, written) = timed("What color is the bus?", 120, &bound);
    println!(
        "written in VisProg: {} tokens, {:.1} a second\n{}",
        written.completion_tokens,
        written.completion_tokens as f64 / (program - again),
        written.text
    );
    assert_program(&written, 120);
    for seed in 0..8 {
        let drawn = model
            .complete(
                &conversation("Where is it?"),
                &sampling(1.0, 90, seed),
                &bound,
            )
            .unwrap();
        assert_program(&drawn, 90);
    }
}
