//! A run of a ViperGPT program.

use super::api::{Api, FUNCTIONS, Reply};
use super::entry::Given;
use super::interpreter::{Failure, HostCall, Interpreter, Returned, Stop};
use super::pending::{Answered, Pending, Unfit};
use super::rewrite::line_of;
use super::signature::raised;
use super::things::{Class, Thing, Things};
use super::video::Segment;
use super::{Parsed, ViperProgram};
use crate::limits;
use crate::{Execution, Inputs, RunError, Step, Trace, TraceStep, Value};
use monty_types::{ExcType, MontyException, MontyObject, MontyUuid};
use sdvp_core::{Image, ModuleError, Outcome, SubTask, View};
use std::sync::Arc;

/// Where a run stands.
enum State {
    Fresh,
    Waiting(Box<Waiting>),
    Ended,
}

/// A call that waits for a sub-task.
struct Waiting {
    pending: Pending,
    sub_task: SubTask,
    line: usize,
}

/// One run, suspended between sub-tasks.
pub(super) struct ViperExecution {
    program: ViperProgram,
    inputs: Inputs,
    first: Option<View>,
    interpreter: Box<dyn Interpreter>,
    things: Things,
    /// What the function's parameters are given, by name.
    parameters: Vec<(String, MontyObject)>,
    state: State,
    sub_tasks: usize,
    calls: usize,
    /// The last line that was heard of; 0 for none.
    line: usize,
    trace: Trace,
}

impl ViperExecution {
    pub(super) fn new(program: ViperProgram, inputs: &Inputs) -> Self {
        Self {
            interpreter: program.interpreter(),
            program,
            first: inputs.first().map(|(_, image)| image.view()),
            inputs: inputs.clone(),
            things: Things::default(),
            parameters: Vec::new(),
            state: State::Fresh,
            sub_tasks: 0,
            calls: 0,
            line: 0,
            trace: Trace::default(),
        }
    }

    fn parsed(&self) -> Arc<Parsed> {
        Arc::clone(&self.program.parsed)
    }

    /// What the interpreter stopped for, or why the program failed.
    fn stopped(&self, stopped: Result<Stop, Failure>) -> Result<Stop, RunError> {
        stopped.map_err(|failure| match failure {
            Failure::Exception(exception) => self.program.parsed.failure(&exception),
            Failure::Lost(reason) => RunError::Lost {
                line: self.line,
                reason,
            },
        })
    }

    fn begin(&mut self) -> Result<Step, RunError> {
        let parsed = self.parsed();
        // What is missing is missed before anything runs.
        for (name, given) in &parsed.entry.parameters {
            let value = self.given(name, *given)?;
            self.parameters.push((name.clone(), value));
        }
        let stopped = self.interpreter.start();
        self.go_on(stopped)
    }

    /// Hands a value to the interpreter, and answers it until it needs a module or the program
    /// ends.
    fn give(&mut self, value: MontyObject) -> Result<Step, RunError> {
        let stopped = self.interpreter.resume(Returned::Value(value));
        self.go_on(stopped)
    }

    fn go_on(&mut self, mut stopped: Result<Stop, Failure>) -> Result<Step, RunError> {
        loop {
            let returned = match self.stopped(stopped)? {
                Stop::Complete(object) => return Ok(Step::Done(self.value(object))),
                Stop::Lookup { name, object } => self.look_up(&name, object),
                Stop::System(function) => Returned::Raise(raised(
                    ExcType::PermissionError,
                    format!("programs have no {function}"),
                )),
                Stop::Call(call) => match self.call(call)? {
                    Called::Goes(returned) => returned,
                    Called::Asks(step) => return Ok(step),
                },
                Stop::Futures => {
                    return Err(RunError::Raised {
                        line: 0,
                        traceback: "RuntimeError: programs cannot wait for each other".to_owned(),
                    });
                }
            };
            stopped = self.interpreter.resume(returned);
        }
    }

