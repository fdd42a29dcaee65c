//! Files of JSON: questions, scene graphs, choices and attention of GQA, statements of NLVR2 and NLVR,
//! programs, manifests. Every reader sees every file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdvp_data::gqa::{each_attention, each_choices, each_question, each_scene_graph};
use sdvp_data::{Manifest, nlvr, nlvr2, read_programs};
use sdvp_fuzz::with_file;
use std::ops::ControlFlow::Continue;

fuzz_target!(|bytes: &[u8]| {
    with_file("a.json", bytes, |path| {
        let _ = each_question(path, |_| Continue(()));
        let _ = each_scene_graph(path, |_| Continue(()));
        let _ = each_choices(path, |_| Continue(()));
        let _ = each_attention(path, |_| Continue(()));
        let _ = nlvr2::each_statement(path, |_| Continue(()));
        let _ = nlvr::each_statement(path, |_| Continue(()));
        let _ = read_programs(path);
        let _ = Manifest::read(path);
    });
});
