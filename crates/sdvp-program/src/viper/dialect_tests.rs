//! Runs `DIALECT.md`.

use super::tests::run_on;
use sdvp_core::Image;

const PAGE: &str = include_str!("DIALECT.md");

/// The text of a block, if the rest of the page begins with one of that language, and what follows.
fn block<'a>(page: &'a str, language: &str) -> Option<(&'a str, &'a str)> {
    let text = page.strip_prefix("```")?.strip_prefix(language)?;
    text.strip_prefix('\n')?.split_once("```\n")
}

#[test]
fn the_page_tells_the_truth() {
    let picture = Image::new(image::RgbImage::new(100, 80)).unwrap();
    let inputs = vec![("IMAGE".to_owned(), picture)];
    let mut programs = 0;
    for (at, _) in PAGE.match_indices("```python\n") {
        let (program, rest) = block(&PAGE[at..], "python").unwrap();
        let (expected, _) = block(rest, "says").expect("what it says comes after a program");
        let (result, mut said) = run_on(&program.replace("~~~", "```"), &inputs);
        let expected: Vec<&str> = expected.lines().collect();
        let (last, calls) = expected.split_last().unwrap();
        match result {
            Ok(value) => said.push(format!("= {value}")),
            Err(error) => {
                let told = last.strip_prefix("! ").unwrap_or("an answer");
                let error = error.to_string();
                assert!(error.contains(told), "{program}\n{error}");
                said.push((*last).to_owned());
            }
        }
        let calls: Vec<&str> = calls.iter().chain([last]).copied().collect();
        assert_eq!(said, calls, "{program}");
        programs += 1;
    }
    assert!(programs >= 6);
}
