//! A run over as many statements about pairs of photographs as NLVR2's development split has, with
//! stand-ins in the networks' place: what everything but the networks takes.

use anyhow::{Context, Result, bail};
use clap::Args;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Longest time wanted, seconds.
const TARGET_S: f64 = 60.0;
/// Pictures that differ; every other one is one of them under another name.
const PICTURES: usize = 48;

#[derive(Args)]
pub(crate) struct StatementsArguments {
    /// NLVR2's dev.json; statements are made up without it.
    #[arg(long)]
    statements: Option<PathBuf>,
    /// A folder of JPEG photographs to stand for the statements' own; pictures of 640×480 are made up
    /// without it.
    #[arg(long)]
    photographs: Option<PathBuf>,
    /// Statements that are made up.
    #[arg(long, default_value_t = 6982)]
    count: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the bench and prints its result.
pub(crate) fn statements(arguments: &StatementsArguments) -> Result<()> {
    let sdvp = std::env::current_exe()?.with_file_name("sdvp");
    if !sdvp.is_file() {
        bail!(
            "{} is missing; cargo build --release makes it",
            sdvp.display()
        );
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let root = folder.path();
    let records = match &arguments.statements {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?,
        None => made_up(arguments.count),
    };
    std::fs::create_dir_all(root.join("data"))?;
    std::fs::write(root.join("data/dev.json"), &records)?;
    let pictures = match &arguments.photographs {
        Some(folder) => photographs(folder)?,
        None => drawn(&root.join("drawn"))?,
    };
    let (count, programs) = fill(root, &records, &pictures)?;
    let file = root.join("programs.jsonl");
    std::fs::write(&file, programs)?;

    let start = Instant::now();
    let output = Command::new(&sdvp)
        .arg("run")
        .arg(root)
        .args(["--split", "dev", "--stand-ins", "--json", "--programs"])
        .arg(&file)
        .output()?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let said: Value = serde_json::from_slice(&output.stdout)?;
    if said["score"]["n"] != json!(count) || said["score"]["failure_rate"] != json!(0.0) {
        bail!(
            "expected {count} statements and no failure, found {}",
            said["score"]
        );
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "bench": "statements", "statements": count, "seconds": seconds,
            "target_seconds": TARGET_S, "runtime": said["runtime"],
        });
        writeln!(out, "{report}")?;
    } else {
        writeln!(
            out,
            "{count} statements about {} photographs with stand-ins: {seconds:.1} s, {:.0} a second \
             (target: at most {TARGET_S:.0} s)",
            2 * count,
            count as f64 / seconds
        )?;
    }
    Ok(())
}

/// Statements in NLVR2's form.
fn made_up(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let record = json!({
            "sentence": format!("There are {} bottles, and one picture is of a table.", n % 7),
            "identifier": format!("dev-{}-{}-{}", n / 8, n / 2 % 4, n % 2),
            "label": if n % 2 == 0 { "True" } else { "False" },
            "left_url": "", "right_url": "", "synset": "bottle", "writer": "0",
        });
        let _ = writeln!(text, "{record}");
        text
    })
}

/// Gives every statement its pictures and a program that looks at both; how many, and the programs.
fn fill(root: &Path, records: &str, pictures: &[PathBuf]) -> Result<(usize, String)> {
    let images = root.join("images/dev");
    std::fs::create_dir_all(&images)?;
    let (mut count, mut programs) = (0, String::new());
    for line in records.lines().filter(|line| !line.trim().is_empty()) {
        let record: Value = serde_json::from_str(line)?;
        let (Some(id), Some(sentence)) =
            (record["identifier"].as_str(), record["sentence"].as_str())
        else {
            bail!("expected identifier and sentence, found {line}");
        };
        let pair = id.rsplit_once('-').map_or(id, |(pair, _)| pair);
        for side in 0..2 {
            let file = images.join(format!("{pair}-img{side}.png"));
            if !file.exists() {
                // Photographs of published size, but not of published number: links cost no disk.
                let from = pictures.get((7 * count + side) % pictures.len().max(1));
                let from = from.context("expected at least one photograph, found none")?;
                if std::fs::hard_link(from, &file).is_err() {
                    std::fs::copy(from, &file)?;
                }
            }
        }
        let thing = record["synset"]
            .as_str()
            .unwrap_or("thing")
            .replace('\'', "");
        let program = format!(
            "BOX0=LOC(image=LEFT,object='{thing}')\n\
             BOX1=LOC(image=RIGHT,object='{thing}')\n\
             ANSWER0=COUNT(box=BOX0)\n\
             IMAGE0=CROP(image=RIGHT,box=BOX1)\n\
             ANSWER1=VQA(image=IMAGE0,question='How many are there?')\n\
             ANSWER2=VQA(image=LEFT,question='Is there a {thing}?')\n\
             ANSWER3=EVAL(expr='{{ANSWER0}} + {{ANSWER1}} > 2 and {{ANSWER2}}')\n\
             FINAL_ANSWER=RESULT(var=ANSWER3)"
        );
        let _ = writeln!(
            programs,
            "{}",
            json!({"id": id, "query": sentence, "program": program})
        );
        count += 1;
    }
    Ok((count, programs))
}

fn photographs(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    found.retain(|path| path.extension().is_some_and(|e| e == "jpg" || e == "jpeg"));
    found.sort();
    Ok(found)
}

/// Pictures with as much detail as a photograph has.
fn drawn(folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    (0..PICTURES)
        .map(|n| {
            let mut state = n as u32 + 1;
            let picture = RgbImage::from_fn(640, 480, |x, y| {
                // Xorshift: noise over slow waves.
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let wave = |over: f32, phase: f32| {
                    (110.0 + 80.0 * ((over / 37.0 + phase + n as f32).sin())) as u32
                };
                let noise = state >> 27;
                Rgb([
                    (wave(x as f32, 0.0) + noise) as u8,
                    (wave(y as f32, 1.0) + noise) as u8,
                    (wave((x + y) as f32, 2.0) + noise) as u8,
                ])
            });
            let path = folder.join(format!("{n}.jpg"));
            let file = std::io::BufWriter::new(std::fs::File::create(&path)?);
            JpegEncoder::new_with_quality(file, 85).encode_image(&picture)?;
            Ok(path)
        })
        .collect()
}
