//! What comes out of it.

use super::{Found, PublishedArguments};
use crate::bench::cpu_time::tell_others;
use crate::bench::median;
use crate::bench::process::mib;
use anyhow::Result;
use serde_json::{Value, json};
use std::io::Write;

pub(super) fn report(arguments: &PublishedArguments, found: &Found) -> Result<()> {
    let Found {
        calls,
        ours,
        theirs,
        ..
    } = found;
    let first_load_s = found
        .loads
        .each_ref()
        .map(|times| times.first().copied().unwrap_or(0.0));
    let load_s = found
        .loads
        .each_ref()
        .map(|times| median(times.get(1..).unwrap_or_default()));
    let images_per_s = found
        .whole
        .each_ref()
        .map(|it| calls[0].len() as f64 / it.seconds);
    let whole_mib = found.whole.each_ref().map(|it| mib(it.peak));
    let mut rows: Vec<Value> = Vec::new();
    let (mut same, mut all, mut farthest) = (0, 0, 0f32);
    let targets = ["a question a photograph", "ten questions a photograph"]
        .into_iter()
        .zip([1.0, 5.0]);
    for ((name, target), (calls, (ours, theirs))) in
        targets.zip(calls.iter().zip(ours.rounds.iter().zip(&theirs.rounds)))
    {
        same += ours
            .answers
            .iter()
            .zip(&theirs.answers)
            .filter(|(a, b)| a == b)
            .count();
        all += calls.len();
        for (one, other) in ours.boxes.iter().zip(&theirs.boxes) {
            for (a, b) in one.iter().zip(other) {
                farthest = farthest.max((a - b).abs());
            }
        }
        let [here, there] = [ours.seconds, theirs.seconds].map(|it| calls.len() as f64 / it);
        rows.push(json!({
            "what": name, "calls": calls.len(), "sdvp_per_s": here, "transformers_per_s": there,
            "ratio": here / there, "target": target,
        }));
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "bench": "published", "threads": arguments.threads, "torch": theirs.torch,
            "transformers": theirs.transformers, "rounds": rows, "others_share": found.others,
            "load_s": load_s, "loads_s": found.loads, "images_per_s": images_per_s,
            "run_peak_mib": whole_mib, "peak_mib": [ours.peak_mib, theirs.peak_mib],
            "same_answers": same, "answers": all, "farthest_box": farthest,
        });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    writeln!(
        out,
        "OWL-ViT-B/32 and BLIP-VQA-base of random weights, {} threads; sdvp, transformers {} (torch {})",
        arguments.threads, theirs.transformers, theirs.torch
    )?;
    writeln!(
        out,
        "loading        {:8.2} s   {:8.2} s   (middle of {}; target: less), and a first time {:.2} and {:.2} s",
        load_s[0], load_s[1], arguments.loads, first_load_s[0], first_load_s[1]
    )?;
    writeln!(
        out,
        "memory at most {:8.0} MiB {:8.0} MiB (target: less)",
        ours.peak_mib, theirs.peak_mib
    )?;
    for row in &rows {
        writeln!(
            out,
            "{}: {:.2} and {:.2} calls of either kind a second, ratio {:.2} (target: {} or more)",
            row["what"].as_str().unwrap_or_default(),
            row["sdvp_per_s"].as_f64().unwrap_or(0.0),
            row["transformers_per_s"].as_f64().unwrap_or(0.0),
            row["ratio"].as_f64().unwrap_or(0.0),
            row["target"],
        )?;
    }
    writeln!(
        out,
        "sdvp run and a Python script, {} photographs, from start to end: {:.3} and {:.3} photographs a \
         second, ratio {:.2}; memory at most {:.0} and {:.0} MiB",
        calls[0].len(),
        images_per_s[0],
        images_per_s[1],
        images_per_s[0] / images_per_s[1],
        whole_mib[0],
        whole_mib[1],
    )?;
    writeln!(
        out,
        "the same answer to {same} of {all} questions; scores and boxes differ by at most {farthest:.5}"
    )?;
    tell_others(&mut out, found.others)
}
