//! The TypeScript types of the page's view model, generated from the Rust types of `backend` by its own tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::process::run_logged;
use crate::project::{cargo_workspace, root, scratch};
use crate::setup::{self, For};
use crate::steps::fresh_folder;

/// Where the pages import them from; committed.
const COMMITTED: &str = "ui/src/backend/bindings";

/// Replaces the committed types by the ones of the Rust types.
pub fn write() -> Result<()> {
    setup::setup(For::Tests)?;
    fs::create_dir_all(scratch().join("logs"))?;
    let generated = generate(&scratch().join("logs").join("bindings.log"))?;
    let folder = root().join(COMMITTED);
    for name in read(&folder)?
        .keys()
        .filter(|name| !generated.contains_key(*name))
    {
        fs::remove_file(folder.join(name))?;
    }
    for (name, text) in &generated {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, text)?;
    }
    println!("\n{} types in {COMMITTED}", generated.len());
    Ok(())
}

/// Fails if the committed types are not the ones of the Rust types.
pub fn check(log: &Path) -> Result<()> {
    let generated = generate(log)?;
    let committed = read(&root().join(COMMITTED))?;
    let names: BTreeSet<_> = generated.keys().chain(committed.keys()).collect();
    let different: Vec<String> = names
        .into_iter()
        .filter(|name| generated.get(*name) != committed.get(*name))
        .map(|name| name.display().to_string())
        .collect();
    if !different.is_empty() {
        bail!(
            "{COMMITTED} is out of date ({}): run `cargo xtask bindings`",
            different.join(", ")
        );
    }
    Ok(())
}

fn generate(log: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let folder = fresh_folder("bindings")?;
    let tests = "package(backend) & test(/export_bindings_/)";
    run_logged(
        &mut cargo_workspace(&["nextest", "run", "--filterset", tests]),
        log,
    )?;
    let generated = read(&folder)?;
    ensure!(!generated.is_empty(), "the tests of backend wrote no types");
    Ok(generated)
}

/// The files under a folder by their paths in it; none if there is no such folder.
fn read(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        let Ok(entries) = inner.read_dir() else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                files.insert(path.strip_prefix(folder)?.to_owned(), text);
            }
        }
    }
    Ok(files)
}
