//! The program in what a model wrote, and a form of it that is equal where only spelling differs.

use super::canonical::canonical;
use crate::prompt::Framework;
use sdvp_program::ProgramErrors;
use sdvp_program::viper::{ViperCode, ViperSettings};
use sdvp_program::visprog::{VisProgProgram, VisProgSettings};

/// A program that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The program, without what stood around it.
    pub program: String,
    /// Equal for programs that differ in spelling only.
    pub normal: String,
}

/// Finds the program in what a model wrote.
///
/// # Errors
/// What is wrong with the likeliest part.
pub fn extract(
    said: &str,
    framework: Framework,
    pictures: &[String],
) -> Result<Found, ProgramErrors> {
    let said = after_thoughts(said);
    match framework {
        Framework::Viper => {
            let code = ViperCode::read(said, &ViperSettings::default())?;
            Ok(Found {
                program: code.code,
                normal: code.normal,
            })
        }
        Framework::VisProg => {
            let settings = VisProgSettings {
                inputs: pictures.to_vec(),
                ..VisProgSettings::default()
            };
            visprog(said, &settings)
        }
    }
}

/// What comes after the thoughts that some models write first.
fn after_thoughts(said: &str) -> &str {
    match said.rsplit_once("</think>") {
        Some((_, rest)) if !rest.trim().is_empty() => rest,
        _ => said,
    }
}

/// The last fenced block that is a program, everything, or the lines that look like steps.
fn visprog(said: &str, settings: &VisProgSettings) -> Result<Found, ProgramErrors> {
    let found = |text: &str| {
        VisProgProgram::parse(text, settings).map(|program| {
            let program = program.to_string();
            Found {
                normal: canonical(&program),
                program,
            }
        })
    };
    let mut faults = None;
    for block in blocks(said).iter().rev() {
        match found(block) {
            Ok(found) => return Ok(found),
            Err(errors) => {
                faults.get_or_insert(errors);
            }
        }
    }
    let all = match found(said) {
        Ok(found) => return Ok(found),
        Err(errors) => errors,
    };
    let steps = steps(said);
    match found(&steps) {
        Ok(found) => Ok(found),
        // Faults of prose would be of no help.
        Err(errors) if !steps.is_empty() => Err(faults.unwrap_or(errors)),
        Err(_) => Err(faults.unwrap_or(all)),
    }
}

/// What stands between fences; the last one may be open.
fn blocks(said: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in said.lines() {
        if line.trim_start().starts_with("```") {
            match open.take() {
                Some(block) => blocks.push(block),
                None => open = Some(String::new()),
            }
        } else if let Some(block) = &mut open {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks.extend(open);
    blocks
}

/// The lines that look like `NAME=STEP(`, list marks and all.
fn steps(said: &str) -> String {
    let is_name = |text: &str| {
        let text = text.trim();
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        begins && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let is_step = |line: &&str| {
        let unmarked = line
            .trim()
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start_matches(['.', ')', '-', '*', ' ']);
        let parts = unmarked.split_once('=').and_then(|(name, rest)| {
            let (step, _) = rest.split_once('(')?;
            Some((name, step))
        });
        parts.is_some_and(|(name, step)| is_name(name) && is_name(step))
    };
    let lines: Vec<&str> = said.lines().filter(is_step).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "BOX0=LOC(image=IMAGE,object='dog')\nANSWER0=COUNT(box=BOX0)\nFINAL_RESULT=RESULT(var=ANSWER0)";

    fn found(said: &str) -> Result<Found, ProgramErrors> {
        extract(said, Framework::VisProg, &["IMAGE".to_owned()])
    }

    #[test]
    fn a_program_is_found_in_whatever_stands_around_it() {
        let fenced = format!("```\n{PROGRAM}\n```");
        let list: String = PROGRAM
            .lines()
            .enumerate()
            .map(|(n, line)| format!("{}. {line}\n", n + 1))
            .collect();
        for said in [
            PROGRAM.to_owned(),
            fenced.clone(),
            format!("Sure! Here it is:\n\n{fenced}\nThe program counts dogs."),
            format!("First I find the dog (in the picture).\n{PROGRAM}\nThat is all."),
            format!("A wrong one:\n```\nBOX0=FIND('dog')\n```\nA right one:\n{fenced}"),
            format!("{fenced}\nIt prints:\n```\n2\n```"),
            format!("```python\n{PROGRAM}"),
            format!("Steps:\n{list}"),
            format!("<think>\nBOX9=LOC(image=IMAGE,object='cat')\n</think>\n{PROGRAM}"),
        ] {
            assert_eq!(found(&said).unwrap().program, PROGRAM, "{said}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_the_likeliest_part() {
        let wrong = PROGRAM.replace("COUNT", "CONT");
        let errors = found(&format!("Here:\n```\n{wrong}\n```\nBye.")).unwrap_err();
        assert!(errors.to_string().contains("`CONT`"), "{errors}");
        assert!(found("I cannot do that.").is_err());
        assert!(found("").is_err());
        let other = PROGRAM.replace("IMAGE", "LEFT");
        assert!(found(&other).unwrap_err().to_string().contains("LEFT"));
    }

    #[test]
    fn python_is_found_too() {
        let said = "Sure:\n```python\ndef execute_command(image):\n    return ImagePatch(image).exists('dog')\n```\nDone.";
        let found = extract(said, Framework::Viper, &["IMAGE".to_owned()]).unwrap();
        assert!(found.program.starts_with("def execute_command"));
        assert!(!found.program.contains("Done"));
        assert!(extract("No.", Framework::Viper, &[]).is_err());
    }
}
