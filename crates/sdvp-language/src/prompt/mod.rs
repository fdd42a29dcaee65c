//! What a model is told before it writes a program: the framework, the form of the answer, examples.

mod choose;
mod examples;
mod similarity;

pub use choose::Choice;
pub use examples::{Example, ExampleCall, examples};

use crate::{Message, Role};
use choose::chosen;
use std::fmt;

/// A language that programs are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framework {
    /// One step a line.
    VisProg,
    /// Python over `ImagePatch`.
    Viper,
}

/// A form of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A question about one picture, as in GQA.
    Gqa,
    /// A statement about a left and a right picture, as in NLVR2.
    Nlvr,
    /// Any other request about any pictures.
    General,
}

impl Framework {
    /// Both.
    pub const ALL: [Self; 2] = [Self::VisProg, Self::Viper];

    fn told(self) -> &'static str {
        match self {
            Framework::VisProg => include_str!("../../data/visprog.txt"),
            Framework::Viper => include_str!("../../data/viper.txt"),
        }
    }

    /// How a program begins whose pictures are these.
    fn begins(self, pictures: &[String]) -> Option<&'static str> {
        match (self, pictures.len()) {
            (Framework::VisProg, _) => None,
            (Framework::Viper, 0 | 1) => Some("def execute_command(image):"),
            (Framework::Viper, 2) => Some("def execute_command(left, right):"),
            (Framework::Viper, _) => Some(
                "def execute_command(images):, where images has every picture by its name in lower case",
            ),
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framework::VisProg => "VisProg",
            Framework::Viper => "ViperGPT",
        })
    }
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gqa, Self::Nlvr, Self::General];

    /// The form of tasks over pictures of these names: general, unless they are one or a pair.
    pub fn of(pictures: &[String]) -> Self {
        match pictures {
            [only] if only == "IMAGE" => Form::Gqa,
            [left, right] if left == "LEFT" && right == "RIGHT" => Form::Nlvr,
            _ => Form::General,
        }
    }

    fn told(self) -> &'static str {
        match self {
            Form::Gqa => include_str!("../../data/gqa.txt"),
            Form::Nlvr => include_str!("../../data/nlvr.txt"),
            Form::General => include_str!("../../data/general.txt"),
        }
    }
}

/// A question whose program is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: String,
    /// The question or statement.
    pub text: String,
    /// The names of its pictures: `IMAGE`; `LEFT` and `RIGHT`; or others.
    pub pictures: Vec<String>,
}

/// How questions are put to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The language of the programs.
    pub framework: Framework,
    /// The form of the task.
    pub form: Form,
    /// At most so many examples.
    pub examples: usize,
    /// Which of them.
    pub choice: Choice,
}

impl Prompt {
    /// The conversation that asks for a program: what is wanted, examples as turns, the question.
    pub fn conversation(&self, question: &Question) -> Vec<Message> {
        let say = |role, content: String| Message { role, content };
        let mut told = format!("{}\n{}", self.framework.told(), self.form.told());
        // Requests of the general form say it themselves.
        if let (true, Some(begins)) = (
            self.form != Form::General,
            self.framework.begins(&question.pictures),
        ) {
            told += &format!("Begin with {begins}\n");
        }
        told += "Answer with the program alone.";
        let mut conversation = vec![say(Role::System, told)];
        let all = examples(self.framework, self.form);
        for example in chosen(all, self.choice, self.examples, &question.text) {
            let asked = self.asked(&example.question, &example.pictures);
            conversation.push(say(Role::User, asked));
            conversation.push(say(Role::Assistant, example.program.trim().to_owned()));
        }
        conversation.push(say(
            Role::User,
            self.asked(&question.text, &question.pictures),
        ));
        conversation
    }

    /// How a question is put.
    fn asked(&self, question: &str, pictures: &[String]) -> String {
        let question = question.trim();
        match self.form {
            Form::Gqa => format!("Question: {question}"),
            Form::Nlvr => format!("Statement: {question}"),
            Form::General => {
                let names = pictures.join(", ");
                match self.framework.begins(pictures) {
                    Some(begins) => {
                        format!("Pictures: {names}\nBegin with {begins}\nRequest: {question}")
                    }
                    None => format!("Pictures: {names}\nRequest: {question}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str, pictures: &[&str]) -> Question {
        Question {
            id: "1".to_owned(),
            text: text.to_owned(),
            pictures: pictures.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn forms_follow_the_pictures() {
        for (pictures, form) in [
            (&["IMAGE"][..], Form::Gqa),
            (&["LEFT", "RIGHT"], Form::Nlvr),
            (&["LEFT", "MIDDLE", "RIGHT"], Form::General),
            (&["RIGHT", "LEFT"], Form::General),
            (&[], Form::General),
        ] {
            assert_eq!(Form::of(&question("", pictures).pictures), form);
        }
    }

    #[test]
    fn a_conversation_is_what_is_wanted_then_examples_then_the_question() {
        let prompt = Prompt {
            framework: Framework::VisProg,
            form: Form::Gqa,
            examples: 3,
            choice: Choice::Fixed,
        };
        let said = prompt.conversation(&question(" Is there a yak?\n", &["IMAGE"]));
        let roles: Vec<Role> = said.iter().map(|message| message.role).collect();
        use Role::{Assistant, System, User};
        assert_eq!(
            roles,
            [
                System, User, Assistant, User, Assistant, User, Assistant, User
            ]
        );
        assert!(said[0].content.contains("VisProg") && said[0].content.contains("one picture"));
        assert_eq!(said[7].content, "Question: Is there a yak?");
        assert!(said[2].content.starts_with("BOX0=LOC("));
        let general = Prompt {
            framework: Framework::Viper,
            form: Form::General,
            examples: 0,
            ..prompt
        };
        let said = general.conversation(&question("Which?", &["LEFT", "RIGHT"]));
        assert_eq!(said.len(), 2);
        assert!(!said[0].content.contains("Begin with"));
        let pair = Prompt {
            form: Form::Nlvr,
            ..general
        };
        let said = pair.conversation(&question("Both.", &["LEFT", "RIGHT"]));
        assert!(
            said[0]
                .content
                .contains("Begin with def execute_command(left, right):\n")
        );
        let said = general.conversation(&question("Which?", &["LEFT", "RIGHT"]));
        assert!(
            said[1]
                .content
                .contains("LEFT, RIGHT\nBegin with def execute_command(left, right):")
        );
    }
}
