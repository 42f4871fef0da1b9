//! The fuzz targets of `fuzz/`: built with coverage counters by the ordinary compiler, run for a bounded time.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{output, run_logged};
use crate::project::{root, scratch, target};

/// How long each target runs.
const SECONDS: u32 = 6;

/// Counters, comparisons and their table, which libFuzzer reads: what `cargo fuzz` asks for, without a sanitizer, which only
/// nightly compilers have. The targets have no unsafe code of ours.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// `cargo COMMAND` for the workspace of the targets.
pub fn cargo(command: &str) -> Command {
    let manifest = root().join("fuzz/Cargo.toml");
    let mut cargo = crate::project::cargo(&[command, "--manifest-path"]);
    cargo.arg(manifest);
    cargo
}

/// Builds all targets and runs each from its stored corpus. An input on which one fails is kept in the scratch folder.
pub fn run(log: &Path) -> Result<()> {
    let host = host()?;
    let folder = target().join("fuzz");
    let mut build = cargo("build");
    build
        .args(["--locked", "--release", "--bins", "--target", &host])
        .arg("--target-dir")
        .arg(&folder)
        // Only with --target do they not reach build scripts.
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    run_logged(&mut build, log)?;

    for name in targets()? {
        let found = scratch().join("fuzz").join(&name);
        fs::create_dir_all(&found)?;
        let failures = scratch().join("fuzz").join(format!("{name}-"));
        let mut fuzz = Command::new(folder.join(&host).join("release").join(&name));
        fuzz.args([
            "-timeout=10",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
            "-verbosity=0",
        ])
        .arg(format!("-max_total_time={SECONDS}"))
        .arg(format!("-artifact_prefix={}", failures.display()))
        // What is found goes to the first folder; the stored ones are only read.
        .arg(&found)
        .arg(root().join("fuzz/corpus").join(&name));
        run_logged(&mut fuzz, log).with_context(|| {
            format!(
                "{name} fails on the input that is stored as {}…; once mended, keep it in fuzz/corpus/{name}",
                failures.display()
            )
        })?;
    }
    Ok(())
}

/// The targets, by their sources.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in root().join("fuzz/src/bin").read_dir()? {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .and_then(|name| name.to_str())
                .map(str::to_owned),
        );
    }
    names.sort();
    Ok(names)
}

fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV")).context("rustc does not answer")?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not name its host")
}
