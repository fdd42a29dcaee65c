//! From text to steps, tolerant of what language models write: apostrophes inside quotes, `Image=`
//! for `image=`, fences, numbering, blanks, semicolons.

use super::error::ProgramError;
use super::step::{CROPS, CropSide, NOT_YET, StepCall, known_steps};

/// One line of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Line in the text, from 1.
    pub(crate) line: usize,
    /// The line without surrounding blanks.
    pub(crate) source: String,
    /// The variable it sets.
    pub(crate) variable: String,
    /// What it does.
    pub(crate) call: StepCall,
    /// Columns of the variables and texts it uses, from 1, by argument.
    pub(crate) columns: Vec<(String, usize)>,
}

/// An argument as written.
struct Argument {
    name: String,
    value: String,
    quoted: bool,
    column: usize,
}

/// Characters of a line with a place in it; columns are counted in characters.
struct Cursor<'a> {
    chars: &'a [char],
    at: usize,
    end: usize,
    line: usize,
}

type Parsed<T> = Result<T, ProgramError>;

/// Reads one line; `None` for lines that are no statement (blank, comment, fence, heading).
pub(crate) fn statement(text: &str, line: usize) -> Option<Parsed<Statement>> {
    let chars: Vec<char> = text.chars().collect();
    let mut end = chars.len();
    while end > 0 && (chars[end - 1].is_whitespace() || chars[end - 1] == ';') {
        end -= 1;
    }
    let mut cursor = Cursor { chars: &chars, at: 0, end, line };
    cursor.blanks();
    let rest: String = chars[cursor.at..end].iter().collect();
    let heading = rest.to_lowercase();
    if rest.is_empty()
        || rest.starts_with('#')
        || rest.starts_with("```")
        || heading == "program:"
        || heading == "program"
    {
        return None;
    }
    Some(cursor.statement(rest))
}

impl Cursor<'_> {
    fn statement(&mut self, source: String) -> Parsed<Statement> {
        let variable = self.identifier("a variable to assign to")?;
        self.expect('=', "after the variable")?;
        let name_at = self.column();
        let name = self.identifier("a step such as LOC")?;
        self.expect('(', &format!("after the step {name}"))?;
        if self.chars.get(self.end.wrapping_sub(1)) != Some(&')') {
            return Err(self.error_at(self.end + 1, format!("expected ')' at the end of {name}(…), found the end of the line")));
        }
        self.end -= 1;
        let arguments = self.arguments()?;
        let columns = arguments.iter().map(|a| (a.name.clone(), a.column)).collect();
        let call = build(&name, name_at, arguments, self.line)?;
        Ok(Statement { line: self.line, source, variable, call, columns })
    }

    fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        let mut arguments: Vec<Argument> = Vec::new();
        self.blanks();
        while self.at < self.end {
            let column = self.column();
            let name = self.identifier("an argument's name")?.to_lowercase();
            self.expect('=', &format!("after the argument {name}"))?;
            let argument = self.value(name)?;
            if arguments.iter().any(|known| known.name == argument.name) {
                return Err(self.error_at(column, format!("the argument {} is given twice", argument.name)));
            }
            arguments.push(argument);
            self.blanks();
            if self.at < self.end {
                self.expect(',', "between arguments")?;
                self.blanks();
            }
        }
        Ok(arguments)
    }

    fn value(&mut self, name: String) -> Parsed<Argument> {
        let column = self.column();
        match self.chars[..self.end].get(self.at) {
            Some(&quote @ ('\'' | '"')) => {
                let close = self.closing_quote(quote).ok_or_else(|| {
                    self.error_at(column, format!("expected {quote} at the end of the text of {name}, found the end of the line"))
                })?;
                let value = unescaped(&self.chars[self.at + 1..close]);
                self.at = close + 1;
                Ok(Argument { name, value, quoted: true, column })
            }
            Some(_) => {
                let start = self.at;
                while self.at < self.end && self.chars[self.at] != ',' {
                    self.at += 1;
                }
                let value: String = self.chars[start..self.at].iter().collect();
                let value = value.trim().to_owned();
                if value.is_empty() {
                    return Err(self.error_at(column, format!("expected a value for {name}, found nothing")));
                }
                Ok(Argument { name, value, quoted: false, column })
            }
            None => Err(self.error_at(column, format!("expected a value for {name}, found nothing"))),
        }
    }

    /// The first quote that can end the text: one followed by the end or by another argument.
    /// Others, as in `'Disney's castle'`, belong to the text.
    fn closing_quote(&self, quote: char) -> Option<usize> {
        let mut escaped = false;
        for at in self.at + 1..self.end {
            let c = self.chars[at];
            if c == quote && !escaped && self.ends_argument(at + 1) {
                return Some(at);
            }
            escaped = c == '\\' && !escaped;
        }
        None
    }

    fn ends_argument(&self, from: usize) -> bool {
        let mut rest = self.chars[from..self.end].iter().skip_while(|c| c.is_whitespace());
        match rest.next() {
            None => true,
            Some(',') => {
                let mut name = rest.skip_while(|c| c.is_whitespace()).peekable();
                name.peek().is_some_and(|c| c.is_alphabetic() || **c == '_')
                    && name
                        .find(|c| !(c.is_alphanumeric() || **c == '_' || c.is_whitespace()))
                        .is_some_and(|c| *c == '=')
            }
            Some(_) => false,
        }
    }

    fn identifier(&mut self, what: &str) -> Parsed<String> {
        self.blanks();
        let start = self.at;
        while self.at < self.end && (self.chars[self.at].is_alphanumeric() || self.chars[self.at] == '_') {
            self.at += 1;
        }
        if start == self.at || self.chars[start].is_ascii_digit() {
            let found = self.found_at(start);
            return Err(self.error_at(start + 1, format!("expected {what}, found {found}")));
        }
        Ok(self.chars[start..self.at].iter().collect())
    }

    fn expect(&mut self, wanted: char, place: &str) -> Parsed<()> {
        self.blanks();
        if self.at < self.end && self.chars[self.at] == wanted {
            self.at += 1;
            self.blanks();
            return Ok(());
        }
        let found = self.found_at(self.at);
        Err(self.error_at(self.at + 1, format!("expected '{wanted}' {place}, found {found}")))
    }

    fn found_at(&self, at: usize) -> String {
        match self.chars[..self.end].get(at) {
            Some(c) => format!("{c:?}"),
            None => "the end of the line".to_owned(),
        }
    }

    fn blanks(&mut self) {
        while self.at < self.end && self.chars[self.at].is_whitespace() {
            self.at += 1;
        }
    }

    fn column(&self) -> usize {
        self.at + 1
    }

    fn error_at(&self, column: usize, message: String) -> ProgramError {
        ProgramError::new(self.line, column, message)
    }
}