    /// Counts a call against its limit.
    fn count_call(&mut self, line: usize) -> Result<(), RunError> {
        let limit = self.parsed().settings.max_calls;
        self.calls += 1;
        if self.calls > limit {
            return Err(RunError::Limit {
                line,
                what: "the number of calls".to_owned(),
                limit: limit as u64,
                setting: limits::PYTHON_CALLS.name(),
            });
        }
        Ok(())
    }

    /// A call of the API.
    fn call(&mut self, call: HostCall) -> Result<Called, RunError> {
        let (reply, line) = self.reply(call);
        self.line = self.program.parsed.number(line);
        self.count_call(self.line)?;
        Ok(match reply {
            Ok(Reply::Asks(pending)) => Called::Asks(self.ask(*pending, self.line)?),
            Ok(Reply::Value(value)) => Called::Goes(Returned::Value(value)),
            Err(exception) => Called::Goes(Returned::Raise(exception)),
        })
    }

    /// What a call comes to, and the line of the code it is in, if that was told.
    fn reply(&mut self, call: HostCall) -> (Result<Reply, MontyException>, usize) {
        let parsed = self.parsed();
        let HostCall {
            name,
            mut args,
            kwargs,
            object,
        } = call;
        let (name, line) = line_of(&name);
        let mut line = line.unwrap_or(0);
        // A method that was taken as a value knows its receiver by name.
        let (name, receiver) = match name.split_once(RECEIVER) {
            Some((name, id)) => (name, id.parse().ok().map(MontyUuid::from_u128)),
            None => (name, object),
        };
        let mut thing = receiver.and_then(|id| self.things.of_id(id)).cloned();
        let class = receiver.and_then(Class::of_id);
        // Of these two, the helpers that call them tell the line as the first argument.
        let (name, told) = match name {
            "find_at" => ("find", true),
            "_best_image_match" => ("best_image_match", true),
            other => (other, false),
        };
        if told && let Some(MontyObject::Int(told)) = args.first() {
            line = usize::try_from(*told).unwrap_or(0);
            args.remove(0);
        }
        let mut api = Api {
            things: &mut self.things,
            settings: &parsed.settings,
            first: self.first.as_ref(),
        };
        // A class is called by its name, or as a value.
        let made = match class {
            Some(class) => (name == "__call__").then_some(class),
            None if receiver.is_none() => Class::of_name(name),
            None => None,
        };
        if let Some(class) = made {
            return (api.construct(class, (args, kwargs)), line);
        }
        if class.is_some() && !args.is_empty() {
            // `ImagePatch.find(patch, …)`: the receiver is the first argument.
            thing = api.things.of(&args.remove(0)).cloned();
        }
        let reply = match (&thing, receiver) {
            (Some(thing), _) => api.method(thing, name, (args, kwargs)),
            (None, None) => api.function(name, (args, kwargs)),
            (None, Some(_)) => None,
        };
        let missing = || {
            let class = thing.as_ref().map(Thing::class).or(class);
            match class {
                Some(class) => raised(
                    ExcType::AttributeError,
                    format!("'{}' object has no attribute '{name}'", class.name()),
                ),
                None => raised(ExcType::NameError, format!("name '{name}' is not defined")),
            }
        };
        (reply.unwrap_or_else(|| Err(missing())), line)
    }

    /// Suspends a call until its next sub-task is answered.
    fn ask(&mut self, pending: Pending, line: usize) -> Result<Step, RunError> {
        let limit = self.parsed().settings.max_sub_tasks;
        if self.sub_tasks >= limit {
            return Err(RunError::Limit {
                line,
                what: "the number of sub-tasks".to_owned(),
                limit: limit as u64,
                setting: limits::PROGRAM_SUB_TASKS.name(),
            });
        }
        let sub_task = pending.sub_task().ok_or(RunError::NotWaiting)?;
        self.sub_tasks += 1;
        self.state = State::Waiting(Box::new(Waiting {
            pending,
            sub_task: sub_task.clone(),
            line,
        }));
        Ok(Step::Needs(sub_task))
    }

