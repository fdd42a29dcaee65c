//! The cache of outcomes: where it is, how large it may get, and whose outcomes are in it.

use anyhow::{Context, Result};
use sdvp_core::{Digest, Hasher};
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

/// The variable that turns the cache on and says where it is.
pub(crate) const VARIABLE: &str = "SDVP_CACHE";

/// The folder that the environment names for the cache, if it names one.
pub(crate) fn named_folder() -> Option<PathBuf> {
    said(|name| std::env::var_os(name), VARIABLE)
}

/// The cache's folder where nothing names one: `sdvp/outcomes` in the user's folder for caches.
pub(crate) fn usual_folder() -> Result<PathBuf> {
    let found = usual_folder_of(|name| std::env::var_os(name));
    found.context(
        "there is no folder for the cache: neither XDG_CACHE_HOME nor HOME is set; name one, as --cache=DIR or in SDVP_CACHE",
    )
}

fn usual_folder_of(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let caches = said(&variable, "XDG_CACHE_HOME").filter(|folder| folder.is_absolute());
    let caches = caches.or_else(|| Some(said(&variable, "HOME")?.join(".cache")));
    Some(caches?.join("sdvp").join("outcomes"))
}

fn said(variable: impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    let value = variable(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

/// Identity of what computes here: of this very program, whose next version may compute otherwise, and
/// of what its kernels choose by, which may change a sum's last bits.
pub(crate) fn program() -> Result<Digest> {
    // What runs, even if another file has its name by now.
    #[cfg(target_os = "linux")]
    let path = PathBuf::from("/proc/self/exe");
    #[cfg(not(target_os = "linux"))]
    let path = std::env::current_exe().context("cannot find this program")?;
    let read = std::fs::File::open(&path).and_then(Digest::of_reader);
    let program = read.with_context(|| {
        format!(
            "cannot read this program ({}), by which cached outcomes are told apart",
            path.display()
        )
    })?;
    Ok(Hasher::new("computed by")
        .part(program.as_bytes())
        .part(std::env::consts::ARCH.as_bytes())
        .part(&features())
        .finish())
}

/// The processor's extensions that kernels are chosen by, a byte each.
fn features() -> Vec<u8> {
    #[cfg(target_arch = "x86_64")]
    let found = [
        std::arch::is_x86_feature_detected!("avx"),
        std::arch::is_x86_feature_detected!("avx2"),
        std::arch::is_x86_feature_detected!("fma"),
        std::arch::is_x86_feature_detected!("f16c"),
        std::arch::is_x86_feature_detected!("avx512f"),
        std::arch::is_x86_feature_detected!("avx512bw"),
        std::arch::is_x86_feature_detected!("avx512dq"),
        std::arch::is_x86_feature_detected!("avx512vl"),
        std::arch::is_x86_feature_detected!("avx512vnni"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let found: [bool; 0] = [];
    found.into_iter().map(u8::from).collect()
}

/// A size in bytes, as people write it: gibibytes without a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

/// Units, with those that end alike before those they end in.
const UNITS: [(&str, f64); 10] = [
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("b", 1.0),
    ("", 1_073_741_824.0),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected a size such as 2 (GiB), 500MiB, 4GB or 1048576B, found {text:?}");
        let lower = text.trim().to_ascii_lowercase();
        let mut units = UNITS.into_iter();
        let with_unit = units.find_map(|(unit, bytes)| Some((lower.strip_suffix(unit)?, bytes)));
        let (number, bytes) = with_unit.ok_or_else(wrong)?;
        let number: f64 = number.trim_end().parse().map_err(|_| wrong())?;
        let size = number * bytes;
        // What fits into SQLite's numbers, too.
        if size.is_finite() && (1.0..9e18).contains(&size) {
            Ok(Self(size as u64))
        } else {
            Err(wrong())
        }
    }
}

/// A size as people read it.
pub(crate) fn readable(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = "bytes";
    for larger in units {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, larger);
    }
    match unit {
        "bytes" => format!("{bytes} bytes"),
        unit => format!("{size:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        let size = |text: &str| text.parse::<ByteSize>().map(|size| size.0);
        assert_eq!(size("2"), Ok(2 << 30));
        assert_eq!(size("0.5"), Ok(1 << 29));
        assert_eq!(size("500MiB"), Ok(500 << 20));
        assert_eq!(size("3 KiB"), Ok(3 << 10));
        assert_eq!(size("4GB"), Ok(4_000_000_000));
        assert_eq!(size("7b"), Ok(7));
        for wrong in [
            "",
            "GiB",
            "-1",
            "nan",
            "inf",
            "2 GiB more",
            "0",
            "1e300",
            "3 PiB",
        ] {
            let error = size(wrong).unwrap_err();
            assert!(error.contains("500MiB") && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn sizes_are_told_as_people_read_them() {
        assert_eq!(readable(1023), "1023 bytes");
        assert_eq!(readable(1536), "1.5 KiB");
        assert_eq!(readable(2 << 30), "2.0 GiB");
    }

    #[test]
    fn the_folder_is_in_the_users_cache() {
        let with = |set: &'static [(&str, &str)]| {
            usual_folder_of(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        let folder = |path: &str| Some(Path::new(path).to_owned());
        assert_eq!(
            with(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]),
            folder("/c/sdvp/outcomes")
        );
        assert_eq!(
            with(&[("XDG_CACHE_HOME", ""), ("HOME", "/h")]),
            folder("/h/.cache/sdvp/outcomes")
        );
        assert_eq!(with(&[]), None);
    }

    #[test]
    fn the_program_is_the_same_as_long_as_it_is() {
        assert_eq!(program().unwrap(), program().unwrap());
    }
}