fn unescaped(chars: &[char]) -> String {
    let mut text = String::with_capacity(chars.len());
    let mut chars = chars.iter().peekable();
    while let Some(&c) = chars.next() {
        match chars.peek() {
            Some(&&next) if c == '\\' && matches!(next, '\'' | '"' | '\\') => {
                text.push(next);
                chars.next();
            }
            _ => text.push(c),
        }
    }
    text
}

fn build(name: &str, column: usize, arguments: Vec<Argument>, line: usize) -> Parsed<StepCall> {
    let error = |message: String| ProgramError::new(line, column, message);
    let mut arguments = arguments;
    let mut take = |wanted: &[&str], quoted: bool| -> Parsed<String> {
        let place = arguments.iter().position(|a| wanted.contains(&a.name.as_str()));
        let Some(place) = place else {
            return Err(ProgramError::new(line, column, format!("{name} needs the argument {}=", wanted[0])));
        };
        let argument = arguments.remove(place);
        if argument.quoted == quoted {
            return Ok(argument.value);
        }
        let (expected, found) = if quoted { ("a quoted text", "a bare word") } else { ("a variable", "a quoted text") };
        Err(ProgramError::new(line, argument.column, format!("expected {expected} for {}, found {found}", argument.name)))
    };
    let call = match name {
        "LOC" => StepCall::Loc { image: take(&["image"], false)?, object: take(&["object"], true)? },
        "COUNT" => StepCall::Count { boxes: take(&["box", "boxes"], false)? },
        "VQA" => StepCall::Vqa { image: take(&["image"], false)?, question: take(&["question"], true)? },
        "EVAL" => StepCall::Eval { expression: take(&["expr", "expression"], true)? },
        "RESULT" => StepCall::Result { variable: take(&["var"], false)? },
        "CROP_LEFTOF" | "CROP_RIGHTOF" | "CROP_ABOVE" | "CROP_BELOW" => StepCall::CropSide {
            side: match name {
                "CROP_LEFTOF" => CropSide::LeftOf,
                "CROP_RIGHTOF" => CropSide::RightOf,
                "CROP_ABOVE" => CropSide::Above,
                _ => CropSide::Below,
            },
            image: take(&["image"], false)?,
            boxes: take(&["box", "boxes"], false)?,
        },
        _ => match CROPS.iter().find(|known| **known == name) {
            Some(known) => StepCall::Crop {
                name: known,
                image: take(&["image"], false)?,
                boxes: take(&["box", "boxes"], false)?,
            },
            None if NOT_YET.contains(&name) => {
                return Err(error(format!("the step {name} is not available yet")));
            }
            None => {
                let hint = nearest(name).map_or(String::new(), |known| format!("; did you mean {known}?"));
                return Err(error(format!("unknown step {name}{hint}")));
            }
        },
    };
    match arguments.first() {
        None => Ok(call),
        Some(extra) => {
            Err(ProgramError::new(line, extra.column, format!("{name} has no argument {}", extra.name)))
        }
    }
}

