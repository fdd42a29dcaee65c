//! What language models write around and instead of a plain function.

use super::tests::run_on;
use super::*;
use image::RgbImage;
use sdvp_core::Image;

fn run(code: &str) -> Result<String, String> {
    let picture = Image::new(RgbImage::new(100, 80)).unwrap();
    let (result, _) = run_on(code, &vec![("IMAGE".to_owned(), picture)]);
    result.map(|v| v.to_string()).map_err(|e| e.to_string())
}

#[test]
fn code_is_found_among_prose_and_fences() {
    let function = "def execute_command(image):\n    return ImagePatch(image).width\n";
    for text in [
        format!("```python\n{function}```"),
        format!("Sure! Here's the code:\n\n```\n{function}```\nThis code works as follows:\n1. It looks."),
        format!("{function}```\nI hope this helps."),
        format!("```python\n{function}"),
        format!("Here is what you asked for:\n{function}\nThis function looks at the image's width."),
        format!("```\nimport nothing\n```\nor rather\n```py\n{function}```"),
        format!("from image_patch import ImagePatch, best_image_match\nfrom PIL import Image\n\n{function}"),
        format!("{function}\nimage = Image.open('a.png')\nresult = execute_command(image)\nprint(result)"),
        format!("{function}\nif __name__ == '__main__':\n    print(execute_command(None))"),
        format!("{function}\n# Answer:\nexecute_command(image)"),
        format!("{function}\n\ndef execute_command(image):\n    return 100"),
        "def answer(img):\n    return ImagePatch(img).width".to_owned(),
        "def execute_command(image: Image) -> List[str]:\n    w: int = ImagePatch(image).width\n    return w".to_owned(),
        "WIDTH = 90 + 10\ndef execute_command(image):\n    return WIDTH".to_owned(),
    ] {
        assert_eq!(run(&text), Ok("100".to_owned()), "{text}");
    }
}

#[test]
fn what_is_python_already_stays_as_it_is() {
    for (text, value) in [
        ("def execute_command(image):\n    return len('a\tb')", "3"),
        (
            "X = 100\ndef execute_command(image):\n    \"\"\"Looks.\n    ```\n    execute_command(image)\n    ```\n    \"\"\"\n    return X",
            "100",
        ),
    ] {
        assert_eq!(run(text), Ok(value.to_owned()), "{text}");
    }
}

#[test]
fn missing_headers_and_odd_indentation_are_mended() {
    for text in [
        // A body without its header.
        "image_patch = ImagePatch(image)\nreturn image_patch.width",
        "    image_patch = ImagePatch(image)\n    return image_patch.width",
        // What goes on after a prompt that ended with four spaces.
        "image_patch = ImagePatch(image)\n    if image_patch.width > 3:\n        return 100\n    return 1",
        // No return: the last line's value.
        "image_patch = ImagePatch(image)\nimage_patch.width",
        "image_patch = ImagePatch(image)\nanswer = image_patch.width",
        // A body at the level of its header.
        "def execute_command(image):\nimage_patch = ImagePatch(image)\nif image_patch.width > 3:\n    return 100\nreturn 1",
        // Tabs among spaces, levels that do not fit.
        "def execute_command(image):\n\timage_patch = ImagePatch(image)\n    return image_patch.width",
        "def execute_command(image):\n    p = ImagePatch(image)\n   # so\n     return p.width",
        "def execute_command(image):\n  p = ImagePatch(image)\n  if p.width > 3:\n      x = 100\n   return x",
        "def execute_command(image):\n    p = ImagePatch(image)\n    x = max(\n  p.width,\n1)\n    return x",
        // Quotation marks of prose.
        "def execute_command(image):\n    return len(\u{201c}a\u{201d} * 100)",
        "    def execute_command(image):\n        return 100",
    ] {
        assert_eq!(run(text), Ok("100".to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_program_is_refused_where_it_goes_wrong() {
    let settings = ViperSettings::default();
    let fault = |text: &str| {
        ViperProgram::parse(text, &settings)
            .err()
            .map(|e| e.to_string())
    };
    for (text, message) in [
        ("", "line 1, column 1: expected a program, found nothing"),
        (
            " \n\n",
            "line 1, column 1: expected a program, found nothing",
        ),
        (
            "def execute_command(image):\n    return (1,\n",
            "line 2, column 15: SyntaxError: unexpected EOF while parsing",
        ),
        (
            "Sorry:\n```\ndef execute_command(image):\n    x = = 1\n```",
            "line 4, column 9: SyntaxError: Expected an expression",
        ),
        (
            "def one(image):\n    return 1\ndef two(image):\n    return 2",
            "line 1, column 1: expected a function execute_command, found one, two",
        ),
        (
            "def execute_command(image):\n    yield 1",
            "line 2, column 5: ",
        ),
    ] {
        let found = fault(text).unwrap_or_default();
        assert!(found.starts_with(message), "{text}: {found}");
    }
    let long = format!(
        "def execute_command(image):\n    return {}",
        "1".repeat(50_000)
    );
    assert!(fault(&long).unwrap().contains("(limit python-length"));
}
