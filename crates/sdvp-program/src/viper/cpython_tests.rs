//! Python that the interpreter does otherwise than CPython, or not at all, until it is rewritten.

use super::tests::run_on;
use super::*;
use image::RgbImage;
use sdvp_core::Image;

fn run_all(code: &str) -> (Result<String, String>, usize) {
    let picture = Image::new(RgbImage::new(100, 80)).unwrap();
    let (result, calls) = run_on(code, &vec![("IMAGE".to_owned(), picture)]);
    let result = result.map(|v| v.to_string()).map_err(|e| e.to_string());
    (result, calls.len())
}

/// A program whose body is this.
fn body(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("def execute_command(image):\n    p = ImagePatch(image)\n{lines}")
}

fn all_give(programs: &[(&str, &str)]) {
    for (code, value) in programs {
        let (result, _) = run_all(&body(code));
        assert_eq!(result.as_deref(), Ok(*value), "{code}");
    }
}

#[test]
fn best_image_match_gives_the_patch_as_a_value_too() {
    all_give(&[
        (
            "f = best_image_match\nreturn f(p.find('dog'), ['dog']).left",
            "40",
        ),
        (
            "from functools import partial\nreturn partial(best_image_match, p.find('dog'))(['dog']).left",
            "40",
        ),
        (
            "def choose(ps, fn=best_image_match):\n    return fn(ps, ['dog'])\nreturn choose(p.find('dog')).left",
            "40",
        ),
        (
            "return best_image_match(p.find('dog'), ['dog'], return_index=True)",
            "0",
        ),
    ]);
    let given = "def execute_command(image, best_image_match):\n    return best_image_match(ImagePatch(image).find('dog'), ['dog']).left";
    assert_eq!(run_all(given).0, Ok("40".to_owned()));
}

#[test]
fn truths_count_and_everything_else_stays_as_it_is() {
    all_give(&[
        ("return (p.width > 3) % 2", "1"),
        ("def f(d):\n    return d + d\nreturn f(True)", "2"),
        (
            "from functools import reduce\nreturn reduce(lambda a, b: a + b, [True, False, True])",
            "2",
        ),
        ("a, b = True, p.width > 3\nreturn a + b", "2"),
        ("a: bool = p.width > 3\nreturn a + a", "2"),
        ("return (lambda: p.width > 3)() + 1", "2"),
        (
            "return sum(t for i, t in enumerate([True, False, True]))",
            "2",
        ),
        ("n = True\nn += True\nreturn n", "2"),
        ("n = 5\nn %= True + 1\nreturn n", "1"),
        // A set is no number, and a list stays the same list.
        (
            "x = {1, 2, 3}\nfor s in [{1}, {2}]:\n    x = x - s\nreturn list(x)",
            "[3]",
        ),
        (
            "g = {'a': {1, 2}, 'b': {2}}\nreturn list(g['a'] - g['b'])",
            "[1]",
        ),
        ("def f():\n    return {1, 2}\nreturn list(f() - {1})", "[2]"),
        (
            "x = [1]\ny = x\nfor z in [[2]]:\n    x += z\nreturn y",
            "[1, 2]",
        ),
        ("return 'a' + ['b'][0]", "ab"),
    ]);
}

#[test]
fn methods_of_pythons_own_types_are_values() {
    all_give(&[
        (
            "counts = {'a': 1, 'b': 2}\nreturn max(counts, key=counts.get)",
            "b",
        ),
        (
            "answers = ['x', 'y', 'y']\nreturn max(set(answers), key=answers.count)",
            "y",
        ),
        ("return sorted(['b', 'A'], key=str.lower)", "[A, b]"),
        ("return list(map(str.strip, [' a ', 'b ']))", "[a, b]"),
        (
            "order = ['x', 'y']\nreturn sorted(['y', 'x'], key=order.index)",
            "[x, y]",
        ),
        ("out = []\npush = out.append\npush(3)\nreturn out", "[3]"),
        (
            "d = {'a': 2, 'b': 1}\nreturn sorted(d, key=d.__getitem__)",
            "[b, a]",
        ),
        // Attributes that the program sets are its own.
        ("p.count = 3\nreturn p.count", "3"),
        ("return p.upper", "80"),
    ]);
}

#[test]
fn statements_of_the_module_run_unless_they_use_the_function() {
    let code = "COLORS = []
COLORS.append('red')
SIZES = {}
for i in range(2):
    SIZES[i] = i + 1
DEBUG = False
if DEBUG:
    NAME = 'a'
else:
    NAME = 'b'
try:
    import numpy as np
except ImportError:
    np = None
FLAGS = [True]
COUNT = FLAGS[0] + FLAGS[0]
def execute_command(image):
    return COLORS, SIZES[1], NAME, np, COUNT
img = Image.open('a.png')
answers = execute_command(img)
for answer in answers:
    print(answer)
COLORS.append(answers[0])
execute_command(img)
";
    assert_eq!(run_all(code).0, Ok("[[red], 2, b, None, 2]".to_owned()));
}

