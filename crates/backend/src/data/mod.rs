//! The data on this computer, as what a person may want of it: to know what is kept, to forget somebody, to remove it, to
//! have it back after its key was lost.
//!
//! - `commands` is what a person asks for, locking among it.
//! - `forget` takes one person out of everything (`whom` says what is about them) and writes a receipt.
//! - `wipe` removes the cache, the logs and on request the store.
//! - `recovery` is the recovery file, `lost` what is done with it.

mod commands;
mod forget;
mod logs;
mod lost;
mod recovery;
mod whom;
mod wipe;

use std::path::PathBuf;
use std::sync::Arc;

use store::{Cache, Store};

use crate::clock::{Clock, SystemClock};
use crate::files::{Files, OpenedStore};
use crate::problem::Problem;
use crate::view::{AsideFile, CopiesView, LocalDataView};

pub use crate::generation::organization;
pub(crate) use commands::Lock;
pub use recovery::SHORTEST_PASSPHRASE;
pub use whom::Whom;

/// The data on this computer. Clones share them.
#[derive(Clone, Debug)]
pub struct LocalData {
    pub(crate) files: Files,
    pub(crate) cache: Cache,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whose activity a line about an erasure belongs to.
    pub(crate) organization: String,
    /// Of telephone numbers without a country code.
    pub(crate) country: Option<String>,
}

impl LocalData {
    /// Opens cache and store for a command that needs nothing else. [`crate::files::close_all`] closes them.
    ///
    /// # Errors
    /// Why the store cannot be opened.
    pub async fn open(
        files: Files,
        organization: String,
        country: Option<String>,
    ) -> Result<LocalData, Problem> {
        let OpenedStore { store, refused, .. } = files.store().await?;
        if let Some(problem) = refused {
            return Err(problem);
        }
        let (cache, _) = files.cache().await?;
        Ok(LocalData {
            files,
            cache,
            store,
            clock: Arc::new(SystemClock),
            organization,
            country,
        })
    }

    /// What is kept.
    ///
    /// # Errors
    /// The files'.
    pub async fn inventory(&self) -> Result<LocalDataView, Problem> {
        let kept = stored(self.store.kept().await)?;
        let copies = stored(self.cache.inventory().await)?;
        let folder = self.folder();
        let in_files = self
            .elsewhere(|folder| {
                let mut logs = 0;
                for path in logs::files(&folder.join(LOGS))? {
                    logs += std::fs::metadata(path)?.len();
                }
                let mut aside = Vec::new();
                for path in aside_files(folder)? {
                    aside.push(AsideFile {
                        name: name(&path),
                        bytes: std::fs::metadata(&path)?.len(),
                    });
                }
                Ok((logs, aside))
            })
            .await?;
        let (log_bytes, aside) = in_files.unwrap_or_default();
        let time = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
        Ok(LocalDataView {
            folder: folder.map(|folder| folder.display().to_string()),
            copies: copies
                .into_iter()
                .filter(|copies| copies.organization == self.organization)
                .map(|copies| CopiesView {
                    table: copies.entity,
                    copies: copies.copies,
                    oldest_at: time(copies.oldest),
                })
                .collect(),
            entries: kept.entries,
            unsent: kept.unsent,
            oldest_entry_at: time(kept.oldest_entry),
            lines: kept.lines,
            oldest_line_at: time(kept.oldest_line),
            consoles: kept.consoles,
            log_bytes,
            aside,
            recovery: self.recovery_view().await,
        })
    }

    /// The folder of the files; none where they are in memory.
    fn folder(&self) -> Option<PathBuf> {
        match &self.files {
            Files::Folder { folder, .. } => Some(folder.clone()),
            Files::Memory | Files::Refused(_) => None,
        }
    }

    /// Does something with the folder that may take its time; none without a folder.
    async fn elsewhere<T: Send + 'static>(
        &self,
        work: impl FnOnce(&std::path::Path) -> std::io::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Problem> {
        let Some(folder) = self.folder() else {
            return Ok(None);
        };
        tokio::task::spawn_blocking(move || work(&folder))
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map(Some)
            .map_err(|error| {
                tracing::error!(%error, "a file in the data folder cannot be read or written");
                Problem::from_store(&store::Error::Folder(error))
            })
    }
}

const LOGS: &str = "logs";

/// What was set aside of the cache and the store: damaged files, those whose key is lost, copies from before an update.
fn aside_files(folder: &std::path::Path) -> std::io::Result<Vec<PathBuf>> {
    let store = folder.join(crate::files::STORE);
    let mut files = Vec::new();
    for word in ["before", "damaged", "lost"] {
        files.extend(store::aside(&store, word)?);
    }
    files.extend(Some(damaged_cache(folder)).filter(|path| path.exists()));
    Ok(files)
}

fn damaged_cache(folder: &std::path::Path) -> PathBuf {
    folder.join(format!("{}.damaged", crate::files::CACHE))
}

fn name(path: &std::path::Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Removes a database and what belongs to it.
fn remove_database(path: &std::path::Path) -> std::io::Result<()> {
    for ending in ["-shm", "-wal", ""] {
        let mut part = path.as_os_str().to_owned();
        part.push(ending);
        match std::fs::remove_file(PathBuf::from(part)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn stored<T>(answer: Result<T, store::Error>) -> Result<T, Problem> {
    answer.map_err(|error| {
        tracing::error!(error.code = error.code(), %error, "the companion's own files cannot be read or written");
        Problem::from_store(&error)
    })
}
