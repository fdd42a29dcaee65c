//! A run of a million sub-tasks: written, shown, compared, exported.

use anyhow::{Context, Result};
use clap::Args;
use sdvp_core::{AnswerOutcome, BBox, Detection, Digest, Image, Outcome, Region, SubTaskKind};
use sdvp_store::{
    Configuration, ExportFormat, Exported, ModuleIdentity, QuestionRecord, RunReader, RunWriter,
    Source, SubTaskRecord, compare, export,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Sub-tasks a question.
const EACH: u64 = 4;
/// Questions about one picture.
const ABOUT_ONE: u64 = 8;

#[derive(Args)]
pub(crate) struct StoreArguments {
    /// How many sub-tasks.
    #[arg(long, default_value_t = 1_000_000)]
    sub_tasks: u64,
    /// Questions that are written in one transaction.
    #[arg(long, default_value_t = 64)]
    together: usize,
    /// Where the runs are written; a temporary folder if not given.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the bench and prints its result.
pub(crate) fn store(arguments: &StoreArguments) -> Result<()> {
    let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
    let folder = match &arguments.folder {
        Some(folder) => folder.as_path(),
        None => temporary.path(),
    };
    let questions = u32::try_from(arguments.sub_tasks / EACH).context("--sub-tasks")?;
    let [first, second] = [0, 1].map(|run| folder.join(format!("run-{run}")));
    let started = Instant::now();
    write(&first, questions, arguments.together, 0)?;
    let inserting = started.elapsed().as_secs_f64();
    write(&second, questions, arguments.together, 1)?;
    let megabytes = size(&first)? as f64 / 1e6;

    let started = Instant::now();
    let (one, two) = (RunReader::open(&first)?, RunReader::open(&second)?);
    let summary = one.summary(10)?;
    let showing = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let comparison = compare(&one, &two, 100)?;
    let comparing = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let out = folder.join("sub-tasks.parquet");
    let exported = export(&one, Exported::SubTasks, ExportFormat::Parquet, &out)?;
    let exporting = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let finished = RunWriter::open_or_create(&first, &configuration(0))?.finished()?;
    let resuming = started.elapsed().as_secs_f64();

    let rate = exported as f64 / inserting;
    let mut print = std::io::stdout().lock();
    if arguments.json {
        let result = json!({
            "questions": summary.questions, "sub_tasks": exported, "finished": finished.len(),
            "insert_seconds": inserting, "sub_tasks_per_second": rate, "megabytes": megabytes,
            "show_seconds": showing, "compare_seconds": comparing,
            "other_traces": comparison.other_traces, "parquet_seconds": exporting,
            "parquet_megabytes": std::fs::metadata(&out)?.len() as f64 / 1e6,
            "resume_seconds": resuming,
        });
        writeln!(print, "{result:#}")?;
        return Ok(());
    }
    writeln!(
        print,
        "{} questions with {exported} sub-tasks written in {inserting:.1} s ({rate:.0} sub-tasks/s, {} questions a transaction), {megabytes:.0} MB\n\
         shown in {showing:.3} s, compared with another run in {comparing:.2} s ({} questions differ)\n\
         exported to Parquet in {exporting:.1} s; checked and ready to be gone on with in {resuming:.2} s",
        summary.questions, arguments.together, comparison.other_traces,
    )?;
    Ok(())
}

fn configuration(run: u64) -> Configuration {
    Configuration {
        versions: BTreeMap::new(),
        weights: BTreeMap::new(),
        data: Digest::of(b"synthetic"),
        pictures: None,
        seed: run,
        settings: BTreeMap::new(),
    }
}

fn write(folder: &Path, questions: u32, together: usize, run: u64) -> Result<()> {
    let mut writer = RunWriter::open_or_create(folder, &configuration(run))?;
    let mut waiting = Vec::with_capacity(together);
    for number in 0..questions {
        waiting.push(question(number, run)?);
        if waiting.len() >= together {
            writer.record(&waiting)?;
            waiting.clear();
        }
    }
    writer.record(&waiting)?;
    Ok(writer.close()?)
}

/// Numbers that look random and are always the same.
fn mixed(seed: u64) -> u64 {
    Digest::of(&seed.to_le_bytes()).low_u64()
}

/// A question as programs about pictures ask them: two searches, then two questions about what was
/// found; every tenth of another run gets other answers.
fn question(number: u32, run: u64) -> Result<QuestionRecord> {
    let n = u64::from(number);
    let image = Digest::of(&(n / ABOUT_ONE).to_le_bytes());
    let region = Region::new(0, 0, 640, 480)?;
    let changed = run * u64::from(n.is_multiple_of(10));
    let sub_tasks = (0..EACH).zip(1u32..).map(|(place, line)| {
        let random = mixed(n * EACH + place + (changed << 40));
        let part = |from: u32| (random >> from) as u8;
        let (kind, name) = match place {
            0 | 1 => (SubTaskKind::Locate, "locate"),
            _ => (SubTaskKind::Answer, "answer"),
        };
        let outcome = match kind {
            SubTaskKind::Locate => {
                let boxes = (0..u32::from(part(0) % 6)).map(|at| Detection {
                    bbox: BBox::from_center(
                        f32::from(part(at)),
                        f32::from(part(at + 8)),
                        f32::from(part(at + 16)) / 3.0,
                        f32::from(part(at + 24)) / 7.0,
                    ),
                    score: f32::from(part(at + 32)) / 255.0,
                });
                Outcome::Boxes(boxes.collect())
            }
            _ => Outcome::Answer(AnswerOutcome {
                confidence: f32::from(part(8)) / 255.0,
                ..AnswerOutcome::certain(format!("answer {}", part(0)))
            }),
        };
        SubTaskRecord {
            line,
            kind,
            image,
            region,
            text: format!("what colour is the thing {}?", random % 3000),
            outcome: Some(outcome),
            module: Some(ModuleIdentity {
                name: name.to_owned(),
                fingerprint: Digest::of(name.as_bytes()),
            }),
            source: if random.is_multiple_of(3) {
                Source::Cached
            } else {
                Source::Computed
            },
            micros: u32::from(part(40)) * 20,
        }
    });
    Ok(QuestionRecord {
        number,
        id: format!("{:08}", n * 37 % 100_000_000),
        text: format!(
            "What colour is the thing to the left of thing {}?",
            mixed(n) % 100_000
        ),
        kind: format!("kind {}", n % 12),
        gold: format!("answer {}", mixed(n) % 200),
        program: Some(format!(
            "BOX0=LOC(image=IMAGE,object='thing {}')\nIMAGE0=CROP(image=IMAGE,box=BOX0)\n\
             ANSWER0=VQA(image=IMAGE0,question='What colour is it?')\nFINAL_RESULT=RESULT(var=ANSWER0)",
            mixed(n) % 5000
        )),
        answer: Ok(format!("answer {}", mixed(n + changed) % 200)),
        score: f64::from(u8::from(mixed(n + changed).is_multiple_of(2))),
        sub_tasks: sub_tasks.collect(),
        // Pictures are a matter of the encoder and the disk, not of the database.
        images: Vec::<Image>::new(),
    })
}

/// Bytes of all files in a run's folder itself.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
