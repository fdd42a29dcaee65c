//! The interpreter in a process of its own: what it does to its process, it does to no other
//! program. The worker holds nothing but the program's own values; it has no picture, and whoever
//! started it says how much memory it may take.

use super::wire::{Order, Told, receive, send};
use super::{Failure, Here, Interpreter, Limits, Returned, Stop};
use crate::viper::compiled;
use std::io::{self, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Beyond the time that a program may compute, a worker that does not stop it has this long.
const GRACE: Duration = Duration::from_secs(5);
/// How often a worker looks at its time.
const WATCHED: Duration = Duration::from_millis(50);
/// The exit code of a worker that was stuck.
const STUCK: i32 = 124;

/// Workers, started as they are needed. One that has finished a program takes the next one.
pub struct WorkerPool {
    command: Box<dyn Fn() -> Command + Send + Sync>,
    idle: Mutex<Vec<Worker>>,
}

/// A process that calls [`serve`].
struct Worker {
    child: Child,
    orders: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl WorkerPool {
    /// Workers that are started by this command. It must call [`serve`] on its standard input and
    /// output.
    pub fn new(command: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        Self {
            command: Box::new(command),
            idle: Mutex::default(),
        }
    }

    /// A run in one of the workers.
    pub(in crate::viper) fn run(self: &Arc<Self>, code: String, limits: Limits) -> WorkerRun {
        WorkerRun {
            pool: Arc::clone(self),
            worker: None,
            start: Some(Order::Start { code, limits }),
        }
    }

    fn take(&self) -> io::Result<Worker> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(worker) => Ok(worker),
            None => Worker::start((self.command)()),
        }
    }

    fn give_back(&self, worker: Worker) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(worker);
    }
}

impl Worker {
    fn start(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn()?;
        let missing = || io::Error::other("a worker without standard input and output");
        Ok(Self {
            orders: child.stdin.take().ok_or_else(missing)?,
            told: BufReader::new(child.stdout.take().ok_or_else(missing)?),
            child,
        })
    }

    fn exchange(&mut self, order: &Order) -> io::Result<Told> {
        send(&mut self.orders, order)?;
        receive(&mut self.told)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Ends the process, and says how it ended if it had by itself.
    fn end(mut self) -> Option<ExitStatus> {
        // What has just died may not be known to have.
        for _ in 0..20 {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Ok(ended) => return ended,
                Err(_) => break,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        None
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        for mut worker in idle.drain(..) {
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

/// A run in a worker.
pub(in crate::viper) struct WorkerRun {
    pool: Arc<WorkerPool>,
    /// Waits for an order whenever it is here.
    worker: Option<Worker>,
    start: Option<Order>,
}

impl WorkerRun {
    fn exchange(&mut self, order: &Order) -> Result<Stop, Failure> {
        let Some(mut worker) = self.worker.take() else {
            return Err(Failure::Lost("its process has ended".to_owned()));
        };
        match worker.exchange(order) {
            Ok(told) => {
                self.worker = Some(worker);
                told
            }
            Err(error) => Err(Failure::Lost(match worker.end() {
                Some(status) if status.code() == Some(STUCK) => {
                    "its process did not keep to its time".to_owned()
                }
                Some(status) => format!(
                    "its process ended ({status}); most likely it took more memory than it may"
                ),
                None => format!("its process cannot be talked to: {error}"),
            })),
        }
    }
}

impl Interpreter for WorkerRun {
    fn start(&mut self) -> Result<Stop, Failure> {
        let Some(order) = self.start.take() else {
            return Err(Failure::Lost("it was started twice".to_owned()));
        };
        let worker = self.pool.take();
        let refused = |error| Failure::Lost(format!("no process can be started for it: {error}"));
        self.worker = Some(worker.map_err(refused)?);
        self.exchange(&order)
    }

    fn resume(&mut self, reply: Returned) -> Result<Stop, Failure> {
        self.exchange(&Order::Resume(reply))
    }
}

impl Drop for WorkerRun {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.pool.give_back(worker);
        }
    }
}

/// What a worker does: runs the programs it is told to until there are no more orders.
///
/// # Errors
/// If the other side cannot be talked to.
pub fn serve(orders: &mut impl Read, told: &mut impl Write) -> io::Result<()> {
    let watch = Watch::begin();
    let mut run: Option<(Here, Limits)> = None;
    while let Some(order) = receive::<Order>(orders)? {
        let message: Told = match order {
            Order::Start { code, limits } => match compiled(code) {
                Ok(code) => {
                    watch.expect_end(&limits);
                    let (run, _) = run.insert((Here::new(code, limits.clone()), limits));
                    run.start()
                }
                Err(exception) => Err(Failure::Exception(exception)),
            },
            Order::Resume(reply) => match &mut run {
                Some((run, limits)) => {
                    watch.expect_end(limits);
                    run.resume(reply)
                }
                None => Err(Failure::Lost("nothing was started".to_owned())),
            },
        };
        send(told, &message)?;
        watch.rest();
    }
    Ok(())
}

/// Ends the process when the interpreter does not come back in time.
struct Watch {
    since: Instant,
    /// Milliseconds from `since`; 0 while nothing runs.
    deadline: Arc<AtomicU64>,
}

impl Watch {
    fn begin() -> Self {
        let (since, deadline) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let watched = Arc::clone(&deadline);
        thread::spawn(move || {
            loop {
                thread::sleep(WATCHED);
                let deadline = watched.load(Ordering::Relaxed);
                if deadline > 0 && since.elapsed() > Duration::from_millis(deadline) {
                    std::process::exit(STUCK);
                }
            }
        });
        Self { since, deadline }
    }

    fn expect_end(&self, limits: &Limits) {
        let until = self.since.elapsed() + Duration::from_millis(limits.max_ms) + GRACE;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.deadline.store(until.max(1), Ordering::Relaxed);
    }

    fn rest(&self) {
        self.deadline.store(0, Ordering::Relaxed);
    }
}
