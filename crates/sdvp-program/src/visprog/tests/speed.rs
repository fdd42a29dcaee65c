use super::*;
use std::time::{Duration, Instant};

const PROGRAM: &str = "BOX0=LOC(image=IMAGE,object='mat')\nIMAGE0=CROP_ABOVE(image=IMAGE,box=BOX0)\n\
    BOX1=LOC(image=IMAGE0,object='cat')\nANSWER0=COUNT(box=BOX1)\n\
    ANSWER1=EVAL(expr=\"'yes' if {ANSWER0} > 0 else 'no'\")\nFINAL_RESULT=RESULT(var=ANSWER1)";

fn mean(times: u32, mut work: impl FnMut()) -> Duration {
    let begin = Instant::now();
    for _ in 0..times {
        work();
    }
    begin.elapsed() / times
}

/// Prints what parsing and running cost; fails only if far slower than any module would be.
#[test]
fn parsing_and_running_cost_little() {
    let program = parse(PROGRAM);
    let inputs = [("IMAGE", image(100, 80))];
    let found = boxes(&[([20.0, 30.0, 40.0, 50.0], 0.9)]);
    let parsing = mean(200, || drop(parse(PROGRAM)));
    let running = mean(200, || {
        let (value, _) = run(&program, &inputs, |_| Ok(found.clone()));
        assert!(matches!(value, Ok(Value::Text(text)) if text == "yes"));
    });
    println!("a GQA program of 6 steps: parse {parsing:?}, run {running:?}");
    assert!(
        parsing + running < Duration::from_millis(50),
        "{parsing:?} + {running:?}"
    );
}

/// Hostile sizes within the limits stay linear.
#[test]
fn long_lines_and_programs_are_read_in_time() {
    let begin = Instant::now();
    let quotes = format!("A=LOC(image=IMAGE,object='{}')", "' , a ".repeat(1_600));
    let names: String = (0..1_999)
        .map(|i| format!("A{i}=COUNT(box=B{i})\n"))
        .collect();
    let deep = format!("A=EVAL(expr='{}')", "(".repeat(9_000));
    let wide: String = (0..1_999)
        .map(|i| format!("A{i}=VQA(image=IMAGE,question='{}')\n", "x".repeat(2_000)))
        .collect();
    for source in [quotes, names, deep, wide] {
        assert!(!check(&source, &VisProgSettings::default()).is_empty());
    }
    let time = begin.elapsed();
    println!("hostile sizes: {time:?}");
    assert!(time < Duration::from_secs(5), "{time:?}");
}
