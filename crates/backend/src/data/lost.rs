//! What is done with the recovery file: it is made while the key is there, and used when the keyring has lost it.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::Key;

use super::{LocalData, name, recovery, stored};
use crate::files::{Files, STORE};
use crate::problem::Problem;
use crate::view::{Recovered, RecoveryView};

/// Beside the store: of which key a recovery file was made, and when. It tells nothing of the key.
const MADE: &str = "recovery.json";

#[derive(Serialize, Deserialize)]
struct Made {
    at: String,
    key: String,
}

impl LocalData {
    /// The text of a recovery file for the store's key.
    ///
    /// # Errors
    /// `recovery_passphrase_short`, `recovery_no_key` where nothing is kept in files.
    pub async fn make_recovery(&self, passphrase: SecretString) -> Result<String, Problem> {
        let key = self.key()?;
        let now = self.clock.now();
        let wrapped = key.clone();
        let text = blocking(move || recovery::wrap(&wrapped, &passphrase, now)).await?;
        let made = Made {
            at: now.to_string(),
            key: recovery::fingerprint(&key),
        };
        let note = serde_json::to_vec(&made).unwrap_or_default();
        self.elsewhere(move |folder| std::fs::write(folder.join(MADE), note))
            .await?;
        Ok(text)
    }

    /// The same as a new file that only this user may read.
    ///
    /// # Errors
    /// As for [`LocalData::make_recovery`]; `recovery_file_exists`, `recovery_file_unwritable`.
    pub async fn make_recovery_file(
        &self,
        file: &Path,
        passphrase: SecretString,
    ) -> Result<(), Problem> {
        if file.exists() {
            return Err(exists());
        }
        let text = self.make_recovery(passphrase).await?;
        let file = file.to_owned();
        blocking(move || write_new(&file, &text)).await
    }

    /// Takes over what stands in the stores that were set aside when their key was lost, with the key of a recovery file.
    ///
    /// # Errors
    /// `recovery_nothing_lost`, `recovery_file_unknown`, `recovery_file_damaged`, `recovery_passphrase_wrong`,
    /// `recovery_other_store`, and the store's.
    pub async fn use_recovery(
        &self,
        text: String,
        passphrase: SecretString,
    ) -> Result<Recovered, Problem> {
        let lost = self
            .elsewhere(|folder| store::aside(&folder.join(STORE), "lost"))
            .await?
            .unwrap_or_default();
        if lost.is_empty() {
            return Err(Problem::new(
                "recovery_nothing_lost",
                "No store was set aside because of a lost key.",
                "There is nothing to recover. Keep the recovery file.",
            ));
        }
        if text.len() > recovery::LONGEST_FILE {
            return Err(recovery::unknown());
        }
        let key = blocking(move || recovery::unwrap(&text, &passphrase)).await?;
        let now = self.clock.now();
        let mut recovered = Recovered::default();
        for file in lost {
            match self.store.take_over(&file, &key, now).await {
                Ok(taken) => {
                    recovered.files.push(name(&file));
                    recovered.entries += taken.entries;
                    recovered.unsent += taken.unsent;
                    recovered.lines += taken.lines;
                    recovered.consoles += taken.consoles;
                    recovered.others += taken.others;
                    recovered.is_whole &= taken.is_whole;
                }
                Err(store::Error::WrongKey) => recovered.left.push(name(&file)),
                Err(error) => return stored(Err(error)),
            }
        }
        if recovered.files.is_empty() {
            return Err(Problem::new(
                "recovery_other_store",
                "The recovery file is in order, but it belongs to another store than those that were set aside.",
                "Use the recovery file that was made on this computer before the key was lost.",
            ));
        }
        tracing::info!(
            entries = recovered.entries,
            lines = recovered.lines,
            consoles = recovered.consoles,
            "a store whose key was lost was taken over"
        );
        Ok(recovered)
    }

    /// How the recovery file stands; none where there is nothing to recover.
    pub(super) async fn recovery_view(&self) -> Option<RecoveryView> {
        let key = self.key().ok()?;
        let found = self
            .elsewhere(|folder| {
                let made = std::fs::read(folder.join(MADE)).ok();
                Ok((made, store::aside(&folder.join(STORE), "lost")?))
            })
            .await;
        let (made, lost) = found.ok()??;
        let made: Option<Made> = made.and_then(|made| serde_json::from_slice(&made).ok());
        Some(RecoveryView {
            made_at: made
                .filter(|made| made.key == recovery::fingerprint(&key))
                .map(|made| made.at),
            lost: lost.iter().map(|path| name(path)).collect(),
        })
    }

    /// Where a recovery file is written if nobody says otherwise: a new one in the person's documents.
    pub(super) fn recovery_file(&self) -> Result<PathBuf, Problem> {
        let folder = crate::folders::documents().ok_or_else(|| {
            Problem::new(
                "no_documents_folder",
                "This user has no folder for documents.",
                "Name the recovery file yourself.",
            )
        })?;
        let day = self.clock.now().strftime("%Y-%m-%d").to_string();
        let named =
            |ending: &str| folder.join(format!("dynamics-companion-recovery-{day}{ending}.json"));
        let first = named("");
        if !first.exists() {
            return Ok(first);
        }
        (2..)
            .map(|number| named(&format!("-{number}")))
            .find(|file| !file.exists())
            .ok_or_else(exists)
    }

    fn key(&self) -> Result<Key, Problem> {
        match &self.files {
            Files::Folder { key, .. } => Ok(key.clone()),
            Files::Memory | Files::Refused(_) => Err(Problem::new(
                "recovery_no_key",
                "Nothing is kept in files here, so there is no key to recover.",
                "A recovery file is for the companion on your own organization.",
            )),
        }
    }
}

/// The derivation of a key takes its time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => {
            tracing::error!(%error, "a recovery file could not be worked on");
            Err(crate::controller::stopping())
        }
    }
}

fn write_new(file: &Path, text: &str) -> Result<(), Problem> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                return exists();
            }
            Problem::new(
                "recovery_file_unwritable",
                format!("The recovery file cannot be written: {}.", error.kind()),
                "Name a file in a folder that you can write to.",
            )
        })
}

fn exists() -> Problem {
    Problem::new(
        "recovery_file_exists",
        "There is a file of this name already.",
        "Name another file. The recovery file never replaces one.",
    )
}