/// The known step that is fewest edits away, if it is near at all.
fn nearest(name: &str) -> Option<&'static str> {
    let name: Vec<char> = name.to_uppercase().chars().take(40).collect();
    known_steps()
        .into_iter()
        .map(|known| (edits(&name, &known.chars().collect::<Vec<_>>()), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 2)
        .map(|(_, known)| known)
}

/// Levenshtein's distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Statement {
        statement(text, 1).unwrap().unwrap()
    }

    fn fault(text: &str) -> String {
        statement(text, 3).unwrap().unwrap_err().to_string()
    }

    #[test]
    fn what_language_models_write() {
        let tidy = parse("BOX0=LOC(image=IMAGE,object='dog')").call;
        for loose in [
            "  BOX0 = LOC( Image = IMAGE , object = \"dog\" ) ;",
            "BOX0=LOC(object='dog',image=IMAGE)\r",
        ] {
            assert_eq!(parse(loose).call, tidy, "{loose}");
        }
        let StepCall::Vqa { question, .. } =
            parse("A=VQA(Image=RIGHT,question='Is Disney's Frozen, the film, (on) it?')").call
        else {
            panic!()
        };
        assert_eq!(question, "Is Disney's Frozen, the film, (on) it?");
        for nothing in ["", "   ", "# note", "```python", "Program:"] {
            assert!(statement(nothing, 1).is_none(), "{nothing}");
        }
    }

    #[test]
    fn faults_have_places_and_reasons() {
        for (text, expected) in [
            ("A=LOC(image=IMAGE,object='x'", "line 3, column 29: expected ')'"),
            ("A LOC(image=I)", "line 3, column 3: expected '=' after the variable, found 'L'"),
            ("A=LOCATE(image=I,object='x')", "did you mean LOC"),
            ("A=LOC(image=I)", "LOC needs the argument object="),
            ("A=LOC(image=I,object=dog)", "column 22: expected a quoted text for object"),
            ("A=COUNT(box='B')", "expected a variable for box, found a quoted text"),
            ("A=COUNT(box=B,max=3)", "COUNT has no argument max"),
            ("A=COUNT(box=B,box=C)", "given twice"),
            ("A=SEG(image=I)", "not available yet"),
            ("=LOC()", "expected a variable to assign to, found '='"),
            ("A=", "expected a step"),
            ("A=LOC(image=,object='x')", "expected a value for image"),
            ("A=VQA(image=I,question='x)", "expected ' at the end of the text"),
        ] {
            assert!(fault(text).contains(expected), "{text}: {}", fault(text));
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,200}") {
            let _ = statement(&text, 1);
        }

        #[test]
        fn never_panics_on_almost_programs(
            parts in prop::collection::vec(
                prop::sample::select(vec!["A", "=", "LOC", "(", ")", "image", "'", "\"", ",", "\\", " ", "é", "box", "RESULT", "var"]),
                0..30,
            )
        ) {
            let _ = statement(&parts.concat(), 1);
        }

        #[test]
        fn printed_steps_read_back(object in "[a-zA-Z][a-zA-Z ,()]{0,20}") {
            let call = StepCall::Loc { image: "IMAGE0".into(), object: object.clone() };
            prop_assert_eq!(parse(&format!("B={call}")).call, call);
        }
    }
}
