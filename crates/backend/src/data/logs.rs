//! The log files of the window. The newest may be open: it is changed where it lies, since whoever writes to it goes on at
//! its end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::whom::Whom;

/// How often a file is read again that grows while it is read.
const TRIES: u32 = 5;

/// The log files, the newest last.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("companion.") && name.ends_with(".log") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// How many lines name somebody.
pub(super) fn lines_about(folder: &Path, whom: &Whom) -> io::Result<u64> {
    let mut count = 0;
    for path in files(folder)? {
        let text = std::fs::read(&path)?;
        count += text
            .split(|byte| *byte == b'\n')
            .filter(|line| names(line, whom))
            .count();
    }
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Takes out the lines that name somebody; says how many.
pub(super) fn erase_lines(folder: &Path, whom: &Whom) -> io::Result<u64> {
    let mut count = 0;
    for path in files(folder)? {
        count += erase_in(&path, whom)?;
    }
    Ok(count)
}

/// Empties the newest file, and removes the others; says how many there were.
pub(super) fn wipe(folder: &Path) -> io::Result<u64> {
    let files = files(folder)?;
    let Some((newest, others)) = files.split_last() else {
        return Ok(0);
    };
    for other in others {
        std::fs::remove_file(other)?;
    }
    OpenOptions::new().write(true).truncate(true).open(newest)?;
    Ok(u64::try_from(files.len()).unwrap_or(u64::MAX))
}

fn erase_in(path: &Path, whom: &Whom) -> io::Result<u64> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut text = read(&mut file)?;
    let mut count = 0;
    let mut left = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if names(line, whom) {
            count += 1;
        } else {
            left.extend_from_slice(line);
        }
    }
    if count == 0 {
        return Ok(0);
    }
    // What is written while this goes on stands behind what was read.
    for _ in 0..TRIES {
        let now = read(&mut file)?;
        let Some(new) = now.get(text.len()..).filter(|new| !new.is_empty()) else {
            break;
        };
        left.extend_from_slice(new);
        text = now;
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&left)?;
    file.set_len(u64::try_from(left.len()).unwrap_or(u64::MAX))?;
    file.sync_all()?;
    Ok(count)
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut text)?;
    Ok(text)
}

fn names(line: &[u8], whom: &Whom) -> bool {
    whom.is_named_in(&String::from_utf8_lossy(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_out_of_files_that_somebody_writes_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("companion.2026-01-01.log");
        let mut writer = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap();
        writer
            .write_all(b"one\nasked about Dana@example.com\nthree\n")
            .unwrap();
        std::fs::write(folder.path().join("other.txt"), "dana@example.com").unwrap();
        let whom = Whom::of(Some("dana@example.com"), None, None).unwrap();
        assert_eq!(lines_about(folder.path(), &whom).unwrap(), 1);
        assert_eq!(erase_lines(folder.path(), &whom).unwrap(), 1);
        writer.write_all(b"four\n").unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "one\nthree\nfour\n"
        );
        assert_eq!(lines_about(folder.path(), &whom).unwrap(), 0);

        std::fs::write(folder.path().join("companion.2025-12-31.log"), "old").unwrap();
        assert_eq!(wipe(folder.path()).unwrap(), 2);
        writer.write_all(b"five\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "five\n");
        assert_eq!(files(folder.path()).unwrap(), [path]);
        assert!(files(&folder.path().join("none")).unwrap().is_empty());
    }
}
