//! Programs that mean harm, or are broken beyond what anyone would write: each ends within its limits
//! with an error that names the limit, and none takes the process with it.

use super::tests::stand_in;
use super::*;
use crate::{RunError, Step, Value};
use image::RgbImage;
use proptest::prelude::*;
use sdvp_core::Image;
use std::time::{Duration, Instant};

fn settings() -> ViperSettings {
    ViperSettings {
        max_ms: 100,
        ..ViperSettings::default()
    }
}

fn run(code: &str) -> Result<Value, String> {
    let program = ViperProgram::parse(code, &settings()).map_err(|e| e.to_string())?;
    let picture = Image::new(RgbImage::new(60, 40)).unwrap();
    let mut execution = program.start(&vec![("IMAGE".to_owned(), picture)]);
    let mut step = execution.start();
    loop {
        match step.map_err(|error: RunError| error.to_string())? {
            Step::Needs(task) => step = execution.resume(Ok(stand_in(&task))),
            Step::Done(value) => return Ok(value),
        }
    }
}

fn body(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("def execute_command(image):\n    p = ImagePatch(image)\n{lines}")
}

#[test]
fn hostile_programs_end_within_their_limits() {
    let time = "limit python-time";
    let memory = "limit python-memory";
    for (code, reason) in [
        ("while True: pass", time),
        (
            "try:\n    while True: pass\nexcept BaseException:\n    return 1",
            time,
        ),
        ("return [0] * 10**9", memory),
        ("return list(range(10**9))", "raised by --allow p"),
        ("return [i for i in range(10**9)]", "raised by --allow p"),
        ("return sum(i for i in range(10**9))", "raised by --allow p"),
        ("s = 'ab'\nwhile True: s += s", memory),
        ("return 'x' * 10**10", memory),
        ("return 10 ** 10**8", memory),
        ("return 2 ** 2 ** 2 ** 2 ** 2 ** 2", "OverflowError"),
        (
            "def f(n): return f(n + 1)\nreturn f(0)",
            "limit python-recursion",
        ),
        ("while True: print('x' * 1000)", "limit python-output"),
        ("while True: p.find('dog')", "limit program-sub-tasks"),
        (
            "for i in range(10**6): p.find('unicorn')",
            "limit program-sub-tasks",
        ),
        ("while True: p.crop(0, 0, 20, 20)", "raised by --allow p"),
        ("import re\nreturn re.match('(a+)+$', 'a' * 40 + 'b')", ""),
        ("return __import__('os').system('true')", "NameError"),
        ("import os\nreturn os.environ", "ModuleNotFoundError"),
        ("import sys\nreturn sys.modules", "ModuleNotFoundError"),
        ("import subprocess", ""),
        (
            "from pathlib import Path\nreturn Path('/etc/passwd').read_text()",
            "ModuleNotFoundError",
        ),
        ("return open('/etc/passwd').read()", "PermissionError"),
        ("open('x', 'w').write('y')", "PermissionError"),
        ("return ().__class__.__bases__[0].__subclasses__()", "Error"),
        ("return p.__class__.__init__.__globals__", "AttributeError"),
        ("return p.find.__globals__", "AttributeError"),
        ("return p.__dict__", "AttributeError"),
        ("return eval('1')", "NameError"),
        ("exec('x = 1')", "NameError"),
        ("return globals()['__builtins__']", "Error"),
        (
            "d = p.find('dog')\nd.sort(key=lambda x: 1 / 0)\nreturn 1",
            "ZeroDivisionError",
        ),
        (
            "d = p.find('dog')\nd.sort(key=lambda x: x.find('cat')[7])\nreturn 1",
            "IndexError",
        ),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise SystemExit", "SystemExit"),
    ] {
        let began = Instant::now();
        let result = run(&body(code));
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "{code}: {took:?}");
        if !reason.is_empty() {
            let error = result.err().unwrap_or_else(|| panic!("{code} ends well"));
            assert!(error.contains(reason), "{code}: {error}");
        }
    }
}

#[test]
fn values_that_nest_without_end_do_no_harm() {
    for code in [
        "a = []\nfor i in range(100000): a = [a]\nreturn a",
        "a = []\na.append(a)\nreturn a",
        "a = {}\nfor i in range(100000): a = {'a': a}\nreturn 1",
        "a = ()\nfor i in range(100000): a = (a, a)\nreturn a == a",
        "f = lambda: 0\nfor i in range(100000): f = (lambda g: lambda: g())(f)\nreturn f()",
    ] {
        let _ = run(&body(code));
    }
    for code in [
        format!("return {}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("return {}1", "-".repeat(10000)),
        format!("return {}1", "1+".repeat(10000)),
        format!("return p{}", ".x".repeat(10000)),
        format!("return p{}", "()".repeat(5000)),
        format!("x = {}1", "y = ".repeat(5000)),
        format!("return {}1", "lambda: ".repeat(3000)),
        format!("return {}", "1 if x else ".repeat(3000) + "2"),
        (0..90)
            .map(|n| format!("{}if p:\n", " ".repeat(n)))
            .collect(),
        format!("return f\"{}", "{f'{".repeat(500)),
    ] {
        assert!(
            run(&body(&code)).is_err(),
            "{}",
            code.chars().take(20).collect::<String>()
        );
    }
}

/// Pieces that programs are made of, and some that they are not.
const TOKENS: [&str; 64] = [
    "image",
    "ImagePatch",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "=",
    "==",
    "+=",
    "+",
    "-",
    "*",
    "**",
    "/",
    "%",
    "\n",
    "\n    ",
    "\n        ",
    "def execute_command(image):",
    "return ",
    "if ",
    "else",
    "for ",
    " in ",
    "while ",
    "not ",
    " and ",
    " or ",
    "lambda ",
    "x",
    "p",
    "'dog'",
    "\"",
    "'''",
    "f'{x}'",
    "1",
    "0.5",
    "10**9",
    "None",
    "True",
    "try:",
    "except:",
    "raise ",
    "import os",
    "from typing import List",
    "p.find('dog')",
    ".sort(key=lambda x: x.left)",
    "any(x for x in p)",
    "max(p, key=f)",
    ".simple_query(",
    "best_image_match(",
    "distance(p, p)",
    "yield ",
    "class A:",
    "@",
    "é",
    "\t",
    "#",
    "\\",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("SDVP_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
    ))]

    /// `SDVP_FUZZ_CASES` makes it as long as one likes.
    #[test]
    fn assembled_programs_never_panic(
        header in any::<bool>(),
        tokens in prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..60),
    ) {
        let text = tokens.concat();
        let text = if header { body(&text) } else { text };
        let settings = ViperSettings { max_ms: 20, max_sub_tasks: 20, max_calls: 100, ..settings() };
        if let Ok(program) = ViperProgram::parse(&text, &settings) {
            let picture = Image::new(RgbImage::new(8, 8)).unwrap();
            let mut execution = program.start(&vec![("IMAGE".to_owned(), picture)]);
            let mut step = execution.start();
            while let Ok(Step::Needs(task)) = step {
                step = execution.resume(Ok(stand_in(&task)));
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = check(&text, &settings());
    }
}
