//! What the pages hold.

use super::*;

/// Every tag is closed in the order in which it was opened.
fn assert_well_formed(page: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap();
        let name = inside.split([' ', '\n', '/']).next().unwrap();
        if let Some(closed) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "at <{inside}>");
        } else if !inside.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn page() -> String {
    report_html(&fabricated::report(), &[fabricated::example()])
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_from_elsewhere() {
    let page = page();
    assert_well_formed(&page);
    let links = [
        "http:", "https:", "src=\"/", "url(", "<script", "<link", "@import",
    ];
    let without_namespace = page.replace("http://www.w3.org/2000/svg", "");
    for link in links {
        assert!(!without_namespace.contains(link), "{link}");
    }
    assert!(page.matches("<svg").count() > 10);
    assert!(!page.contains("#0102"), "a colour of the drawing was left");
}

#[test]
fn every_picture_is_described_and_every_table_has_heads() {
    let page = page();
    for svg in page.split("<svg").skip(1) {
        let tag = svg.split('>').next().unwrap();
        assert!(
            tag.contains("aria-label=\"") || tag.contains("aria-hidden"),
            "{tag}"
        );
    }
    for table in page.split("<table").skip(1) {
        assert!(table.contains("<th scope=\"col\">") && table.contains("<th scope=\"row\">"));
    }
}

#[test]
fn what_users_give_is_escaped() {
    let evil = "<script>alert('&')</script>\"";
    let mut report = fabricated::report();
    report.framework = evil.to_owned();
    report.targets[0].task = evil.to_owned();
    report.targets[0].by_type[0].name = evil.to_owned();
    report.unseen[0].task = evil.to_owned();
    report.across[0].framework = evil.to_owned();
    report.experts[0].tasks[0] = evil.to_owned();
    report.look_alikes[0].target = evil.to_owned();
    report.stages[0].task = evil.to_owned();
    report.settings = serde_json::json!({ "note": evil });
    let mut example = fabricated::example();
    example.question = evil.to_owned();
    example.gold = evil.to_owned();
    example.images[0].0 = evil.to_owned();
    example.after.answer = Err(evil.to_owned());
    for step in &mut example.before.steps {
        step.source = evil.to_owned();
        step.variable = evil.to_owned();
        step.text = evil.to_owned();
        step.note = evil.to_owned();
    }
    let page = report_html(&report, std::slice::from_ref(&example));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert_well_formed(&page);
    let page = trace_html(evil, &example.images, &example.before);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert_well_formed(&page);
}

#[test]
fn the_difference_is_marked_and_both_sides_are_shown() {
    let page = page();
    assert_eq!(page.matches("first difference").count(), 1);
    assert!(page.contains("✗ wrong") && page.contains("✓ right"));
    let [before, after] = ["red", "blue"].map(|said| format!("<div class=\"said\">{said}</div>"));
    assert!(page.contains(&before) && page.contains(&after));
    // Picture, six views of steps on both sides, and one image behind them all.
    assert_eq!(page.matches("href=\"#picture-0\"").count(), 7);
    assert_eq!(page.matches("data:image/png").count(), 1);
}

#[test]
fn a_program_that_failed_says_so() {
    let mut example = fabricated::example();
    example.after.answer = Err("line 3: variable X is not defined".to_owned());
    example.after.steps.truncate(2);
    let page = report_html(&Report::default(), &[example]);
    assert!(page.contains("failed: line 3: variable X is not defined"));
    assert_eq!(page.matches("not reached").count(), 3);
    assert_well_formed(&page);
}

#[test]
fn an_empty_report_is_a_page_too() {
    assert_well_formed(&report_html(&Report::default(), &[]));
}

#[test]
fn the_same_report_gives_the_same_page() {
    assert_eq!(page(), page());
}

#[test]
#[ignore = "writes pages with invented numbers into the temporary folder, to look at"]
fn pages_to_look_at() {
    let folder = std::env::temp_dir().join("sdvp-fabricated-report");
    let mut other = fabricated::example();
    other
        .images
        .push(("RIGHT".to_owned(), other.images[0].1.clone()));
    other.after.answer = Err("line 4: variable ANSWER9 is not defined".to_owned());
    other.after.correct = Some(false);
    other.after.steps.truncate(3);
    let examples = [fabricated::example(), other];
    crate::report::write_report(&folder, &fabricated::report(), &examples).unwrap();
    let one = &examples[0];
    let page = trace_html(&one.question, &one.images, &one.before);
    crate::report::write_file(&folder.join("trace.html"), page.as_bytes()).unwrap();
    println!("{}", folder.display());
}
