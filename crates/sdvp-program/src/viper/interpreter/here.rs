//! The interpreter in this process.

use super::{Failure, HostCall, Interpreter, Limits, Returned, Stop};
use monty::{FunctionCall, MontyRun, NameLookup, OsCall, RunProgress};
use monty_types::{MontyException, NameLookupResult, PrintWriter, ResourceLimits, ResourceTracker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A run in this process.
pub(in crate::viper) struct Here {
    limits: Limits,
    printed: String,
    held: Held,
}

/// Where it stands.
enum Held {
    Fresh(MontyRun),
    Call(FunctionCall),
    Lookup(NameLookup),
    System(OsCall),
    Ended,
}

/// What comes of letting it go on.
type Progress = Result<RunProgress, MontyException>;

impl Here {
    pub(in crate::viper) fn new(code: MontyRun, limits: Limits) -> Self {
        Self {
            limits,
            printed: String::new(),
            held: Held::Fresh(code),
        }
    }

    /// Lets the interpreter go on. It must not take the process down with it, should it have a
    /// fault.
    fn run(&mut self, run: impl FnOnce(PrintWriter<'_>) -> Progress) -> Result<Stop, Failure> {
        let printed = &mut self.printed;
        let limit = Some(self.limits.max_output);
        let run = AssertUnwindSafe(|| run(PrintWriter::CollectString(printed, limit)));
        match catch_unwind(run) {
            Ok(Ok(progress)) => Ok(self.stop(progress)),
            Ok(Err(exception)) => Err(Failure::Exception(exception)),
            Err(_) => Err(Failure::Lost("the Python interpreter failed".to_owned())),
        }
    }

    fn stop(&mut self, progress: RunProgress) -> Stop {
        match progress {
            RunProgress::Complete(value) => Stop::Complete(value),
            RunProgress::ResolveFutures(_) => Stop::Futures,
            RunProgress::FunctionCall(mut call) => {
                let stop = Stop::Call(HostCall {
                    name: std::mem::take(&mut call.function_name),
                    args: std::mem::take(&mut call.args),
                    kwargs: std::mem::take(&mut call.kwargs),
                    object: call.object_id,
                });
                self.held = Held::Call(call);
                stop
            }
            RunProgress::NameLookup(lookup) => {
                let stop = Stop::Lookup {
                    name: lookup.name.clone(),
                    object: lookup.object_id(),
                };
                self.held = Held::Lookup(lookup);
                stop
            }
            RunProgress::OsCall(call) => {
                let stop = Stop::System(call.function_call.name().to_owned());
                self.held = Held::System(call);
                stop
            }
        }
    }

    fn tracker(&self) -> ResourceTracker {
        let limits = ResourceLimits::default()
            .max_duration(Duration::from_millis(self.limits.max_ms))
            .max_memory(self.limits.max_memory)
            .max_recursion_depth(self.limits.max_recursion)
            // Counted by whoever answers, with an error that names the setting.
            .max_suspensions(usize::MAX);
        ResourceTracker::new(limits)
    }
}

fn not_waiting() -> Failure {
    Failure::Lost("the Python interpreter was not waiting for this".to_owned())
}

impl Interpreter for Here {
    fn start(&mut self) -> Result<Stop, Failure> {
        let Held::Fresh(code) = std::mem::replace(&mut self.held, Held::Ended) else {
            return Err(not_waiting());
        };
        let tracker = self.tracker();
        self.run(|print| code.start(Vec::new(), tracker, print))
    }

    fn resume(&mut self, reply: Returned) -> Result<Stop, Failure> {
        match std::mem::replace(&mut self.held, Held::Ended) {
            Held::Call(call) => self.run(|print| call.resume(reply, print)),
            Held::Lookup(lookup) => {
                self.run(|print| lookup.resume(NameLookupResult::from(reply), print))
            }
            Held::System(call) => self.run(|print| call.resume(reply, print)),
            Held::Fresh(_) | Held::Ended => Err(not_waiting()),
        }
    }
}