    fn answer(
        &mut self,
        answer: Result<Outcome, ModuleError>,
        waiting: Waiting,
    ) -> Result<Step, RunError> {
        let Waiting {
            mut pending,
            sub_task,
            line,
        } = waiting;
        let failed = |source| RunError::Module { line, source };
        let outcome = answer.map_err(failed)?;
        if outcome.kind() != sub_task.kind {
            return Err(RunError::WrongOutcome {
                line,
                expected: sub_task.kind,
                found: outcome.kind(),
            });
        }
        let parsed = self.parsed();
        let answered = match pending.answered(&outcome, &parsed.settings) {
            Ok(answered) => answered,
            Err(Unfit::Kind(found)) => {
                return Err(RunError::WrongOutcome {
                    line,
                    expected: sub_task.kind,
                    found,
                });
            }
            Err(Unfit::Numbers(reason)) => {
                let module = format!("the {} module", sub_task.kind);
                return Err(failed(ModuleError::Failed { module, reason }));
            }
        };
        let value = match answered {
            Answered::More => None,
            Answered::Value(value) => Some(value),
            Answered::Patches(patches) => {
                let patches = patches.into_iter().map(Thing::Patch);
                let patches = patches.map(|patch| self.things.hand_out(patch)).collect();
                Some(MontyObject::List(patches))
            }
        };
        let shown = value.clone().map_or(Value::None, |value| self.value(value));
        self.trace.steps.push(TraceStep {
            line,
            source: parsed.text_of(line).to_owned(),
            variable: String::new(),
            sub_task: Some(sub_task),
            outcome: Some(outcome),
            expression: None,
            value: shown,
        });
        match value {
            None => self.ask(pending, line),
            Some(value) => self.give(value),
        }
    }

    /// What a name or an attribute stands for.
    fn look_up(&mut self, name: &str, object: Option<MontyUuid>) -> Returned {
        let found = match object {
            None => self.global(name),
            Some(id) => self.attribute(name, id),
        };
        found.map_or(Returned::Undefined, Returned::Value)
    }

    fn attribute(&mut self, name: &str, id: MontyUuid) -> Option<MontyObject> {
        let plain = line_of(name).0;
        let (class, thing) = match self.things.of_id(id) {
            Some(thing) => (Some(thing.class()), Some(thing.clone())),
            None => (Class::of_id(id), None),
        };
        if class.is_some_and(|class| class.methods().contains(&plain)) {
            let number = u128::from_be_bytes(*id.as_bytes());
            return Some(function(format!("{plain}{RECEIVER}{number}")));
        }
        match thing {
            Some(Thing::Patch(patch)) if plain == "cropped_image" => {
                Some(self.things.hand_out(Thing::Picture(patch.view)))
            }
            Some(Thing::Segment(segment)) if plain == "trimmed_video" => {
                Some(self.things.hand_out(Thing::Segment(segment)))
            }
            _ => None,
        }
    }

    fn global(&mut self, name: &str) -> Option<MontyObject> {
        match name {
            "ImagePatch" | "_ImagePatch" => Some(Class::ImagePatch.python()),
            "VideoSegment" => Some(Class::VideoSegment.python()),
            "_best_image_match" => Some(function(name.to_owned())),
            _ if FUNCTIONS.contains(&line_of(name).0) => Some(function(name.to_owned())),
            _ => {
                if let Some(parameter) = name.strip_prefix("_given_") {
                    let mut known = self.parameters.iter();
                    let (_, value) = known.find(|(name, _)| name == parameter)?;
                    return Some(value.clone());
                }
                // What a program without a header takes for granted.
                let given = Given::of(name)?;
                self.given(name, given).ok()
            }
        }
    }

