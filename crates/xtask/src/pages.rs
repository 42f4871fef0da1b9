//! The built pages, which the Rust programs embed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::project::{PAGES, root};

/// A built file as it was.
struct Built {
    path: PathBuf,
    content: Vec<u8>,
    time: SystemTime,
}

/// Does something that builds the pages. A file that becomes what it was keeps its time: else whatever embeds it would be
/// compiled again.
pub fn keeping_times(build: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut before = Vec::new();
    for folder in PAGES {
        let built = root().join(folder).join("dist");
        if built.is_dir() {
            look_at(&built, &mut before)
                .with_context(|| format!("cannot read {}", built.display()))?;
        }
    }
    build()?;
    for Built {
        path,
        content,
        time,
    } in before
    {
        if fs::read(&path).is_ok_and(|now| now == content) {
            File::options()
                .append(true)
                .open(&path)?
                .set_modified(time)?;
        }
    }
    Ok(())
}

fn look_at(folder: &Path, files: &mut Vec<Built>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            look_at(&path, files)?;
        } else {
            files.push(Built {
                content: fs::read(&path)?,
                time: entry.metadata()?.modified()?,
                path,
            });
        }
    }
    Ok(())
}
