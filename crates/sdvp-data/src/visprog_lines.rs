//! Lines of a VisProg program, with variables numbered as programs number them.

use std::fmt::Write;

/// Collects the lines of a program.
#[derive(Default)]
pub(crate) struct VisProgLines {
    text: String,
    boxes: usize,
    images: usize,
    answers: usize,
}

impl VisProgLines {
    /// `BOXn=LOC(…)`; the variable.
    pub(crate) fn locate(&mut self, image: &str, object: &str) -> String {
        let variable = format!("BOX{}", self.boxes);
        self.boxes += 1;
        let object = quoted(object);
        self.line(
            &variable,
            format_args!("LOC(image={image},object={object})"),
        );
        variable
    }

    /// `IMAGEn=CROP…(…)`; the variable. `step` is the step's name.
    pub(crate) fn crop(&mut self, step: &str, image: &str, boxes: &str) -> String {
        let variable = format!("IMAGE{}", self.images);
        self.images += 1;
        self.line(&variable, format_args!("{step}(image={image},box={boxes})"));
        variable
    }

    /// `ANSWERn=COUNT(…)`; the variable.
    pub(crate) fn count(&mut self, boxes: &str) -> String {
        self.answer(format_args!("COUNT(box={boxes})"))
    }

    /// `ANSWERn=VQA(…)`; the variable.
    pub(crate) fn ask(&mut self, image: &str, question: &str) -> String {
        let question = quoted(question);
        self.answer(format_args!("VQA(image={image},question={question})"))
    }

    /// `ANSWERn=EVAL(…)`; the variable.
    pub(crate) fn evaluate(&mut self, expression: &str) -> String {
        self.answer(format_args!("EVAL(expr={})", quoted(expression)))
    }

    /// The last line: `variable` is the result.
    pub(crate) fn result(&mut self, name: &str, variable: &str) {
        self.line(name, format_args!("RESULT(var={variable})"));
    }

    /// The program's text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn answer(&mut self, call: std::fmt::Arguments<'_>) -> String {
        let variable = format!("ANSWER{}", self.answers);
        self.answers += 1;
        self.line(&variable, call);
        variable
    }

    fn line(&mut self, variable: &str, call: std::fmt::Arguments<'_>) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{variable}={call}");
    }
}

/// A text in the quotes that it does not use, or with backslashes before them.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut quoted = String::from(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push(quote);
    quoted
}
