//! The versions of the document that were saved here.

use store::{NewSettingsVersion, Store};

use super::{Management, Saved};
use crate::problem::Problem;
use crate::view::SavedVersion;

/// How many versions are listed.
const LISTED: u32 = 200;

impl Management {
    /// Notes what was saved; the first time also what was there before. What is saved is saved: that it could not be noted
    /// is logged.
    pub(super) async fn note_version(
        &self,
        before: &Saved,
        text: &str,
        reason: &str,
        changes: usize,
    ) {
        let version = NewSettingsVersion {
            saved_at: self.0.core.clock.now(),
            saved_by: self.user(),
            reason: reason.to_owned(),
            changes: u32::try_from(changes).unwrap_or(u32::MAX),
            text: text.to_owned(),
        };
        if let Err(error) = note(&self.store().await, &before.text, &version).await {
            tracing::warn!(error.code = error.code(), %error, "the settings' history cannot be written");
        }
    }

    pub(super) async fn versions(&self, saved: &Saved) -> Result<Vec<SavedVersion>, Problem> {
        let store = self.store().await;
        let failed = |error: store::Error| Problem::from_store(&error);
        let versions = store.settings_versions(LISTED).await.map_err(failed)?;
        let mut listed = Vec::new();
        let mut found = false;
        for version in versions {
            let text = store
                .settings_version(version.number)
                .await
                .map_err(failed)?;
            let current = !found && text.as_deref() == Some(saved.text.as_str());
            found |= current;
            listed.push(SavedVersion {
                id: version.number,
                saved_at: version.saved_at.to_string(),
                saved_by: version.saved_by,
                reason: version.reason,
                changes: version.changes,
                current,
            });
        }
        Ok(listed)
    }

    pub(super) async fn version_text(&self, id: i64) -> Result<String, Problem> {
        let found = self.store().await.settings_version(id).await;
        found
            .map_err(|error| Problem::from_store(&error))?
            .ok_or_else(|| {
                Problem::new(
                    "version_unknown",
                    "This version of the settings is not kept any more.",
                    "Choose another one.",
                )
            })
    }

    async fn store(&self) -> Store {
        self.0.running.read().await.store.clone()
    }

    /// Who sits here.
    fn user(&self) -> String {
        let installation = self.0.installation.as_ref();
        installation.map_or_else(String::new, |installation| installation.user.clone())
    }
}

/// Notes a version; before it what was there, if that came about elsewhere.
pub(super) async fn note(
    store: &Store,
    before: &str,
    version: &NewSettingsVersion,
) -> Result<(), store::Error> {
    let known = match store.settings_versions(1).await?.first() {
        Some(last) => store.settings_version(last.number).await?,
        None => Some(String::new()),
    };
    if known.as_deref() != Some(before) {
        let found = NewSettingsVersion {
            saved_by: String::new(),
            reason: "found".to_owned(),
            changes: 0,
            text: before.to_owned(),
            ..version.clone()
        };
        store.add_settings_version(&found).await?;
    }
    store.add_settings_version(version).await
}
