use super::*;

static SIDE: Limit = Limit::new("a-side", Unit::Of("pixels"), 100, "a side");
static FILE: Limit = Limit::new("a-file", Unit::Bytes, 64 << 20, "a file").at_most(1 << 30);

#[test]
fn values_are_written_as_they_are_read() {
    for (unit, text, value) in [
        (Unit::Bytes, "64MiB", 64 << 20),
        (Unit::Bytes, " 64 mib ", 64 << 20),
        (Unit::Bytes, "1.5GiB", 3 << 29),
        (Unit::Bytes, "2GB", 2_000_000_000),
        (Unit::Bytes, "1_000", 1000),
        (Unit::Bytes, "7B", 7),
        (Unit::Milliseconds, "2s", 2000),
        (Unit::Milliseconds, "20ms", 20),
        (Unit::Of("frames"), "20k", 20_000),
        (Unit::Of("frames"), "1.5M", 1_500_000),
        (Unit::Of("frames"), "12", 12),
    ] {
        assert_eq!(unit.read(text), Some(value), "{text}");
        assert_eq!(unit.read(&unit.written(value)), Some(value), "{text}");
    }
    for (unit, text) in [
        (Unit::Bytes, ""),
        (Unit::Bytes, "MiB"),
        (Unit::Bytes, "-1"),
        (Unit::Bytes, "1.0001KiB"),
        (Unit::Bytes, "64Mi"),
        (Unit::Bytes, "99999999999999TiB"),
        (Unit::Bytes, "1.2.3KiB"),
        (Unit::Of("frames"), "1MiB"),
        (Unit::Of("frames"), "1.5"),
        (Unit::Milliseconds, "1h"),
    ] {
        assert_eq!(unit.read(text), None, "{text}");
    }
    assert_eq!(Unit::Bytes.shown(16 << 20), "16777216 bytes (16 MiB)");
    assert_eq!(Unit::Bytes.shown(17), "17 bytes");
    assert_eq!(Unit::Of("frames").shown(4_000), "4000 frames");
}

#[test]
fn what_goes_beyond_is_refused_with_the_name_and_how_to_raise_it() {
    static OWN: Limit = Limit::new("own", Unit::Of("pixels"), 100, "a side");
    assert_eq!(OWN.admit(100), Ok(()));
    let message = OWN.admit(101).unwrap_err().to_string();
    assert_eq!(
        message,
        "found 101 pixels, the limit own is 100 pixels (--allow own=101 raises it)"
    );
    let more = FILE.exceeded(64 << 20, Found::More).to_string();
    assert_eq!(
        more,
        "found more than 67108864 bytes, the limit a-file is 67108864 bytes (64 MiB) (--allow a-file=… raises it)"
    );
    let never = FILE.admit_within(5, 2 << 30).unwrap_err().to_string();
    assert!(
        never.contains("cannot be more than 1073741824 bytes"),
        "{never}"
    );
}

#[test]
fn a_limit_is_set_once_and_before_it_is_asked_for() {
    static EARLY: Limit = Limit::new("early", Unit::Bytes, 9, "");
    static LATE: Limit = Limit::new("late", Unit::Bytes, 9, "");
    EARLY.set(12).unwrap();
    assert_eq!(EARLY.set(12), Ok(()));
    assert!(matches!(EARLY.set(13), Err(LimitError::Settled { .. })));
    assert_eq!((EARLY.value(), LATE.value()), (12, 9));
    let error = LATE.set(10).unwrap_err().to_string();
    assert!(
        error.contains("late") && error.contains("9 bytes"),
        "{error}"
    );
    assert!(matches!(FILE.set(0), Err(LimitError::Range { .. })));
    assert!(matches!(
        FILE.set((1 << 30) + 1),
        Err(LimitError::Range { .. })
    ));
}

#[test]
fn settings_name_a_limit_and_a_value() {
    let all: [&'static Limit; 2] = [&SIDE, &FILE];
    let setting = LimitSetting::read("a-file=32MiB", &all).unwrap();
    assert_eq!((setting.limit.name(), setting.value), ("a-file", 32 << 20));
    let unknown = LimitSetting::read("b=1", &all).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "there is no limit \"b\"; expected one of a-side, a-file"
    );
    let form = LimitSetting::read("a-file", &all).unwrap_err().to_string();
    assert!(form.contains("NAME=VALUE"), "{form}");
    let value = LimitSetting::read("a-file=much", &all)
        .unwrap_err()
        .to_string();
    assert!(
        value.contains("64MiB") && value.contains("\"much\""),
        "{value}"
    );
}