#[test]
fn imports_that_only_uses_need_are_harmless() {
    let code = "from PIL import Image
def execute_command(image):
    return 3
picture = Image.open('a.png')
print(execute_command(picture))
";
    assert_eq!(run_all(code).0, Ok("3".to_owned()));
}

#[test]
fn rounding_is_that_of_cpython() {
    all_give(&[
        (
            "return [round(210 / 400, 2), round(0.35, 1), round(0.45, 1)]",
            "[0.53, 0.3, 0.5]",
        ),
        (
            "return [round(2.675, 2), round(1.115, ndigits=2)]",
            "[2.67, 1.11]",
        ),
        (
            "return [round(7, 1), round(2.5), round(14, -1)]",
            "[7, 2, 10]",
        ),
    ]);
}

#[test]
fn statements_that_the_interpreter_refuses_are_said_otherwise() {
    all_give(&[
        ("w = [1, 2]\nw[0], w[1] = w[1], w[0]\nreturn w", "[2, 1]"),
        (
            "w = [3, 1, 2]\nfor i in range(2):\n    for j in range(2):\n        if w[j] > w[j + 1]: w[j], w[j + 1] = w[j + 1], w[j]\nreturn w",
            "[1, 2, 3]",
        ),
        ("p.a, p.b = 1, 2\nreturn p.a + p.b", "3"),
        (
            "d = {'a': 1, 'b': 2}\nx = 5\ndel d['a'], x\nreturn d, x",
            "[{'b': 2}, None]",
        ),
        ("a = [1, 2]\ndel a[0]\nreturn a", "[2]"),
        ("return '%s and %s' % ('a', 2)", "a and 2"),
        ("return '%.2f' % 2.675", "2.67"),
        ("return '%d items, %d%%' % (3, 50)", "3 items, 50%"),
        ("return '%5s|%-3s|%03d' % ('a', 'b', 7)", "    a|b  |007"),
    ]);
}

#[test]
fn generators_leave_names_and_can_be_kept() {
    all_give(&[
        (
            "if any((found := q).left > 3 for q in p.find('man')):\n    return found.left",
            "40",
        ),
        (
            "if next((x for x in [1, 2, 3] if (y := x) > 1), None):\n    return y",
            "2",
        ),
        (
            "if not all(((found := q) and q.left < 1) for q in p.find('man')):\n    return found.left",
            "40",
        ),
        (
            "g = (q.left for q in p.find('dog') if q.left < 10)\nreturn next(g, None)",
            "0",
        ),
    ]);
    for code in [
        "return any(map(lambda q: q.verify_property('dog', 'xxxxxxxxxx'), p.find('dog')))",
        "return next(filter(lambda q: q.verify_property('dog', 'xxxxxxxxxx'), p.find('dog')), None) is not None",
    ] {
        // The patches are found, and the first is asked for.
        assert_eq!(run_all(&body(code)), (Ok("True".to_owned()), 2), "{code}");
    }
}

#[test]
fn functions_that_the_interpreter_lacks_are_there() {
    all_give(&[
        ("import math\nreturn math.hypot(3, 4)", "5.0"),
        (
            "from math import dist, sqrt\nreturn dist((0, 0), (3, 4)) + sqrt(4)",
            "7.0",
        ),
        ("import math as m\nreturn m.prod([2, 3])", "6"),
        ("import math\nreturn math.fsum([0.1] * 10)", "1.0"),
        (
            "import itertools\nreturn [a + b for a, b in itertools.combinations('abc', 2)]",
            "[ab, ac, bc]",
        ),
        (
            "from itertools import (chain,\n    product)\nreturn list(chain.from_iterable([[1], [2]])), len(list(product('ab', repeat=2)))",
            "[[1, 2], 4]",
        ),
        (
            "xs = ['b', 'A']\nlist.sort(xs, key=lambda x: x.lower())\nreturn xs",
            "[A, b]",
        ),
        ("xs = [2, 1]\nlist.sort(xs)\nreturn xs", "[1, 2]"),
        ("return format(3.14159, '.2f')", "3.14"),
        ("return pow(2, 5, 7)", "4"),
    ]);
    let (result, _) = run_all(&body("return pow(3, 2 ** 5000, 2 ** 5000 + 7)"));
    assert!(result.unwrap_err().contains("OverflowError"));
}

#[test]
fn parameters_may_be_given_by_position_only() {
    let code = "def execute_command(image, /, query):\n    return ImagePatch(image).width, query";
    assert_eq!(run_all(code).0, Ok("[100, What?]".to_owned()));
}

#[test]
fn lines_stay_where_they_are() {
    let code = body("n = round(1.25, 1)\nw = [1, 2]\nw[0], w[1] = w[1], w[0]\nreturn [][0]");
    let error = run_all(&code).0.unwrap_err();
    assert!(
        error.contains("line 6, in execute_command\n    return [][0]"),
        "{error}"
    );
    let refused = body("n = round(1.25, 1)\nyield n");
    let refused = ViperProgram::parse(&refused, &ViperSettings::default()).err();
    let refused = refused.unwrap().to_string();
    assert!(refused.starts_with("line 4, column 5: "), "{refused}");
}
