//! The settings file without a running back end, for the command line. The same rules hold: who may change it, what is locked,
//! all or nothing.

use integration::{Columns, checker};
use store::NewSettingsVersion;

use super::{Saved, document, refusal, save};
use crate::installation::Installation;
use crate::keyring;
use crate::problem::Problem;
use crate::secrets::Kept;
use crate::settings::{self, ConnectionSettings, Settings};
use crate::view::{Change, Remark};

/// The settings file of an installation.
#[derive(Clone, Debug)]
pub struct SettingsFile(Installation);

impl SettingsFile {
    /// That of this installation.
    #[must_use]
    pub fn of(installation: Installation) -> SettingsFile {
        SettingsFile(installation)
    }

    fn read(&self) -> Result<Saved, Problem> {
        let saved = Saved::read(&self.0);
        match saved.problem.clone() {
            Some(problem) => Err(problem),
            None => Ok(saved),
        }
    }

    /// What is saved, if this user may change it. A document that cannot be read may be replaced.
    fn permitted(&self) -> Result<Saved, Problem> {
        let saved = Saved::read(&self.0);
        match &saved.managed {
            Some(managed) if !managed.lets(&self.0.user) => Err(refusal()),
            Some(_) | None => Ok(saved),
        }
    }

    /// What will hardly do what is meant, as far as that is known without asking Dynamics; with the line of each.
    ///
    /// # Errors
    /// What is wrong with the document.
    pub fn warnings(&self) -> Result<Vec<Remark>, Problem> {
        let saved = self.read()?;
        let Settings {
            identification,
            fields,
            recording,
            ..
        } = &saved.settings;
        let warnings = checker::check(identification, fields, recording, &Columns::default());
        let remarks = warnings.into_iter().map(|warning| {
            let line = settings::line_of_key(&saved.text, &warning.key);
            Remark {
                line: line.and_then(|line| u32::try_from(line).ok()),
                problem: Problem::new(warning.code, warning.message, warning.next_step),
                key: warning.key,
                other: warning.other,
            }
        });
        Ok(remarks.collect())
    }

    /// The document as it is saved, with its comments; the defaults where there is none.
    ///
    /// # Errors
    /// What is wrong with the document.
    pub fn export(&self) -> Result<String, Problem> {
        let saved = self.read()?;
        if saved.text.trim().is_empty() {
            saved.settings.to_toml()
        } else {
            Ok(saved.text)
        }
    }

    /// Puts a document in the place of the saved one, as it is written. A companion that runs works with it from its next
    /// start. The answer is what it changes.
    ///
    /// # Errors
    /// `manage_integration_required`, what is wrong with the document, `settings_locked`, `settings_not_written`.
    pub async fn import(&self, text: &str) -> Result<Vec<Change>, Problem> {
        let saved = self.permitted()?;
        let read = document::read(text, &saved);
        if let Some(problem) = read.problems.into_iter().next() {
            return Err(problem.problem);
        }
        save::write(&self.0, text)?;
        self.note(&saved, text, "imported", read.changes.len())
            .await;
        Ok(read.changes)
    }

    /// Disconnects from Dynamics: forgets the secrets and what was read, and practises from now on. Rules, mappings and
    /// recording stay.
    ///
    /// # Errors
    /// `manage_integration_required`, what is wrong with the document, `settings_locked`, `settings_not_written`, the
    /// keyring's.
    pub async fn disconnect(&self) -> Result<(), Problem> {
        let saved = self.permitted()?;
        if let Some(problem) = saved.problem.clone() {
            return Err(problem);
        }
        if saved
            .managed
            .as_ref()
            .is_some_and(|managed| managed.locks("connection"))
        {
            return Err(super::judge::locked());
        }
        let former = saved.settings.connection.clone();
        let mut settings = saved.settings.clone();
        settings.connection = ConnectionSettings::default();
        let text = document::text(&saved, &settings)?;
        save::write(&self.0, &text)?;
        let changes = document::changes(&saved.settings, &settings).len();
        self.note(&saved, &text, "disconnected", changes).await;
        for kept in [Kept::ClientSecret, Kept::Password, Kept::RefreshToken] {
            let Ok(entry) = kept.entry(&former) else {
                continue;
            };
            match self.0.keyring.remove(&entry).await {
                Err(problem) if problem.code == keyring::UNAVAILABLE => {}
                done => {
                    done?;
                }
            }
        }
        let (cache, _) = self.0.files().await?.cache().await?;
        crate::controller::wipe(&cache).await;
        cache.close().await;
        Ok(())
    }

    /// Notes what was saved in the history. What is saved is saved: that it could not be noted is logged.
    async fn note(&self, before: &Saved, text: &str, reason: &str, changes: usize) {
        let noted = async {
            let opened = self.0.files().await?.store().await?;
            let version = NewSettingsVersion {
                saved_at: jiff::Timestamp::now(),
                saved_by: self.0.user.clone(),
                reason: reason.to_owned(),
                changes: u32::try_from(changes).unwrap_or(u32::MAX),
                text: text.to_owned(),
            };
            let noted = super::history::note(&opened.store, &before.text, &version).await;
            opened.store.close().await;
            noted.map_err(|error| Problem::from_store(&error))
        };
        if let Err(problem) = noted.await {
            tracing::warn!(
                error.code = problem.code,
                "the settings' history cannot be written"
            );
        }
    }
}
