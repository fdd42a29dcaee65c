//! A user's own tables: with separators, of JSON lines, and Parquet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdvp_data::table::{Columns, each_row};
use sdvp_fuzz::with_file;
use std::ops::ControlFlow::Continue;
use std::sync::Once;

/// Panics of the library that reads Parquet are caught by its caller; they are no finding. libFuzzer's
/// own hook would end the process before they are.
fn let_panics_be_caught() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ending = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let theirs = panic
                .location()
                .is_some_and(|place| !place.file().contains("sdvp"));
            if !theirs {
                ending(panic);
            }
        }));
    });
}

fuzz_target!(|bytes: &[u8]| {
    let_panics_be_caught();
    let names = match bytes.starts_with(b"PAR1") {
        true => &["a.parquet"][..],
        false => &["a.csv", "a.tsv", "a.jsonl"],
    };
    for name in names {
        with_file(name, bytes, |path| {
            let _ = each_row(path, &Columns::default(), |row| {
                if let Ok(row) = row {
                    assert!((1..=3).contains(&row.images.len()));
                }
                Continue(())
            });
        });
    }
});