    /// The value of what a program is given.
    fn given(&mut self, name: &str, given: Given) -> Result<MontyObject, RunError> {
        let missing = |inputs: &Inputs| {
            let given: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
            RunError::NoImage {
                wanted: format!("an image for {name}"),
                given: if given.is_empty() {
                    "none".to_owned()
                } else {
                    given.join(", ")
                },
            }
        };
        let pair = self.named("LEFT").is_some() && self.named("RIGHT").is_some();
        let image = match given {
            // The only image parameter of a question about a pair is all of it.
            Given::Picture(0) if pair && self.image_parameters() == 1 => {
                return Ok(self.pictures());
            }
            Given::Picture(n) => self.nth(n),
            Given::Left => self.named("LEFT").or_else(|| self.nth(0)),
            Given::Right => self.named("RIGHT").or_else(|| self.nth(1)),
            Given::Pictures => return Ok(self.pictures()),
            Given::Video => {
                let frames = self.inputs.iter().map(|(_, image)| image.clone());
                let segment = Segment::whole(frames.collect());
                let segment = segment.map_err(|_| missing(&self.inputs))?;
                return Ok(self.things.hand_out(Thing::Segment(segment)));
            }
            Given::Question => return Ok(MontyObject::String(self.program.question.clone())),
            Given::PossibleAnswers => {
                let answers = self.program.possible_answers.iter();
                return Ok(MontyObject::List(
                    answers.cloned().map(MontyObject::String).collect(),
                ));
            }
            Given::Api(_) | Given::Nothing => return Ok(MontyObject::None),
        };
        let image = image.ok_or_else(|| missing(&self.inputs))?;
        Ok(self.things.hand_out(Thing::Picture(image.view())))
    }

    fn image_parameters(&self) -> usize {
        let parameters = self.program.parsed.entry.parameters.iter();
        parameters
            .filter(|(_, given)| matches!(given, Given::Picture(_)))
            .count()
            .max(1)
    }

    fn named(&self, wanted: &str) -> Option<Image> {
        let mut inputs = self.inputs.iter();
        inputs
            .find(|(name, _)| name == wanted)
            .map(|(_, image)| image.clone())
    }

    fn nth(&self, index: usize) -> Option<Image> {
        self.inputs.get(index).map(|(_, image)| image.clone())
    }

    /// All images by their names, in small letters.
    fn pictures(&mut self) -> MontyObject {
        let pictures: Vec<(MontyObject, MontyObject)> = self
            .inputs
            .iter()
            .map(|(name, image)| {
                let picture = self.things.hand_out(Thing::Picture(image.view()));
                (MontyObject::String(name.to_lowercase()), picture)
            })
            .collect();
        MontyObject::dict(pictures)
    }

    /// A value of the program as one of ours. Patches are views of their image; of what has no
    /// counterpart, the text that Python writes for it.
    fn value(&self, object: MontyObject) -> Value {
        match object {
            MontyObject::None => Value::None,
            MontyObject::Bool(truth) => Value::Bool(truth),
            MontyObject::Int(number) => Value::Int(number),
            MontyObject::Float(number) => Value::Float(number),
            MontyObject::String(text) => Value::Text(text),
            MontyObject::List(items) | MontyObject::Tuple(items) => {
                Value::List(items.into_iter().map(|item| self.value(item)).collect())
            }
            other => match self.things.of(&other) {
                Some(Thing::Patch(patch)) => Value::View(patch.view.clone()),
                Some(Thing::Picture(view)) => Value::View(view.clone()),
                _ => Value::Text(other.py_repr()),
            },
        }
    }
}

/// A function of ours, which asks for its value when it is called.
fn function(name: String) -> MontyObject {
    MontyObject::Function {
        name,
        docstring: None,
    }
}

/// Between a method's name and the number of its receiver, where it was taken as a value.
const RECEIVER: char = '@';

/// What comes of a call.
enum Called {
    /// The interpreter goes on with this.
    Goes(Returned),
    /// A module is needed.
    Asks(Step),
}

impl Execution for ViperExecution {
    fn start(&mut self) -> Result<Step, RunError> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Fresh => self.begin(),
            _ => Err(RunError::NotWaiting),
        }
    }

    fn resume(&mut self, answer: Result<Outcome, ModuleError>) -> Result<Step, RunError> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Waiting(waiting) => self.answer(answer, *waiting),
            _ => Err(RunError::NotWaiting),
        }
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }
}
